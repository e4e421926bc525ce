//! Damaged, cut, emptied, deleted: refused with the way out, never taken for new.

use std::fs;

use crate::faults::copy_of;
use crate::support::Cluster;

fn up() -> Cluster {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster
}

/// The state is refused by every command that needs it, and nothing is called.
fn refused(cluster: &Cluster, what: &str) {
    for args in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        let ran = cluster.run(args);
        assert_eq!(ran.code, Some(5), "{what}, {args:?}: {}", ran.said());
        ran.says("state.json").says("state restore");
    }
}

#[test]
fn a_state_with_any_byte_flipped_is_refused() {
    let cluster = up();
    let path = cluster.state_file();
    let whole = fs::read(&path).expect("the state");
    // In one process every byte, every bit.
    for place in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[place] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(changed) {
                assert!(subako_state::parse(&text).is_err(), "byte {place}, bit {bit}");
            }
        }
    }
    // From outside, a stride.
    for place in (0..whole.len()).step_by(whole.len() / 200 + 1) {
        let mut changed = whole.clone();
        changed[place] ^= 4;
        fs::write(&path, &changed).expect("written");
        let ran = cluster.run(&["plan"]);
        assert_eq!(ran.code, Some(5), "byte {place}: {}", ran.said());
        assert!(!ran.stdout.contains("to create"), "byte {place}: {}", ran.said());
    }
}

#[test]
fn a_cut_empty_or_deleted_state_is_refused_and_can_be_restored() {
    let template = up();
    let whole = fs::read(template.state_file()).expect("the state");
    for cut in [0, 1, 50, whole.len() / 2, whole.len() - 1] {
        let cluster = copy_of(&template);
        fs::write(cluster.state_file(), &whole[..cut]).expect("written");
        refused(&cluster, &format!("cut at {cut}"));
        cluster.run(&["state", "restore", "1", "--yes"]).expect(0);
        cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    }
    let cluster = copy_of(&template);
    fs::remove_file(cluster.state_file()).expect("removed");
    refused(&cluster, "deleted");
    cluster.run(&["state", "restore", "1", "--yes"]).expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(
        fs::read(cluster.state_file()).expect("the state"),
        whole,
        "restored byte for byte"
    );
}

#[test]
fn a_state_of_another_cluster_is_refused() {
    let cluster = up();
    let other = cluster.dir.path().join(".subako/other.sim");
    fs::rename(cluster.state_dir(), &other).expect("moved");
    cluster.edit("name = \"sandbox\"", "name = \"other\"");
    cluster.run(&["plan"]).expect(5).says("sandbox");
}

#[test]
fn the_history_is_a_chain() {
    let cluster = up();
    for replicas in ["9", "10"] {
        let text = cluster.text();
        let line = text
            .lines()
            .find(|line| line.starts_with("replicas = ") && !line.contains('5'))
            .expect("reply");
        cluster.edit(line, &format!("replicas = {replicas}"));
        cluster.apply().expect(0);
    }
    let history = cluster
        .run(&["state", "history", "--format", "json"])
        .expect(0)
        .json();
    let items = history["states"]
        .as_array()
        .or_else(|| history["history"].as_array())
        .expect("a list")
        .clone();
    assert_eq!(items.len(), 3, "{history:#}");
    for pair in items.windows(2) {
        assert_eq!(pair[1]["previous"], pair[0]["digest"], "{history:#}");
    }
}

#[test]
fn files_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let cluster = up();
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&cluster.state_dir()), 0o700);
    for path in crate::support::files(&cluster.state_dir()) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
