//! When a service counts as up: what completes as it should, and what only waits for others.

use std::time::Duration;

use subako_engine::manifest::Manifest;
use subako_engine::plan::{Operation, Plan};
use subako_engine::world::{Mode, Resources, RestartCondition, RestartPolicy};
use subako_state::Outcome;

use crate::bench::{Bench, steps};
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
async fn what_it_waits_for_may_not_even_have_had_its_turn() {
    let manifest = with(&[
        ("a", "shop/crash-until-z:1", &[]),
        ("z", "shop/slow-pull-z:1", &[]),
    ]);
    let mut bench = Bench::new(vec![]);
    let plan = bench.plan(&manifest).await;
    let finished = bench.run_one_by_one(&plan).await;
    assert_eq!(finished.outcome, Outcome::Applied, "{:#?}", finished.failures);
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_keep_ending_are_waited_for_as_long_as_the_service_says() {
    for (give_up_after_s, between) in [(None, 0..60), (Some(0), 0..60), (Some(150), 150..200)] {
        let mut manifest = with(&[("web", "shop/crash:1", &[])]);
        let mut bench = Bench::of(&with(&[])).await;
        manifest.services[0].give_up_after_s = give_up_after_s;
        let plan = bench.plan(&manifest).await;
        let clock = bench.world.clock.clone();
        let started = clock.now();
        let finished = bench.run(&plan).await;
        assert_eq!(finished.outcome, Outcome::RolledBack);
        let (_, failure) = &finished.failures[0];
        assert!(failure.message.contains("no task stays up"), "{failure}");
        let took = (clock.now() - started).as_secs();
        assert!(between.contains(&took), "{give_up_after_s:?}: {took} s");
    }
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

/// The sandbox whose service `reply` has a task on each of its five nodes, and no room for more.
fn crowded(replicas: u64, nodes: u32) -> Manifest {
    let mut manifest = sandbox();
    manifest.pools[1].count = nodes;
    manifest.services.truncate(1);
    manifest.services[0].spec.mode = Mode::Replicated(replicas);
    manifest.services[0].spec.resources = Some(Resources {
        reserve_memory: Some(600 * 1024 * 1024),
        ..Resources::default()
    });
    manifest
}

fn reasons(plan: &Plan) -> Vec<String> {
    let settling = plan
        .steps
        .iter()
        .filter(|step| step.operation == Operation::Settle);
    settling
        .filter_map(|step| Some(format!("{}: {}", step.address, step.reason.as_ref()?)))
        .collect()
}

/// A disk that has grown stays as large, so the machine's step comes last, and the service after it.
#[tokio::test(start_paused = true)]
async fn a_service_waits_for_the_machine_that_it_lacks_whatever_else_changes_of_that() {
    let mut manifest = crowded(5, 2);
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    bench.sim.stop_instance("node-1").expect("stopped");
    tokio::time::sleep(Duration::from_secs(120)).await;
    manifest.pools[1].disk_gib += 2;
    let plan = bench.apply(&manifest).await;
    assert_eq!(reasons(&plan), ["service.reply: 4 of 5 running"]);
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_kept_half_way_is_drift_until_it_converges() {
    for first in [true, false] {
        let mut bench = Bench::new(vec![]);
        if !first {
            bench.apply(&crowded(5, 2)).await;
        }
        let eight = crowded(8, 2);
        let kept = bench.plan(&eight).await;
        assert_eq!(bench.run_keeping(&kept).await.outcome, Outcome::Remains);
        let plan = bench.plan(&eight).await;
        assert_eq!(steps(&plan), ["update service.reply: "]);
        assert_eq!(reasons(&plan), ["service.reply: 5 of 8 running"]);

        // Nothing of it is undone where it does not converge.
        let (recorded, there) = (bench.snapshot.resources.clone(), bench.sim.dump());
        let finished = bench.run(&plan).await;
        assert_eq!(finished.outcome, Outcome::RolledBack);
        let (_, failure) = &finished.failures[0];
        assert!(failure.message.contains("5/8 running"), "{failure}");
        assert_eq!(bench.snapshot.resources, recorded);
        assert_eq!(bench.sim.dump()["swarms"], there["swarms"]);

        // It is waited for until what it needs is there.
        let more = crowded(8, 5);
        bench.apply(&more).await;
        bench.assert_settled(&more).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_service_that_had_not_converged_is_undone_without_waiting_for_it() {
    let mut bench = Bench::new(vec![]);
    let eight = crowded(8, 2);
    let kept = bench.plan(&eight).await;
    bench.run_keeping(&kept).await;
    let mut nine = eight.clone();
    nine.services[0].spec.mode = Mode::Replicated(9);
    let plan = bench.plan(&nine).await;
    let before = bench.snapshot.resources.clone();
    assert_eq!(bench.run(&plan).await.outcome, Outcome::RolledBack);
    assert_eq!(bench.snapshot.resources, before);
    assert_eq!(
        reasons(&bench.plan(&eight).await),
        ["service.reply: 5 of 8 running"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_that_the_engine_has_paused_is_drift_and_goes_on() {
    let mut bench = Bench::of(&sandbox()).await;
    let mut broken = sandbox();
    broken.services[0].spec.image = "shop/crash:1".into();
    let kept = bench.plan(&broken).await;
    assert_eq!(bench.run_keeping(&kept).await.outcome, Outcome::Remains);
    let plan = bench.plan(&broken).await;
    let said = reasons(&plan);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].ends_with("of 8 running, the update is paused"),
        "{said:?}"
    );
    bench.apply(&sandbox()).await;
    bench.assert_settled(&sandbox()).await;
}

#[tokio::test(start_paused = true)]
async fn what_converges_by_itself_meanwhile_is_no_change() {
    let manifest = sandbox();
    let mut bench = Bench::of(&manifest).await;
    bench.sim.scale_service("reply", 0).expect("scaled");
    tokio::time::sleep(Duration::from_secs(60)).await;
    bench.sim.scale_service("reply", 8).expect("scaled");
    let plan = bench.plan(&manifest).await;
    assert_eq!(reasons(&plan), ["service.reply: 0 of 8 running"]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    bench.assert_settled(&manifest).await;
    // Applied all the same, it finds that there is nothing left to wait for.
    assert_eq!(bench.run(&plan).await.outcome, Outcome::Applied);
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_global_service_is_only_short_of_nodes_that_it_may_run_on() {
    let mut manifest = sandbox();
    manifest.services.truncate(1);
    manifest.services[0].spec.mode = Mode::Global;
    manifest.services[0].spec.constraints = vec!["node.role == worker".into()];
    let bench = Bench::of(&manifest).await;
    bench.assert_settled(&manifest).await;
}
