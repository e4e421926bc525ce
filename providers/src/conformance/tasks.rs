//! Cases of tasks: where they run, how they are replaced, how they fail.

use std::collections::BTreeSet;
use std::time::Duration;

use subako_world::{
    Availability, Endpoint, Host, Mode, Mount, MountKind, NodeUpdate, PublishMode, Resources,
    RestartCondition, RestartPolicy, Role, ServiceSpec, TaskFilter, TaskState, UpdateConfig, UpdateOrder,
    UpdateState,
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
        a_drained_node_is_emptied_and_not_refilled,
        tasks_are_filtered_by_service_and_node,
        an_image_that_does_not_exist_is_rejected_with_its_reason,
        a_crashing_program_fails_with_its_exit_code,
        an_update_to_a_broken_image_pauses,
        an_update_to_a_broken_image_rolls_back_where_told,
        a_reservation_beyond_every_node_waits_and_says_so,
        reservations_are_added_up,
        a_port_of_the_node_keeps_a_start_first_update_waiting,
        a_one_shot_task_completes_and_is_not_started_again,
        an_update_of_a_one_shot_task_is_paused_by_its_end,
        a_bind_mount_of_a_path_that_is_not_there_is_rejected,
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

async fn an_image_that_does_not_exist_is_rejected_with_its_reason(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let mut spec = bench.service("missing", 1);
    spec.image.clone_from(&bench.fixture.missing_image);
    cluster.manager().create_service(&spec).await?;
    let reason = failing(bench, cluster.manager(), "missing", TaskState::Rejected).await?;
    ensure!(reason.contains("No such image"), "it says {reason}");
    Ok(Verdict::Passed)
}

async fn a_crashing_program_fails_with_its_exit_code(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let mut spec = bench.service("crashing", 1);
    spec.image.clone_from(&bench.fixture.crashing_image);
    cluster.manager().create_service(&spec).await?;
    let reason = failing(bench, cluster.manager(), "crashing", TaskState::Failed).await?;
    ensure!(reason.contains("non-zero exit (1)"), "it says {reason}");
    Ok(Verdict::Passed)
}

async fn an_update_to_a_broken_image_pauses(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let manager = cluster.manager();
    manager.create_service(&bench.service("paused", 3)).await?;
    bench.converged(manager, "paused", 3).await?;
    let mut spec = bench.service("paused", 3);
    spec.image.clone_from(&bench.fixture.missing_image);
    manager.update_service(&spec, false).await?;
    update_state(bench, manager, "paused", UpdateState::Paused).await?;
    let tasks = manager.tasks(&TaskFilter::default()).await?;
    let running = tasks
        .iter()
        // One that is being stopped still runs for a moment.
        .filter(|task| task.state == TaskState::Running && task.desired <= TaskState::Running)
        .count();
    ensure!(running == 2, "{running} of the old tasks run, not 2");
    Ok(Verdict::Passed)
}

async fn an_update_to_a_broken_image_rolls_back_where_told(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let manager = cluster.manager();
    let good = bench.service("back", 3);
    manager.create_service(&good).await?;
    bench.converged(manager, "back", 3).await?;
    let mut spec = good.clone();
    spec.image.clone_from(&bench.fixture.missing_image);
    spec.update_config = Some(UpdateConfig {
        failure_action: Some("rollback".to_owned()),
        ..UpdateConfig::default()
    });
    manager.update_service(&spec, false).await?;
    update_state(bench, manager, "back", UpdateState::RollbackCompleted).await?;
    bench.converged(manager, "back", 3).await?;
    let now = manager
        .services()
        .await?
        .into_iter()
        .find(|service| service.spec.name == "back");
    ensure!(
        now.as_ref().is_some_and(|now| now.spec.image == good.image),
        "{now:?}"
    );
    Ok(Verdict::Passed)
}

/// More memory than any machine of a bench has, bytes.
const TOO_MUCH: u64 = 1 << 50;

async fn a_reservation_beyond_every_node_waits_and_says_so(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let mut spec = bench.service("greedy", 1);
    spec.resources = Some(Resources {
        reserve_memory: Some(TOO_MUCH),
        ..Resources::default()
    });
    cluster.manager().create_service(&spec).await?;
    let why = waiting(bench, cluster.manager(), "greedy").await?;
    ensure!(
        why == "no suitable node (insufficient resources on 2 nodes)",
        "it says {why}"
    );
    Ok(Verdict::Passed)
}

async fn reservations_are_added_up(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let manager = cluster.manager();
    // One processor each: more tasks than both machines have processors.
    let mut spec = bench.service("dear", 1_000);
    spec.resources = Some(Resources {
        reserve_cpus: Some(1_000_000_000),
        ..Resources::default()
    });
    manager.create_service(&spec).await?;
    let why = waiting(bench, manager, "dear").await?;
    ensure!(why.contains("insufficient resources on 2 nodes"), "it says {why}");
    spec.mode = Mode::Replicated(1);
    manager.update_service(&spec, false).await?;
    bench.converged(manager, "dear", 1).await?;
    // What is free again is given to others.
    spec.name = "other".to_owned();
    manager.create_service(&spec).await?;
    bench.converged(manager, "other", 1).await?;
    Ok(Verdict::Passed)
}

async fn a_port_of_the_node_keeps_a_start_first_update_waiting(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    let mut spec = bench.service("fixed", 1);
    spec.ports = vec![Endpoint {
        mode: PublishMode::Host,
        protocol: "tcp".to_owned(),
        published: 8099,
        target: 80,
    }];
    manager.create_service(&spec).await?;
    let before = ids(&bench.converged(manager, "fixed", 1).await?);
    spec.image.clone_from(&bench.fixture.other_image);
    spec.update_config = Some(UpdateConfig {
        order: Some(UpdateOrder::StartFirst),
        ..UpdateConfig::default()
    });
    manager.update_service(&spec, false).await?;
    let why = waiting(bench, manager, "fixed").await?;
    ensure!(
        why.contains("host-mode port already in use on 1 node"),
        "it says {why}"
    );
    let all = manager.tasks(&TaskFilter::default()).await?;
    let stays = all
        .iter()
        .any(|task| before.contains(&task.id) && task.state == TaskState::Running);
    ensure!(stays, "the old task has gone: {all:?}");
    Ok(Verdict::Passed)
}

async fn a_one_shot_task_completes_and_is_not_started_again(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    for (name, condition) in [
        ("once", RestartCondition::None),
        ("if-failed", RestartCondition::OnFailure),
    ] {
        let spec = one_shot(bench, name, condition);
        manager.create_service(&spec).await?;
        completed(bench, manager, name).await?;
        bench.cloud.world.clock.sleep(Duration::from_secs(10)).await;
        let tasks = current_tasks(manager, name).await?;
        ensure!(
            tasks.len() == 1 && tasks[0].state == TaskState::Complete && tasks[0].error.is_none(),
            "{tasks:?}"
        );
    }
    Ok(Verdict::Passed)
}

async fn an_update_of_a_one_shot_task_is_paused_by_its_end(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    let mut spec = one_shot(bench, "once", RestartCondition::None);
    manager.create_service(&spec).await?;
    completed(bench, manager, "once").await?;
    spec.environment.insert("AGAIN".to_owned(), "1".to_owned());
    manager.update_service(&spec, false).await?;
    update_state(bench, manager, "once", UpdateState::Paused).await?;
    // It has done its work all the same.
    completed(bench, manager, "once").await?;
    Ok(Verdict::Passed)
}

async fn a_bind_mount_of_a_path_that_is_not_there_is_rejected(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let mut spec = bench.service("bound", 1);
    spec.mounts = vec![Mount {
        kind: MountKind::Bind,
        read_only: false,
        source: Some("/srv/none-such".to_owned()),
        target: "/data".to_owned(),
    }];
    cluster.manager().create_service(&spec).await?;
    let why = failing(bench, cluster.manager(), "bound", TaskState::Rejected).await?;
    ensure!(
        why.contains(
            "invalid mount config for type \"bind\": bind source path does not exist: /srv/none-such"
        ),
        "it says {why}"
    );
    Ok(Verdict::Passed)
}

/// A service whose program ends at once without an error.
fn one_shot(bench: &HostBench, name: &str, condition: RestartCondition) -> ServiceSpec {
    let mut spec = bench.service(name, 1);
    spec.image.clone_from(&bench.fixture.shell_image);
    spec.command = ["sh", "-c", "exit 0"].map(str::to_owned).into();
    spec.restart_policy = Some(RestartPolicy {
        condition,
        delay: None,
        max_attempts: None,
        window: None,
    });
    spec
}

/// Waits until a service's only task has ended without an error.
async fn completed(
    bench: &HostBench,
    manager: &dyn Host,
    service: &str,
) -> std::result::Result<(), CaseError> {
    let look = async || {
        let tasks = current_tasks(manager, service).await?;
        let done = tasks.iter().any(|task| task.state == TaskState::Complete);
        Ok(done.then_some(()))
    };
    let what = format!("a task of {service} that is complete");
    eventually(&*bench.cloud.world.clock, bench.fixture.patience, &what, look).await
}

/// Waits until a task of a service has no node; returns what it says of that.
async fn waiting(
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

fn ids(tasks: &[subako_world::Task]) -> BTreeSet<String> {
    tasks.iter().map(|task| task.id.clone()).collect()
}

/// Waits until a service's update is in a state.
async fn update_state(
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

/// Waits until a task of a service is in a state of failure; returns its error.
async fn failing(
    bench: &HostBench,
    manager: &dyn Host,
    service: &str,
    state: TaskState,
) -> std::result::Result<String, CaseError> {
    let look = async || {
        let tasks = current_tasks(manager, service).await?;
        Ok(tasks
            .into_iter()
            .filter(|task| task.state == state)
            .find_map(|task| task.error))
    };
    eventually(
        &*bench.cloud.world.clock,
        bench.fixture.patience,
        &format!("a task that is {state:?}"),
        look,
    )
    .await
}
