//! The process killed with SIGKILL, on real hosts.

use std::os::unix::process::ExitStatusExt as _;

use super::bench::Lab;

#[test]
fn the_next_apply_converges_to_one_swarm_wherever_the_first_was_killed() {
    let Some(lab) = Lab::turn("SIGKILL during apply") else {
        return;
    };
    // One lineage of kills: each apply gets further than the one before, and is killed as well.
    for entries in [6, 9, 12, 7, 10] {
        let mut command = lab.command(&["apply", "--yes"]);
        command.env("SUBAKO_CRASH_AFTER_ENTRY", entries.to_string());
        let output = command.output().expect("the binary runs");
        let killed = output.status.signal() == Some(9);
        eprintln!("killed after {entries} further entries: {killed}");
    }
    lab.apply().expect(0);
    lab.run(&["plan", "--detailed-exitcode"]).expect(0);
    let status = lab.status();
    assert_eq!(status["nodes"].as_array().expect("nodes").len(), 5, "{status:#}");
    assert_eq!(status["managers"], serde_json::json!([3, 3]), "{status:#}");
    let live = lab
        .ec2("DescribeInstances")
        .matches("<name>running</name>")
        .count();
    assert_eq!(live, 5, "no instance twice");
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}
