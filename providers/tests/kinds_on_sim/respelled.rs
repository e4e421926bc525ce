//! A manifest is written in another way and means the same.

use std::collections::BTreeSet;

use subako_engine::manifest::{Manifest, PublicIp};
use subako_engine::refresh::Survey;
use subako_engine::world::{
    Mode, RestartCondition, RestartPolicy, ServiceSpec, TaskState, UpdateConfig, UpdateOrder,
};

use crate::bench::{Bench, steps};
use crate::manifest::sandbox;

const SECOND: u64 = 1_000_000_000;

fn spell_out(spec: &mut ServiceSpec) {
    spec.image = format!("docker.io/{}:latest", spec.image);
    spec.stop_grace_period = Some(10 * SECOND);
    spec.restart_policy = Some(RestartPolicy {
        condition: RestartCondition::Any,
        delay: Some(5 * SECOND),
        max_attempts: Some(0),
        window: None,
    });
    spec.update_config = Some(UpdateConfig {
        order: Some(UpdateOrder::StopFirst),
        parallelism: Some(1),
        ..UpdateConfig::default()
    });
    spec.constraints.reverse();
}

fn constrained() -> Manifest {
    let mut manifest = sandbox();
    manifest.services[0].spec.constraints =
        vec!["node.role == worker".into(), "node.platform.os == linux".into()];
    manifest
}

fn spelled_out() -> Manifest {
    let mut manifest = constrained();
    spell_out(&mut manifest.services[0].spec);
    manifest
}

/// The ids of the tasks that run.
async fn running(bench: &Bench, manifest: &Manifest) -> BTreeSet<String> {
    let desired = bench.desired(manifest).await;
    let survey = Survey::take(&bench.world, &bench.snapshot, &desired).await;
    let survey = survey.expect("a survey");
    let subako_engine::refresh::SwarmSurvey::Read(view) = survey.swarm else {
        panic!("a swarm");
    };
    let tasks = view.tasks.into_iter();
    tasks
        .filter(|task| task.service == "reply" && task.state == TaskState::Running)
        .map(|task| task.id)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_means_the_same_is_no_change_either_way() {
    for (before, after) in [(constrained(), spelled_out()), (spelled_out(), constrained())] {
        let mut bench = Bench::new(vec![]);
        bench.apply(&before).await;
        bench.assert_settled(&before).await;
        bench.assert_settled(&after).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_default_that_is_spelled_out_beside_a_change_restarts_no_task() {
    let mut bench = Bench::new(vec![]);
    bench.apply(&constrained()).await;
    let before = running(&bench, &constrained()).await;
    assert_eq!(before.len(), 8);
    let mut scaled = spelled_out();
    scaled.services[0].spec.mode = Mode::Replicated(9);
    let plan = bench.plan(&scaled).await;
    assert_eq!(steps(&plan), ["update service.reply: replicas"]);
    bench.apply(&scaled).await;
    bench.assert_settled(&scaled).await;
    let after = running(&bench, &scaled).await;
    assert_eq!(after.len(), 9);
    assert!(after.is_superset(&before));
}

#[tokio::test(start_paused = true)]
async fn a_default_is_guarded_as_soon_as_it_is_spelled_out() {
    let mut bench = Bench::new(vec![]);
    bench.apply(&constrained()).await;
    // Nothing was to do, so that the state does not have it yet.
    bench.assert_settled(&spelled_out()).await;
    bench.sim.set_stop_grace("reply", 30).expect("changed");
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    bench.assert_settled(&constrained()).await;
    let plan = bench.plan(&spelled_out()).await;
    assert_eq!(steps(&plan), ["update service.reply: stop_grace_period"]);
    assert!(!plan.drift.is_empty());
    bench.apply(&spelled_out()).await;
    bench.assert_settled(&spelled_out()).await;
}

#[tokio::test(start_paused = true)]
async fn a_default_that_is_no_longer_spelled_out_is_nobodys() {
    let mut bench = Bench::new(vec![]);
    bench.apply(&spelled_out()).await;
    bench.sim.set_stop_grace("reply", 30).expect("changed");
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    bench.assert_settled(&constrained()).await;
    // What was not the default is taken back.
    let mut longer = spelled_out();
    longer.services[0].spec.stop_grace_period = Some(20 * SECOND);
    bench.apply(&longer).await;
    let plan = bench.plan(&constrained()).await;
    assert_eq!(steps(&plan), ["update service.reply: stop_grace_period"]);
}

/// Fails unless a manifest that was applied, written in another way, is no change.
async fn assert_same(before: &Manifest, after: &Manifest) {
    let mut bench = Bench::new(vec![]);
    bench.apply(before).await;
    bench.assert_settled(before).await;
    bench.assert_settled(after).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_an_instance_has_may_be_asked_for_and_given_up() {
    let mut bench = Bench::of(&sandbox()).await;
    let address = |bench: &Bench, name: &str| {
        let address = subako_state::Address::new("instance", name);
        let recorded = bench.snapshot.get(&address).expect("an instance");
        recorded.outputs.text_field("private_ip").expect("an address")
    };
    let mut pinned = sandbox();
    pinned.pools[1].private_ips = vec![address(&bench, "node-0"), address(&bench, "node-1")];
    pinned.pools[0].public_ip = Some(PublicIp::Yes);
    bench.assert_settled(&pinned).await;
    bench.assert_settled(&sandbox()).await;
    // Another address than the one it has is a move.
    pinned.pools[1].private_ips.reverse();
    let plan = bench.plan(&pinned).await;
    assert!(steps(&plan).contains(&"recreate instance.node-0".to_owned()));
    pinned.pools[1].private_ips.reverse();
    pinned.pools[1].count = 1;
    pinned.pools[1].private_ips.truncate(1);
    bench.apply(&pinned).await;
    bench.assert_settled(&pinned).await;
}

#[tokio::test(start_paused = true)]
async fn no_public_address_is_a_change_where_there_is_one() {
    let bench = Bench::of(&sandbox()).await;
    let mut private = sandbox();
    private.pools[1].public_ip = Some(PublicIp::No);
    let plan = bench.plan(&private).await;
    assert!(steps(&plan).contains(&"recreate instance.node-0".to_owned()));
    assert!(!steps(&plan).iter().any(|step| step.contains("manager")));
}

#[tokio::test(start_paused = true)]
async fn dockers_own_pool_and_the_engine_that_runs_may_be_spelled_out() {
    let mut spelled = sandbox();
    spelled.swarm.addr_pool = vec!["10.0.0.0/8".into()];
    spelled.swarm.engine_version = Some("25.0.8-1.amzn2023".into());
    assert_same(&sandbox(), &spelled).await;
    assert_same(&spelled, &sandbox()).await;
    let mut two = sandbox();
    two.swarm.addr_pool = vec!["10.64.0.0/12".into(), "10.96.0.0/12".into()];
    let mut turned = two.clone();
    turned.swarm.addr_pool.reverse();
    assert_same(&two, &turned).await;
    let bench = Bench::of(&sandbox()).await;
    spelled.swarm.engine_version = Some("24.0".into());
    let plan = bench.plan(&spelled).await;
    assert_eq!(steps(&plan).len(), 5, "each engine: {:?}", steps(&plan));
}

#[tokio::test(start_paused = true)]
async fn zones_in_another_order_and_more_of_them_move_nobody() {
    let zones = |letters: &str| {
        let mut manifest = sandbox();
        let zones = letters.chars().map(|letter| format!("ap-northeast-1{letter}"));
        manifest.aws.availability_zones = zones.collect();
        manifest
    };
    for (before, after) in [("adc", "cad"), ("ac", "acd"), ("c", ""), ("", "ac")] {
        assert_same(&zones(before), &zones(after)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_comment_of_a_key_is_nobodys_business() {
    let mut renamed = sandbox();
    let key = renamed.key_pair.as_mut().expect("a key");
    key.public_key = key.public_key.replace(" me", " somebody else");
    assert_same(&sandbox(), &renamed).await;
}
