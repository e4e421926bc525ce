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
