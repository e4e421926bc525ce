//! What is kept is compared with itself, and with what was kept before.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Cluster, Ran, files};

fn verify(cluster: &Cluster) -> Ran {
    cluster.run(&["state", "verify", "--format", "json"])
}

#[track_caller]
fn holds(cluster: &Cluster, after: &str) -> Value {
    let ran = verify(cluster);
    assert_eq!(ran.code, Some(0), "after {after}: {}", ran.said());
    ran.json()
}

fn killed(cluster: &Cluster, entries: u32) {
    let mut command = cluster.command(&["apply", "--yes"]);
    command.env("SUBAKO_CRASH_AFTER_ENTRY", entries.to_string());
    assert_eq!(Ran::of(&mut command).code, None, "it was killed");
}

/// A cluster with three states that runs made, and a fourth that was edited.
fn with_history() -> Cluster {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    for (from, to) in [("8", "9"), ("9", "10")] {
        cluster.edit(&format!("replicas = {from}"), &format!("replicas = {to}"));
        cluster.apply().expect(0);
    }
    cluster.run(&["state", "rm", "service.reply", "--yes"]).expect(0);
    cluster
}

fn past(cluster: &Cluster, name: &str) -> PathBuf {
    cluster.state_dir().join("history").join(name)
}

#[test]
fn what_every_way_of_writing_leaves_holds() {
    let cluster = with_history();
    let seen = holds(&cluster, "three runs and an edit");
    assert_eq!(
        (&seen["serial"], &seen["led"]),
        (&4.into(), &3.into()),
        "{seen:#}"
    );
    cluster.apply().expect(0);
    holds(&cluster, "an adoption");
    cluster.run(&["state", "restore", "2", "--yes"]).expect(0);
    holds(&cluster, "a restore");
    cluster.apply().expect(0);
    holds(&cluster, "an apply over a restored state");
    cluster.edit("replicas = 10", "replicas = 11");
    killed(&cluster, 3);
    holds(&cluster, "a kill");
    cluster.run(&["recover", "--forward", "--yes"]).expect(0);
    holds(&cluster, "a recovery");
    cluster.edit("replicas = 11", "replicas = 12");
    killed(&cluster, 3);
    cluster.edit("replicas = 12", "replicas = 13");
    cluster.apply().expect(0);
    holds(&cluster, "a settled run");
    cluster.run(&["state", "rebuild", "--yes"]).expect(0);
    holds(&cluster, "a rebuild");
    cluster.run(&["destroy", "--yes"]).expect(0);
    holds(&cluster, "a destroy");
}

#[test]
fn what_a_rollback_and_a_kept_run_leave_holds() {
    let cluster = Cluster::sandbox();
    let fault = "{ call = \"create_network\", nth = 1, error = \"InternalError\" }";
    cluster.faults(fault);
    cluster.apply().expect(3);
    holds(&cluster, "a rollback");
    cluster.run(&["apply", "--yes", "--on-failure", "keep"]).expect(4);
    holds(&cluster, "a run that was kept");
    cluster.faults("");
    cluster.run(&["recover", "--forward", "--yes"]).expect(0);
    holds(&cluster, "a recovery");
}

/// Every file that a digest or a sum covers, with one byte changed or gone, is named; nothing is written.
#[test]
fn a_changed_or_lost_file_is_named_and_nothing_is_changed() {
    let cluster = with_history();
    let covered = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        name == "state.json" || name.ends_with(".state.json") || name.contains(".journal-")
    };
    let kept: Vec<PathBuf> = files(&cluster.state_dir()).into_iter().filter(covered).collect();
    assert!(kept.len() >= 8, "{kept:?}");
    for path in &kept {
        let whole = fs::read(path).expect("readable");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(path, &changed).expect("written");
        let before = all(&cluster);
        let ran = verify(&cluster).expect(2);
        let seen = ran.json();
        assert!(
            !seen["problems"].as_array().expect("problems").is_empty(),
            "{name}: {seen:#}"
        );
        assert!(all(&cluster) == before, "{name}: something was changed");
        fs::remove_file(path).expect("removed");
        let oldest = name == "00000001.state.json";
        match verify(&cluster).code {
            Some(2) => {}
            // The oldest state may have gone because it was too old.
            Some(0) if oldest => {}
            code => panic!("{name} is gone: exit {code:?}"),
        }
        fs::write(path, &whole).expect("written");
    }
    holds(&cluster, "all of it was put back");
}

fn all(cluster: &Cluster) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).expect("readable");
        (path, bytes)
    };
    files(&cluster.state_dir()).into_iter().map(read).collect()
}

#[test]
fn an_older_state_put_back_is_named() {
    let cluster = with_history();
    let older = fs::read(past(&cluster, "00000002.state.json")).expect("kept");
    fs::write(cluster.state_file(), older).expect("written");
    let seen = verify(&cluster).expect(2).json();
    let problem = &seen["problems"][0];
    assert_eq!(
        (&problem["problem"], &problem["serial"], &problem["newest"]),
        (&"older".into(), &2.into(), &4.into()),
        "{seen:#}"
    );
    cluster
        .run(&["state", "verify"])
        .expect(2)
        .says("nobody restored it");
}

/// Whoever edits the newest state with all its digests has not edited the journal.
#[test]
fn an_edit_with_digests_made_to_fit_is_named() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let text = fs::read_to_string(cluster.state_file()).expect("a state");
    let (mut snapshot, _) = subako_state::parse(&text).expect("whole");
    snapshot
        .resources
        .retain(|resource| resource.address.kind() != "service");
    let (edited, _) = subako_state::render(&snapshot).expect("renders");
    fs::write(cluster.state_file(), &edited).expect("written");
    fs::write(past(&cluster, "00000001.state.json"), &edited).expect("written");
    // What is said of who wrote it is about another state then: made to fit as well.
    let note = past(&cluster, "00000001.origin.json");
    let digest = |text: &str| subako_state::parse(text).expect("whole").1.to_string();
    let origin = fs::read_to_string(&note).expect("a note");
    fs::write(&note, origin.replace(&digest(&text), &digest(&edited))).expect("written");
    let ran = cluster.run(&["state", "verify"]).expect(2);
    ran.says("does not lead to serial 1").says("service.reply");
}

#[test]
fn what_differs_is_shown_as_a_plan_shows_it() {
    let cluster = with_history();
    let diff = |args: &[&str]| cluster.run(&[&["state", "diff"], args].concat()).expect(0);
    diff(&["2", "3"])
        .says("~ service.reply")
        .says("9 → 10")
        .says("Differences: 1 changed.");
    diff(&["3", "4"]).says("- service.reply").says("1 gone");
    diff(&["4", "3"]).says("+ service.reply").says("1 new");
    diff(&["4"]).says("No differences.");
    let seen = diff(&["0", "1", "--format", "json"]).json();
    assert_eq!(seen["from"]["serial"], 0, "{seen:#}");
    let resources = seen["resources"].as_array().expect("resources");
    assert_eq!(seen["to"]["resources"], resources.len(), "{seen:#}");
    assert!(
        resources.iter().all(|resource| resource["action"] == "create"),
        "{seen:#}"
    );
    cluster
        .run(&["state", "diff", "7"])
        .expect(1)
        .says("state history");
}
