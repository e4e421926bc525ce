//! Injected faults, capacity, throttling.

use crate::sim::{FaultEffect, FaultRule};
use subako_world::{Certainty, Failure};

use super::scenario::{CLUSTER, group, in_memory, request};

fn fault(call: &str, nth: u32, times: u32, kind: FaultEffect) -> FaultRule {
    FaultRule {
        call: call.to_owned(),
        nth,
        times,
        effect: kind,
    }
}

/// Runs one instance under a fault; returns the failure and how many instances there are then.
async fn run_under(kind: FaultEffect) -> (Failure, usize) {
    let sim = in_memory(vec![fault("run_instance:manager-0", 1, 1, kind)]);
    let world = sim.world();
    let group = group(&world).await;
    let request = request(&world, &group, "manager-0").await;
    let failure = world.cloud.run_instance(&request).await.unwrap_err();
    let there = world.cloud.survey(CLUSTER).await.unwrap().instances.len();
    let again = world.cloud.run_instance(&request).await.unwrap();
    let found = world
        .cloud
        .find_instance_by_token(&request.ownership.token)
        .await
        .unwrap();
    assert_eq!(
        found.map(|found| found.id),
        Some(again.id),
        "the same token gives the same instance"
    );
    (failure, there)
}

#[tokio::test(start_paused = true)]
async fn an_error_changes_nothing_and_says_so() {
    let (failure, there) = run_under(FaultEffect::Error("InsufficientInstanceCapacity".to_owned())).await;
    assert_eq!((failure.certainty, there), (Certainty::NotApplied, 0));
    assert_eq!(
        failure.service_code.as_deref(),
        Some("InsufficientInstanceCapacity")
    );
    assert!(
        failure.message.contains("t3.micro") && failure.message.contains("ap-northeast-1a"),
        "{failure}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_timeout_before_the_effect_is_of_unknown_effect() {
    let (failure, there) = run_under(FaultEffect::TimeoutBeforeEffect).await;
    assert_eq!((failure.certainty, there), (Certainty::Unknown, 0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_after_the_effect_leaves_the_effect() {
    let (failure, there) = run_under(FaultEffect::TimeoutAfterEffect).await;
    assert_eq!((failure.certainty, there), (Certainty::Unknown, 1));
}

#[tokio::test(start_paused = true)]
async fn throttling_slows_down_and_fails_only_when_it_does_not_end() {
    let throttled = |times| {
        let kind = FaultEffect::Error("RequestLimitExceeded".to_owned());
        in_memory(vec![fault("survey", 1, times, kind)])
    };
    let sim = throttled(3);
    let begun = sim.world().clock.now();
    sim.world().cloud.survey(CLUSTER).await.unwrap();
    assert!(
        (sim.world().clock.now() - begun).as_secs() >= 7,
        "1 + 2 + 4 s of waiting"
    );
    assert_eq!(sim.calls()["survey"], 4);
    let failure = throttled(100).world().cloud.survey(CLUSTER).await.unwrap_err();
    assert_eq!(failure.service_code.as_deref(), Some("RequestLimitExceeded"));
}

#[tokio::test(start_paused = true)]
async fn a_zone_without_capacity_refuses_the_type_until_one_ends() {
    let sim = in_memory(vec![]);
    let world = sim.world();
    let group = group(&world).await;
    sim.limit_capacity("t3.micro", "ap-northeast-1a", Some(1))
        .unwrap();
    let first = world
        .cloud
        .run_instance(&request(&world, &group, "node-0").await)
        .await
        .unwrap();
    let second = request(&world, &group, "node-1").await;
    let failure = world.cloud.run_instance(&second).await.unwrap_err();
    assert_eq!(
        failure.service_code.as_deref(),
        Some("InsufficientInstanceCapacity")
    );
    assert!(
        failure
            .hint
            .unwrap()
            .contains("another zone than ap-northeast-1a")
    );
    world.cloud.terminate_instance(&first.id, false).await.unwrap();
    world.clock.sleep(std::time::Duration::from_secs(60)).await;
    world.cloud.run_instance(&second).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_read_that_gets_no_answer_has_changed_nothing() {
    let sim = in_memory(vec![fault("survey", 1, 1, FaultEffect::TimeoutAfterEffect)]);
    let failure = sim.world().cloud.survey(CLUSTER).await.unwrap_err();
    assert_eq!(failure.certainty, Certainty::NotApplied);
}

#[tokio::test(start_paused = true)]
async fn a_new_id_is_unknown_to_reads_for_a_moment_but_waits_cope() {
    let sim = in_memory(vec![]);
    let world = sim.world();
    let group = group(&world).await;
    let mut lagging = 0;
    for index in 0..20 {
        let made = world
            .cloud
            .run_instance(&request(&world, &group, &format!("node-{index}")).await)
            .await
            .unwrap();
        lagging += usize::from(world.cloud.instance(&made.id).await.unwrap().is_none());
        let progress = subako_world::Progress::silent();
        let state = subako_world::InstanceState::Running;
        world
            .cloud
            .await_instance(&made.id, state, &progress)
            .await
            .unwrap();
        assert!(world.cloud.instance(&made.id).await.unwrap().is_some());
    }
    assert!((1..20).contains(&lagging), "{lagging} of 20 lag");
}
