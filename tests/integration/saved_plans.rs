//! What was reviewed is what is applied, or nothing is.

use crate::support::{Cluster, settled};

fn saved() -> Cluster {
    let cluster = Cluster::sandbox();
    cluster.run(&["plan", "--out", "review.plan"]).expect(0);
    cluster
}

fn untouched(cluster: &Cluster) {
    assert!(cluster.resources().is_empty());
    assert!(!cluster.state_dir().join("journal.jsonl").exists());
}

#[test]
fn a_saved_plan_is_applied() {
    let cluster = saved();
    cluster.run(&["apply", "review.plan", "--yes"]).expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    cluster.run(&["apply", "review.plan", "--yes"]).expect(5);
}

#[test]
fn a_saved_plan_with_any_changed_byte_is_refused() {
    let cluster = saved();
    let path = cluster.dir.path().join("review.plan");
    let whole = std::fs::read(&path).expect("the plan");
    // Every place at the start, where the header is, then a stride through the rest.
    let places = (0..120).chain((120..whole.len()).step_by(whole.len() / 150 + 1));
    for place in places {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        std::fs::write(&path, &changed).expect("written");
        let ran = cluster.run(&["apply", "review.plan", "--yes"]);
        assert_eq!(ran.code, Some(5), "byte {place}: {}", ran.said());
    }
    untouched(&cluster);
}

#[test]
fn a_saved_plan_is_refused_when_anything_moved() {
    let cluster = saved();
    cluster.edit("replicas = 8", "replicas = 9");
    cluster
        .run(&["apply", "review.plan", "--yes"])
        .expect(5)
        .says("manifest");
    untouched(&cluster);

    let cluster = saved();
    cluster
        .run(&["apply", "--yes", "--target", "key_pair.*"])
        .expect(0);
    let resources = cluster.resources();
    cluster
        .run(&["apply", "review.plan", "--yes"])
        .expect(5)
        .says("state");
    assert_eq!(cluster.resources(), resources);

    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.edit("replicas = 8", "replicas = 9");
    cluster.run(&["plan", "--out", "review.plan"]).expect(0);
    cluster.run(&["sim", "open-port", "8080"]).expect(0);
    let world = settled(cluster.world());
    cluster.run(&["apply", "review.plan", "--yes"]).expect(5);
    assert_eq!(settled(cluster.world()), world);
}

#[test]
fn an_unexpected_digest_is_refused_and_the_expected_one_applied() {
    let cluster = Cluster::sandbox();
    let digest = cluster.run(&["plan", "--format", "json"]).expect(0).json()["digest"]
        .as_str()
        .expect("one")
        .to_owned();
    let wrong = digest.replace(['a', '1'], "b");
    cluster
        .run(&["apply", "--yes", "--expect", &wrong])
        .expect(5)
        .says(&digest[7..19]);
    untouched(&cluster);
    cluster
        .run(&["apply", "--yes", "--expect", &digest[7..19]])
        .expect(0);
}

/// The marker of a plan's comment.
fn marker(cluster: &Cluster) -> String {
    let comment = cluster.run(&["plan", "--format", "markdown"]).expect(0).stdout;
    let line = comment.lines().last().expect("a marker");
    let (_, marker) = line.split_once("<!--").expect("a marker");
    format!("<!--{marker}")
}

/// Another plan than the one that the marker is of: refused with what moved and nothing else, and
/// nothing is changed.
#[track_caller]
fn refused(cluster: &Cluster, marker: &str, moved: &str) {
    let before = (cluster.resources(), settled(cluster.world()));
    let ran = cluster.run(&["apply", "--yes", "--expect", marker]).expect(5);
    ran.says("it is not the one that was reviewed");
    let said: Vec<&str> = ["the manifest", "the state", "the world", "the format of plans"]
        .into_iter()
        .filter(|what| ran.stderr.contains(&format!("{what} moved")))
        .collect();
    assert_eq!(said, [moved], "{}", ran.said());
    assert_eq!((cluster.resources(), settled(cluster.world())), before);
}

/// The example up and running, with an edit that waits for its apply, and the marker of that.
fn reviewed() -> (Cluster, String) {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.edit("replicas = 8", "replicas = 9");
    let marker = marker(&cluster);
    (cluster, marker)
}

#[test]
fn a_marker_is_refused_after_an_edit_of_the_manifest() {
    let (cluster, marker) = reviewed();
    cluster.edit("replicas = 5", "replicas = 6");
    refused(&cluster, &marker, "the manifest");
    cluster.edit("replicas = 6", "replicas = 5");
    cluster.run(&["apply", "--yes", "--expect", &marker]).expect(0);
}

#[test]
fn a_marker_is_refused_after_another_run_has_changed_the_state() {
    let (cluster, marker) = reviewed();
    // The manifest is the same again, and so is the plan but for the state.
    cluster.edit("replicas = 5", "replicas = 6");
    cluster
        .run(&["apply", "--yes", "--target", "service.reply2"])
        .expect(0);
    cluster.edit("replicas = 6", "replicas = 5");
    cluster
        .run(&["apply", "--yes", "--target", "service.reply2"])
        .expect(0);
    refused(&cluster, &marker, "the state");
}

#[test]
fn a_marker_is_refused_after_a_change_outside() {
    let (cluster, marker) = reviewed();
    cluster.run(&["sim", "open-port", "8080"]).expect(0);
    refused(&cluster, &marker, "the world");
    cluster.run(&["sim", "close-port", "8080"]).expect(0);
    cluster.run(&["apply", "--yes", "--expect", &marker]).expect(0);
}

#[test]
fn a_marker_of_another_plan_format_is_refused() {
    let (cluster, marker) = reviewed();
    let (before, format) = marker.rsplit_once("format=sha256:").expect("a format");
    let digits = &format[..64];
    let other = format!(
        "{before}format=sha256:{}",
        format.replace(digits, &"0".repeat(64))
    );
    // With the digest that a plan of that format has.
    let (before, digest) = other.split_once(" digest=sha256:").expect("a digest");
    let other = format!("{before} digest=sha256:{}{}", "1".repeat(64), &digest[64..]);
    refused(&cluster, &other, "the format of plans");
    cluster.run(&["apply", "--yes", "--expect", &marker]).expect(0);
}
