//! Nodes that are lost and come back, leaders, quorum.

use subako_world::{Availability, Certainty, Code, Mode, NodeState, NodeUpdate, Role};

use super::scenario::{Cluster, in_memory, service};

#[tokio::test(start_paused = true)]
async fn a_lost_workers_tasks_move_after_fifteen_seconds_and_never_come_back_by_themselves() {
    let cluster = Cluster::up(in_memory(vec![]), 3, 2).await;
    cluster
        .manager()
        .create_service(&service("reply", 8))
        .await
        .unwrap();
    cluster.wait(20).await;
    let spread = cluster.spread(0, "reply").await;
    assert_eq!(spread.iter().sum::<usize>(), 8);
    assert!(
        spread.iter().max().unwrap() - spread.iter().min().unwrap() <= 1,
        "{spread:?}"
    );

    cluster.sim.kill_node("node-0").unwrap();
    cluster.wait(10).await;
    assert_eq!(
        cluster.states(0).await[3],
        NodeState::Ready,
        "heartbeats are not missed yet"
    );
    cluster.wait(30).await;
    assert_eq!(cluster.states(0).await[3], NodeState::Down);
    let spread = cluster.spread(0, "reply").await;
    assert_eq!((spread[3], spread.iter().sum::<usize>()), (0, 8), "{spread:?}");

    cluster.sim.revive_node("node-0").unwrap();
    cluster.wait(60).await;
    assert_eq!(cluster.states(0).await[3], NodeState::Ready);
    assert_eq!(cluster.spread(0, "reply").await[3], 0, "an idle node stays idle");
    cluster
        .manager()
        .update_service(&service("reply", 8), true)
        .await
        .unwrap();
    cluster.wait(200).await;
    let spread = cluster.spread(0, "reply").await;
    assert!(
        spread.iter().max().unwrap() - spread.iter().min().unwrap() <= 1,
        "force rebalances: {spread:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_back_before_it_is_missed_keeps_its_tasks() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    cluster
        .manager()
        .create_service(&service("reply", 4))
        .await
        .unwrap();
    cluster.wait(20).await;
    cluster.sim.kill_node("node-0").unwrap();
    cluster.wait(5).await;
    cluster.sim.revive_node("node-0").unwrap();
    cluster.wait(60).await;
    assert_eq!(cluster.spread(0, "reply").await, [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_terminated_instances_node_goes_down_and_its_tasks_move() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 2).await;
    cluster
        .manager()
        .create_service(&service("reply", 6))
        .await
        .unwrap();
    cluster.wait(20).await;
    cluster
        .world
        .cloud
        .terminate_instance(&cluster.instances[2].id, false)
        .await
        .unwrap();
    cluster.wait(40).await;
    assert_eq!(cluster.states(0).await[2], NodeState::Down);
    assert_eq!(cluster.spread(0, "reply").await, [3, 3, 0]);
    cluster
        .manager()
        .remove_node(&cluster.nodes[2], false)
        .await
        .unwrap();
    assert_eq!(cluster.manager().nodes().await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn another_manager_leads_once_the_leader_is_lost_and_calls_wait_for_it() {
    let cluster = Cluster::up(in_memory(vec![]), 3, 0).await;
    let leads = |nodes: &[subako_world::Node]| nodes.iter().find(|node| node.leader).map(|n| n.id.clone());
    assert_eq!(
        leads(&cluster.manager().nodes().await.unwrap()),
        Some(cluster.nodes[0].clone())
    );
    cluster.sim.kill_node("manager-0").unwrap();
    let before = cluster.world.clock.now();
    let nodes = cluster.hosts[1].nodes().await.unwrap();
    let waited = (cluster.world.clock.now() - before).as_millis();
    assert!(
        (3_000..=10_500).contains(&waited),
        "an election takes 3 to 10 s, not {waited} ms"
    );
    let leader = leads(&nodes).unwrap();
    assert_ne!(leader, cluster.nodes[0]);
    cluster.hosts[1]
        .create_service(&service("after", 2))
        .await
        .unwrap();
    cluster.wait(60).await;
    assert_eq!(cluster.running(1, "after").await.len(), 2);
    cluster.sim.revive_node("manager-0").unwrap();
    cluster.wait(60).await;
    let nodes = cluster.manager().nodes().await.unwrap();
    assert_eq!(
        leads(&nodes),
        Some(leader),
        "the old leader does not take over again"
    );
}

#[tokio::test(start_paused = true)]
async fn without_quorum_nothing_is_decided_and_with_it_everything_is_caught_up() {
    let cluster = Cluster::up(in_memory(vec![]), 3, 2).await;
    cluster
        .manager()
        .create_service(&service("reply", 5))
        .await
        .unwrap();
    cluster.wait(20).await;
    cluster.sim.kill_node("manager-1").unwrap();
    cluster.sim.kill_node("manager-2").unwrap();
    cluster.sim.kill_node("node-0").unwrap();
    cluster.wait(60).await;
    let failure = cluster
        .manager()
        .create_service(&service("no", 1))
        .await
        .unwrap_err();
    assert_eq!(failure.certainty, Certainty::NotApplied);
    assert!(
        failure.message.contains("The swarm does not have a leader"),
        "{failure}"
    );
    cluster.manager().nodes().await.unwrap_err();

    cluster.sim.revive_node("manager-1").unwrap();
    cluster.wait(60).await;
    assert_eq!(
        cluster.running(0, "reply").await.len(),
        5,
        "the tasks of the dead have moved"
    );
    let spread = cluster.spread(0, "reply").await;
    assert_eq!((spread[2], spread[3]), (0, 0), "{spread:?}");
}

#[tokio::test(start_paused = true)]
async fn a_demotion_that_breaks_the_quorum_is_refused() {
    let cluster = Cluster::up(in_memory(vec![]), 3, 0).await;
    cluster.sim.kill_node("manager-2").unwrap();
    cluster.wait(30).await;
    let demote = NodeUpdate {
        role: Some(Role::Worker),
        ..NodeUpdate::default()
    };
    let failure = cluster
        .manager()
        .update_node(&cluster.nodes[1], &demote)
        .await
        .unwrap_err();
    assert!(failure.message.contains("loss of quorum"), "{failure}");
    cluster
        .manager()
        .update_node(&cluster.nodes[2], &demote)
        .await
        .unwrap();
    cluster.wait(10).await;
    cluster
        .manager()
        .remove_node(&cluster.nodes[2], false)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_demoted_leader_hands_over_at_once() {
    let cluster = Cluster::up(in_memory(vec![]), 3, 0).await;
    let demote = NodeUpdate {
        role: Some(Role::Worker),
        ..NodeUpdate::default()
    };
    cluster.hosts[1]
        .update_node(&cluster.nodes[0], &demote)
        .await
        .unwrap();
    cluster.wait(5).await;
    let nodes = cluster.hosts[1].nodes().await.unwrap();
    let leader = nodes.iter().find(|node| node.leader).unwrap();
    assert_ne!(leader.id, cluster.nodes[0]);
    let failure = cluster.manager().nodes().await.unwrap_err();
    assert_eq!(failure.code, Code::NotAManager);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_joins_gets_global_tasks_and_those_that_waited() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    let pause = |availability| NodeUpdate {
        availability: Some(availability),
        ..NodeUpdate::default()
    };
    for node in &cluster.nodes {
        cluster
            .manager()
            .update_node(node, &pause(Availability::Pause))
            .await
            .unwrap();
    }
    let mut everywhere = service("everywhere", 1);
    everywhere.mode = Mode::Global;
    cluster.manager().create_service(&everywhere).await.unwrap();
    cluster
        .manager()
        .create_service(&service("waits", 2))
        .await
        .unwrap();
    cluster.wait(60).await;
    assert!(cluster.running(0, "waits").await.is_empty());
    cluster
        .manager()
        .update_node(&cluster.nodes[1], &pause(Availability::Active))
        .await
        .unwrap();
    cluster.wait(60).await;
    assert_eq!(cluster.spread(0, "waits").await, [0, 2]);
    assert_eq!(cluster.spread(0, "everywhere").await, [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_and_started_worker_is_the_same_node_with_another_public_address() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    cluster.sim.stop_instance("node-0").unwrap();
    cluster.wait(60).await;
    assert_eq!(cluster.states(0).await[1], NodeState::Down);
    cluster.sim.start_instance("node-0").unwrap();
    cluster.wait(60).await;
    assert_eq!(cluster.states(0).await[1], NodeState::Ready);
    let after = cluster
        .world
        .cloud
        .instance(&cluster.instances[1].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.private_ip, cluster.instances[1].private_ip);
    assert_ne!(after.public_ip, cluster.instances[1].public_ip);
}

#[tokio::test(start_paused = true)]
async fn one_of_two_managers_is_no_quorum() {
    let cluster = Cluster::up(in_memory(vec![]), 2, 0).await;
    cluster.sim.kill_node("manager-1").unwrap();
    cluster.wait(1).await;
    let failure = cluster
        .manager()
        .create_service(&service("no", 1))
        .await
        .unwrap_err();
    assert_eq!(failure.code, Code::NoLeader);
    cluster.sim.revive_node("manager-1").unwrap();
    cluster.wait(30).await;
    cluster
        .manager()
        .create_service(&service("yes", 1))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_back_gets_what_waited_for_one_like_it() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    cluster.sim.kill_node("node-0").unwrap();
    cluster.wait(30).await;
    let mut everywhere = service("everywhere", 1);
    everywhere.mode = Mode::Global;
    let mut waits = service("waits", 2);
    waits.constraints = vec!["node.role == worker".to_owned()];
    for spec in [everywhere, waits] {
        cluster.manager().create_service(&spec).await.unwrap();
    }
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "everywhere").await, [1, 0]);
    assert_eq!(cluster.spread(0, "waits").await, [0, 0]);
    cluster.sim.revive_node("node-0").unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "everywhere").await, [1, 1]);
    assert_eq!(cluster.spread(0, "waits").await, [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_counted_from_the_last_one() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    cluster.sim.kill_node("node-0").unwrap();
    cluster.wait(2).await;
    cluster.sim.revive_node("node-0").unwrap();
    cluster.wait(8).await;
    cluster.sim.kill_node("node-0").unwrap();
    cluster.wait(10).await;
    assert_eq!(
        cluster.states(0).await[1],
        NodeState::Ready,
        "it was heard of ten seconds ago"
    );
    cluster.wait(6).await;
    assert_eq!(cluster.states(0).await[1], NodeState::Down);
}
