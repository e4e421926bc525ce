//! A cluster's life against moto, with an independent look by the SDK.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{InstanceAttributeName, Tag, VolumeType};
use subako_engine::world::{
    Cloud, ElasticIpRequest, Failure, InstanceChange, InstanceState, Progress, Result, tag,
};
use subako_providers::aws::{OPERATIONS, Op, Operation};

use super::support::*;

/// Everything that the adapter can do, once; the end leaves nothing.
pub async fn whole_life(cloud: &dyn Cloud, cluster: &str) -> Result<()> {
    let silent = Progress::silent();
    cloud.account().await?;
    let found = look_up(cloud).await?;
    cloud.types(&["t3.micro".to_owned()]).await?;
    cloud.import_key_pair(&key_request(cluster)).await?;
    let group = cloud
        .create_security_group(&group_request(cluster, &found.vpc_id))
        .await?;
    cloud.authorize_ingress(&group.id, &rules()).await?;
    cloud.revoke_ingress(&group.id, &rules()[1..2]).await?;
    cloud.describe_ingress(&group.id, &rules()[..1]).await?;
    cloud.retag(&group.id, &tags(&[("Unit", "Other")]), &[]).await?;
    let first = cloud
        .run_instance(&instance_request(cluster, "one", &found, &group.id))
        .await?;
    let mut request = instance_request(cluster, "two", &found, &group.id);
    request.public_ip = Some(true);
    let second = cloud.run_instance(&request).await?;
    for id in [&first.id, &second.id] {
        cloud.await_instance(id, InstanceState::Running, &silent).await?;
    }
    elastic_address(cloud, cluster, &first.id).await?;
    cloud.stop_instance(&first.id).await?;
    cloud
        .await_instance(&first.id, InstanceState::Stopped, &silent)
        .await?;
    let change = InstanceChange {
        // moto does not know the operation.
        cpu_credits: None,
        instance_type: Some("t3.small".to_owned()),
        disk_gib: Some(20),
        protect: Some(true),
        security_group_id: Some(group.id.clone()),
        set_tags: tags(&[("Unit", "Other")]),
        remove_tags: vec!["Gone".to_owned()],
    };
    cloud.modify_instance(&first.id, &change).await?;
    cloud.start_instance(&first.id).await?;
    cloud
        .await_instance(&first.id, InstanceState::Running, &silent)
        .await?;
    cloud.survey(cluster).await?;
    let read = cloud.instance(&first.id).await?;
    let shown = read.map(|read| {
        let unit = read.tags.get("Unit").cloned();
        (read.instance_type, read.disk_gib, read.protect, unit)
    });
    let wanted = (
        "t3.small".to_owned(),
        Some(20),
        Some(true),
        Some("Other".to_owned()),
    );
    check(shown.as_ref() == Some(&wanted), &format!("{shown:?}"))?;
    cloud.terminate_instance(&first.id, true).await?;
    cloud.terminate_instance(&second.id, false).await?;
    for id in [&first.id, &second.id] {
        cloud
            .await_instance(id, InstanceState::Terminated, &silent)
            .await?;
    }
    cloud.delete_security_group(&group.id).await?;
    cloud.delete_key_pair(&key_request(cluster).name).await?;
    let left = cloud.residue(cluster).await?;
    check(left.is_empty(), &format!("{left:?}"))
}

/// The operations of the table but for the one that moto does not know.
pub fn known() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS
        .iter()
        .filter(|operation| operation.op != Op::ModifyInstanceCreditSpecification)
}

/// An elastic address comes to an instance, and goes.
async fn elastic_address(cloud: &dyn Cloud, cluster: &str, instance: &str) -> Result<()> {
    let request = ElasticIpRequest {
        tags: tags(&[("Name", "one")]),
        ownership: ownership(cluster, "elastic_ip.one"),
    };
    let address = cloud.allocate_address(&request).await?;
    cloud.associate_address(&address.id, instance).await?;
    let held = cloud.address(&address.id).await?;
    let holder = held.and_then(|held| held.instance_id);
    check(holder.as_deref() == Some(instance), &format!("{holder:?}"))?;
    cloud.disassociate_address(&address.id).await?;
    cloud.release_address(&address.id).await
}

/// A finding that ends this life, but not the test that goes through many.
fn check(holds: bool, seen: &str) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(Failure::unknown("find what was made", seen)),
    }
}

#[tokio::test]
async fn a_whole_life_makes_every_operation_of_the_table_and_leaves_nothing() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    whole_life(&cloud, &cluster("life")).await.unwrap();
    let seen: BTreeSet<String> = proxy.counts().into_keys().collect();
    let table: BTreeSet<String> = known().map(|o| o.name.to_owned()).collect();
    assert_eq!(seen, table);
    let counted: Vec<(String, u64)> = cloud.calls().into_iter().collect();
    let on_the_wire: Vec<(String, u64)> = proxy.counts().into_iter().map(|(k, v)| (k, v.into())).collect();
    assert_eq!(counted, on_the_wire);
    assert!(cloud.retries().is_empty());
    assert_eq!(ever_run(&by_hand(&moto).await, &cluster("life")).await.len(), 2);
}

#[tokio::test]
async fn what_is_made_is_what_was_asked_for() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let found = look_up(&cloud).await.unwrap();
    let key = cloud
        .import_key_pair(&key_request(&cluster("made")))
        .await
        .unwrap();
    let group = cloud
        .create_security_group(&group_request(&cluster("made"), &found.vpc_id))
        .await
        .unwrap();
    cloud.authorize_ingress(&group.id, &rules()).await.unwrap();
    let mut request = instance_request(&cluster("made"), "pinned", &found, &group.id);
    let base: Vec<&str> = found.subnets[0].cidr.split('.').collect();
    let pid = std::process::id();
    let address = format!("{}.{}.{}.{}", base[0], base[1], pid / 200 % 16, 20 + pid % 200);
    request.private_ip = Some(address.clone());
    request.disk_encrypted = true;
    let instance = cloud.run_instance(&request).await.unwrap();

    let ec2 = by_hand(&moto).await;
    let seen = ever_run(&ec2, &cluster("made")).await;
    assert_eq!(seen.len(), 1);
    let seen = &seen[0];
    assert_eq!(seen.instance_id(), Some(instance.id.as_str()));
    assert_eq!(seen.private_ip_address(), Some(address.as_str()));
    assert_eq!(seen.subnet_id(), Some(found.subnets[0].id.as_str()));
    assert_eq!(seen.key_name(), Some(format!("{}-key", cluster("made")).as_str()));
    assert_eq!(seen.image_id(), Some(request.image_id.as_str()));
    let metadata = seen.metadata_options().unwrap();
    assert_eq!(metadata.http_tokens().unwrap().as_str(), "required");
    assert_eq!(metadata.http_put_response_hop_limit(), Some(1));
    let tag_of = |tags: &[Tag], key: &str| {
        tags.iter()
            .find(|tag| tag.key() == Some(key))
            .and_then(|tag| tag.value().map(str::to_owned))
    };
    for (key, value) in [
        ("Name", "pinned"),
        ("Unit", "Sandbox"),
        (tag::CLUSTER, cluster("made").as_str()),
    ] {
        assert_eq!(tag_of(seen.tags(), key).as_deref(), Some(value));
    }
    let volume = seen.block_device_mappings()[0]
        .ebs()
        .unwrap()
        .volume_id()
        .unwrap();
    let volumes = ec2.describe_volumes().volume_ids(volume).send().await.unwrap();
    let volume = &volumes.volumes()[0];
    assert_eq!(volume.size(), Some(12));
    assert_eq!(volume.encrypted(), Some(true));
    assert_eq!(volume.volume_type(), Some(&VolumeType::Gp3));
    assert_eq!(
        tag_of(volume.tags(), tag::TOKEN).as_deref(),
        Some(format!("{}-instance.pinned-0", cluster("made")).as_str())
    );
    // moto keeps neither of these: they are seen on the wire.
    let token = format!("ClientToken={}-instance.pinned-0", cluster("made"));
    let call = &proxy.bodies("RunInstances")[0];
    for part in [token.as_str(), "CreditSpecification.CpuCredits=standard"] {
        assert!(call.contains(part), "{part} is not in {call}");
    }

    let survey = cloud.survey(&cluster("made")).await.unwrap();
    assert_eq!(
        survey.key_pairs,
        [cloud
            .find_key_pair(&format!("{}-key", cluster("made")))
            .await
            .unwrap()
            .unwrap()]
    );
    assert_eq!(survey.key_pairs[0].public_key.as_deref(), Some(PUBLIC_KEY));
    assert_eq!(survey.key_pairs[0].fingerprint, key.fingerprint);
    let mut wanted = rules();
    wanted.sort();
    assert_eq!(survey.security_groups[0].rules, wanted);
    let read = named(&survey.instances, "pinned");
    assert_eq!((read.disk_gib, read.disk_encrypted), (Some(12), Some(true)));
    assert!(read.imdsv2_required);
    assert_eq!(read.security_group_ids, [group.id.as_str()]);
    clean_up(&cloud, &cluster("made")).await.unwrap();
    assert_eq!(cloud.residue(&cluster("made")).await.unwrap(), []);
}

#[tokio::test]
async fn the_same_token_again_gives_the_first_object() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let found = look_up(&cloud).await.unwrap();
    let key = cloud
        .import_key_pair(&key_request(&cluster("again")))
        .await
        .unwrap();
    let same = cloud
        .import_key_pair(&key_request(&cluster("again")))
        .await
        .unwrap();
    assert_eq!((same.id, same.fingerprint), (key.id, key.fingerprint));
    let request = group_request(&cluster("again"), &found.vpc_id);
    let group = cloud.create_security_group(&request).await.unwrap();
    assert_eq!(cloud.create_security_group(&request).await.unwrap().id, group.id);
    let request = instance_request(&cluster("again"), "one", &found, &group.id);
    let instance = cloud.run_instance(&request).await.unwrap();
    assert_eq!(cloud.run_instance(&request).await.unwrap().id, instance.id);
    cloud.stop_instance(&instance.id).await.unwrap();
    assert_eq!(cloud.run_instance(&request).await.unwrap().id, instance.id);
    cloud.terminate_instance(&instance.id, false).await.unwrap();
    let failure = cloud.run_instance(&request).await.unwrap_err();
    assert_eq!(
        failure.service_code.as_deref(),
        Some("IdempotentInstanceTerminated")
    );
    clean_up(&cloud, &cluster("again")).await.unwrap();
    assert_eq!(ever_run(&by_hand(&moto).await, &cluster("again")).await.len(), 1);
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_refused_and_nothing_is_overwritten() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let found = look_up(&cloud).await.unwrap();
    let key = cloud
        .import_key_pair(&key_request(&cluster("taken")))
        .await
        .unwrap();
    let mut request = key_request(&cluster("taken"));
    request.ownership.token = "another".to_owned();
    let failure = cloud.import_key_pair(&request).await.unwrap_err();
    assert_eq!(failure.service_code.as_deref(), Some("InvalidKeyPair.Duplicate"));
    assert_eq!(
        cloud
            .find_key_pair(&format!("{}-key", cluster("taken")))
            .await
            .unwrap()
            .unwrap()
            .id,
        key.id
    );
    let mut request = group_request(&cluster("taken"), &found.vpc_id);
    cloud.create_security_group(&request).await.unwrap();
    request.ownership.token = "another".to_owned();
    let failure = cloud.create_security_group(&request).await.unwrap_err();
    assert_eq!(failure.service_code.as_deref(), Some("InvalidGroup.Duplicate"));
    clean_up(&cloud, &cluster("taken")).await.unwrap();
}

#[tokio::test]
async fn rules_are_added_and_removed_whatever_is_there_already() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let found = look_up(&cloud).await.unwrap();
    let group = cloud
        .create_security_group(&group_request(&cluster("rules"), &found.vpc_id))
        .await
        .unwrap();
    let all = rules();
    cloud.authorize_ingress(&group.id, &all[1..3]).await.unwrap();
    cloud.authorize_ingress(&group.id, &all).await.unwrap();
    let by_then = cloud.security_group(&group.id).await.unwrap().unwrap();
    assert_eq!(by_then.rules.len(), all.len());
    cloud.revoke_ingress(&group.id, &all[..2]).await.unwrap();
    cloud.revoke_ingress(&group.id, &all[..3]).await.unwrap();
    let by_then = cloud.security_group(&group.id).await.unwrap().unwrap();
    let mut left = all[3..].to_vec();
    left.sort();
    assert_eq!(by_then.rules, left);
    cloud.revoke_ingress(&group.id, &[]).await.unwrap();
    clean_up(&cloud, &cluster("rules")).await.unwrap();
}

#[tokio::test]
async fn deleting_what_is_not_there_succeeds() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    cloud.delete_key_pair("nobody-has-this").await.unwrap();
    cloud.delete_security_group("sg-0123456789abcdef0").await.unwrap();
    cloud
        .terminate_instance("i-0123456789abcdef0", true)
        .await
        .unwrap();
    assert_eq!(cloud.instance("i-0123456789abcdef0").await.unwrap(), None);
    assert_eq!(cloud.security_group("sg-0123456789abcdef0").await.unwrap(), None);
    assert_eq!(cloud.find_key_pair("nobody-has-this").await.unwrap(), None);
}

#[tokio::test]
async fn protection_holds_until_it_is_taken_away() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let found = look_up(&cloud).await.unwrap();
    let group = cloud
        .create_security_group(&group_request(&cluster("safe"), &found.vpc_id))
        .await
        .unwrap();
    let kept = cloud
        .run_instance(&instance_request(&cluster("safe"), "kept", &found, &group.id))
        .await
        .unwrap();
    let other = cloud
        .run_instance(&instance_request(&cluster("safe"), "other", &found, &group.id))
        .await
        .unwrap();
    let protect = InstanceChange {
        protect: Some(true),
        ..InstanceChange::default()
    };
    cloud.modify_instance(&kept.id, &protect).await.unwrap();
    let ec2 = by_hand(&moto).await;
    let attribute = ec2
        .describe_instance_attribute()
        .instance_id(&kept.id)
        .attribute(InstanceAttributeName::DisableApiTermination);
    let seen = attribute.send().await.unwrap();
    assert_eq!(seen.disable_api_termination().and_then(|a| a.value()), Some(true));
    // Together in one batch: the protected one is refused, the other goes.
    let (refused, gone) = tokio::join!(
        cloud.terminate_instance(&kept.id, false),
        cloud.terminate_instance(&other.id, false)
    );
    assert_eq!(
        refused.unwrap_err().service_code.as_deref(),
        Some("OperationNotPermitted")
    );
    gone.unwrap();
    cloud.terminate_instance(&kept.id, true).await.unwrap();
    clean_up(&cloud, &cluster("safe")).await.unwrap();
    assert_eq!(cloud.residue(&cluster("safe")).await.unwrap(), []);
}
