//! Cases of tasks: where they run, how they are replaced.

use std::collections::BTreeSet;

use subako_world::{
    Availability, Host, Mode, NodeUpdate, Role, TaskFilter, TaskState, UpdateConfig, UpdateState,
};

use super::case::{Case, CaseError, Outcome, Verdict, ensure, eventually};
use super::host_bench::{HostBench, current_tasks};

pub(super) fn cases() -> Vec<Case<HostBench>> {
    super::case::cases![
        replicas_are_spread_evenly,
        a_service_is_scaled_both_ways,
        a_global_service_runs_everywhere_once,
        a_constraint_is_honoured,
        an_update_replaces_every_task,
        force_replaces_tasks_of_an_equal_spec,
        logins_are_handed_on_without_a_restart,
        a_drained_node_is_emptied_and_not_refilled,
        tasks_are_filtered_by_service_and_node,
    ]
}

async fn replicas_are_spread_evenly(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker, Role::Worker]).await?;
    cluster
        .manager()
        .create_service(&bench.service("spread", 6))
        .await?;
    let tasks = bench.converged(cluster.manager(), "spread", 6).await?;
    for node in &cluster.nodes {
        let count = tasks
            .iter()
            .filter(|task| task.node_id.as_ref() == Some(node))
            .count();
        ensure!(count == 2, "node {node} has {count} of 6 tasks");
    }
    let slots: BTreeSet<Option<u64>> = tasks.iter().map(|task| task.slot).collect();
    ensure!(slots == (1..=6).map(Some).collect(), "slots {slots:?}");
    ensure!(
        tasks
            .iter()
            .all(|task| task.image.starts_with(&bench.fixture.image)),
        "another image: {tasks:?}"
    );
    Ok(Verdict::Passed)
}

async fn a_service_is_scaled_both_ways(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker, Role::Worker]).await?;
    let manager = cluster.manager();
    manager.create_service(&bench.service("scaled", 3)).await?;
    let before = ids(&bench.converged(manager, "scaled", 3).await?);
    manager.update_service(&bench.service("scaled", 5), false).await?;
    let more = ids(&bench.converged(manager, "scaled", 5).await?);
    ensure!(more.is_superset(&before), "scaling up replaced tasks");
    manager.update_service(&bench.service("scaled", 1), false).await?;
    let fewer = ids(&bench.converged(manager, "scaled", 1).await?);
    ensure!(fewer.is_subset(&more), "scaling down replaced tasks");
    Ok(Verdict::Passed)
}

async fn a_global_service_runs_everywhere_once(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker, Role::Worker]).await?;
    let mut spec = bench.service("everywhere", 1);
    spec.mode = Mode::Global;
    cluster.manager().create_service(&spec).await?;
    let tasks = bench.converged(cluster.manager(), "everywhere", 3).await?;
    let nodes: BTreeSet<&String> = tasks.iter().filter_map(|task| task.node_id.as_ref()).collect();
    ensure!(nodes == cluster.nodes.iter().collect(), "on {nodes:?}");
    ensure!(
        tasks.iter().all(|task| task.slot.is_none()),
        "a global task has a slot: {tasks:?}"
    );
    Ok(Verdict::Passed)
}

async fn a_constraint_is_honoured(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker, Role::Worker]).await?;
    let manager = cluster.manager();
    let label = NodeUpdate {
        labels: Some([("disk".to_owned(), "fast".to_owned())].into()),
        ..NodeUpdate::default()
    };
    manager.update_node(&cluster.nodes[2], &label).await?;
    let mut spec = bench.service("picky", 2);
    spec.constraints = vec![
        "node.role == worker".to_owned(),
        "node.labels.disk == fast".to_owned(),
    ];
    manager.create_service(&spec).await?;
    let tasks = bench.converged(manager, "picky", 2).await?;
    ensure!(
        tasks
            .iter()
            .all(|task| task.node_id.as_ref() == Some(&cluster.nodes[2])),
        "{tasks:?}"
    );
    spec.name = "homeless".to_owned();
    spec.constraints = vec!["node.labels.disk == none-such".to_owned()];
    manager.create_service(&spec).await?;
    let why = waiting(bench, manager, "homeless").await?;
    ensure!(why.contains("no suitable node"), "it says {why}");
    Ok(Verdict::Passed)
}

async fn an_update_replaces_every_task(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let manager = cluster.manager();
    manager.create_service(&bench.service("updated", 3)).await?;
    let before = ids(&bench.converged(manager, "updated", 3).await?);
    let mut spec = bench.service("updated", 3);
    spec.image.clone_from(&bench.fixture.other_image);
    spec.update_config = Some(UpdateConfig {
        parallelism: Some(0),
        ..UpdateConfig::default()
    });
    manager.update_service(&spec, false).await?;
    let after = bench.converged(manager, "updated", 3).await?;
    ensure!(ids(&after).is_disjoint(&before), "a task was kept");
    ensure!(
        after.iter().all(|task| task.image.starts_with(&spec.image)),
        "another image: {after:?}"
    );
    update_state(bench, manager, "updated", UpdateState::Completed).await?;
    let old = manager.tasks(&TaskFilter::default()).await?;
    let old: Vec<_> = old.iter().filter(|task| before.contains(&task.id)).collect();
    ensure!(
        old.iter().all(|task| task.desired >= TaskState::Shutdown),
        "an old task shall still run: {old:?}"
    );
    Ok(Verdict::Passed)
}

async fn force_replaces_tasks_of_an_equal_spec(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let manager = cluster.manager();
    let spec = bench.service("forced", 2);
    manager.create_service(&spec).await?;
    let first = ids(&bench.converged(manager, "forced", 2).await?);
    manager.update_service(&spec, false).await?;
    let same = ids(&bench.converged(manager, "forced", 2).await?);
    ensure!(first == same, "an update that changes nothing replaced tasks");
    manager.update_service(&spec, true).await?;
    update_state(bench, manager, "forced", UpdateState::Completed).await?;
    let after = ids(&bench.converged(manager, "forced", 2).await?);
    ensure!(after.is_disjoint(&first), "force kept a task");
    Ok(Verdict::Passed)
}

async fn logins_are_handed_on_without_a_restart(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let manager = cluster.manager();
    let spec = bench.service("logins", 2);
    manager.create_service(&spec).await?;
    let first = ids(&bench.converged(manager, "logins", 2).await?);
    manager.refresh_logins().await?;
    manager.refresh_logins().await?;
    let same = ids(&bench.converged(manager, "logins", 2).await?);
    ensure!(first == same, "a login replaced tasks");
    let read = manager.service("logins").await?;
    ensure!(
        read.is_some_and(|read| read.spec.name == spec.name),
        "the service is another"
    );
    Ok(Verdict::Passed)
}

async fn a_drained_node_is_emptied_and_not_refilled(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker, Role::Worker]).await?;
    let (manager, node) = (cluster.manager(), &cluster.nodes[1]);
    manager.create_service(&bench.service("moved", 3)).await?;
    bench.converged(manager, "moved", 3).await?;
    let set = async |availability| {
        let update = NodeUpdate {
            availability: Some(availability),
            ..NodeUpdate::default()
        };
        manager.update_node(node, &update).await
    };
    set(Availability::Drain).await?;
    let filter = TaskFilter {
        node: Some(node.clone()),
        ..TaskFilter::default()
    };
    let emptied = async || {
        let there = manager.tasks(&filter).await?;
        Ok(there
            .iter()
            .all(|task| task.state > TaskState::Running)
            .then_some(()))
    };
    eventually(
        &*bench.cloud.world.clock,
        bench.fixture.patience,
        "an emptied node",
        emptied,
    )
    .await?;
    let moved = bench.converged(manager, "moved", 3).await?;
    ensure!(
        moved.iter().all(|task| task.node_id.as_ref() != Some(node)),
        "a task is on the drained node"
    );
    set(Availability::Active).await?;
    let stayed = bench.converged(manager, "moved", 3).await?;
    ensure!(ids(&stayed) == ids(&moved), "tasks moved when the node came back");
    Ok(Verdict::Passed)
}

async fn tasks_are_filtered_by_service_and_node(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let manager = cluster.manager();
    for name in ["b", "a"] {
        manager.create_service(&bench.service(name, 2)).await?;
        bench.converged(manager, name, 2).await?;
    }
    let all = manager.tasks(&TaskFilter::default()).await?;
    let order = |task: &subako_world::Task| (task.service.clone(), task.slot, task.id.clone());
    ensure!(all.is_sorted_by_key(order) && all.len() == 4, "{all:?}");
    let filter = TaskFilter {
        service: Some("a".to_owned()),
        node: Some(cluster.nodes[1].clone()),
        up_to_date: false,
    };
    let some = manager.tasks(&filter).await?;
    let fits = |task: &subako_world::Task| task.service == "a" && task.node_id == filter.node;
    ensure!(some.len() == 1 && some.iter().all(fits), "{some:?}");
    Ok(Verdict::Passed)
}

/// Waits until a task of a service has no node; returns what it says of that.
pub(super) async fn waiting(
    bench: &HostBench,
    manager: &dyn Host,
    service: &str,
) -> std::result::Result<String, CaseError> {
    let look = async || {
        let tasks = current_tasks(manager, service).await?;
        let pending = tasks.into_iter().filter(|task| task.state == TaskState::Pending);
        Ok(pending.filter_map(|task| task.error).next())
    };
    let clock = &*bench.cloud.world.clock;
    eventually(
        clock,
        bench.fixture.patience,
        "a pending task that says why",
        look,
    )
    .await
}

pub(super) fn ids(tasks: &[subako_world::Task]) -> BTreeSet<String> {
    tasks.iter().map(|task| task.id.clone()).collect()
}

/// Waits until a service's update is in a state.
pub(super) async fn update_state(
    bench: &HostBench,
    manager: &dyn Host,
    service: &str,
    wanted: UpdateState,
) -> std::result::Result<(), CaseError> {
    let look = async || {
        let services = manager.services().await?;
        let update = services
            .into_iter()
            .find(|one| one.spec.name == service)
            .and_then(|one| one.update);
        Ok(update.filter(|update| update.state == wanted).map(|_| ()))
    };
    eventually(
        &*bench.cloud.world.clock,
        bench.fixture.patience,
        &format!("update {wanted:?}"),
        look,
    )
    .await
}
