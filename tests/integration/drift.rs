//! What moves outside is seen, only where it matters, and repaired.

use serde_json::Value;

use crate::faults::copy_of;
use crate::support::{Cluster, files, steps};

fn up() -> Cluster {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster
}

/// Moves something outside; the plan has these steps, its text says this, and apply repairs it.
fn repaired(template: &Cluster, outside: &[&str], expected: &[&str], said: &str) -> Value {
    let cluster = copy_of(template);
    cluster.run(outside).expect(0);
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    drifted(&cluster, &plan, said);
    let mut expected: Vec<String> = expected.iter().map(|step| (*step).to_owned()).collect();
    expected.sort();
    assert_eq!(steps(&plan), expected, "after {outside:?}");
    cluster
        .run(&["plan"])
        .expect(0)
        .says("Changed outside")
        .says(said);
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    cluster.run(&["plan", "--drift"]).expect(0).says("No drift");
    let status = cluster.status();
    assert_eq!(
        status["nodes"].as_array().expect("nodes").len(),
        5,
        "after {outside:?}: {status:#}"
    );
    assert!(
        status["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .all(|node| node["health"] == "ready")
    );
    status
}

/// Every address in a list of a document.
fn addresses<'a>(document: &'a Value, list: &str) -> Vec<&'a str> {
    let list = document[list].as_array().expect("a list").iter();
    list.map(|each| each["address"].as_str().expect("an address"))
        .collect()
}

/// `plan --drift` names what the plan repairs and nothing else, in each format, and writes nothing.
fn drifted(cluster: &Cluster, plan: &Value, said: &str) {
    let before = files(cluster.dir.path());
    let text = cluster.run(&["plan", "--drift"]).expect(2);
    text.says(said).says("Drift: ").says("subako plan --sim");
    let document = cluster
        .run(&["plan", "--drift", "--format", "json"])
        .expect(2)
        .json();
    assert_eq!(document["verdict"], "drifted");
    let found = [
        addresses(&document, "drift"),
        addresses(&document, "not_converged"),
    ]
    .concat();
    assert!(!found.is_empty(), "{document:#}");
    let planned: Vec<&str> = addresses(plan, "steps");
    for address in &found {
        assert!(planned.contains(address), "{address}: {document:#}");
    }
    for address in addresses(plan, "drift") {
        assert!(found.contains(&address), "{address} is missing: {document:#}");
    }
    let comment = cluster
        .run(&["plan", "--drift", "--format", "markdown"])
        .expect(2);
    comment
        .says(said)
        .says("### Subako: `sandbox` on the simulator: drift: ")
        .says("<!-- subako-drift -->");
    assert_eq!(files(cluster.dir.path()), before, "a look writes nothing");
}

#[test]
fn only_what_moved_outside_is_drift_and_it_takes_neither_manifest_nor_values() {
    let cluster = up();
    // What the manifest wants is no drift, nor what it lacks.
    cluster.edit("replicas = 8", "replicas = 9");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(2);
    cluster.run(&["plan", "--drift"]).expect(0).says("No drift");
    let comment = cluster
        .run(&["plan", "--drift", "--format", "markdown"])
        .expect(0);
    assert_eq!(comment.stdout.lines().count(), 1, "{}", comment.said());
    cluster.run(&["sim", "scale", "reply2", "2"]).expect(0);
    let text = cluster.text();
    let without_value = text.replace("replicas = 9", "replicas = \"${var:nobody}\"");
    cluster.write(&without_value);
    cluster
        .run(&["plan", "--drift"])
        .expect(2)
        .says("service.reply2")
        .says("replicas");
    std::fs::remove_file(cluster.manifest()).expect("removed");
    let named = cluster
        .run(&["plan", "--drift", "--cluster", "sandbox"])
        .expect(2);
    named.says("service.reply2");
    cluster.write(&text);
    for conflicting in [
        &["--out", "x"][..],
        &["--destroy"],
        &["--target", "service.*"],
        &["--refresh=false"],
        &["--deny", "warnings"],
    ] {
        let ran = cluster.run(&[&["plan", "--drift"], conflicting].concat());
        ran.expect(1).says("cannot be used with");
    }
}

#[test]
fn a_parked_cluster_has_not_drifted_and_one_that_is_gone_has() {
    let cluster = up();
    let parked = copy_of(&cluster);
    parked.run(&["park", "--yes"]).expect(0);
    parked.run(&["plan", "--drift"]).expect(0).says("is parked");
    cluster.run(&["plan", "--drift"]).expect(0);
    let other = Cluster::sandbox();
    other
        .run(&["plan", "--drift"])
        .expect(0)
        .says("the state has nothing");
}

#[test]
fn what_moved_outside_is_planned_and_repaired() {
    let template = up();
    let status = repaired(
        &template,
        &["sim", "scale", "reply", "3"],
        &["update service.reply"],
        "replicas",
    );
    assert_eq!(status["services"][1]["running"], 8);
    repaired(
        &template,
        &["sim", "set-image", "helloworld", "busybox"],
        &["update service.helloworld"],
        "busybox",
    );
    repaired(
        &template,
        &["sim", "remove-service", "reply2"],
        &["create service.reply2", "forget service.reply2"],
        "gone",
    );
    repaired(
        &template,
        &["sim", "open-port", "8080"],
        &["update security_group.sandbox"],
        "8080",
    );
    repaired(
        &template,
        &["sim", "close-port", "80"],
        &["update security_group.sandbox"],
        "80",
    );
    repaired(
        &template,
        &["sim", "tag", "node-0", "Unit=Other"],
        &["update instance.node-0"],
        "Other",
    );
    repaired(
        &template,
        &["sim", "drain", "node-0"],
        &["update member.node-0"],
        "drain",
    );
    repaired(
        &template,
        &["sim", "stop-instance", "node-1"],
        &["update instance.node-1"],
        "running",
    );
}

#[test]
fn a_terminated_instance_is_recreated_and_its_node_leaves() {
    let template = up();
    let status = repaired(
        &template,
        &["sim", "terminate-instance", "node-0"],
        &[
            "create instance.node-0",
            "forget instance.node-0",
            "create docker.node-0",
            "forget docker.node-0",
            "create member.node-0",
            "delete member.node-0",
        ],
        "gone",
    );
    assert_eq!(status["services"][1]["running"], 8);
}

#[test]
fn a_node_that_hangs_is_brought_back() {
    let template = up();
    repaired(
        &template,
        &["sim", "kill-node", "node-1"],
        &["update docker.node-1"],
        "running",
    );
    repaired(
        &template,
        &["sim", "kill-node", "manager-0"],
        &["update docker.manager-0"],
        "running",
    );
}

#[test]
fn a_lost_quorum_is_said_once_and_repaired_or_refused() {
    let gone = up();
    for manager in ["manager-1", "manager-2"] {
        gone.run(&["sim", "terminate-instance", manager]).expect(0);
    }
    gone.apply().expect(5).says("lost its quorum");

    let hung = up();
    for manager in ["manager-1", "manager-2"] {
        hung.run(&["sim", "kill-node", manager]).expect(0);
    }
    let said = hung.run(&["plan"]).says("lost its quorum").stdout.clone();
    assert!(!said.contains("as the manifest wants it"), "{said}");
    assert_eq!(said.matches("lost its quorum").count(), 1, "{said}");
    assert_eq!(said.matches("cannot be read").count(), 1, "{said}");
    hung.run(&["status", "--check"]).expect(2).says("lost its quorum");
    // What needs no quorum brings it back.
    hung.apply().expect(0);
    hung.run(&["status", "--check"]).expect(0);
    hung.run(&["plan"]).says("as the manifest wants it");
}

#[test]
fn what_does_not_matter_to_the_manifest_is_not_a_change() {
    let cluster = up();
    // A restart gives another public address: noted, not planned.
    cluster.run(&["sim", "stop-instance", "node-0"]).expect(0);
    cluster.run(&["sim", "start-instance", "node-0"]).expect(0);
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    let others: Vec<String> = steps(&plan)
        .into_iter()
        .filter(|step| !step.contains("node-0"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_lost_state_is_found_again_by_tags() {
    let cluster = up();
    for entry in ["state.json", "history"] {
        let path = cluster.state_dir().join(entry);
        if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        }
        .expect("removed");
    }
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(
        plan["summary"]["create"], 0,
        "nothing is thought to be new: {plan:#}"
    );
    assert!(
        steps(&plan).iter().all(|step| step.starts_with("adopt ")),
        "{:?}",
        steps(&plan)
    );
    cluster.run(&["plan"]).expect(0).says("↻");
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(cluster.resources().len(), 22);
}

#[test]
fn a_default_that_the_manifest_spells_out_is_kept_and_one_left_out_is_nobodys() {
    // Swarm's own 10 s.
    let spelled_out = "image = \"alpine\"\nstop_grace_period = \"10s\"";
    let cluster = Cluster::with(|text| text.replace("image = \"alpine\"", spelled_out));
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    repaired(
        &cluster,
        &["sim", "set-stop-grace", "helloworld", "30"],
        &["update service.helloworld"],
        "stop_grace_period",
    );
    cluster.run(&["sim", "set-stop-grace", "reply", "30"]).expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn what_an_autoscaler_and_a_pipeline_decide_is_left_to_them() {
    let cluster = Cluster::with(|text| {
        let text = text.replace(
            "replicas = 8\n",
            "replicas = 8\nignore_changes = [\"replicas\", \"image\"]\n",
        );
        assert!(text.contains("ignore_changes"));
        text
    });
    cluster.apply().expect(0);
    cluster.run(&["sim", "scale", "reply", "3"]).expect(0);
    cluster
        .run(&["plan", "--detailed-exitcode"])
        .expect(0)
        .says("note[ignored] service.reply: ")
        .says("replicas is 3, not 8");
    let digest = |ran: crate::support::Ran| ran.json()["digest"].clone();
    let before = digest(cluster.run(&["plan", "--format", "json"]));
    cluster.run(&["sim", "scale", "reply", "4"]).expect(0);
    assert_eq!(before, digest(cluster.run(&["plan", "--format", "json"])));
    let drift = cluster.run(&["plan", "--drift"]).expect(0);
    drift
        .says("Left as it is by ignore_changes")
        .says("replicas: 8 → 4")
        .says("No drift");
    // What else is wanted is changed around it, and undone around it.
    cluster.edit(
        "ignore_changes = [\"replicas\", \"image\"]\n",
        "ignore_changes = [\"replicas\", \"image\"]\nlabels = { a = \"b\" }\n",
    );
    cluster.run(&["sim", "set-image", "reply", "busybox"]).expect(0);
    cluster.apply().expect(0);
    let status = cluster.status();
    let reply = status["services"].as_array().expect("services").iter();
    let reply = reply
        .clone()
        .find(|service| service["name"] == "reply")
        .expect("reply");
    assert_eq!(reply["wanted"], 4);
    let image = reply["image"].as_str().expect("an image");
    assert!(image.starts_with("busybox"), "{image}");
    // A service that is gone is created as the manifest says.
    cluster.run(&["sim", "remove-service", "reply"]).expect(0);
    cluster
        .run(&["plan", "--drift"])
        .expect(2)
        .says("service.reply is gone");
    cluster.apply().expect(0);
    assert_eq!(cluster.status()["services"][1]["wanted"], 8);
}
