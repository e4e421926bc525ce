//! A run that did not end: who looks is told, and who declines changes nothing.

use std::collections::BTreeMap;

use crate::support::{Cluster, Ran, files};

/// The example cluster, its first apply killed after that many journal entries.
fn killed(entries: u32) -> Cluster {
    let cluster = Cluster::sandbox();
    let mut command = cluster.command(&["apply", "--yes"]);
    command.env("SUBAKO_CRASH_AFTER_ENTRY", entries.to_string());
    assert_eq!(Ran::of(&mut command).code, None, "it was killed");
    cluster
}

/// Every file of the state's directory, but for the lock: who declines had it meanwhile.
fn kept(cluster: &Cluster) -> BTreeMap<String, Vec<u8>> {
    files(&cluster.state_dir())
        .into_iter()
        .filter(|path| !path.ends_with("lock"))
        .map(|path| {
            let bytes = std::fs::read(&path).expect("readable");
            (path.display().to_string(), bytes)
        })
        .collect()
}

#[test]
fn every_command_that_only_looks_says_how_far_the_run_came_and_changes_nothing() {
    // In the middle of the first run, and when everything is done but the end was not written.
    for (entries, done) in [(16, "5 of 22 steps done"), (44, "21 of 22 steps done")] {
        let cluster = killed(entries);
        let before = kept(&cluster);
        for command in [
            &["status"][..],
            &["status", "--format", "json"],
            &["plan"],
            &["show"],
            &["show", "--format", "json"],
            &["output"],
            &["output", "--format", "json"],
            &["state", "list"],
            &["state", "show", "key_pair.sandbox"],
            &["state", "history"],
            &["state", "history", "--format", "json"],
        ] {
            let ran = cluster.run(command).expect(0);
            for text in [done, "recover --forward --sim", "recover --back --sim"] {
                assert!(ran.stderr.contains(text), "{command:?}: `{text}`: {}", ran.said());
            }
            assert!(
                !ran.said().contains("never applied"),
                "{command:?}: {}",
                ran.said()
            );
            assert!(kept(&cluster) == before, "{command:?} changed something");
        }
        cluster.run(&["output"]).expect(0).says("instance.node-1");
    }
}

#[test]
fn who_declines_has_changed_nothing() {
    let cluster = killed(16);
    let before = kept(&cluster);
    for command in [
        &["apply"][..],
        &["destroy"],
        &["recover", "--back"],
        &["recover", "--forward"],
        &["apply", "--yes", "--expect", "000000000000"],
    ] {
        let ran = cluster.run(command);
        assert!(matches!(ran.code, Some(1 | 5)), "{command:?}: {}", ran.said());
        assert!(kept(&cluster) == before, "{command:?} changed something");
    }
    cluster.run(&["recover", "--back", "--yes"]).expect(0);
    assert!(cluster.resources().is_empty());
}

#[test]
fn recover_shows_what_it_is_going_to_do() {
    let cluster = killed(16);
    let back = cluster.run(&["recover", "--back"]).expect(1);
    back.says("To undo (7):").says("- key_pair.sandbox");
    let forward = cluster.run(&["recover", "--forward"]).expect(1);
    forward.says("To do (17):").says("+ service.reply2");
}

#[test]
fn a_plan_after_a_kill_is_the_one_that_apply_makes() {
    let cluster = killed(16);
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    let digest = plan["digest"].as_str().expect("a digest");
    cluster.run(&["apply", "--yes", "--expect", digest]).expect(0);
}

#[test]
fn a_run_that_is_going_on_is_named_and_not_called_unfinished() {
    use std::io::{BufRead as _, BufReader};

    let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"fast\""));
    let mut run = cluster.spawn(&["apply", "--yes", "--format", "json"]);
    let mut lines = BufReader::new(run.stdout.take().expect("piped")).lines();
    let began = lines
        .by_ref()
        .any(|line| line.is_ok_and(|line| line.contains("step_started")));
    assert!(began);
    let looked = cluster.run(&["state", "list"]).expect(0);
    looked.says("is running").says(&run.id().to_string());
    assert!(!looked.said().contains("recover"), "{}", looked.said());
    lines.for_each(drop);
    assert!(run.wait().expect("ends").success());
}
