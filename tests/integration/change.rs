//! Changes: the right symbols, nothing replaced that can be changed, nothing else touched.

use serde_json::Value;

use crate::support::{Cluster, steps};

fn plan(cluster: &Cluster) -> Value {
    cluster.run(&["plan", "--format", "json"]).expect(0).json()
}

fn instance_ids(cluster: &Cluster) -> Vec<String> {
    cluster.world()["instances"]
        .as_object()
        .expect("instances")
        .keys()
        .cloned()
        .collect()
}

#[test]
fn changes_are_made_in_place_without_touching_the_rest() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let before = instance_ids(&cluster);

    // Workers 2 → 4.
    cluster.edit("count = 2", "count = 4");
    let mut expected: Vec<String> = ["node-2", "node-3"]
        .iter()
        .flat_map(|node| ["instance", "docker", "member"].map(|kind| format!("create {kind}.{node}")))
        .collect();
    expected.sort();
    assert_eq!(steps(&plan(&cluster)), expected);
    cluster.apply().expect(0);

    // Replicas 8 → 12, an image, a rule, a tag.
    cluster.edit("replicas = 8", "replicas = 12");
    cluster.edit("image = \"alpine\"", "image = \"alpine:3.20\"");
    cluster.edit(
        "ssh_from = [\"198.51.100.7/32\"]",
        "ssh_from = [\"198.51.100.7/32\", \"192.0.2.0/24\"]",
    );
    cluster.edit(
        "tags = { Unit = \"Sandbox\" }",
        "tags = { Unit = \"Sandbox\", Owner = \"me\" }",
    );
    let planned = plan(&cluster);
    assert_eq!(planned["summary"]["replace"], 0, "{planned:#}");
    assert_eq!(planned["summary"]["delete"], 0);
    assert_eq!(planned["summary"]["create"], 0);
    let updated = steps(&planned);
    assert!(
        updated.iter().all(|step| step.starts_with("update ")),
        "{updated:?}"
    );
    for address in [
        "service.reply",
        "service.helloworld",
        "security_group.sandbox",
        "key_pair.sandbox",
        "instance.node-3",
    ] {
        assert!(
            updated.contains(&format!("update {address}")),
            "{address}: {updated:?}"
        );
    }
    assert!(
        !updated
            .iter()
            .any(|step| step.contains("service.reply2") || step.contains("network.")),
        "{updated:?}"
    );
    let text = cluster.run(&["plan"]).expect(0).stdout;
    assert!(
        text.contains("~ service.reply") && text.contains("replicas"),
        "{text}"
    );
    cluster.apply().expect(0);

    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    let after = instance_ids(&cluster);
    assert!(
        before.iter().all(|id| after.contains(id)),
        "an instance was replaced"
    );
    let status = cluster.status();
    assert_eq!(status["services"][1]["running"], 12);
    let world = cluster.world();
    assert!(
        world["instances"]
            .as_object()
            .expect("instances")
            .values()
            .all(|i| i["tags"]["Owner"] == "me")
    );
}

#[test]
fn workers_leave_the_swarm_before_they_are_terminated() {
    let cluster = Cluster::with(|text| text.replacen("count = 2", "count = 4", 1));
    cluster.apply().expect(0);
    cluster.edit("count = 4", "count = 1");
    let planned = plan(&cluster);
    assert_eq!(planned["summary"]["delete"], 9);
    cluster.apply().expect(0);
    let status = cluster.status();
    assert_eq!(status["nodes"].as_array().expect("nodes").len(), 4, "{status:#}");
    assert_eq!(status["services"][1]["running"], 8);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn managers_grow_and_shrink_with_their_quorum_in_the_plan() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.edit("count = 3", "count = 5");
    cluster.run(&["plan"]).expect(0).says("3 → 4 → 5");
    cluster.apply().expect(0);
    assert_eq!(cluster.status()["managers"], serde_json::json!([5, 5]));
    cluster.edit("count = 5", "count = 3");
    cluster.run(&["plan"]).expect(0).says("5 → 4 → 3");
    cluster.apply().expect(0);
    assert_eq!(cluster.status()["managers"], serde_json::json!([3, 3]));
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_replaced_instance_takes_its_node_along_and_says_why() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let before = instance_ids(&cluster);
    let planned = cluster
        .run(&["plan", "--replace", "instance.manager-1", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(planned["summary"]["replace"], 3, "{planned:#}");
    let text = cluster
        .run(&["plan", "--replace", "instance.manager-1"])
        .expect(0)
        .stdout;
    for said in [
        "-/+ instance.manager-1",
        "--replace",
        "(known after apply)",
        "nothing can be undone",
        "3 → 4 → 3",
    ] {
        assert!(text.contains(said), "`{said}` in:\n{text}");
    }
    cluster
        .run(&["apply", "--yes", "--replace", "instance.manager-1"])
        .expect(0);
    let after = instance_ids(&cluster);
    assert_eq!(after.len(), 5);
    assert_eq!(before.iter().filter(|id| after.contains(id)).count(), 4);
    let status = cluster.status();
    assert_eq!(status["managers"], serde_json::json!([3, 3]), "{status:#}");
    assert_eq!(status["nodes"].as_array().expect("nodes").len(), 5);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_replaced_network_takes_its_services_along() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.edit(
        "name = \"my-overlay\"",
        "name = \"my-overlay\"\nattachable = true",
    );
    let planned = plan(&cluster);
    assert_eq!(planned["summary"]["replace"], 3, "{planned:#}");
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(
        cluster.status()["services"].as_array().expect("services").len(),
        3
    );
}

#[test]
fn what_leaves_the_manifest_is_deleted() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let text = cluster.text();
    let from = text.find("[[service]]\nname = \"reply2\"").expect("reply2");
    let to = text.find("# Only for --sim").expect("the end");
    cluster.write(&format!("{}{}", &text[..from], &text[to..]));
    let planned = plan(&cluster);
    assert_eq!(steps(&planned), ["delete service.reply2"]);
    let summary = cluster.run(&["plan"]).expect(0).stdout;
    assert!(summary.contains("1 to destroy"), "{summary}");
    cluster.apply().expect(0);
    assert_eq!(
        cluster.status()["services"].as_array().expect("services").len(),
        2
    );
}
