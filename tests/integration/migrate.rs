//! A state moves to another place: the new one goes on, the old one refuses.

use std::fs;

use crate::support::Cluster;

/// An applied cluster, whose world is in another directory of states as well.
fn applied() -> Cluster {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let new = cluster.dir.path().join("elsewhere/sandbox.sim");
    fs::create_dir_all(&new).expect("a directory");
    fs::copy(cluster.state_dir().join("world.json"), new.join("world.json")).expect("copied");
    cluster
}

const MOVE: [&str; 7] = [
    "state",
    "migrate",
    "--from",
    ".subako",
    "--state-dir",
    "elsewhere",
    "--yes",
];

#[test]
fn the_new_place_goes_on_and_the_old_one_refuses_everything() {
    let cluster = applied();
    let before = cluster.run(&["state", "list"]).expect(0).stdout;
    cluster.run(&MOVE).expect(0).says("Moved the state (serial 1");
    let there = |args: &[&str]| cluster.run(&[args, &["--state-dir", "elsewhere"]].concat());
    assert_eq!(there(&["state", "list"]).expect(0).stdout, before);
    there(&["plan", "--detailed-exitcode"])
        .expect(0)
        .says("No changes");
    there(&["state", "verify"]).expect(0);
    there(&["state", "history"]).expect(0).says("subako apply");
    let kept = fs::read(cluster.state_file()).expect("a mark");
    for args in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["state", "list"],
        &["state", "verify"],
        &["state", "restore", "1", "--yes"],
        &["recover", "--back", "--yes"],
    ] {
        cluster.run(args).expect(5).says("was moved to elsewhere");
        assert!(
            fs::read(cluster.state_file()).expect("a mark") == kept,
            "{args:?}"
        );
    }
    cluster.run(&MOVE).expect(0).says("Finished moving");
    // And back, with what has happened meanwhile.
    cluster.edit("replicas = 8", "replicas = 9");
    there(&["apply", "--yes"]).expect(0);
    fs::copy(
        cluster.dir.path().join("elsewhere/sandbox.sim/world.json"),
        cluster.state_dir().join("world.json"),
    )
    .expect("copied");
    cluster
        .run(&["state", "migrate", "--from", "elsewhere", "--yes"])
        .expect(0)
        .says("serial 2");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    there(&["plan"]).expect(5).says("was moved to");
}

#[test]
fn what_cannot_move_stays_where_it_is() {
    let cluster = applied();
    // Nobody agrees.
    cluster.run(&MOVE[..6]).expect(1);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    // Nothing is there, or it is there already.
    let nowhere = ["state", "migrate", "--from", "nowhere", "--yes"];
    cluster.run(&nowhere).expect(1).says("no state in nowhere");
    let here = ["state", "migrate", "--from", ".subako", "--yes"];
    cluster.run(&here).expect(1).says("already");
    cluster
        .run(&["state", "migrate", "--from", "s3://Acme", "--yes"])
        .expect(1);
    // There is another state.
    let text = cluster.text();
    cluster
        .run(&["apply", "--yes", "--state-dir", "elsewhere"])
        .expect(0);
    cluster
        .run(&MOVE)
        .expect(5)
        .says("has a state (serial 1) already");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(cluster.text(), text);
}

#[test]
fn a_run_that_did_not_end_does_not_move() {
    let cluster = applied();
    cluster.edit("replicas = 8", "replicas = 9");
    let mut command = cluster.command(&["apply", "--yes"]);
    command.env("SUBAKO_CRASH_AFTER_ENTRY", "2");
    command.output().expect("it runs");
    cluster.run(&MOVE).expect(5).says("did not end");
    cluster.run(&["recover", "--forward", "--yes"]).expect(0);
    cluster.run(&MOVE).expect(0);
}
