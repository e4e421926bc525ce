//! Images: pinned to the digest that the registry gives their tags.

use serde_json::Value;

use crate::support::{Cluster, steps};

/// A service of the world as the swarm has it.
fn live_image(cluster: &Cluster, name: &str) -> String {
    let world = cluster.world();
    let swarm = world["swarms"].as_object().expect("swarms").values().next();
    let service = &swarm.expect("a swarm")["services"][name];
    service["image"].as_str().expect("an image").to_owned()
}

fn outputs(cluster: &Cluster, address: &str) -> Value {
    let resources = cluster.resources();
    let found = resources.iter().find(|resource| resource["address"] == address);
    found.expect("a resource")["outputs"].clone()
}

#[test]
fn a_tag_is_pinned_once_and_stays_so_until_another_image_is_wanted() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let image = live_image(&cluster, "helloworld");
    let digest = image.strip_prefix("alpine:latest@").expect("a tag and a digest");
    assert_eq!(digest.len(), "sha256:".len() + 64, "{image}");
    assert_eq!(outputs(&cluster, "service.helloworld")["image_digest"], digest);
    let service = &cluster.status()["services"][0];
    assert_eq!(
        (&service["image"], &service["image_digest"]),
        (&"alpine:latest".into(), &digest.into())
    );
    // The manifest has no digest: nothing to change.
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    // Scaling asks no registry and deploys nothing, even if the tag meant something else by now.
    cluster.edit("replicas = 8", "replicas = 9");
    let before = live_image(&cluster, "reply");
    cluster.faults("{ call = \"image_digest\", times = 99, error = \"unavailable\" }");
    cluster.apply().expect(0);
    assert_eq!(live_image(&cluster, "reply"), before);
    cluster.faults("");
    cluster.edit("image = \"alpine\"", "image = \"alpine:3.20\"");
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(steps(&plan), ["update service.helloworld"]);
    cluster.apply().expect(0);
    let other = live_image(&cluster, "helloworld");
    assert!(
        other.starts_with("alpine:3.20@sha256:") && !other.ends_with(digest),
        "{other}"
    );
    assert_ne!(outputs(&cluster, "service.helloworld")["image_digest"], digest);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn without_an_answer_of_the_registry_it_goes_on_with_the_tag_and_says_so() {
    let cluster = Cluster::sandbox();
    cluster.faults("{ call = \"image_digest\", times = 99, error = \"unavailable\" }");
    cluster
        .run(&["apply", "--yes", "--format", "json"])
        .expect(0)
        .says("going on with the tag alone");
    assert_eq!(live_image(&cluster, "helloworld"), "alpine");
    assert_eq!(outputs(&cluster, "service.helloworld"), serde_json::json!({}));
    cluster.faults("");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_digest_in_the_manifest_is_compared_as_it_stands() {
    let pinned = |digit: &str| format!("image = \"alpine@sha256:{}\"", digit.repeat(64));
    let cluster = Cluster::with(|text| text.replace("image = \"alpine\"", &pinned("a")));
    cluster.apply().expect(0);
    assert!(live_image(&cluster, "helloworld").ends_with(&"a".repeat(64)));
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    cluster.edit(&pinned("a"), &pinned("b"));
    cluster.run(&["plan", "--detailed-exitcode"]).expect(2);
    cluster.apply().expect(0);
    assert!(live_image(&cluster, "helloworld").ends_with(&"b".repeat(64)));
}

#[test]
fn on_the_way_back_a_service_gets_the_digest_that_it_had() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let before = live_image(&cluster, "helloworld");
    assert!(before.contains('@'), "{before}");
    // Whatever the tag means by now, no registry is asked.
    cluster.faults("{ call = \"image_digest\", times = 99, error = \"unavailable\" }");
    cluster.edit("image = \"alpine\"", "image = \"crash\"");
    cluster.apply_unrehearsed().expect(3);
    assert_eq!(live_image(&cluster, "helloworld"), before);
    cluster.faults("");
    cluster.edit("image = \"crash\"", "image = \"alpine\"");
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
    // A service that was removed by the run comes back as it was, too.
    cluster.edit(
        "[[service]]\nname = \"helloworld\"\nimage = \"alpine\"\ncommand = \"ping docker.com\"\n",
        "",
    );
    cluster.edit(
        "name = \"reply2\"\nimage = \"mingsiro71/replyhost\"",
        "name = \"reply2\"\nimage = \"crash\"",
    );
    cluster.faults("{ call = \"image_digest\", times = 99, error = \"unavailable\" }");
    cluster.apply_unrehearsed().expect(3);
    assert_eq!(live_image(&cluster, "helloworld"), before);
}
