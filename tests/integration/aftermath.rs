//! After a rollback the world is read again: what is not as before, or cannot be read, is named.

use crate::support::{Cluster, Ran};

/// A cluster that is up, and an edit of it that fails at its last call: a network is new, and a
/// service gets another image.
fn about_to_fail() -> Cluster {
    let cluster = Cluster::sandbox();
    cluster.apply().expect(0);
    cluster.edit("image = \"alpine\"", "image = \"busybox\"");
    cluster.edit(
        "[[service]]\nname = \"helloworld\"",
        "[[network]]\nname = \"new\"\n\n[[service]]\nname = \"helloworld\"",
    );
    cluster
}

/// The events of a run.
fn events(ran: &Ran) -> Vec<serde_json::Value> {
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("an event"))
        .collect()
}

#[test]
fn what_is_not_as_before_is_named_and_ends_with_4() {
    let cluster = about_to_fail();
    // Not read before the run, so that the record is what is known of it.
    cluster.run(&["sim", "scale", "helloworld", "3"]).expect(0);
    cluster.faults("{ call = \"update_service\", nth = 1, error = \"X\" }");
    let ran = cluster.run(&["apply", "--yes", "--refresh=false"]).expect(4);
    ran.says("apply failed, and everything it did was undone, but not everything is as it was before")
        .says("  differs: service.helloworld: replicas was 1 and is 3\n")
        .says("undone: network.new")
        .says("help: `subako plan --sim` reads it again and shows what differs from the manifest; `subako apply --sim` repairs it");
    assert!(!ran.said().contains("remains: nothing"), "{}", ran.said());
    let ran = cluster
        .run(&["apply", "--yes", "--refresh=false", "--format", "json"])
        .expect(4);
    let events = events(&ran);
    let checked = events.last().expect("an event");
    assert_eq!(checked["event"], "rollback_checked", "{checked}");
    assert_eq!(checked["differs"][0]["address"], "service.helloworld");
    assert_eq!(checked["differs"][0]["how"], "changed");
    assert_eq!(checked["differs"][0]["changes"][0]["path"], "replicas");
    assert_eq!(checked["unchecked"], serde_json::json!([]));
    // There is nothing to recover, and what differs is repaired.
    cluster.run(&["recover", "--back", "--yes"]).expect(0);
    cluster.faults("");
    cluster.apply().expect(0);
    cluster.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn what_cannot_be_read_after_a_rollback_is_said_and_ends_with_4() {
    let cluster = about_to_fail();
    let resources = cluster.resources();
    cluster.faults(
        "{ call = \"update_service\", nth = 1, error = \"X\" }, { call = \"survey\", nth = 2, times = 1000, error = \"RequestExpired\" }",
    );
    cluster
        .apply()
        .expect(4)
        .says("undone, but it could not be checked that everything is as it was before")
        .says("  could not be checked: network.new, service.helloworld (2 in all): ")
        .says("RequestExpired")
        .says("help: `subako status --sim` says whether the cluster answers again");
    assert_eq!(cluster.resources(), resources);
    // Clean, it is exit 3.
    cluster.faults("{ call = \"update_service\", nth = 1, error = \"X\" }");
    cluster
        .apply()
        .expect(3)
        .says("remains: nothing; the state and the world are as they were before");
}

#[test]
fn a_recovery_back_is_checked_too() {
    let cluster = Cluster::sandbox();
    let mut command = cluster.command(&["apply", "--yes"]);
    Ran::of(command.env("SUBAKO_CRASH_AFTER_ENTRY", "16"));
    cluster.faults("{ call = \"survey\", nth = 1, times = 1000, error = \"RequestExpired\" }");
    let ran = cluster.run(&["recover", "--back", "--yes"]).expect(4);
    ran.says(
        "recover --back undid everything, but it could not be checked that everything is as it was before",
    )
    .says("  could not be checked: ");
    // That run is undone: neither is there a cause to remove, nor anything to recover again.
    let said = ran.said();
    assert!(
        !said.contains("why:") && !said.contains("`subako recover"),
        "{said}"
    );
    cluster.faults("");
    assert!(cluster.resources().is_empty());
    cluster.apply().expect(0);
}
