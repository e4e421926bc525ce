//! Every call broken in every way: nothing is orphaned, nothing is made twice.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use subako_engine::world::{Certainty, Cloud, Failure, InstanceState, Progress};
use subako_providers::aws::{AwsOptions, Effect, Operation, Tuning, connect};

use super::lifecycle::{known, whole_life};
use super::proxy::{Fault, Proxy};
use super::support::*;

/// What has to come of a fault.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    /// The adapter gets over it.
    Converges,
    /// The call fails, and is certain that nothing changed.
    FailsUntouched,
}

fn matrix() -> Vec<(&'static str, u32, Fault, Outcome)> {
    let garbage = "\u{1}this is no answer<<".to_owned();
    vec![
        ("503 once", 1, Fault::unavailable(), Outcome::Converges),
        ("throttled ten times", 10, Fault::throttled(), Outcome::Converges),
        ("reset before", 1, Fault::ResetBefore, Outcome::Converges),
        ("reset after", 1, Fault::ResetAfter, Outcome::Converges),
        (
            "garbage instead",
            1,
            Fault::Answer(200, garbage.clone()),
            Outcome::Converges,
        ),
        (
            "garbage after",
            1,
            Fault::AnswerAfter(200, garbage),
            Outcome::Converges,
        ),
        (
            "error after the effect",
            1,
            Fault::AnswerAfter(500, String::new()),
            Outcome::Converges,
        ),
        ("no answer before", 1, Fault::SilenceBefore, Outcome::Converges),
        ("no answer after", 1, Fault::SilenceAfter, Outcome::Converges),
        (
            "refused",
            1,
            Fault::error(
                403,
                "UnauthorizedOperation",
                "You are not authorized to perform this operation.",
            ),
            Outcome::FailsUntouched,
        ),
    ]
}

const REGIONS: [&str; 8] = [
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// One life with one call broken.
async fn one(moto: &str, operation: &Operation, nth: u32, index: usize) -> Result<(), String> {
    let (name, times, fault, outcome) = matrix().swap_remove(index);
    let what = format!("{} number {nth}: {name}", operation.name);
    let cluster = cluster(&format!("f{}-{nth}-{index}", operation.op as usize));
    let proxy = Proxy::start(moto).await.map_err(|error| error.to_string())?;
    let silent = matches!(fault, Fault::SilenceBefore | Fault::SilenceAfter);
    let region = REGIONS[operation.op as usize % REGIONS.len()];
    let impatient = AwsOptions {
        region: Some(region.to_owned()),
        ..options(
            &proxy.url(),
            Tuning {
                // A silent server is waited for; a busy one must not look like it.
                attempt_timeout: Duration::from_secs(if silent { 3 } else { 60 }),
                first_backoff: Duration::from_millis(2),
                max_backoff: Duration::from_millis(10),
                ..tuning()
            },
        )
    };
    let cloud = connect(impatient).await.map_err(|f| f.to_string())?;
    let fault = match (operation.name, outcome) {
        ("GetCallerIdentity", Outcome::FailsUntouched) => Fault::identity_error(403, "AccessDenied", "No."),
        ("GetCallerIdentity", _) if times > 1 => Fault::identity_error(400, "Throttling", "Rate exceeded."),
        _ => fault,
    };
    proxy.fault(operation.name, nth, times, fault);
    let life = whole_life(&cloud, &cluster).await;
    let met = proxy
        .counts()
        .get(operation.name)
        .is_some_and(|count| *count >= nth);
    let judged = match (life, outcome) {
        _ if !met => Err("the fault was never met".to_owned()),
        (Ok(()), Outcome::Converges) => Ok(()),
        (Ok(()), Outcome::FailsUntouched) if tolerated(operation) => Ok(()),
        (Ok(()), Outcome::FailsUntouched) => Err("it should have failed".to_owned()),
        (Err(failure), Outcome::Converges) => Err(failure.to_string()),
        (Err(failure), Outcome::FailsUntouched) => refused(operation, &failure),
    };
    let judged = judged.map_err(|error| format!("{what}: {error}"));
    clean_up(&cloud, &cluster)
        .await
        .map_err(|f| format!("{what}: {f}"))?;
    let left = cloud
        .residue(&cluster)
        .await
        .map_err(|f| format!("{what}: {f}"))?;
    let ever = ever_run(&by_hand_in(moto, region).await, &cluster).await.len();
    if !left.is_empty() || ever > 2 {
        return Err(format!("{what}: {ever} instances were run, {left:?} is left"));
    }
    judged
}

/// Refusals that the adapter works around: instance types have names, too, and what is not known of
/// the network is not planned with.
fn tolerated(operation: &Operation) -> bool {
    matches!(
        operation.name,
        "DescribeAvailabilityZones"
            | "DescribeInstanceTypeOfferings"
            | "DescribeInstanceTypes"
            | "DescribeRouteTables"
    )
}

fn refused(operation: &Operation, failure: &Failure) -> Result<(), String> {
    let names_it = matches!(
        failure.service_code.as_deref(),
        Some("UnauthorizedOperation" | "AccessDenied")
    ) && (operation
        .op
        .action()
        .is_none_or(|action| failure.hint.as_deref().unwrap_or_default().contains(&action)));
    // A change of several calls may have made the first of them.
    let of_several = matches!(
        operation.name,
        "ModifyInstanceAttribute" | "ModifyVolume" | "CreateTags" | "DeleteTags"
    ) || operation.effect == Effect::Read;
    match failure.certainty {
        _ if !names_it => Err(format!("it does not say what is missing: {failure:?}")),
        Certainty::Unknown if !of_several => Err(format!("it is not certain: {failure:?}")),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn every_call_broken_in_every_way_leaves_no_orphan_and_no_duplicate() {
    let Some(moto) = moto() else { return };
    moto.forget();
    let (proxy, cloud) = world(&moto).await;
    whole_life(&cloud, &cluster("plain")).await.unwrap();
    let counts: BTreeMap<String, u32> = proxy.counts();
    let mut cases = Vec::new();
    for operation in known() {
        let last = counts[operation.name];
        for index in 0..matrix().len() {
            cases.push((operation, 1, index));
            if last > 1 && operation.effect != Effect::Read {
                cases.push((operation, last, index));
            }
        }
    }
    let number = cases.len();
    let results = futures::stream::iter(cases)
        .map(|(operation, nth, index)| one(&moto, operation, nth, index))
        .buffer_unordered(4)
        .collect::<Vec<_>>()
        .await;
    let broken: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(
        broken.is_empty(),
        "{} of {number}:\n{}",
        broken.len(),
        broken.join("\n")
    );
    assert!(number >= 26 * 10, "{number}");
}

#[tokio::test]
async fn a_silent_server_ends_in_an_unknown_outcome_within_the_deadline() {
    let Some(moto) = moto() else { return };
    let proxy = Proxy::start(&moto).await.unwrap();
    let tuning = Tuning {
        attempt_timeout: Duration::from_millis(200),
        operation_deadline: Duration::from_millis(900),
        ..tuning()
    };
    let cloud = connect(options(&proxy.url(), tuning)).await.unwrap();
    proxy.fault("ImportKeyPair", 1, u32::MAX / 2, Fault::SilenceBefore);
    let started = std::time::Instant::now();
    let failure = cloud
        .import_key_pair(&key_request(&cluster("silent")))
        .await
        .unwrap_err();
    assert_eq!(failure.certainty, Certainty::Unknown, "{failure}");
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn when_nothing_listens_the_world_is_certainly_unchanged() {
    let Some(_moto) = moto() else { return };
    let cloud = connect(options("http://127.0.0.1:9", tuning())).await.unwrap();
    let failure = cloud.import_key_pair(&key_request("nobody")).await.unwrap_err();
    assert_eq!(failure.certainty, Certainty::NotApplied, "{failure}");
    assert!(failure.hint.is_some());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_leaves_the_world_certainly_unchanged() {
    let Some(_moto) = moto() else { return };
    let cloud = connect(options("http://no-such-host.invalid", tuning()))
        .await
        .unwrap();
    let failure = cloud.import_key_pair(&key_request("nobody")).await.unwrap_err();
    assert_eq!(failure.certainty, Certainty::NotApplied, "{failure}");
}

#[tokio::test]
async fn a_second_failure_after_a_lost_answer_does_not_hide_that_it_was_lost() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let found = look_up(&cloud).await.unwrap();
    let group = cloud
        .create_security_group(&group_request(&cluster("twice"), &found.vpc_id))
        .await
        .unwrap();
    proxy.fault("DeleteSecurityGroup", 1, 1, Fault::ResetBefore);
    proxy.fault(
        "DeleteSecurityGroup",
        2,
        1,
        Fault::error(403, "UnauthorizedOperation", "No."),
    );
    let failure = cloud.delete_security_group(&group.id).await.unwrap_err();
    assert_eq!(failure.certainty, Certainty::Unknown, "{failure}");
    clean_up(&cloud, &cluster("twice")).await.unwrap();
}

#[tokio::test]
async fn a_group_in_use_is_not_deleted_and_the_failure_names_who_uses_it() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let name = cluster("used");
    let (_, group, user) = with_instance(&cloud, &name).await;
    // moto deletes groups in use: EC2's answer is put in its mouth.
    let in_use = Fault::error(400, "DependencyViolation", "resource has a dependent object");
    proxy.fault("DeleteSecurityGroup", 1, 1, in_use.clone());
    let failure = cloud.delete_security_group(&group.id).await.unwrap_err();
    assert_eq!(failure.service_code.as_deref(), Some("DependencyViolation"));
    assert!(failure.hint.unwrap_or_default().contains(&user.id));
    // When every instance is gone, an interface that lingers is waited for.
    cloud.terminate_instance(&user.id, false).await.unwrap();
    cloud
        .await_instance(&user.id, InstanceState::Terminated, &Progress::silent())
        .await
        .unwrap();
    proxy.fault("DeleteSecurityGroup", 2, 2, in_use);
    cloud.delete_security_group(&group.id).await.unwrap();
    assert_eq!(proxy.counts()["DeleteSecurityGroup"], 4);
    assert_eq!(cloud.residue(&name).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_made_a_moment_ago_is_believed_in_although_it_is_not_shown_yet() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let name = cluster("shy");
    let (found, group) = with_group(&cloud, &name).await;
    let hidden = Fault::error(400, "InvalidGroup.NotFound", "The security group does not exist");
    proxy.fault("AuthorizeSecurityGroupIngress", 1, 4, hidden);
    cloud.authorize_ingress(&group.id, &rules()).await.unwrap();
    let one = cloud
        .run_instance(&instance_request(&name, "one", &found, &group.id))
        .await
        .unwrap();
    let hidden = Fault::error(
        400,
        "InvalidInstanceID.NotFound",
        "The instance ID does not exist",
    );
    proxy.fault("TerminateInstances", 1, 4, hidden);
    let nobody = Fault::Answer(
        200,
        "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet/></DescribeInstancesResponse>"
            .to_owned(),
    );
    let seen = proxy.counts()["DescribeVpcs"];
    assert_eq!(seen, 1);
    proxy.fault("DescribeInstances", 1, 3, nobody);
    cloud
        .await_instance(&one.id, InstanceState::Running, &Progress::silent())
        .await
        .unwrap();
    cloud.terminate_instance(&one.id, false).await.unwrap();
    let gone = cloud.instance(&one.id).await.unwrap().unwrap();
    assert_eq!(gone.state, InstanceState::Terminated);
    clean_up(&cloud, &name).await.unwrap();
}

#[tokio::test]
async fn no_capacity_names_zone_and_type_and_what_to_try() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let name = cluster("full");
    let (found, group) = with_group(&cloud, &name).await;
    for instance in ["one", "two"] {
        cloud
            .run_instance(&instance_request(&name, instance, &found, &group.id))
            .await
            .unwrap();
    }
    let full = Fault::error(
        500,
        "InsufficientInstanceCapacity",
        "We currently do not have sufficient capacity.",
    );
    proxy.fault("RunInstances", 3, 1, full);
    let failure = cloud
        .run_instance(&instance_request(&name, "three", &found, &group.id))
        .await
        .unwrap_err();
    assert_eq!(failure.certainty, Certainty::NotApplied);
    let hint = failure.hint.clone().unwrap_or_default();
    for part in ["t3.micro", &format!("{REGION}a"), "another zone", "instance_type"] {
        assert!(hint.contains(part), "{part} is not in {hint}");
    }
    assert!(
        failure.to_string().contains("t3.micro in ap-northeast-1a"),
        "{failure}"
    );
    clean_up(&cloud, &name).await.unwrap();
    assert_eq!(ever_run(&by_hand(&moto).await, &name).await.len(), 2);
}

#[tokio::test]
async fn waiting_ends_at_once_when_the_instance_is_gone_and_says_why() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world(&moto).await;
    let name = cluster("gone");
    let (_, _, one) = with_instance(&cloud, &name).await;
    cloud.terminate_instance(&one.id, false).await.unwrap();
    let failure = cloud
        .await_instance(&one.id, InstanceState::Running, &Progress::silent())
        .await
        .unwrap_err();
    assert_eq!(
        failure.service_code.as_deref(),
        Some("InstanceTerminated"),
        "{failure}"
    );
    clean_up(&cloud, &name).await.unwrap();
}
