//! Tasks that have to leave a node: they run elsewhere before the next node is taken from under
//! them, and before a run ends.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::converge::{down, standing};
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::{StepContext, Unconverged};
use crate::world::{Code, Result, Task, TaskFilter, TaskState};

/// How long services may take to run elsewhere what a node ran. Images are pulled meanwhile. What
/// takes longer is left to Swarm: the node was asked to go, not the services to come up.
const LIMIT: Duration = Duration::from_secs(300);
/// How long a task may wait for a node before it counts as one that no node takes: Swarm's scheduler
/// decides within a second (swarmkit, `manager/scheduler`, its debounce).
const PLACED_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// What one look at a service showed.
enum Look {
    /// It has what it wants, or is gone.
    Whole,
    /// Tasks are on their way: so many run, of so many.
    Underway(u64, u64),
    /// What it lacks waits for a node.
    Unplaced,
}

/// The services whose tasks have to leave a node.
#[derive(Debug, Default)]
pub(super) struct Displaced {
    services: BTreeSet<String>,
}

impl Displaced {
    /// Those with tasks on a node that have all the tasks that they want: of one that lacks some
    /// nobody can say what it waits for.
    pub async fn from(node_id: &str, managers: &mut Managers<'_>) -> Result<Self> {
        let here = TaskFilter {
            node: Some(node_id.to_owned()),
            ..TaskFilter::default()
        };
        let tasks = managers.tasks(&here).await?;
        let live = tasks
            .into_iter()
            .filter(|task| task.state <= TaskState::Running && task.desired <= TaskState::Running);
        let names: BTreeSet<String> = live.map(|task| task.service).collect();
        let mut services = BTreeSet::new();
        if names.is_empty() {
            return Ok(Self { services });
        }
        let down = down(&managers.nodes().await?);
        for name in names {
            if let Look::Whole = look(&name, &down, managers).await? {
                services.insert(name);
            }
        }
        Ok(Self { services })
    }

    /// Waits until they have all their tasks again, or until nothing more is to be expected: no node
    /// takes what is missing, or the deadline has passed.
    pub async fn run_elsewhere(&mut self, managers: &mut Managers<'_>, cx: &StepContext) -> Result<()> {
        let mut wait = Wait::new(cx, "see its tasks run elsewhere", EVERY, LIMIT);
        let mut unplaced_since: Option<Duration> = None;
        while !self.services.is_empty() {
            // Without a manager that answers nobody can go on.
            managers.host().await?;
            let waiting = match self.still_moving(managers).await {
                Ok(None) if self.services.is_empty() => return Ok(()),
                Ok(None) => {
                    let since = *unplaced_since.get_or_insert(wait.elapsed());
                    if wait.elapsed().saturating_sub(since) >= PLACED_WITHIN {
                        cx.progress
                            .note(format!("no node takes the tasks of {} now", self.names()));
                        return Ok(());
                    }
                    format!("waiting for a node for {}", self.names())
                }
                Ok(Some(waiting)) => {
                    unplaced_since = None;
                    waiting
                }
                Err(failure) => {
                    managers.lost();
                    format!("waiting for a manager: {}", failure.message)
                }
            };
            match wait.tick(waiting).await {
                Err(failure) if failure.code == Code::Timeout => {
                    cx.progress
                        .note(format!("{} do not have all their tasks yet", self.names()));
                    return Ok(());
                }
                ticked => ticked?,
            }
        }
        Ok(())
    }

    fn names(&self) -> String {
        self.services.iter().cloned().collect::<Vec<_>>().join(", ")
    }

    /// Forgets the services that have their tasks; says which other is on its way, if one is.
    async fn still_moving(&mut self, managers: &mut Managers<'_>) -> Result<Option<String>> {
        let down = down(&managers.nodes().await?);
        let mut moving = None;
        for name in self.services.clone() {
            match look(&name, &down, managers).await? {
                Look::Whole => {
                    self.services.remove(&name);
                }
                Look::Underway(running, wanted) => {
                    moving = moving.or(Some(format!("waiting for {name}: {running}/{wanted} running")));
                }
                Look::Unplaced => {}
            }
        }
        Ok(moving)
    }
}

async fn look(name: &str, down: &HashSet<String>, managers: &mut Managers<'_>) -> Result<Look> {
    let Some(service) = managers.service(name).await? else {
        return Ok(Look::Whole);
    };
    let own = TaskFilter {
        service: Some(name.to_owned()),
        ..TaskFilter::default()
    };
    let tasks = managers.tasks(&own).await?;
    let tally = standing(&service, &tasks.iter().collect::<Vec<_>>(), down);
    Ok(match tally.unconverged(service.update.as_ref()) {
        None => Look::Whole,
        Some(Unconverged {
            running,
            wanted,
            rollout,
        }) => {
            let unplaced = tasks.iter().filter(|task| waits_for_a_node(task)).count() as u64;
            match rollout.is_none() && running + unplaced >= wanted {
                true => Look::Unplaced,
                false => Look::Underway(running, wanted),
            }
        }
    })
}

fn waits_for_a_node(task: &Task) -> bool {
    task.node_id.is_none() && task.state <= TaskState::Pending && task.desired <= TaskState::Running
}
