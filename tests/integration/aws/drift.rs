//! What somebody changes by hand in EC2 is planned exactly, and repaired.

use std::time::{Duration, Instant};

use aws_sdk_ec2::types::{InstanceStateName, IpPermission, IpRange, Tag};

use super::bench::{Bench, PLAN, id, state_of, tags};
use crate::support::steps;

fn up() -> Option<Bench> {
    let bench = Bench::sandbox()?;
    bench.apply().expect(0);
    Some(bench)
}

/// The plan has these steps and its text says this; apply repairs it, and there is nothing more.
#[track_caller]
fn repaired(bench: &Bench, expected: &[&str], said: &[&str]) {
    assert_eq!(steps(&bench.plan()), expected);
    let plan = bench.run(&PLAN).expect(2);
    plan.says("Changed outside");
    for said in said {
        plan.says(said);
    }
    bench.apply().expect(0);
    bench.assert_whole(5, "after the repair");
}

/// The id of the instance of that name.
fn named(bench: &Bench, name: &str) -> String {
    let instances = bench.instances();
    let found = instances
        .iter()
        .find(|instance| super::bench::name(instance) == name);
    id(found.expect("an instance")).to_owned()
}

fn until(bench: &Bench, name: &str, state: InstanceStateName) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let there = |instance: &aws_sdk_ec2::types::Instance| {
        super::bench::name(instance) == name && state_of(instance) == state
    };
    while !bench.ever_run().iter().any(there) {
        assert!(Instant::now() < deadline, "{name} is not {state:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_rule_that_was_added_is_removed() {
    let Some(bench) = up() else { return };
    let group = bench.groups()[0].group_id().expect("an id").to_owned();
    let permission = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(8080)
        .to_port(8080)
        .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
        .build();
    let call = bench.ec2.authorize_security_group_ingress().group_id(&group);
    bench.wait(call.ip_permissions(permission).send()).expect("added");
    let address = format!("update security_group.{}", bench.name);
    repaired(&bench, &[&address], &["8080"]);
    let open = |port: i32| {
        let groups = bench.groups();
        let mut permissions = groups[0].ip_permissions().iter();
        permissions.any(|permission| permission.from_port() == Some(port))
    };
    assert!(!open(8080) && open(80) && open(22));
}

#[test]
fn a_rule_that_was_removed_is_added() {
    let Some(bench) = up() else { return };
    let group = bench.groups()[0].clone();
    let ssh = group
        .ip_permissions()
        .iter()
        .find(|p| p.from_port() == Some(22))
        .expect("SSH");
    let call = bench
        .ec2
        .revoke_security_group_ingress()
        .group_id(group.group_id().expect("an id"));
    bench
        .wait(call.ip_permissions(ssh.clone()).send())
        .expect("removed");
    let address = format!("update security_group.{}", bench.name);
    repaired(&bench, &[&address], &["22"]);
    assert!(
        bench.groups()[0]
            .ip_permissions()
            .iter()
            .any(|p| p.from_port() == Some(22))
    );
}

#[test]
fn a_tag_that_was_edited_is_set_again() {
    let Some(bench) = up() else { return };
    let node = named(&bench, "node-0");
    let tag = Tag::builder().key("Unit").value("Other").build();
    bench
        .wait(bench.ec2.create_tags().resources(&node).tags(tag).send())
        .expect("tagged");
    repaired(&bench, &["update instance.node-0"], &["Unit", "Other"]);
    let instances = bench.instances();
    assert!(
        instances
            .iter()
            .all(|instance| tags(instance)["Unit"] == "Sandbox")
    );
}

#[test]
fn an_instance_that_was_stopped_is_started() {
    let Some(bench) = up() else { return };
    let node = named(&bench, "node-1");
    bench
        .wait(bench.ec2.stop_instances().instance_ids(&node).send())
        .expect("stopped");
    until(&bench, "node-1", InstanceStateName::Stopped);
    repaired(&bench, &["update instance.node-1"], &["running: true → false"]);
    until(&bench, "node-1", InstanceStateName::Running);
    assert_eq!(bench.ever_run().len(), 5, "it is the same instance");
}

#[test]
fn an_instance_that_was_terminated_is_recreated() {
    let Some(bench) = up() else { return };
    let node = named(&bench, "node-0");
    bench
        .wait(bench.ec2.terminate_instances().instance_ids(&node).send())
        .expect("terminated");
    until(&bench, "node-0", InstanceStateName::Terminated);
    repaired(
        &bench,
        &["create instance.node-0", "forget instance.node-0"],
        &["gone"],
    );
    assert_ne!(named(&bench, "node-0"), node);
    assert_eq!(bench.ever_run().len(), 6);
}

#[test]
fn a_key_pair_that_was_replaced_is_not_overwritten_silently() {
    let Some(bench) = up() else { return };
    let name = format!("{}-key", bench.name);
    bench
        .wait(bench.ec2.delete_key_pair().key_name(&name).send())
        .expect("deleted");
    let plan = steps(&bench.plan());
    assert!(
        plan.iter().any(|step| step.starts_with("create key_pair.")),
        "{plan:?}"
    );
    assert!(
        !plan.iter().any(|step| step.contains("instance.")),
        "no instance is touched for it: {plan:?}"
    );
    bench.apply().expect(0);
    bench.assert_whole(5, "with its key pair again");
}
