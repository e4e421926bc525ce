//! When a service has converged.
//!
//! As the docker CLI decides it (cli/command/service/progress): among the tasks of the current
//! spec, those on nodes that are down apart, every slot (or node, of a global service) runs,
//! and has done so for the monitor period. Unlike the CLI, an update that the engine rolled
//! back is a failure, and so is one whose tasks only ever fail: nobody waits for those.

mod completion;
mod history;
mod last_words;
mod tally;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

pub(super) use completion::Completion;
use history::History;
use last_words::last_words;
pub(crate) use tally::{Expected, Tally};

use super::nodes::display_name;
use super::specs::Service;
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::in_flight::Stuck;
use crate::kind::StepContext;
use crate::world::{
    self, Code, Failure, Host, Node, NodeState, Result, Task, TaskFilter, TaskState, UpdateState,
    UpdateStatus,
};

/// Between two looks, as the docker CLI does.
const EVERY: Duration = Duration::from_millis(200);
/// Swarm's own monitor period where the service has none.
const MONITOR: Duration = Duration::from_secs(5);
/// What is said of a task that ended without an error of its own.
const ENDED: &str = "its program ended without an error, by itself or stopped because it was unhealthy; tasks are to \
                     run on unless the service has restart_policy = { condition = \"none\" } or \"on-failure\"";

/// How far a service is, by all of its tasks that a manager lists.
///
/// `down`: the nodes whose tasks do not count, by id.
pub(crate) fn standing(service: &world::Service, tasks: &[&Task], down: &HashSet<String>) -> Tally {
    let spec = &service.spec;
    let expected = Expected::of(spec.mode, spec.restart_policy.as_ref());
    // What ended of an earlier version has done the earlier version's work.
    let counts = |task: &&Task| task.state != TaskState::Complete || task.image == spec.image;
    let tasks = tasks.iter().copied().filter(counts);
    Tally::of(tasks, expected, down)
}

/// The ids of the nodes that are down.
pub(crate) fn down(nodes: &[Node]) -> HashSet<String> {
    let down = nodes.iter().filter(|node| node.state == NodeState::Down);
    down.map(|node| node.id.clone()).collect()
}

/// How long the settings of a service let pass from one task that runs to the next: the pause between
/// two batches of an update, the end of the old task, and the health check, before which a task does not
/// run for Swarm (moby, `daemon/cluster/executor/container`, `waitReady`).
fn between_tasks(spec: &world::ServiceSpec) -> Duration {
    let delay = spec.update_config.as_ref().and_then(|config| config.delay);
    let check = spec.healthcheck.iter();
    let check = check.flat_map(|check| [check.start_period, check.interval, check.timeout]);
    let all = [delay, spec.stop_grace_period].into_iter().chain(check).flatten();
    Duration::from_nanos(all.fold(0, u64::saturating_add))
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
    expected: Expected,
    monitor: Duration,
    /// How long tasks that keep ending are waited for.
    patience: Duration,
    /// How long without one more task that runs.
    limit: Duration,
}

impl<'a> Convergence<'a> {
    /// Of a service that takes no longer than `limit`, and what its own settings let it take, from one
    /// task that runs to the next.
    pub fn of(service: &'a Service, limit: Duration) -> Self {
        let monitor = service
            .spec
            .update_config
            .as_ref()
            .and_then(|config| config.monitor)
            .filter(|nanos| *nanos > 0)
            .map_or(MONITOR, Duration::from_nanos);
        Self {
            name: &service.spec.name,
            expected: Expected::of(service.spec.mode, service.spec.restart_policy.as_ref()),
            monitor,
            patience: Duration::from_secs(service.give_up_after_s.unwrap_or(0)),
            // The engine watches so long that they stay up, and then it is looked at.
            limit: limit + between_tasks(&service.spec) + monitor * 2,
        }
    }

    fn doing(&self) -> String {
        format!("bring up the service {}", self.name)
    }

    /// Waits. Every failure leaves the service in the world.
    pub async fn wait(&self, managers: &mut Managers<'_>, cx: &StepContext) -> Result<()> {
        let mut wait = Wait::new(cx, self.doing(), EVERY, self.limit);
        let mut steady: Option<(Duration, usize)> = None;
        let mut history = History::new(self.expected, self.monitor);
        // Held while the service cannot come up as things are, so that two that wait for nothing
        // but each other do not wait for ever.
        let mut stuck: Option<Stuck> = None;
        let mut alone = true;
        let mut looping_since: Option<Duration> = None;
        let mut most = 0;
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
            history.see(&look.tasks, wait.elapsed());
            let Tally { running, wanted, .. } = look.tally;
            if running > most {
                most = running;
                wait.progressed();
            }
            let was_alone = std::mem::replace(&mut alone, cx.in_flight.others(stuck.is_some()) == 0);
            if alone && !was_alone && history.failures() > 0 {
                // What its tasks waited for may be there now: they get their attempts again, also
                // where they had not used them up yet.
                history.forgive();
            }
            let looping = (wanted > 0).then(|| history.hopeless()).flatten();
            looping_since = looping.and(looping_since.or(Some(wait.elapsed())));
            let given_up =
                looping_since.is_some_and(|since| wait.elapsed().saturating_sub(since) >= self.patience);
            if let Some(why) = ended(&look) {
                return Err(self.failure(&why, &look, host.as_ref(), cx).await);
            }
            match looping {
                Some(why) if alone && given_up => {
                    return Err(self.failure(why, &look, host.as_ref(), cx).await);
                }
                Some(_) => stuck = stuck.or_else(|| Some(cx.in_flight.stuck())),
                None if running == wanted => stuck = None,
                None => {}
            }
            let failed = history.failures();
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
                if look.tally.is_complete() || now.saturating_sub(since) >= self.monitor {
                    cx.progress.note(note);
                    return Ok(());
                }
                note.push_str(", watching that they stay up");
            } else {
                steady = None;
                if running == wanted {
                    note.push_str(", waiting for the update to complete");
                } else if looping.is_some() {
                    note.push_str(match alone {
                        true => ", its tasks fail: waiting as long as `give_up_after` says",
                        false => ", its tasks fail: waiting for the rest of the apply, which they may need",
                    });
                }
            }
            if let Err(end) = wait.tick(note).await {
                if end.code == Code::Stopped {
                    return Err(end.after_effect());
                }
                let limit = self.limit.as_secs();
                let why = match most {
                    0 => format!("{running}/{wanted} running after {limit} s"),
                    _ => format!("{running}/{wanted} running, and no more of them for {limit} s"),
                };
                return Err(self.failure(&why, &look, host.as_ref(), cx).await);
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
        let mut tally = Tally::of(&tasks, self.expected, &HashSet::new());
        // Nodes that are down can only make the count smaller: read only when it matters.
        if tally.running > 0 && tally.running == tally.wanted {
            let down = down(&host.nodes().await?);
            if !down.is_empty() {
                tally = Tally::of(&tasks, self.expected, &down);
            }
        }
        Ok(Look {
            tally,
            update: service.update,
            tasks,
        })
    }

    /// The failure, with the tasks' own errors and the names that the nodes have in the manifest.
    async fn failure(&self, why: &str, look: &Look, host: &dyn Host, cx: &StepContext) -> Failure {
        // Names are a courtesy: without them the ids have to do.
        let nodes = host.nodes().await.unwrap_or_default();
        let lines = task_errors(self.name, &look.tasks, &nodes);
        // A task that failed says more than one that still waits for a node.
        let failed: Vec<Task> = look
            .tasks
            .iter()
            .filter(|task| history::is_end(task.state))
            .cloned()
            .collect();
        let cause = task_errors(self.name, &failed, &nodes);
        let message = match cause.last().or(lines.last()) {
            Some(line) => format!("{why}: {line}"),
            None => why.to_owned(),
        };
        let mut output = lines;
        if let Some(task) = failed.last() {
            output.extend(last_words(task, &nodes, host, cx).await);
        }
        Failure::unknown(self.doing(), message)
            .with_hint(hint(&look.tasks, self.name))
            .with_output(output)
    }
}

/// Why the engine itself has ended an update that did not succeed.
fn ended(look: &Look) -> Option<String> {
    let update = look.update.as_ref()?;
    // Swarm takes the end of a task for a failure of the update, also where it is none (swarmkit,
    // `manager/orchestrator/update`): what counts is whether all of them have done their work.
    let what = match update.state {
        UpdateState::Paused if look.tally.is_complete() => return None,
        UpdateState::Paused => "the update is paused",
        UpdateState::RollbackPaused => "the engine's rollback is paused",
        UpdateState::RollbackCompleted => "the engine rolled the update back",
        UpdateState::Updating | UpdateState::Completed | UpdateState::RollbackStarted => return None,
    };
    Some(match update.message.as_str() {
        "" => what.to_owned(),
        message => format!("{what}: {message}"),
    })
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
        .filter_map(|task| {
            let ended = (task.state == TaskState::Complete).then_some(ENDED);
            Some((task, task.error.as_deref().or(ended)?))
        })
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
    use super::tally::testing::task;
    use super::*;

    #[test]
    fn an_update_that_was_rolled_back_is_a_failure() {
        let look = |state| Look {
            tally: Tally {
                running: 1,
                complete: 0,
                wanted: 1,
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
            assert!(ended(&look(state)).is_some_and(|why| why.ends_with("why")));
        }
        for state in [
            UpdateState::Updating,
            UpdateState::Completed,
            UpdateState::RollbackStarted,
        ] {
            assert_eq!(ended(&look(state)), None);
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
