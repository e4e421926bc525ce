//! Cases of starting, joining, managing and leaving a swarm.

use std::collections::BTreeMap;
use std::time::Duration;

use subako_world::{
    Availability, Certainty, Code, LocalNodeState, NodeState, NodeUpdate, Progress, Reachability, Role,
    Secret,
};

use super::case::{Case, CaseError, Outcome, Verdict, ensure, eventually, refused};
use super::host_bench::HostBench;

pub(super) fn cases() -> Vec<Case<HostBench>> {
    super::case::cases![
        a_swarm_starts_once,
        the_token_decides_the_role,
        a_wrong_token_is_refused,
        joining_twice_is_refused,
        a_join_through_closed_ports_is_of_unknown_effect,
        labels_and_availability_are_read_back,
        a_worker_manages_nothing,
        the_last_manager_stays_one,
        a_manager_leaves_once_demoted,
        a_worker_leaves_and_is_forgotten,
        leaving_no_swarm_is_fine,
        a_lost_quorum_is_forced_on_a_manager_that_is_left,
    ]
}

async fn a_swarm_starts_once(bench: &HostBench) -> Outcome {
    let hosts = bench.blank().await?;
    let node = hosts[0].swarm_init(&bench.init()).await?;
    let info = hosts[0].engine_info().await?;
    ensure!(
        info.as_ref()
            .is_some_and(|i| i.swarm == LocalNodeState::Active && i.control_available),
        "{info:?}"
    );
    ensure!(
        info.as_ref().and_then(|i| i.node_id.as_ref()) == Some(&node),
        "{info:?} is not node {node}"
    );
    let swarm = hosts[0].swarm_inspect().await?;
    ensure!(
        info.and_then(|i| i.cluster_id).as_ref() == Some(&swarm.id),
        "the cluster id differs"
    );
    let init = bench.init();
    ensure!(
        swarm.addr_pool == init.addr_pool && swarm.subnet_size == init.subnet_size,
        "{swarm:?}"
    );
    ensure!(swarm.labels == init.labels, "labels {:?}", swarm.labels);
    refused(
        "a second start",
        Code::AlreadyInSwarm,
        hosts[0].swarm_init(&init).await,
    )?;
    Ok(Verdict::Passed)
}

async fn the_token_decides_the_role(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Manager, Role::Worker]).await?;
    let manager = cluster.manager();
    for (index, role) in [(0, Role::Manager), (1, Role::Manager), (2, Role::Worker)] {
        let is = |node: &subako_world::Node| node.state == NodeState::Ready;
        let node = bench
            .node(manager, &cluster.nodes[index], "a ready node", is)
            .await?;
        ensure!(node.role == role, "node {index} is a {}", node.role);
        ensure!(
            node.addr == bench.target(index).private_ip,
            "node {index} has {}",
            node.addr
        );
        let reachable = node.reachability == Some(Reachability::Reachable);
        ensure!(
            reachable == (role == Role::Manager),
            "node {index}: {:?}",
            node.reachability
        );
        ensure!(node.leader == (index == 0), "node {index} leads: {}", node.leader);
    }
    let nodes = manager.nodes().await?;
    ensure!(
        nodes.len() == 3 && nodes.is_sorted_by_key(|node| node.id.clone()),
        "{nodes:?}"
    );
    let second = cluster.hosts[1].nodes().await?;
    ensure!(second.len() == 3, "the second manager lists {second:?}");
    Ok(Verdict::Passed)
}

async fn a_wrong_token_is_refused(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let mut ticket = bench.ticket(cluster.manager(), 1, Role::Worker).await?;
    let token = ticket.token.expose();
    let tail = if token.ends_with('0') { "1" } else { "0" };
    ticket.token = Secret::new(format!("{}{tail}", &token[..token.len() - 1]));
    let joined = cluster.hosts[1].swarm_join(&ticket, &Progress::silent()).await;
    ensure!(joined.is_err(), "a wrong token joined");
    ensure!(
        cluster.manager().nodes().await?.len() == 1,
        "a second node is there"
    );
    Ok(Verdict::Passed)
}

async fn joining_twice_is_refused(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let ticket = bench.ticket(cluster.manager(), 1, Role::Worker).await?;
    refused(
        "a second join",
        Code::AlreadyInSwarm,
        cluster.hosts[1].swarm_join(&ticket, &Progress::silent()).await,
    )?;
    ensure!(
        cluster.manager().nodes().await?.len() == 2,
        "there are more than two nodes"
    );
    Ok(Verdict::Passed)
}

async fn a_join_through_closed_ports_is_of_unknown_effect(bench: &HostBench) -> Outcome {
    if !bench.fixture.cloud.counterpart.enforces_groups {
        return Ok(Verdict::Skipped(
            "the counterpart does not enforce security groups",
        ));
    }
    let cluster = bench.swarm(&[]).await?;
    let ticket = bench.ticket(cluster.manager(), 1, Role::Worker).await?;
    bench.let_machines_talk(false).await?;
    let joined = cluster.hosts[1].swarm_join(&ticket, &Progress::silent()).await;
    bench.let_machines_talk(true).await?;
    let Err(failure) = joined else {
        return Err(CaseError::Broken("it joined through closed ports".to_owned()));
    };
    ensure!(
        failure.certainty == Certainty::Unknown,
        "it claims that nothing changed: {failure}"
    );
    let text = format!("{failure} {}", failure.hint.as_deref().unwrap_or_default());
    ensure!(text.contains("2377"), "it does not name the port: {text}");
    cluster.hosts[1].swarm_leave(true).await?;
    Ok(Verdict::Passed)
}

async fn labels_and_availability_are_read_back(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let (manager, id) = (cluster.manager(), &cluster.nodes[1]);
    let labels = BTreeMap::from([("subako.name".to_owned(), "node-0".to_owned())]);
    let update = NodeUpdate {
        role: None,
        availability: Some(Availability::Pause),
        labels: Some(labels.clone()),
    };
    manager.update_node(id, &update).await?;
    manager.update_node(id, &update).await?;
    let node = manager.nodes().await?.into_iter().find(|node| node.id == *id);
    ensure!(
        node.as_ref().is_some_and(|node| node.labels == labels),
        "{node:?}"
    );
    ensure!(
        node.is_some_and(|node| node.availability == Availability::Pause),
        "the availability is another"
    );
    let only = NodeUpdate {
        availability: Some(Availability::Active),
        ..NodeUpdate::default()
    };
    manager.update_node(id, &only).await?;
    let node = manager.nodes().await?.into_iter().find(|node| node.id == *id);
    ensure!(
        node.as_ref().is_some_and(|node| node.labels == labels),
        "an update without labels took them: {node:?}"
    );
    let nobody = manager.update_node("0000000000000000000000000", &only).await;
    refused("an update of an unknown node", Code::NotFound, nobody)?;
    Ok(Verdict::Passed)
}

async fn a_worker_manages_nothing(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let worker = &cluster.hosts[1];
    refused(
        "nodes, asked of a worker",
        Code::NotAManager,
        worker.nodes().await,
    )?;
    refused(
        "tokens, asked of a worker",
        Code::NotAManager,
        worker.swarm_inspect().await,
    )?;
    refused(
        "a network, made on a worker",
        Code::NotAManager,
        worker.create_network(&HostBench::network("no")).await,
    )?;
    let info = worker.engine_info().await?;
    ensure!(
        info.as_ref()
            .is_some_and(|i| i.swarm == LocalNodeState::Active && !i.control_available),
        "{info:?}"
    );
    Ok(Verdict::Passed)
}

async fn the_last_manager_stays_one(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let demote = NodeUpdate {
        role: Some(Role::Worker),
        ..NodeUpdate::default()
    };
    let demoted = cluster.manager().update_node(&cluster.nodes[0], &demote).await;
    refused("demoting the last manager", Code::WrongState, demoted)?;
    refused(
        "leaving as a manager",
        Code::WrongState,
        cluster.manager().swarm_leave(false).await,
    )?;
    refused(
        "removing a manager",
        Code::WrongState,
        cluster.manager().remove_node(&cluster.nodes[0], false).await,
    )?;
    Ok(Verdict::Passed)
}

async fn a_manager_leaves_once_demoted(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Manager, Role::Manager]).await?;
    let (manager, host, id) = (cluster.manager(), &cluster.hosts[2], &cluster.nodes[2]);
    let demote = NodeUpdate {
        role: Some(Role::Worker),
        ..NodeUpdate::default()
    };
    manager.update_node(id, &demote).await?;
    bench
        .node(manager, id, "a node out of raft", |node| {
            node.reachability.is_none()
        })
        .await?;
    let demoted = async || Ok(host.engine_info().await?.filter(|info| !info.control_available));
    let clock = &*bench.cloud.world.clock;
    eventually(
        clock,
        bench.fixture.patience,
        "an engine that knows it is no manager",
        demoted,
    )
    .await?;
    host.swarm_leave(false).await?;
    bench
        .node(manager, id, "a node that is down", |node| {
            node.state == NodeState::Down
        })
        .await?;
    manager.remove_node(id, false).await?;
    ensure!(manager.nodes().await?.len() == 2, "the node is still there");
    Ok(Verdict::Passed)
}

async fn a_worker_leaves_and_is_forgotten(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let (manager, id) = (cluster.manager(), &cluster.nodes[1]);
    bench
        .node(manager, id, "a ready node", |node| node.state == NodeState::Ready)
        .await?;
    refused(
        "removing a ready node",
        Code::WrongState,
        manager.remove_node(id, false).await,
    )?;
    cluster.hosts[1].swarm_leave(false).await?;
    let info = cluster.hosts[1].engine_info().await?;
    ensure!(
        info.is_some_and(|info| info.swarm == LocalNodeState::Inactive),
        "it is still in a swarm"
    );
    bench
        .node(manager, id, "a node that is down", |node| {
            node.state == NodeState::Down
        })
        .await?;
    manager.remove_node(id, false).await?;
    manager.remove_node(id, false).await?;
    ensure!(manager.nodes().await?.len() == 1, "the node is still there");
    let ticket = bench.ticket(manager, 1, Role::Worker).await?;
    let again = cluster.hosts[1].swarm_join(&ticket, &Progress::silent()).await?;
    ensure!(again != *id, "it came back under its old id");
    Ok(Verdict::Passed)
}

async fn leaving_no_swarm_is_fine(bench: &HostBench) -> Outcome {
    let hosts = bench.blank().await?;
    hosts[1].swarm_leave(false).await?;
    hosts[1].swarm_leave(true).await?;
    bench.cloud.world.clock.sleep(Duration::from_secs(1)).await;
    let info = hosts[1].engine_info().await?;
    ensure!(
        info.is_some_and(|info| info.swarm == LocalNodeState::Inactive),
        "it is in a swarm"
    );
    Ok(Verdict::Passed)
}

async fn a_lost_quorum_is_forced_on_a_manager_that_is_left(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Manager, Role::Worker]).await?;
    let manager = cluster.manager();
    manager.create_service(&bench.service("stays", 2)).await?;
    bench.converged(manager, "stays", 2).await?;
    let before = manager.swarm_inspect().await?;
    cluster.hosts[1].swarm_leave(true).await?;
    let clock = &*bench.cloud.world.clock;
    let lost = async || Ok(manager.nodes().await.is_err().then_some(()));
    eventually(clock, bench.fixture.patience, "no quorum", lost).await?;

    manager.swarm_force_new(&bench.target(0).private_ip).await?;
    let again = async || Ok(manager.swarm_inspect().await.ok());
    let after = eventually(clock, bench.fixture.patience, "a leader", again).await?;
    let kept = after.id == before.id
        && after.addr_pool == before.addr_pool
        && after.subnet_size == before.subnet_size
        && after.labels == before.labels
        && after.tokens.manager.expose() == before.tokens.manager.expose()
        && after.tokens.worker.expose() == before.tokens.worker.expose();
    ensure!(kept, "the swarm is another one");
    let leads = |node: &subako_world::Node| node.leader && node.state == NodeState::Ready;
    bench.node(manager, &cluster.nodes[0], "a leader", leads).await?;
    let is_ready = |node: &subako_world::Node| node.state == NodeState::Ready;
    bench
        .node(manager, &cluster.nodes[2], "the worker is back", is_ready)
        .await?;
    bench.converged(manager, "stays", 2).await?;
    // The one that has left joins as another node.
    let ticket = bench.ticket(manager, 1, Role::Manager).await?;
    let joined = cluster.hosts[1].swarm_join(&ticket, &Progress::silent()).await?;
    let votes = |node: &subako_world::Node| node.reachability == Some(Reachability::Reachable);
    bench.node(manager, &joined, "a second manager", votes).await?;
    Ok(Verdict::Passed)
}
