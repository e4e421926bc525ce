//! What a full disk, a lost lock, a link and a pipe do to commands.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Cluster, signal};

/// Writes a named pipe that nobody writes to.
fn pipe(path: &std::path::Path) {
    let _ = fs::remove_file(path);
    assert!(
        Command::new("mkfifo")
            .arg(path)
            .status()
            .expect("mkfifo")
            .success()
    );
}

#[test]
fn a_journal_without_a_whole_first_line_is_no_run() {
    for text in ["", "{\"sum\":\"", "{\"sum\":\"x\",\"entry\":{}}"] {
        let cluster = Cluster::sandbox();
        fs::create_dir_all(cluster.state_dir()).expect("made");
        fs::write(cluster.state_dir().join("journal.jsonl"), text).expect("written");
        cluster.run(&["recover", "--back", "--yes"]).expect(0);
        cluster.apply().expect(0);
        cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    }
}

/// The number of entries of a whole first apply.
fn entries_of_an_apply() -> usize {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let journal = cluster.state_dir().join("history/00000000.journal-0.jsonl");
    fs::read_to_string(journal).expect("the journal").lines().count()
}

#[test]
fn a_first_state_that_did_not_come_to_its_place_is_finished_from_the_journal() {
    let entries = entries_of_an_apply();
    for args in [&["apply", "--yes"][..], &["recover", "--forward", "--yes"]] {
        let cluster = Cluster::sandbox();
        let mut command = cluster.command(&["apply", "--yes"]);
        command.env("SUBAKO_CRASH_AFTER_ENTRY", entries.to_string());
        command.output().expect("it runs");
        // As if killed between the history and the state: neither the state nor the last entry.
        fs::remove_file(cluster.state_file()).expect("removed");
        let journal = cluster.state_dir().join("journal.jsonl");
        let text = fs::read_to_string(&journal).expect("the journal");
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        fs::write(&journal, lines[..entries - 1].concat()).expect("written");
        assert!(cluster.state_dir().join("history/00000001.state.json").exists());
        cluster.run(args).expect(0);
        cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
        cluster.run(&["destroy", "--yes"]).expect(0);
    }
}

#[test]
fn an_old_ended_journal_put_back_is_history() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let journal = cluster.state_dir().join("journal.jsonl");
    let old = fs::read(cluster.state_dir().join("history/00000000.journal-0.jsonl")).expect("the old one");
    fs::write(&journal, &old).expect("put back");
    let world = cluster.world();
    cluster
        .run(&["recover", "--back", "--yes"])
        .expect(0)
        .says("no unfinished run");
    assert_eq!(cluster.world(), world);
    assert!(!journal.exists(), "it is in the history");
    // One that is cut before its end is known to be over all the same.
    let cut = String::from_utf8(old).expect("UTF-8");
    let lines: Vec<&str> = cut.split_inclusive('\n').collect();
    fs::write(&journal, lines[..10].concat()).expect("put back");
    cluster
        .run(&["recover", "--back", "--yes"])
        .expect(0)
        .says("no unfinished run");
    assert_eq!(cluster.world(), world);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn links_are_refused_and_lead_nowhere() {
    for name in ["lock", "state.json", "journal.jsonl"] {
        let cluster = Cluster::sandbox();
        fs::create_dir_all(cluster.state_dir()).expect("made");
        let victim = cluster.dir.path().join("victim");
        fs::write(&victim, "precious").expect("written");
        symlink("../../victim", cluster.state_dir().join(name)).expect("linked");
        cluster.apply().expect(5).says("symbolic link").says(name);
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious", "{name}");
        fs::remove_file(cluster.state_dir().join(name)).expect("removed");
        cluster.apply().expect(0);
    }
}

#[test]
fn a_looser_mode_is_repaired_and_leftovers_are_collected_with_a_word() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let state = cluster.state_file();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o644)).expect("set");
    let leftover = cluster.state_dir().join("state.tmp-1999999999");
    fs::write(&leftover, "x").expect("written");
    cluster
        .apply()
        .expect(0)
        .says("had mode 0644")
        .says("state.tmp-1999999999");
    assert_eq!(
        fs::metadata(&state).expect("there").permissions().mode() & 0o777,
        0o600
    );
    assert!(!leftover.exists());
}

#[test]
fn a_pipe_is_refused_or_waited_for_with_a_deadline() {
    let started = Instant::now();
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    for (path, args, code) in [
        (cluster.state_file(), &["plan"][..], 5),
        (cluster.dir.path().join("sandbox.pub"), &["validate"], 1),
        (cluster.manifest(), &["validate"], 1),
    ] {
        pipe(&path);
        cluster.run(args).expect(code).says("a named pipe");
        fs::remove_file(&path).expect("removed");
    }
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_cannot_be_told_is_no_success() {
    let full = || {
        Stdio::from(
            fs::File::options()
                .write(true)
                .open("/dev/full")
                .expect("/dev/full"),
        )
    };
    let cluster = Cluster::sandbox();
    for (args, code) in [
        (&["plan"][..], 1),
        (&["apply", "--yes", "--format", "json"], 4),
        (&["apply", "--yes", "--format", "json"], 1),
        (&["show"], 1),
        (&["destroy", "--yes", "--format", "json"], 4),
    ] {
        let output = cluster.command(args).stdout(full()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains("standard output"), "{args:?}: {said}");
    }
}

#[test]
fn a_residue_that_cannot_be_looked_for_may_be_there() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.faults("{ call = \"residue\", error = \"X\" }");
    cluster
        .run(&["destroy", "--yes"])
        .expect(4)
        .says("could not be looked for");
    assert!(cluster.resources().is_empty());
}

#[test]
fn a_lock_that_is_deleted_during_a_run_stops_it() {
    let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"fast\""));
    let child = cluster.spawn(&["apply", "--yes", "--format", "json"]);
    let journal = cluster.state_dir().join("journal.jsonl");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(&journal).is_ok_and(|text| text.lines().count() > 3) {
        assert!(Instant::now() < deadline, "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::remove_file(cluster.state_dir().join("lock")).expect("removed");
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("deleted or replaced"), "{said}");
    let text = fs::read_to_string(&journal).expect("the journal stays");
    assert!(!text.contains("\"end\""), "{text}");
    cluster.edit("time = \"fast\"", "time = \"instant\"");
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_lock_is_waited_for_as_long_as_asked() {
    let cluster = Cluster::with(|text| text.replace("time = \"instant\"", "time = \"fast\""));
    let mut first = cluster.spawn(&["apply", "--yes"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    let journal = cluster.state_dir().join("journal.jsonl");
    while !fs::read_to_string(&journal).is_ok_and(|text| text.lines().count() > 1) {
        assert!(Instant::now() < deadline, "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = first.id().to_string();
    // It holds the lock for as long as it is looked at.
    signal(&first, "STOP");
    cluster.run(&["plan"]).expect(0).says("is running").says(&pid);
    cluster
        .run(&["apply", "--yes", "--lock-timeout", "50ms"])
        .expect(5)
        .says(&pid);
    signal(&first, "CONT");
    cluster
        .run(&["apply", "--yes", "--lock-timeout", "2m"])
        .expect(0)
        .says("No changes");
    assert!(first.wait().expect("ends").success());
    cluster.run(&["apply", "--lock-timeout", "soon"]).expect(1);
}

#[test]
fn a_state_of_another_cluster_is_not_edited() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let other = cluster.dir.path().join(".subako/other.sim");
    fs::rename(cluster.state_dir(), &other).expect("moved");
    cluster.edit("name = \"sandbox\"", "name = \"other\"");
    let before = fs::read(other.join("state.json")).expect("the state");
    for args in [
        &["state", "rm", "service.reply", "--yes"][..],
        &["state", "mv", "node-0", "node-9"],
        &["state", "restore", "1", "--yes"],
    ] {
        cluster.run(args).expect(5).says("sandbox");
    }
    assert_eq!(fs::read(other.join("state.json")).expect("the state"), before);
}
