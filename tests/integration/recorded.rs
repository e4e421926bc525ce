//! A cluster of which there is no manifest, or one that cannot be read: looked at, repaired and
//! destroyed as its last run recorded it.

use std::fs;
use std::process::Command;

use crate::faults::copy_of;
use crate::hints::commands;
use crate::support::{CHANGED, Cluster, PASSWORD, Ran, settled, subako};

const FILES: &str = r#"
[secret.password]
file = "password.txt"

[[service]]
name = "shop"
image = "nginx:${var:release}"
secrets = ["password"]
"#;

/// A cluster with a variable and a secret, not yet applied.
fn new() -> Cluster {
    Cluster::with_sections(FILES)
}

fn applied() -> Cluster {
    let cluster = new();
    with_all(&cluster, &["apply", "--yes"]).expect(0);
    cluster
}

/// With the manifest and its variable.
fn with_all(cluster: &Cluster, args: &[&str]) -> Ran {
    let args = [args, &["--var", "release=1"]].concat();
    cluster.run(&args)
}

/// In a folder that has neither manifest nor secret.
fn elsewhere(cluster: &Cluster, args: &[&str]) -> Ran {
    let folder = cluster.dir.path().join("elsewhere");
    fs::create_dir_all(&folder).expect("a folder");
    let mut command = subako();
    command.current_dir(folder).args(args);
    command.args(["--cluster", "sandbox", "--state-dir", "../.subako"]);
    Ran::of(&mut command)
}

const LOOKS: [&[&str]; 9] = [
    &["status", "--format", "json"],
    &["status", "--check"],
    &["show"],
    &["show", "--format", "json"],
    &["output"],
    &["state", "list"],
    &["state", "show", "secret.password"],
    &["state", "history"],
    &["lock", "show"],
];

#[test]
fn a_cluster_is_looked_at_without_its_manifest_its_variables_and_its_secrets() {
    let cluster = applied();
    let before: Vec<String> = LOOKS
        .iter()
        .map(|args| with_all(&cluster, args).expect(0).stdout)
        .collect();
    let state = fs::read(cluster.state_file()).expect("a state");
    for (args, before) in LOOKS.iter().zip(&before) {
        assert_eq!(&elsewhere(&cluster, args).expect(0).stdout, before, "{args:?}");
        // The manifest is there, and nobody gives its variable a value.
        let here = cluster.run(args).expect(0);
        assert_eq!(&here.stdout, before, "{args:?}");
        here.says("sandbox is reached as its last run recorded");
    }
    assert_eq!(fs::read(cluster.state_file()).expect("a state"), state);
    // What is wanted is in the manifest alone.
    for args in [
        &["plan"][..],
        &["apply", "--yes"],
        &["graph"],
        &["validate"],
        &["state", "rebuild"],
    ] {
        elsewhere(&cluster, args)
            .expect(1)
            .says("needs the manifest of sandbox");
        cluster
            .run(args)
            .expect(1)
            .says("the variable `release` has no value");
    }
    // What is recorded is a way, and nothing secret.
    let recorded = fs::read_to_string(cluster.state_dir().join("connection.json")).expect("recorded");
    assert!(
        !recorded.contains(PASSWORD) && recorded.contains("\"user\""),
        "{recorded}"
    );
}

#[test]
fn a_cluster_is_repaired_and_destroyed_without_its_manifest() {
    let cluster = applied();
    elsewhere(&cluster, &["state", "rm", "service.shop", "--yes"]).expect(0);
    elsewhere(&cluster, &["state", "restore", "1", "--yes"]).expect(0);
    with_all(&cluster, &["plan", "--detailed-exitcode"]).expect(0);
    let digest = elsewhere(&cluster, &["destroy", "--expect", "0123456789ab", "--yes"]).expect(5);
    digest.says("0123456789ab");
    elsewhere(&cluster, &["destroy", "--yes"])
        .expect(0)
        .says("Nothing is left");
    assert!(cluster.resources().is_empty());
}

#[test]
fn a_first_run_that_was_killed_is_recovered_without_its_manifest() {
    let template = new();
    for (entries, direction) in [(9, "--back"), (30, "--back"), (30, "--forward")] {
        let cluster = copy_of(&template);
        let mut killed = cluster.command(&["apply", "--yes", "--var", "release=1"]);
        killed.env("SUBAKO_CRASH_AFTER_ENTRY", entries.to_string());
        assert_eq!(Ran::of(&mut killed).code, None);
        let said = elsewhere(&cluster, &["status"]).expect(0);
        let ways = commands(&said.stderr).into_iter();
        for line in ways.filter(|line| line.contains("recover")) {
            assert!(line.ends_with("--cluster sandbox"), "{line}");
        }
        let world = settled(cluster.world());
        let ran = elsewhere(&cluster, &["recover", direction, "--yes"]);
        if direction == "--back" {
            ran.expect(0);
            assert!(cluster.resources().is_empty());
            continue;
        }
        // Only who creates the secret is asked for its content, before anything is called.
        ran.expect(1).says(
            "secret.password cannot be created without its content: the manifest names where it comes from",
        );
        assert_eq!(settled(cluster.world()), world);
        // Another content is another secret than the one that was agreed to.
        cluster.password(CHANGED);
        with_all(&cluster, &["recover", "--forward", "--yes"])
            .expect(1)
            .says("the file password.txt has another one by now");
        cluster.password(PASSWORD);
        with_all(&cluster, &["recover", "--forward", "--yes"]).expect(0);
        with_all(&cluster, &["plan", "--detailed-exitcode"]).expect(0);
    }
}

#[test]
fn a_name_that_has_no_state_there_and_a_state_that_says_no_way_are_named() {
    let cluster = applied();
    let named = |name: &str| {
        let mut command: Command = subako();
        command
            .current_dir(cluster.dir.path())
            .args(["status", "--cluster", name]);
        Ran::of(&mut command)
    };
    named("sandbox").expect(0);
    for name in ["sandbx", "../sandbox", ""] {
        named(name).expect(1).says("there is one of sandbox");
    }
    let file = cluster.state_dir().join("connection.json");
    fs::write(&file, "{\"format_version\":7}").expect("written");
    named("sandbox").expect(1).says("it has format 7");
    fs::remove_file(&file).expect("removed");
    named("sandbox")
        .expect(1)
        .says("does not say how the cluster is reached");
    // The state alone can still be looked at, and the next apply records the way again.
    elsewhere(&cluster, &["show"]).expect(0);
    with_all(&cluster, &["apply", "--yes"]).expect(0);
    named("sandbox").expect(0);
}
