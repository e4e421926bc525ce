//! From the launch of an instance to its end.

use std::time::{Duration, Instant};

use subako_engine::world::{Cloud, Code, InstanceState, NextCommand, Progress};

use super::super::strict::{Encrypted, Kms, LateAddress, Leaving, Newborn, Strict, Tokens, ZoneOut};
use super::super::support::*;

const LAG: Duration = Duration::from_millis(600);

#[tokio::test]
async fn a_launch_refused_for_want_of_a_new_group_or_key_is_sent_again_with_its_token() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    proxy.be(Strict::only(Newborn::new(LAG)).with(Tokens::default()));
    let name = cluster("young");
    let found = look_up(&cloud).await.unwrap();
    cloud.import_key_pair(&key_request(&name)).await.unwrap();
    let group = cloud
        .create_security_group(&group_request(&name, &found.vpc_id))
        .await
        .unwrap();
    let one = cloud
        .run_instance(&instance_request(&name, "one", &found, &group.id))
        .await
        .unwrap();
    let bodies = proxy.bodies("RunInstances");
    let token = |body: &String| {
        let mut pairs = body.split('&');
        pairs
            .find(|pair| pair.starts_with("ClientToken="))
            .map(str::to_owned)
    };
    assert!(bodies.len() > 1, "it was refused: {bodies:?}");
    assert!(bodies.iter().all(|body| token(body) == token(&bodies[0])));
    // Not shown yet, and believed in.
    cloud
        .await_instance(&one.id, InstanceState::Running, &Progress::silent())
        .await
        .unwrap();
    clean_up(&cloud, &name).await.unwrap();
    assert_eq!(ever_run(&by_hand(&moto).await, &name).await.len(), 1);
}

#[tokio::test]
async fn a_group_that_is_really_gone_is_told_of_after_a_while() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let name = cluster("gone-group");
    let found = look_up(&cloud).await.unwrap();
    let request = instance_request(&name, "one", &found, "sg-00000000000000000");
    let began = Instant::now();
    let failure = cloud.run_instance(&request).await.unwrap_err();
    assert_eq!(failure.code, Code::NotFound, "{failure}");
    assert!(began.elapsed() >= tuning().newborn);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn an_instance_that_is_to_have_a_public_address_is_waited_for_until_it_has_one() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    proxy.be(Strict::only(LateAddress::new(LAG)));
    let name = cluster("late");
    let (found, group) = with_group(&cloud, &name).await;
    for (instance, asked) in [
        ("as-the-subnet-says", None),
        ("asked", Some(true)),
        ("without", Some(false)),
    ] {
        let mut request = instance_request(&name, instance, &found, &group.id);
        request.public_ip = asked;
        let one = cloud.run_instance(&request).await.unwrap();
        let running = cloud
            .await_instance(&one.id, InstanceState::Running, &Progress::silent())
            .await
            .unwrap();
        assert_eq!(
            running.public_ip.is_some(),
            asked != Some(false),
            "{instance}: {running:?}"
        );
        if asked.is_none() {
            cloud.stop_instance(&one.id).await.unwrap();
            let silent = Progress::silent();
            let stopped = cloud.await_instance(&one.id, InstanceState::Stopped, &silent);
            stopped.await.unwrap();
            cloud.start_instance(&one.id).await.unwrap();
            let again = cloud.await_instance(&one.id, InstanceState::Running, &silent);
            assert!(again.await.unwrap().public_ip.is_some(), "started again");
        }
    }
    clean_up(&cloud, &name).await.unwrap();
}

#[tokio::test]
async fn a_disk_whose_key_may_not_be_used_is_named_with_the_permissions_that_it_takes() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    proxy.be(Strict::only(Encrypted).with(Kms::default()));
    let name = cluster("kms");
    let (_, _, one) = with_instance(&cloud, &name).await;
    let failure = cloud
        .await_instance(&one.id, InstanceState::Running, &Progress::silent())
        .await
        .unwrap_err();
    assert!(failure.message.contains("Client error on launch"), "{failure}");
    assert_eq!(failure.next, Some(NextCommand::PolicyWithKms));
    let hint = failure.hint.unwrap_or_default();
    assert!(hint.contains("KMS key"), "{hint}");
    clean_up(&cloud, &name).await.unwrap();
}

#[tokio::test]
async fn protection_is_taken_away_only_where_that_is_asked_for() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let name = cluster("guarded");
    let (_, _, one) = with_instance(&cloud, &name).await;
    let value = aws_sdk_ec2::types::AttributeBooleanValue::builder()
        .value(true)
        .build();
    let protect = by_hand(&moto).await.modify_instance_attribute();
    let protect = protect.instance_id(&one.id).disable_api_termination(value);
    protect.send().await.unwrap();
    let failure = cloud.terminate_instance(&one.id, false).await.unwrap_err();
    assert_eq!(failure.code, Code::Protected, "{failure}");
    let hint = failure.hint.unwrap_or_default();
    assert!(hint.contains("--no-disable-api-termination"), "{hint}");
    assert_eq!(
        cloud.instance(&one.id).await.unwrap().unwrap().protect,
        Some(true)
    );
    cloud.terminate_instance(&one.id, true).await.unwrap();
    clean_up(&cloud, &name).await.unwrap();
}

#[tokio::test]
async fn a_group_goes_when_its_instances_are_terminated_and_not_before() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    proxy.be(Strict::only(Leaving::new(LAG)));
    let name = cluster("leaving");
    let (_, group, one) = with_instance(&cloud, &name).await;
    let failure = cloud.delete_security_group(&group.id).await.unwrap_err();
    assert_eq!(failure.code, Code::InUse, "{failure}");
    cloud.terminate_instance(&one.id, false).await.unwrap();
    let failure = cloud.delete_security_group(&group.id).await.unwrap_err();
    assert!(
        failure.hint.unwrap_or_default().contains(&one.id),
        "who holds it is named"
    );
    cloud
        .await_instance(&one.id, InstanceState::Terminated, &Progress::silent())
        .await
        .unwrap();
    cloud.delete_security_group(&group.id).await.unwrap();
    assert_eq!(cloud.residue(&name).await.unwrap(), []);
}

#[tokio::test]
async fn while_a_zone_is_out_machines_in_the_others_are_read_by_their_ids() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let name = cluster("zone-out");
    let (_, _, one) = with_instance(&cloud, &name).await;
    proxy.be(Strict::only(ZoneOut::with(["i-00000000000000000"])));
    let survey = cloud.survey(&name).await.unwrap();
    assert!(
        survey.unlisted.is_some() && survey.instances.is_empty(),
        "{survey:?}"
    );
    assert_eq!(survey.security_groups.len(), 1);
    let seen = cloud.instance(&one.id).await.unwrap().expect("it is there");
    assert_eq!((seen.id, seen.state), (one.id.clone(), InstanceState::Running));
    let failure = cloud.instance("i-00000000000000000").await.unwrap_err();
    assert_eq!(failure.code, Code::Unavailable, "{failure}");
    proxy.be(Strict::default());
    clean_up(&cloud, &name).await.unwrap();
}
