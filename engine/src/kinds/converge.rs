//! When a service has converged.
//!
//! As the docker CLI decides it (cli/command/service/progress): among the tasks of the current
//! spec, those on nodes that are down apart, every slot (or node, of a global service) runs,
//! and has done so for the monitor period. Unlike the CLI, an update that the engine rolled
//! back is a failure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::docker::display_name;
use super::service_spec::Service;
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::StepContext;
use crate::world::{
    Failure, Host, Mode, Node, NodeState, Result, Task, TaskFilter, TaskState, UpdateState, UpdateStatus,
};

/// Between two looks, as the docker CLI does.
const EVERY: Duration = Duration::from_millis(200);
/// Swarm's own monitor period where the service has none.
const MONITOR: Duration = Duration::from_secs(5);
/// A slot whose tasks are refused this often will not come up by itself: a refusal is about
/// the image, a mount or a port, not about the program.
const REFUSALS: usize = 3;

/// How far a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tally {
    /// Slots (or nodes) whose task runs.
    running: u64,
    /// How many have to.
    wanted: u64,
    /// How many tasks ended badly, since the service has this spec.
    failed: usize,
    /// Whether nothing runs and every slot has been refused again and again.
    refused: bool,
}

impl Tally {
    fn of(tasks: &[Task], mode: Mode, down: &HashSet<String>) -> Self {
        #[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
        enum Place {
            Slot(u64),
            Node(String),
        }
        let bad = |task: &&Task| matches!(task.state, TaskState::Failed | TaskState::Rejected);
        let mut current: BTreeMap<Place, &Task> = BTreeMap::new();
        let mut refusals: BTreeMap<Place, usize> = BTreeMap::new();
        for task in tasks {
            if task.node_id.as_ref().is_some_and(|node| down.contains(node)) {
                continue;
            }
            let place = match (mode, task.slot, &task.node_id) {
                (Mode::Replicated(_), Some(slot), _) => Place::Slot(slot),
                (Mode::Global, _, Some(node)) => Place::Node(node.clone()),
                _ => continue,
            };
            if task.state == TaskState::Rejected {
                *refusals.entry(place.clone()).or_default() += 1;
            }
            // Of several in one slot the one that is meant to live longest counts.
            let best = current.entry(place).or_insert(task);
            if (task.desired, task.state) < (best.desired, best.state) {
                *best = task;
            }
        }
        let running = current
            .values()
            .filter(|task| task.state == TaskState::Running && task.desired <= TaskState::Running)
            .count() as u64;
        let wanted = match mode {
            Mode::Replicated(count) => count,
            Mode::Global => current
                .values()
                .filter(|task| task.desired <= TaskState::Running)
                .count() as u64,
        };
        let refused = running == 0
            && !current.is_empty()
            && current
                .keys()
                .all(|place| refusals.get(place).is_some_and(|count| *count >= REFUSALS));
        Self {
            running,
            wanted,
            failed: tasks.iter().filter(bad).count(),
            refused,
        }
    }
}

/// What one look at a service showed.
struct Look {
    tally: Tally,
    update: Option<UpdateStatus>,
    tasks: Vec<Task>,
}

/// A wait for a service to converge.
pub(super) struct Convergence<'a> {
    name: &'a str,
    mode: Mode,
    monitor: Duration,
    limit: Duration,
}

impl<'a> Convergence<'a> {
    /// Of a service, within `limit`.
    pub fn of(service: &'a Service, limit: Duration) -> Self {
        let monitor = service
            .update_config
            .as_ref()
            .and_then(|config| config.monitor)
            .filter(|nanos| *nanos > 0)
            .map_or(MONITOR, Duration::from_nanos);
        Self {
            name: &service.name,
            mode: service.engine_mode(),
            monitor,
            limit,
        }
    }

    fn doing(&self) -> String {
        format!("bring up the service {}", self.name)
    }

    /// Waits. Every failure leaves the service in the world.
    pub async fn wait(&self, managers: &mut Managers<'_>, cx: &StepContext) -> Result<()> {
        let mut wait = Wait::new(cx, self.doing(), EVERY, self.limit);
        let mut steady: Option<(Duration, usize)> = None;
        loop {
            let host = managers.host().await?;
            let look = match self.look(host.as_ref()).await {
                Ok(look) => look,
                Err(failure) => {
                    managers.lost();
                    steady = None;
                    wait.tick(format!("waiting for a manager: {}", failure.message))
                        .await?;
                    continue;
                }
            };
            if let Some(why) = hopeless(&look) {
                return Err(self.failure(&why, &look, host.as_ref()).await);
            }
            let Tally {
                running,
                wanted,
                failed,
                ..
            } = look.tally;
            let updating = look.update.as_ref().is_some_and(|update| {
                matches!(update.state, UpdateState::Updating | UpdateState::RollbackStarted)
            });
            let mut note = format!("{running}/{wanted} running");
            if running == wanted && !updating {
                let now = wait.elapsed();
                let since = match steady {
                    Some((since, before)) if before == failed => since,
                    _ => now,
                };
                steady = Some((since, failed));
                if now.saturating_sub(since) >= self.monitor {
                    cx.progress.note(note);
                    return Ok(());
                }
                note.push_str(", watching that they stay up");
            } else {
                steady = None;
                if running == wanted {
                    note.push_str(", waiting for the update to complete");
                }
            }
            if wait.tick(note).await.is_err() {
                let why = format!("{running}/{wanted} running after {} s", self.limit.as_secs());
                return Err(self.failure(&why, &look, host.as_ref()).await);
            }
        }
    }

    async fn look(&self, host: &dyn Host) -> Result<Look> {
        let service = host
            .service(self.name)
            .await?
            .ok_or_else(|| Failure::not_applied(self.doing(), "it does not exist any more"))?;
        let filter = TaskFilter {
            service: Some(self.name.to_owned()),
            up_to_date: true,
            ..TaskFilter::default()
        };
        let tasks = host.tasks(&filter).await?;
        let mut tally = Tally::of(&tasks, self.mode, &HashSet::new());
        // Nodes that are down can only make the count smaller: read only when it matters.
        if tally.running > 0 && tally.running == tally.wanted {
            let down: HashSet<String> = host
                .nodes()
                .await?
                .into_iter()
                .filter(|node| node.state == NodeState::Down)
                .map(|node| node.id)
                .collect();
            if !down.is_empty() {
                tally = Tally::of(&tasks, self.mode, &down);
            }
        }
        Ok(Look {
            tally,
            update: service.update,
            tasks,
        })
    }

    /// The failure, with the tasks' own errors and the names that the nodes have in the manifest.
    async fn failure(&self, why: &str, look: &Look, host: &dyn Host) -> Failure {
        // Names are a courtesy: without them the ids have to do.
        let nodes = host.nodes().await.unwrap_or_default();
        let lines = task_errors(self.name, &look.tasks, &nodes);
        let message = match lines.last() {
            Some(line) => format!("{why}: {line}"),
            None => why.to_owned(),
        };
        Failure::unknown(self.doing(), message)
            .with_hint(hint(&look.tasks, self.name))
            .with_output(lines)
    }
}

/// Why waiting makes no sense any more.
fn hopeless(look: &Look) -> Option<String> {
    let said = |what: &str, update: &UpdateStatus| match update.message.as_str() {
        "" => what.to_owned(),
        message => format!("{what}: {message}"),
    };
    if let Some(update) = &look.update {
        match update.state {
            UpdateState::Paused => return Some(said("the update is paused", update)),
            UpdateState::RollbackPaused => return Some(said("the engine's rollback is paused", update)),
            UpdateState::RollbackCompleted => return Some(said("the engine rolled the update back", update)),
            UpdateState::Updating | UpdateState::Completed | UpdateState::RollbackStarted => {}
        }
    }
    look.tally.refused.then(|| "no task is let start".to_owned())
}

/// What a task says of its end. One that is stopped for its health, and whose program then ends
/// well, says nothing at all.
fn error_of(task: &Task) -> Option<&str> {
    let silent = || {
        let ended = task.state == TaskState::Complete;
        ended.then_some("it ended without an error: by itself, or stopped because it was unhealthy")
    };
    task.error.as_deref().or_else(silent)
}

/// One line for each different error, in the order of the tasks: `reply.3 on node-1: …`.
fn task_errors(service: &str, tasks: &[Task], nodes: &[Node]) -> Vec<String> {
    let names: HashMap<&str, &str> = nodes
        .iter()
        .map(|node| (node.id.as_str(), display_name(node)))
        .collect();
    let mut seen = HashSet::new();
    tasks
        .iter()
        .filter_map(|task| Some((task, error_of(task)?)))
        .filter(|(_, error)| seen.insert(*error))
        .map(|(task, error)| {
            let slot = task.slot.map(|slot| format!(".{slot}")).unwrap_or_default();
            let node = match &task.node_id {
                Some(id) => format!(" on {}", names.get(id.as_str()).unwrap_or(&id.as_str())),
                None => String::new(),
            };
            format!("{service}{slot}{node}: {error}")
        })
        .collect()
}

fn hint(tasks: &[Task], service: &str) -> String {
    let errors = || tasks.iter().filter_map(|task| task.error.as_deref());
    if errors().any(|error| error.contains("No such image") || error.contains("manifest unknown")) {
        return "check the image's name and tag, and that the nodes may pull it".to_owned();
    }
    if errors().any(|error| error.contains("no suitable node")) {
        return "no node satisfies its constraints, ports and reservations".to_owned();
    }
    format!(
        "`docker service ps --no-trunc {service}` and `docker service logs {service}` on a manager say more"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(slot: u64, state: TaskState, desired: TaskState, node: &str) -> Task {
        Task {
            id: format!("t{slot}{state:?}{node}"),
            service: "reply".into(),
            slot: Some(slot),
            node_id: Some(node.into()),
            state,
            desired,
            error: None,
            image: "i".into(),
        }
    }

    fn tally(tasks: &[Task], mode: Mode) -> (u64, u64) {
        let tally = Tally::of(tasks, mode, &HashSet::from(["gone".to_owned()]));
        (tally.running, tally.wanted)
    }

    #[test]
    fn a_task_that_ended_without_an_error_is_told_of() {
        use TaskState::{Complete, Running, Shutdown};
        let tasks = [
            task(1, Complete, Shutdown, "n1"),
            task(1, Shutdown, Shutdown, "n1"),
            task(1, Running, Running, "n1"),
        ];
        assert_eq!(
            task_errors("reply", &tasks, &[]),
            ["reply.1 on n1: it ended without an error: by itself, or stopped because it was unhealthy"]
        );
    }

    #[test]
    fn a_slot_counts_by_the_task_that_is_meant_to_live() {
        use TaskState::{Running, Shutdown, Starting};
        let tasks = [
            task(1, Running, Running, "a"),
            // Being replaced: the old one still runs, the new one does not yet.
            task(2, Running, Shutdown, "a"),
            task(2, Starting, Running, "b"),
            task(3, Running, Running, "gone"),
        ];
        assert_eq!(tally(&tasks, Mode::Replicated(3)), (1, 3));
        assert_eq!(tally(&tasks[..1], Mode::Replicated(1)), (1, 1));
        assert_eq!(tally(&[], Mode::Replicated(0)), (0, 0));
    }

    #[test]
    fn a_global_service_wants_one_task_a_node_that_got_one() {
        use TaskState::{Preparing, Running};
        let global = |state, node| Task {
            slot: None,
            ..task(0, state, Running, node)
        };
        let tasks = [
            global(Running, "a"),
            global(Preparing, "b"),
            global(Running, "gone"),
        ];
        assert_eq!(tally(&tasks, Mode::Global), (1, 2));
    }

    #[test]
    fn tasks_that_are_refused_again_and_again_are_not_waited_for() {
        use TaskState::{Failed, Ready, Rejected, Shutdown};
        let refused = |state| {
            let tasks: Vec<Task> = (0..REFUSALS)
                .map(|n| task(1, state, Shutdown, &n.to_string()))
                .collect();
            Tally::of(&tasks, Mode::Replicated(1), &HashSet::new()).refused
        };
        assert!(refused(Rejected));
        assert!(!refused(Failed));
        assert!(!refused(Ready));
    }

    #[test]
    fn an_update_that_was_rolled_back_is_a_failure() {
        let look = |state| Look {
            tally: Tally {
                running: 1,
                wanted: 1,
                failed: 0,
                refused: false,
            },
            update: Some(UpdateStatus {
                state,
                message: "why".into(),
            }),
            tasks: vec![],
        };
        for state in [
            UpdateState::RollbackCompleted,
            UpdateState::Paused,
            UpdateState::RollbackPaused,
        ] {
            assert!(hopeless(&look(state)).is_some_and(|why| why.ends_with("why")));
        }
        for state in [
            UpdateState::Updating,
            UpdateState::Completed,
            UpdateState::RollbackStarted,
        ] {
            assert_eq!(hopeless(&look(state)), None);
        }
    }

    #[test]
    fn a_failure_names_the_task_and_the_node_of_the_manifest() {
        let mut failed = task(3, TaskState::Failed, TaskState::Shutdown, "n1");
        failed.error = Some("task: non-zero exit (1)".into());
        let node = crate::kinds::testing::node("n1", "member.node-1");
        assert_eq!(
            task_errors("reply", &[failed.clone(), failed], &[node]),
            ["reply.3 on node-1: task: non-zero exit (1)"]
        );
    }
}
