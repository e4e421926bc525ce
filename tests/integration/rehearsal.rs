//! Every plan is rehearsed before it is shown.

use serde_json::Value;

use crate::support::{Cluster, files};

fn rehearsal(cluster: &Cluster, args: &[&str]) -> Value {
    let args = [&["plan", "--format", "json"], args].concat();
    cluster.run(&args).json()["rehearsal"].clone()
}

#[test]
fn a_plan_says_in_every_format_what_its_rehearsal_gave() {
    let cluster = Cluster::sandbox();
    cluster.run(&["plan"]).expect(0).says("Rehearsed: about ");
    cluster
        .run(&["plan", "--format", "markdown"])
        .expect(0)
        .says("Rehearsed: about ");
    let first = rehearsal(&cluster, &[]);
    assert!(
        first["rehearsed"]["took_ms"].as_u64().expect("a time") > 30_000,
        "{first}"
    );
    assert!(first["rehearsed"]["not_modelled"].is_array(), "{first}");
    // The same again, and in another folder.
    assert_eq!(first, rehearsal(&cluster, &[]));
    assert_eq!(first, rehearsal(&Cluster::sandbox(), &[]));
    let untouched = files(cluster.dir.path());
    assert!(
        !untouched.iter().any(|file| file.ends_with("world.json")),
        "{untouched:?}"
    );
    cluster.apply().expect(0);
    cluster
        .run(&["plan", "--replace", "instance.manager-1"])
        .expect(0)
        .says("reply never below 6 of 8");
    let change = rehearsal(&cluster, &["--replace", "instance.manager-1"]);
    assert_eq!(change["rehearsed"]["quorum"]["voters"], 3, "{change}");
    cluster
        .run(&["plan", "--destroy"])
        .expect(0)
        .says("Rehearsed: about ");
    assert_eq!(
        rehearsal(&cluster, &[]),
        Value::Null,
        "there is nothing to rehearse"
    );
}

#[test]
fn a_plan_that_is_not_rehearsed_says_why() {
    let cluster = Cluster::sandbox();
    let digest = |args: &[&str]| {
        let args = [&["plan", "--format", "json"], args].concat();
        cluster.run(&args).json()["digest"].clone()
    };
    cluster
        .run(&["plan", "--rehearse=false"])
        .expect(0)
        .says("Not rehearsed: --rehearse=false");
    assert_eq!(digest(&[]), digest(&["--rehearse=false"]), "it is in no digest");
    cluster
        .run(&["plan", "--refresh=false"])
        .expect(0)
        .says("Not rehearsed: the world was not read");
    let because = rehearsal(&cluster, &["--refresh=false"]);
    assert_eq!(because["not_rehearsed"]["because"], "not_read", "{because}");
    cluster.apply().expect(0);
    cluster.run(&["sim", "kill-node", "manager-0"]).expect(0);
    cluster.run(&["sim", "kill-node", "manager-1"]).expect(0);
    cluster
        .run(&["plan"])
        .says("Rehearsed: about ")
        .says("assumed: the swarm is as it is recorded, because it could not be read");
}

#[test]
fn a_plan_that_fails_in_its_rehearsal_is_refused_with_the_step_and_the_cause() {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    let resources = cluster.resources();
    cluster.edit("image = \"alpine\"", "image = \"does-not-exist\"");
    let refused = cluster.run(&["plan", "--out", "review.plan"]).expect(5);
    refused
        .says("error[rehearsal] service.helloworld")
        .says("No such image")
        .says("line 52");
    cluster
        .apply()
        .expect(5)
        .says("error[rehearsal] service.helloworld");
    assert_eq!(cluster.resources(), resources);
    assert!(!cluster.dir.path().join("review.plan").exists());
    // Whoever knows better leaves it out, with the digest that was reviewed.
    let plan = cluster.run(&["plan", "--format", "json"]).expect(5).json();
    let digest = plan["digest"].as_str().expect("a digest").to_owned();
    let ran = cluster.run(&["apply", "--yes", "--rehearse=false", "--expect", &digest]);
    ran.expect(3).says("No such image");
}

#[test]
fn a_rehearsal_knows_no_faults_and_no_stock_and_needs_no_secret() {
    let cluster = Cluster::sandbox();
    cluster.faults("{ call = \"run_instance:node-0\", error = \"InsufficientInstanceCapacity\" }");
    cluster.run(&["plan"]).expect(0).says("Rehearsed: about ");
    cluster.apply().expect(3);
    cluster.faults("");
    std::fs::write(cluster.dir.path().join("pw"), "hunter2hunter2").expect("written");
    let text = format!("{}\n[secret.pw]\nfile = \"pw\"\n", cluster.text());
    cluster.write(&text);
    let plan = cluster.run(&["plan", "--format", "json"]).expect(0);
    assert!(!plan.stdout.contains("hunter2"), "{}", plan.stdout);
    assert_eq!(plan.json()["rehearsal"]["rehearsed"]["failed"], Value::Null);
}

#[test]
fn a_saved_plan_carries_its_rehearsal() {
    let cluster = Cluster::sandbox();
    cluster.run(&["plan", "--out", "review.plan"]).expect(0);
    let saved = std::fs::read_to_string(cluster.dir.path().join("review.plan")).expect("saved");
    let saved: Value = serde_json::from_str(&saved).expect("JSON");
    assert!(
        saved["plan"]["rehearsal"]["rehearsed"]["took_ms"].is_u64(),
        "{saved}"
    );
    cluster.run(&["apply", "review.plan", "--yes"]).expect(0);
}
