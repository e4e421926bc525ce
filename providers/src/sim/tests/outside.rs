//! Changes from outside, and that the next look sees their consequences.

use subako_world::{Availability, InstanceState, NodeState, Source};

use super::scenario::{CLUSTER, Cluster, in_file, in_memory, rule, service};
use crate::sim::SimError;

#[tokio::test(start_paused = true)]
async fn an_instance_is_known_by_tag_manifest_name_and_id() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 2).await;
    let id = cluster.instances[0].id.clone();
    for name in ["swarm-node-0", "node-1", &id] {
        cluster.sim.stop_instance(name).unwrap();
    }
    cluster.wait(30).await;
    let survey = cluster.world.cloud.survey(CLUSTER).await.unwrap();
    assert!(
        survey
            .instances
            .iter()
            .all(|instance| instance.state == InstanceState::Stopped)
    );
    let unknown = cluster.sim.stop_instance("nobody").unwrap_err();
    assert!(matches!(unknown, SimError::NotFound { .. }), "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn changes_from_outside_are_no_calls() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    cluster
        .manager()
        .create_service(&service("reply", 2))
        .await
        .unwrap();
    let before = cluster.sim.calls();
    cluster.sim.set_instance_tag("node-0", "Color", "red").unwrap();
    cluster.sim.scale_service("reply", 5).unwrap();
    cluster.sim.set_service_image("reply", "nginx:2").unwrap();
    cluster.sim.drain_node("node-0", Availability::Drain).unwrap();
    cluster
        .sim
        .authorize("swarm", rule(23, Source::Cidr("0.0.0.0/0".to_owned())))
        .unwrap();
    cluster
        .sim
        .revoke("swarm", rule(2377, Source::SelfGroup))
        .unwrap();
    assert_eq!(cluster.sim.calls(), before);
    cluster.wait(120).await;
    assert_eq!(cluster.spread(0, "reply").await, [5, 0]);
    let dump = cluster.sim.dump();
    let text = dump.to_string();
    assert!(
        text.contains("\"Color\":\"red\"") && text.contains("nginx:2"),
        "{text}"
    );
    let group = cluster
        .world
        .cloud
        .survey(CLUSTER)
        .await
        .unwrap()
        .security_groups
        .remove(0);
    assert_eq!(group.rules.len(), 3);
    cluster.sim.remove_service("reply").unwrap();
    assert!(cluster.manager().services().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_happened_outside_has_settled_when_the_world_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("world.json");
    let mut cluster = Cluster::up(in_file(&path), 3, 2).await;
    cluster
        .manager()
        .create_service(&service("reply", 10))
        .await
        .unwrap();
    cluster.wait(60).await;
    cluster.sim.close().unwrap();
    let by_hand = in_file(&path);
    by_hand.kill_node("node-1").unwrap();
    by_hand.stop_instance("node-0").unwrap();
    by_hand.close().unwrap();

    let sim = in_file(&path);
    cluster.world = sim.world();
    let survey = cluster.world.cloud.survey(CLUSTER).await.unwrap();
    let stopped = survey
        .instances
        .iter()
        .filter(|instance| instance.state == InstanceState::Stopped)
        .count();
    assert_eq!(stopped, 1);
    let target = super::scenario::target("manager-0", &cluster.instances[0]);
    cluster.hosts[0] = cluster.world.hosts.reach(&target).await.unwrap();
    let states = cluster.states(0).await;
    assert_eq!(states[3..], [NodeState::Down, NodeState::Down]);
    assert_eq!(cluster.running(0, "reply").await.len(), 10);
}
