//! A whole life on EC2: apply, an independent look, nothing to do, destroy; and a lost state.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    HttpTokensState, Instance, InstanceAttributeName, InstanceMetadataEndpointState, InstanceStateName,
    VolumeType,
};

use super::bench::{Bench, PLAN, id, name, state_of, tags};
use crate::support::steps;

fn edited() -> Option<Bench> {
    Bench::with(|text| {
        let second = text.replacen("disk_gib = 8\n\n[[pool]]", "disk_gib = 12\n\n[[pool]]", 1);
        let at = second.find("availability_zones").expect("zones");
        let end = second[at..].find('\n').expect("a line") + at;
        let line = &second[at..end];
        let zone = line.split('"').nth(1).expect("a zone");
        let other = format!("{}c", zone.trim_end_matches('a'));
        let lines = format!("availability_zones = [\"{zone}\", \"{other}\"]");
        format!("{}{lines}{}", &second[..at], &second[end..])
    })
}

/// The zones of a region of moto that the default VPC has subnets in.
fn zones(bench: &Bench) -> BTreeSet<String> {
    let answer = bench.wait(bench.ec2.describe_subnets().send()).expect("subnets");
    answer
        .subnets()
        .iter()
        .filter_map(|subnet| subnet.availability_zone().map(str::to_owned))
        .collect()
}

/// What an instance carries by name.
fn by_name(bench: &Bench) -> BTreeMap<String, Instance> {
    let instances = bench.instances().into_iter();
    instances.map(|instance| (name(&instance), instance)).collect()
}

#[test]
fn what_the_manifest_says_is_what_ec2_has_and_a_destroy_leaves_nothing() {
    let Some(bench) = edited() else { return };
    let wanted = [format!("{}a", bench.region), format!("{}c", bench.region)];
    if !wanted.iter().all(|zone| zones(&bench).contains(zone)) {
        let text = std::fs::read_to_string(bench.manifest()).expect("the manifest");
        let have: Vec<String> = zones(&bench).into_iter().collect();
        bench.write(
            &text
                .replace(&wanted[1], have.last().expect("a zone"))
                .replace(&wanted[0], &have[0]),
        );
    }
    bench.apply().expect(0).says("Done");
    look(&bench);
    bench.run(&PLAN).expect(0);
    bench.assert_whole(5, "after the apply");
    // Ids, addresses and states are written nowhere but in the state and in EC2: both agree.
    for resource in bench.resources() {
        let address = resource["address"].as_str().expect("an address");
        if let Some(name) = address.strip_prefix("instance.") {
            let instance = &by_name(&bench)[name];
            assert_eq!(resource["outputs"]["instance_id"], id(instance), "{resource:#}");
            let private = instance.private_ip_address().expect("an address");
            assert_eq!(resource["outputs"]["private_ip"], private, "{resource:#}");
        }
    }
    bench.run(&["destroy", "--yes"]).expect(0).says("Nothing is left");
    bench.assert_nothing("after the destroy");
    assert!(bench.resources().is_empty());
}

fn look(bench: &Bench) {
    let there = by_name(bench);
    let names: Vec<&str> = there.keys().map(String::as_str).collect();
    assert_eq!(names, ["manager-0", "manager-1", "manager-2", "node-0", "node-1"]);
    let groups = bench.groups();
    let group = groups.first().expect("the group");
    let mut zones_used = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for (name, instance) in &there {
        assert_eq!(state_of(instance), InstanceStateName::Running, "{name}");
        let tags = tags(instance);
        assert_eq!(tags["Unit"], "Sandbox", "{name}");
        assert_eq!(tags["Name"], format!("{}-{name}", bench.name));
        assert_eq!(tags["subako:cluster"], bench.name, "{name}");
        assert_eq!(tags["subako:address"], format!("instance.{name}"));
        assert_eq!(instance.instance_type().expect("a type").as_str(), "t2.micro");
        assert_eq!(instance.key_name(), Some(&*format!("{}-key", bench.name)));
        let in_groups: Vec<_> = instance.security_groups().iter().map(|g| g.group_id()).collect();
        assert_eq!(in_groups, [group.group_id()], "{name}");
        let metadata = instance.metadata_options().expect("metadata options");
        assert_eq!(metadata.http_tokens(), Some(&HttpTokensState::Required), "{name}");
        assert_eq!(metadata.http_put_response_hop_limit(), Some(1), "{name}");
        assert_eq!(
            metadata.http_endpoint(),
            Some(&InstanceMetadataEndpointState::Enabled)
        );
        zones_used.insert(
            instance
                .placement()
                .and_then(|p| p.availability_zone())
                .expect("a zone")
                .to_owned(),
        );
        addresses.insert(instance.private_ip_address().expect("an address").to_owned());
        disk(bench, name, instance);
    }
    assert_eq!(zones_used.len(), 2, "spread over both zones: {zones_used:?}");
    assert_eq!(addresses.len(), 5, "{addresses:?}");
    rules(group);
    let tag_of = |key: &str| {
        let mut tags = group.tags().iter();
        tags.find(|tag| tag.key() == Some(key))
            .and_then(|tag| tag.value())
    };
    assert_eq!(tag_of("subako:cluster"), Some(&*bench.name));
    assert_eq!(tag_of("Unit"), Some("Sandbox"));
    let keys = bench.keys();
    assert_eq!(keys.len(), 1);
    let cluster = keys[0]
        .tags()
        .iter()
        .find(|tag| tag.key() == Some("subako:cluster"));
    assert_eq!(cluster.and_then(|tag| tag.value()), Some(&*bench.name));
}

/// gp3 of the pool's size, tagged in the creating call, gone with its instance.
fn disk(bench: &Bench, name: &str, instance: &Instance) {
    let volumes = bench.volumes();
    let mine: Vec<_> = volumes
        .iter()
        .filter(|volume| {
            volume
                .attachments()
                .iter()
                .any(|a| a.instance_id() == Some(id(instance)))
        })
        .collect();
    assert_eq!(mine.len(), 1, "{name} has one tagged volume");
    let gib = if name.starts_with("manager") { 12 } else { 8 };
    assert_eq!(mine[0].size(), Some(gib), "{name}");
    assert_eq!(mine[0].volume_type(), Some(&VolumeType::Gp3), "{name}");
    let protection = bench.ec2.describe_instance_attribute().instance_id(id(instance));
    let protection = protection.attribute(InstanceAttributeName::DisableApiTermination);
    let answer = bench.wait(protection.send()).expect("moto answers");
    let protected = answer.disable_api_termination().and_then(|value| value.value());
    assert_ne!(protected, Some(true), "{name}");
}

/// The ports of the swarm among themselves, SSH from one address, port 80 for all; nothing else.
fn rules(group: &aws_sdk_ec2::types::SecurityGroup) {
    let mut found = Vec::new();
    for permission in group.ip_permissions() {
        let ports = format!(
            "{}/{}-{}",
            permission.ip_protocol().unwrap_or_default(),
            permission.from_port().unwrap_or(-1),
            permission.to_port().unwrap_or(-1)
        );
        for range in permission.ip_ranges() {
            found.push(format!("{ports} {}", range.cidr_ip().unwrap_or_default()));
        }
        for pair in permission.user_id_group_pairs() {
            assert_eq!(pair.group_id(), group.group_id());
            found.push(format!("{ports} self"));
        }
        assert!(permission.ipv6_ranges().is_empty());
    }
    found.sort();
    assert_eq!(
        found,
        [
            "tcp/22-22 198.51.100.7/32",
            "tcp/2377-2377 self",
            "tcp/7946-7946 self",
            "tcp/80-80 0.0.0.0/0",
            "udp/4789-4789 self",
            "udp/7946-7946 self",
        ]
    );
}

#[test]
fn a_lost_state_is_recreated_from_the_tags() {
    let Some(bench) = Bench::sandbox() else { return };
    bench.apply().expect(0);
    let before: Vec<String> = bench.instances().iter().map(|i| id(i).to_owned()).collect();
    std::fs::remove_dir_all(bench.state_dir()).expect("the state is lost");
    bench
        .run(&["state", "rebuild", "--target", "instance.*", "--yes"])
        .expect(0)
        .says("instance.manager-0")
        .says("key_pair.")
        .says("security_group.");
    assert_eq!(steps(&bench.plan()), Vec::<String>::new());
    bench.assert_whole(5, "after the rebuild");
    let after: Vec<String> = bench.instances().iter().map(|i| id(i).to_owned()).collect();
    assert_eq!(before, after);
    bench.run(&["destroy", "--yes"]).expect(0);
    bench.assert_nothing("after the destroy");
}
