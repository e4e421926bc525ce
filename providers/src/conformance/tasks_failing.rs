//! Cases of tasks that fail, end or wait: what is said of them.

use std::time::Duration;

use subako_world::{
    Endpoint, Host, Mode, Mount, MountKind, PublishMode, Resources, RestartCondition, RestartPolicy, Role,
    ServiceSpec, TaskFilter, TaskState, UpdateConfig, UpdateOrder, UpdateState,
};

use super::case::{Case, CaseError, Outcome, Verdict, ensure, eventually};
use super::host_bench::{HostBench, current_tasks};
use super::tasks::{ids, update_state, waiting};

pub(super) fn cases() -> Vec<Case<HostBench>> {
    super::case::cases![
        an_image_that_does_not_exist_is_rejected_with_its_reason,
        a_crashing_program_fails_with_its_exit_code,
        an_update_to_a_broken_image_pauses,
        an_update_to_a_broken_image_rolls_back_where_told,
        a_reservation_beyond_every_node_waits_and_says_so,
        reservations_are_added_up,
        a_port_of_the_node_keeps_a_start_first_update_waiting,
        a_one_shot_task_completes_and_is_not_started_again,
        an_update_of_a_one_shot_task_is_paused_by_its_end,
        what_an_ended_task_has_written_is_there_to_read,
        a_bind_mount_of_a_path_that_is_not_there_is_rejected,
    ]
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
        tmpfs_size: None,
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

async fn what_an_ended_task_has_written_is_there_to_read(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    let mut spec = one_shot(bench, "wordy", RestartCondition::None);
    spec.command = ["sh", "-c", "echo one; echo two; echo three"]
        .map(str::to_owned)
        .into();
    manager.create_service(&spec).await?;
    completed(bench, manager, "wordy").await?;
    let [task] = &current_tasks(manager, "wordy").await?[..] else {
        return Err(CaseError::Broken("it has not one task".to_owned()));
    };
    for (most, expected) in [(20, &["one", "two", "three"][..]), (2, &["two", "three"])] {
        let lines = manager.task_logs(&task.id, most).await?;
        ensure!(lines == expected, "the last {most} lines are {lines:?}");
    }
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
