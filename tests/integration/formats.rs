//! States, journals and plans that an older version wrote, kept as it wrote them.
//!
//! `tests/formats/N` has what the last program of format N left of `before.toml` and `after.toml`:
//! `applied` a whole state; `first` the first apply, `change` and `past` the change from one to the
//! other, each killed on the way, `past` after the line of no return; `saved.plan` the plan of that
//! change.

use std::fs;
use std::path::{Path, PathBuf};

use subako_state::Digest;

use crate::faults::no_orphan;
use crate::support::{Cluster, files, root};

/// A cluster as a program of format 1 left it, with the manifest that it was working on.
fn left(what: &str, manifest: &str) -> Cluster {
    let from: PathBuf = root().join("tests/formats/1");
    let cluster = Cluster {
        dir: tempfile::tempdir().expect("a folder"),
    };
    let copy = |file: &Path, to: &Path| {
        fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
        fs::copy(file, to).expect("copied");
    };
    copy(&from.join("sandbox.pub"), &cluster.dir.path().join("sandbox.pub"));
    copy(&from.join(manifest), &cluster.manifest());
    for file in files(&from.join(what)) {
        let name = file.strip_prefix(from.join(what)).expect("below").to_owned();
        copy(&file, &cluster.state_dir().join(name));
    }
    cluster
}

/// Nothing is left to do, and nothing is left over.
fn converged(cluster: &Cluster, place: &str) {
    let ran = cluster.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(ran.code, Some(0), "{place}: {}", ran.said());
    no_orphan(cluster, place);
}

#[test]
fn a_state_of_an_older_format_is_planned_from() {
    converged(&left("applied", "before.toml"), "format 1");
    let cluster = left("applied", "after.toml");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(2);
    cluster.apply().expect(0);
    converged(&cluster, "after a change of a state of format 1");
}

#[test]
fn a_run_that_an_older_format_began_is_planned_beyond() {
    for (what, manifest) in [
        ("first", "before.toml"),
        ("change", "after.toml"),
        ("past", "after.toml"),
    ] {
        let cluster = left(what, manifest);
        cluster.run(&["plan"]).expect(0).says("unfinished `subako apply`");
        cluster.apply().expect(0);
        converged(&cluster, what);
    }
}

#[test]
fn a_run_that_an_older_format_began_is_undone() {
    let cluster = left("first", "before.toml");
    cluster.run(&["recover", "--back", "--yes"]).expect(0);
    assert_eq!(cluster.resources(), Vec::<serde_json::Value>::new());
    no_orphan(&cluster, "first, recovered back");

    let cluster = left("change", "after.toml");
    let before = cluster.resources();
    cluster.run(&["recover", "--back", "--yes"]).expect(0);
    assert_eq!(cluster.resources(), before, "the records after recover --back");
    no_orphan(&cluster, "change, recovered back");

    let cluster = left("past", "after.toml");
    cluster
        .run(&["recover", "--back", "--yes"])
        .expect(5)
        .says("line of no return");
}

#[test]
fn a_run_that_an_older_format_began_is_finished() {
    for (what, manifest) in [
        ("first", "before.toml"),
        ("change", "after.toml"),
        ("past", "after.toml"),
    ] {
        let cluster = left(what, manifest);
        cluster.run(&["recover", "--forward", "--yes"]).expect(0);
        converged(&cluster, &format!("{what}, recovered forward"));
    }
}

#[test]
fn a_plan_saved_in_an_older_format_is_refused() {
    let cluster = left("applied", "after.toml");
    let plan = root().join("tests/formats/1/saved.plan");
    cluster
        .run(&["apply", &plan.display().to_string(), "--yes"])
        .expect(5)
        .says("format 1")
        .says("subako plan --out");
}

#[test]
fn a_journal_of_a_newer_format_is_refused_with_the_version_that_wrote_it() {
    let cluster = left("applied", "before.toml");
    let entry = r#"{"begin":{"format":99,"written_by":"9.8.7","something":"new"}}"#;
    let digest = Digest::of_parts(["", entry]);
    let sum = &digest.hex()[..16];
    let line = format!("{{\"sum\":\"{sum}\",\"entry\":{entry}}}\n");
    let journal = cluster.state_dir().join("journal.jsonl");
    fs::write(&journal, &line).expect("written");
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["recover", "--forward", "--yes"],
    ] {
        cluster
            .run(command)
            .expect(5)
            .says("written by subako 9.8.7 in format 99")
            .says("use the version of Subako that wrote it, or a newer one");
    }
    assert_eq!(fs::read_to_string(&journal).expect("there"), line);
}
