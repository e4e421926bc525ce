//! When a service counts as up: what completes as it should, and what only waits for others.

use std::time::Duration;

use subako_engine::manifest::Manifest;
use subako_engine::world::{RestartCondition, RestartPolicy};
use subako_state::Outcome;

use crate::bench::Bench;
use crate::manifest::{sandbox, service};

/// Swarm's nanoseconds.
const SECOND: u64 = 1_000_000_000;

fn policy(condition: RestartCondition) -> Option<RestartPolicy> {
    Some(RestartPolicy {
        condition,
        delay: Some(SECOND),
        max_attempts: None,
        window: None,
    })
}

/// The sandbox with only these services: name, image, command.
fn with(services: &[(&str, &str, &[&str])]) -> Manifest {
    let mut manifest = sandbox();
    manifest.services.clear();
    for (name, image, command) in services {
        let mut one = service(name, 1, 80);
        one.spec.ports.clear();
        one.spec.image = (*image).to_owned();
        one.spec.command = command.iter().map(|word| (*word).to_owned()).collect();
        one.spec.restart_policy = policy(RestartCondition::Any);
        manifest.services.push(one);
    }
    manifest
}

#[tokio::test(start_paused = true)]
async fn a_task_that_completes_as_it_should_is_converged() {
    for condition in [RestartCondition::None, RestartCondition::OnFailure] {
        let mut manifest = with(&[("migrate", "alpine", &["sleep", "2"])]);
        manifest.services[0].spec.restart_policy = policy(condition);
        let mut bench = Bench::new(vec![]);
        bench.apply(&manifest).await;
        bench.assert_settled(&manifest).await;
        // Swarm pauses the update when the new task ends; its work is done all the same.
        manifest.services[0]
            .spec
            .environment
            .insert("VERSION".into(), "2".into());
        bench.apply(&manifest).await;
        bench.assert_settled(&manifest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_where_it_is_to_run_on_is_a_failure_that_says_what_to_write() {
    let manifest = with(&[("migrate", "alpine", &["sleep", "2"])]);
    let mut bench = Bench::new(vec![]);
    let plan = bench.plan(&manifest).await;
    let finished = bench.run(&plan).await;
    assert_eq!(finished.outcome, Outcome::RolledBack);
    let (_, failure) = &finished.failures[0];
    assert!(
        failure
            .message
            .contains("restart_policy = { condition = \"none\" }"),
        "{failure}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_crashes_until_another_is_up_is_waited_for() {
    let manifest = with(&[
        ("web", "shop/crash-until-db:1", &[]),
        ("db", "shop/slow-pull-db:1", &[]),
    ]);
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
    assert!(bench.said("its tasks fail: waiting for the rest of the apply"));
}

#[tokio::test(start_paused = true)]
async fn once_the_rest_is_up_a_service_that_goes_on_crashing_is_hopeless() {
    let manifest = with(&[("web", "shop/crash:1", &[]), ("db", "shop/slow-pull-db:1", &[])]);
    let mut bench = Bench::new(vec![]);
    let plan = bench.plan(&manifest).await;
    let finished = bench.run(&plan).await;
    assert_eq!(finished.outcome, Outcome::RolledBack);
    let (address, failure) = &finished.failures[0];
    assert_eq!(address.as_str(), "service.web", "{failure}");
    assert!(failure.message.contains("no task stays up"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn two_that_wait_for_nothing_but_each_other_are_hopeless_long_before_their_limit() {
    let manifest = with(&[
        ("a", "shop/crash-until-b:1", &[]),
        ("b", "shop/crash-until-a:1", &[]),
    ]);
    let mut bench = Bench::new(vec![]);
    let up = with(&[]);
    bench.apply(&up).await;
    let plan = bench.plan(&manifest).await;
    let clock = bench.world.clock.clone();
    let started = clock.now();
    let finished = bench.run(&plan).await;
    assert_eq!(finished.outcome, Outcome::RolledBack);
    let took = clock.now() - started;
    assert!(took < Duration::from_secs(120), "{took:?}");
}
