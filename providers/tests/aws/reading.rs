//! What the adapter reads: images, what was changed by hand, what is left.

use aws_sdk_ec2::types::{IpPermission, IpRange, Tag};
use subako_engine::world::{Cloud, ImageQuery, InstanceState, Lookup, Protocol, Source, tag};

use super::support::*;

#[tokio::test]
async fn what_was_changed_by_hand_is_read_as_it_is() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let found = look_up(&cloud).await.unwrap();
    let group = cloud
        .create_security_group(&group_request(&cluster("hand"), &found.vpc_id))
        .await
        .unwrap();
    let request = instance_request(&cluster("hand"), "one", &found, &group.id);
    let one = cloud.run_instance(&request).await.unwrap();
    let two = cloud
        .run_instance(&instance_request(&cluster("hand"), "two", &found, &group.id))
        .await
        .unwrap();
    let ec2 = by_hand(&moto).await;
    let added = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(3306)
        .to_port(3306)
        .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build());
    let add = ec2.authorize_security_group_ingress().group_id(&group.id);
    add.ip_permissions(added.build()).send().await.unwrap();
    let edited = Tag::builder().key("Unit").value("Edited").build();
    ec2.create_tags()
        .resources(&one.id)
        .tags(edited)
        .send()
        .await
        .unwrap();
    ec2.stop_instances().instance_ids(&one.id).send().await.unwrap();
    ec2.terminate_instances()
        .instance_ids(&two.id)
        .send()
        .await
        .unwrap();

    let survey = cloud.survey(&cluster("hand")).await.unwrap();
    let rules = &survey.security_groups[0].rules;
    let mine = rule(Protocol::Tcp, 3306, 3306, Source::Cidr("0.0.0.0/0".to_owned()));
    assert!(rules.len() == 1 && rules[0].same_traffic(&mine), "{rules:?}");
    assert_eq!(survey.instances.len(), 1);
    assert_eq!(survey.instances[0].state, InstanceState::Stopped);
    assert_eq!(survey.instances[0].tags["Unit"], "Edited");
    cloud.revoke_ingress(&group.id, rules).await.unwrap();
    assert_eq!(cloud.security_group(&group.id).await.unwrap().unwrap().rules, []);
    clean_up(&cloud, &cluster("hand")).await.unwrap();
}

#[tokio::test]
async fn images_are_found_by_family_pattern_and_id() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let ask = |ami: &str, instance_type: &str| Lookup {
        images: vec![ImageQuery {
            ami: ami.to_owned(),
            instance_type: instance_type.to_owned(),
        }],
        ..Lookup::default()
    };
    let intel = cloud.lookup(&ask("amazon-linux-2023", "t3.micro")).await.unwrap();
    let intel = intel.images.into_values().next().unwrap();
    assert!(
        intel.name.starts_with("al2023-ami-2023.") && intel.name.ends_with("x86_64"),
        "{intel:?}"
    );
    let arm = cloud
        .lookup(&ask("amazon-linux-2023", "t4g.small"))
        .await
        .unwrap();
    let arm = arm.images.into_values().next().unwrap();
    assert!(
        arm.name.starts_with("al2023-ami-2023.") && arm.name.ends_with("arm64"),
        "{arm:?}"
    );
    let old = cloud.lookup(&ask("amazon-linux-2", "t3.micro")).await.unwrap();
    assert!(
        old.images
            .into_values()
            .all(|image| image.name.starts_with("amzn2-ami-"))
    );
    let pattern = cloud
        .lookup(&ask("al2023-ami-minimal-*", "t3.micro"))
        .await
        .unwrap();
    assert!(
        pattern
            .images
            .into_values()
            .all(|image| image.name.contains("minimal"))
    );
    let by_id = cloud.lookup(&ask(&intel.image_id, "t3.micro")).await.unwrap();
    assert_eq!(by_id.images.into_values().next().unwrap(), intel);
    for (ami, kind, code) in [
        (arm.image_id.as_str(), "t3.micro", "InvalidAMIArchitecture"),
        ("ami-0123456789abcdef0", "t3.micro", "InvalidAMIID.NotFound"),
        ("windows-95", "t3.micro", "InvalidAMIName"),
        ("nothing-is-called-*", "t3.micro", "InvalidAMIID.NotFound"),
    ] {
        let failure = cloud.lookup(&ask(ami, kind)).await.unwrap_err();
        assert_eq!(failure.service_code.as_deref(), Some(code), "{ami}: {failure}");
        assert!(failure.hint.is_some(), "{ami}: {failure}");
    }
}

#[tokio::test]
async fn what_is_left_is_listed_with_its_price() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let found = look_up(&cloud).await.unwrap();
    cloud
        .import_key_pair(&key_request(&cluster("left")))
        .await
        .unwrap();
    let group = cloud
        .create_security_group(&group_request(&cluster("left"), &found.vpc_id))
        .await
        .unwrap();
    let one = cloud
        .run_instance(&instance_request(&cluster("left"), "one", &found, &group.id))
        .await
        .unwrap();
    let ec2 = by_hand(&moto).await;
    let tag = Tag::builder().key(tag::CLUSTER).value(cluster("left")).build();
    let address = ec2.allocate_address().send().await.unwrap();
    let address = address.allocation_id().unwrap();
    ec2.create_tags()
        .resources(address)
        .tags(tag)
        .send()
        .await
        .unwrap();
    let left = cloud.residue(&cluster("left")).await.unwrap();
    let kinds: Vec<&str> = left.iter().map(|entry| entry.what.as_str()).collect();
    assert_eq!(
        kinds,
        ["elastic-ip", "instance", "key-pair", "security-group", "volume"]
    );
    let machine = &left[1];
    assert_eq!(machine.id, one.id);
    assert_eq!(machine.name.as_deref(), Some("one"));
    assert_eq!(machine.address.as_deref(), Some("instance.one"));
    let price = machine.usd_per_hour.unwrap();
    assert!((0.0136..0.0187).contains(&price), "{price}");
    assert!((left[4].usd_per_hour.unwrap() - 0.096 * 12.0 / 730.0).abs() < 1e-9);
    // With the elastic address on it the instance costs itself only: the address has its own line.
    ec2.associate_address()
        .allocation_id(address)
        .instance_id(&one.id)
        .send()
        .await
        .unwrap();
    let left = cloud.residue(&cluster("left")).await.unwrap();
    let prices: Vec<f64> = left[..2]
        .iter()
        .map(|entry| entry.usd_per_hour.unwrap())
        .collect();
    assert_eq!(prices, [0.005, 0.0136]);
    ec2.release_address().allocation_id(address).send().await.unwrap();
    clean_up(&cloud, &cluster("left")).await.unwrap();
    assert_eq!(cloud.residue(&cluster("left")).await.unwrap(), []);
}
