//! One writer at a time, and signals.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use crate::support::{Cluster, Ran, signal};

#[test]
fn of_two_applies_one_runs_and_the_other_names_it() {
    let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"fast\""));
    let mut first = cluster.spawn(&["apply", "--yes", "--format", "json"]);
    let pid = first.id().to_string();
    let mut lines = BufReader::new(first.stdout.take().expect("piped")).lines();
    // It is under way once a step has begun.
    let began = lines
        .by_ref()
        .find(|line| line.as_ref().is_ok_and(|line| line.contains("step_started")));
    assert!(began.is_some());
    cluster.apply().expect(5).says("apply").says(&pid);
    cluster.run(&["lock", "show"]).expect(0).says(&pid);
    cluster.run(&["lock", "release"]).expect(5).says(&pid);
    let ended = lines.map_while(Result::ok).last().expect("events");
    assert!(
        ended.contains("run_finished") || first.wait().expect("ends").success(),
        "{ended}"
    );
    assert!(first.wait().expect("ends").success());
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_dead_holders_lock_is_taken_over_with_a_word() {
    let cluster = Cluster::sandbox();
    let mut command = cluster.command(&["apply", "--yes"]);
    command.env("SUBAKO_CRASH_AFTER_ENTRY", "5");
    command.output().expect("it runs");
    cluster.run(&["lock", "show"]).expect(0).says("apply");
    cluster.apply().expect(0).says("lock");
}

#[test]
fn a_signal_drains_and_rolls_back() {
    for name in ["INT", "TERM", "HUP"] {
        let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"fast\""));
        let mut child = cluster.spawn(&["apply", "--yes", "--format", "json"]);
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let reached = lines.by_ref().find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.contains("step_done") && line.contains("instance.node-0"))
        });
        assert!(reached.is_some());
        signal(&child, name);
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        let deadline = Instant::now() + Duration::from_secs(60);
        let code = child.wait().expect("ends").code();
        assert!(Instant::now() < deadline);
        assert_eq!(code, Some(3), "SIG{name}: {rest:?}");
        assert!(
            rest.iter().any(|line| line.contains("\"interrupted\"")),
            "{rest:?}"
        );
        assert!(cluster.resources().is_empty());
        assert!(
            cluster.world()["instances"]
                .as_object()
                .expect("instances")
                .is_empty()
        );
    }
}

#[test]
fn a_second_signal_stops_at_once_with_a_whole_journal() {
    let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"real\""));
    let mut child = cluster.spawn(&["apply", "--yes", "--format", "json"]);
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(
        lines
            .by_ref()
            .any(|line| line.is_ok_and(|line| line.contains("step_started") && line.contains("instance.")))
    );
    signal(&child, "INT");
    assert!(
        lines
            .by_ref()
            .any(|line| line.is_ok_and(|line| line.contains("interrupted")))
    );
    signal(&child, "INT");
    let code = child.wait().expect("ends").code();
    assert_eq!(code, Some(4));
    cluster.edit("time = \"real\"", "time = \"instant\"");
    cluster.run(&["plan"]).expect(0).says("unfinished");
    let back: Ran = cluster.run(&["recover", "--back", "--yes"]).expect(0);
    drop(back);
    assert!(
        cluster.world()["instances"]
            .as_object()
            .expect("instances")
            .is_empty()
    );
}
