//! Several processes at once on one state: one at a time writes, and every run ends whole.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use crate::support::{Cluster, Ran, signal};

/// Five want another number of replicas each; the first to have begun is stopped in the middle of its run
/// until somebody has seen that it has the lock, and that nobody takes it from a process that only stands
/// still.
#[test]
fn five_processes_on_one_state_change_it_one_after_the_other() {
    let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"fast\""));
    cluster.edit("time = \"fast\"", "time = \"instant\"");
    cluster.apply().expect(0);
    let text = cluster.text();
    let manifest = |number: usize| format!("cluster-{number}.toml");
    for number in 0..5 {
        let wanted = text.replace("replicas = 8", &format!("replicas = {}", 9 + number));
        // The first one takes its time, to be stopped meanwhile.
        let wanted = match number {
            0 => wanted.replace("time = \"instant\"", "time = \"fast\""),
            _ => wanted,
        };
        std::fs::write(cluster.dir.path().join(manifest(number)), wanted).expect("written");
    }
    let apply = |number: usize, more: &[&str]| {
        let file = manifest(number);
        let args = ["apply", "--yes", "-f", &file, "--lock-timeout", "10m"];
        cluster.spawn(&[&args[..], more].concat())
    };
    let mut first = apply(0, &["--format", "json"]);
    let mut lines = BufReader::new(first.stdout.take().expect("piped")).lines();
    let began = lines
        .by_ref()
        .any(|line| line.is_ok_and(|line| line.contains("step_started")));
    assert!(began, "the first has begun");
    signal(&first, "STOP");
    let others: Vec<Child> = (1..5).map(|number| apply(number, &[])).collect();
    cluster
        .run(&["lock", "show"])
        .expect(0)
        .says("Locked by")
        .says(&format!("pid {}", first.id()));
    cluster.run(&["lock", "release"]).expect(5);
    signal(&first, "CONT");
    lines.for_each(drop);
    assert!(first.wait().expect("ends").success());
    for other in others {
        let ran = Ran::from(other.wait_with_output().expect("ends"));
        ran.expect(0);
    }
    cluster.run(&["state", "verify"]).expect(0);
    let told = cluster
        .run(&["state", "history", "--format", "json"])
        .expect(0)
        .json();
    let states = told["history"].as_array().expect("states");
    // The first apply, and one for each of the five.
    assert_eq!(states.len(), 6, "{told:#}");
    assert!(
        states.iter().skip(1).all(|state| state["follows"] == true),
        "{told:#}"
    );
    assert_eq!(told["unfinished"], serde_json::Value::Null);
    // The state is what exactly one of them wanted, and the world is as it says.
    let as_wanted = (0..5).filter(|number| {
        let file = manifest(*number);
        cluster.run(&["plan", "--detailed-exitcode", "-f", &file]).code == Some(0)
    });
    assert_eq!(as_wanted.count(), 1);
    cluster
        .run(&["lock", "show"])
        .expect(0)
        .says("Nobody holds the lock");
}
