//! Plans that are accepted must work: restarts of managers beside a change of a service, ports
//! handed from one service to another, managers that die, a swarm that is gone.

use std::time::Duration;

use super::bench::{Lab, get, until};
use super::membership::Quorum;
use super::nodes::health;

/// Within this the swarm sees a killed host as down.
const SEEN_DOWN: Duration = Duration::from_secs(90);

/// Applies, and looks whether anything is left to change.
#[track_caller]
fn change(lab: &Lab) {
    lab.apply().expect(0);
    lab.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[track_caller]
fn running(lab: &Lab) -> Vec<(String, u64)> {
    let status = lab.status();
    let services = status["services"].as_array().expect("services").iter();
    services
        .map(|service| {
            let name = service["name"].as_str().expect("a name").to_owned();
            (name, service["running"].as_u64().expect("a count"))
        })
        .collect()
}

#[track_caller]
fn assert_all_run(lab: &Lab) {
    let wanted = [("helloworld", 1), ("reply", 3), ("reply2", 2)];
    assert_eq!(running(lab), wanted.map(|(name, count)| (name.to_owned(), count)));
}

/// Each manager's instance type and a service's image change in one plan.
fn managers_are_retyped_beside_a_service(lab: &Lab) {
    let text = lab.manifest();
    let (managers, rest) = text.split_once("name = \"node\"").expect("two pools");
    let managers = managers.replace("\"t2.micro\"", "\"t2.small\"");
    lab.write(&format!("{managers}name = \"node\"{rest}"));
    lab.edit(
        "\"mingsiro71/replyhost\"        #",
        "\"mingsiro71/replyhost:v2\"     #",
    );
    let quorum = Quorum::watch(lab);
    change(lab);
    quorum.never_lost_for(2);
    let types = lab.ec2("DescribeInstances");
    assert_eq!(
        types.matches("<instanceType>t2.small<").count(),
        3,
        "the managers' types: {types}"
    );
    assert_all_run(lab);
    assert_eq!(get(&lab.host("node-0")).expect("an answer")[..8], *"I am v2 ");
}

/// A port goes to another service; then two services swap theirs.
fn ports_are_handed_over(lab: &Lab) {
    let replicas = "replicas = 2\n";
    lab.edit("ports = [\"80:80\"]  ", "ports = [\"8080:80\"]");
    lab.edit(replicas, "replicas = 2\nports = [\"80:80\"] # of reply2\n");
    change(lab);
    assert_all_run(lab);
    let body = get(&lab.host("node-1")).expect("an answer");
    assert!(!body.starts_with("I am v2"), "reply2 answers on 80: {body}");

    lab.edit("\"8080:80\"", "\"80:80\"");
    lab.edit("[\"80:80\"] # of reply2", "[\"8080:80\"] # of reply2");
    change(lab);
    assert_all_run(lab);
    let body = get(&lab.host("node-1")).expect("an answer");
    assert!(body.starts_with("I am v2"), "reply answers on 80 again: {body}");
}

/// Three managers, one dead, one wanted: the dead one leaves first.
fn a_dead_manager_leaves_first(lab: &Lab) {
    lab.tool(&["host", "kill", &lab.host("manager-1")]);
    until("the swarm sees the manager down", SEEN_DOWN, || {
        let status = lab.run(&["status", "--format", "json"]);
        status.code == Some(0) && health(&status.json(), "manager-1") == "down"
    });
    lab.edit("count = 3", "count = 1");
    change(lab);
    assert_eq!(lab.names(), ["manager-0", "node-0", "node-1"]);
    assert_eq!(lab.status()["managers"], serde_json::json!([1, 1]));
    assert_all_run(lab);
}

/// The only manager is terminated outside: its workers leave the dead swarm for the new one.
fn workers_of_a_dead_swarm_join_the_new_one(lab: &Lab) {
    let manager = lab.instance("manager-0");
    lab.ec2(&format!("TerminateInstances&InstanceId.1={manager}"));
    until("the manager is gone", SEEN_DOWN, || {
        let described = lab.ec2(&format!("DescribeInstances&InstanceId.1={manager}"));
        described.contains("<name>terminated</name>")
    });
    change(lab);
    assert_eq!(lab.names(), ["manager-0", "node-0", "node-1"]);
    assert_all_run(lab);
    get(&lab.host("node-0")).expect("an answer");
}

#[test]
#[ignore = "takes four minutes; the same on the simulator is tested always"]
fn accepted_plans_work_on_real_engines() {
    let Some(lab) = Lab::turn("accepted plans") else {
        return;
    };
    // Fewer tasks are enough, and are changed sooner.
    lab.edit("replicas = 8\n", "replicas = 3\n");
    lab.edit("replicas = 5\n", "replicas = 2\n");
    lab.apply().expect(0);
    managers_are_retyped_beside_a_service(&lab);
    ports_are_handed_over(&lab);
    a_dead_manager_leaves_first(&lab);
    workers_of_a_dead_swarm_join_the_new_one(&lab);
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}
