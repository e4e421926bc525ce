//! The process killed with SIGKILL after every journal entry.

use std::os::unix::process::ExitStatusExt as _;

use crate::faults::{copy_of, no_orphan};
use crate::support::Cluster;

/// Runs a command and kills it after its nth durable journal entry; whether it was killed.
fn killed_after(cluster: &Cluster, args: &[&str], entry: u32) -> bool {
    let mut command = cluster.command(args);
    command.env("SUBAKO_CRASH_AFTER_ENTRY", entry.to_string());
    command.output().expect("the binary runs").status.signal() == Some(9)
}

#[test]
fn the_next_apply_converges_wherever_the_first_was_killed() {
    let (mut kills, mut over) = (0, 0);
    for entry in 1.. {
        let cluster = Cluster::sandbox();
        if !killed_after(&cluster, &["apply", "--yes"], entry) {
            break;
        }
        kills += 1;
        let place = format!("SIGKILL after entry {entry}");
        // A plan says what was found, and changes nothing. After the last entry the run is over.
        let plan = cluster.run(&["plan"]).expect(0);
        if !plan.stderr.contains("unfinished") {
            plan.says("No changes");
            over += 1;
        }
        cluster.apply().expect(0);
        cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
        no_orphan(&cluster, &place);
        assert_eq!(
            cluster.status()["nodes"].as_array().expect("nodes").len(),
            5,
            "{place}"
        );
    }
    assert!(
        kills >= 44,
        "an intent and an outcome for each of 22 steps, but only {kills} kills"
    );
    assert_eq!(over, 1, "only the entry that ends the run ends it");
}

#[test]
fn a_change_killed_anywhere_converges_too() {
    let template = Cluster::sandbox();
    template.apply().expect(0);
    let mut kills = 0;
    for entry in 1.. {
        let cluster = copy_of(&template);
        cluster.edit("replicas = 8", "replicas = 10");
        cluster.edit("count = 2", "count = 1");
        cluster.edit("name = \"helloworld\"", "name = \"hello\"");
        if !killed_after(
            &cluster,
            &["apply", "--yes", "--replace", "instance.manager-2"],
            entry,
        ) {
            break;
        }
        kills += 1;
        let place = format!("SIGKILL after entry {entry}");
        let applied = cluster.apply().expect(0);
        let next = cluster.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(
            next.code,
            Some(0),
            "{place}: {}\nafter {}",
            next.said(),
            applied.said()
        );
        no_orphan(&cluster, &place);
        let status = cluster.status();
        assert_eq!(
            status["nodes"].as_array().expect("nodes").len(),
            4,
            "{place}: {status:#}"
        );
        assert_eq!(status["managers"], serde_json::json!([3, 3]), "{place}");
    }
    assert!(kills >= 16, "only {kills} kills");
}

#[test]
fn a_destroy_killed_anywhere_is_finished_by_the_next() {
    let template = Cluster::sandbox();
    template.apply().expect(0);
    for entry in 1.. {
        let cluster = copy_of(&template);
        if !killed_after(&cluster, &["destroy", "--yes"], entry) {
            assert!(entry > 20, "only {entry} kills");
            break;
        }
        cluster.run(&["destroy", "--yes"]).expect(0);
        assert!(cluster.resources().is_empty(), "after entry {entry}");
        assert!(
            cluster.world()["instances"]
                .as_object()
                .expect("instances")
                .is_empty()
        );
    }
}

#[test]
fn recover_goes_exactly_back_or_all_the_way_forward() {
    for (entry, way) in [
        (9, "--back"),
        (9, "--forward"),
        (25, "--back"),
        (25, "--forward"),
        (38, "--back"),
    ] {
        let cluster = Cluster::sandbox();
        assert!(killed_after(&cluster, &["apply", "--yes"], entry));
        cluster.run(&["recover", way, "--yes"]).expect(0);
        if way == "--back" {
            assert!(cluster.resources().is_empty(), "entry {entry}");
            assert!(
                cluster.world()["instances"]
                    .as_object()
                    .expect("instances")
                    .is_empty(),
                "entry {entry}"
            );
            cluster
                .run(&["recover", way, "--yes"])
                .expect(0)
                .says("no unfinished run");
        } else {
            cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
        }
    }
}

#[test]
fn a_killed_recovery_is_recovered_again() {
    for entry in 10..24 {
        let cluster = Cluster::sandbox();
        assert!(killed_after(&cluster, &["apply", "--yes"], 24));
        // The count goes on from the journal's entries, so this kills in the middle of the way back.
        killed_after(&cluster, &["recover", "--back", "--yes"], 24 + entry - 9);
        cluster.run(&["recover", "--back", "--yes"]);
        cluster.apply().expect(0);
        cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
        no_orphan(&cluster, &format!("recovery killed after entry {entry}"));
    }
}
