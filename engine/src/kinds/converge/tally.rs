//! How many tasks run, of how many.

use std::collections::{BTreeMap, HashSet};

use crate::kind::{Rollout, Unconverged};
use crate::world::{Mode, RestartCondition, RestartPolicy, Task, TaskState, UpdateState, UpdateStatus};

/// What a task is for: a replica's number, or a node of a global service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A replica.
    Slot(u64),
    /// A node.
    Node(String),
}

impl Place {
    /// The place of a task; `None` for one that counts nowhere.
    pub fn of(task: &Task, mode: Mode) -> Option<Self> {
        match (mode, task.slot, &task.node_id) {
            (Mode::Replicated(_), Some(slot), _) => Some(Self::Slot(slot)),
            (Mode::Global, _, Some(node)) => Some(Self::Node(node.clone())),
            _ => None,
        }
    }
}

/// What is expected of a service's tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    /// How many, where.
    pub mode: Mode,
    /// Whether a task that ends without an error has done what it is for: its restart policy lets
    /// none come after it (swarmkit, `manager/orchestrator/restart`, `shouldRestart`).
    pub may_complete: bool,
}

impl Expected {
    /// Of a service with this restart policy.
    pub fn of(mode: Mode, policy: Option<&RestartPolicy>) -> Self {
        let may_complete = policy.is_some_and(|policy| policy.condition != RestartCondition::Any);
        Self { mode, may_complete }
    }

    /// Whether a task has done what it is for.
    pub fn is_complete(&self, task: &Task) -> bool {
        self.may_complete && task.state == TaskState::Complete
    }
}

/// How far a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Slots (or nodes) whose task runs, or has done what it is for.
    pub running: u64,
    /// Those of them that have done what they are for.
    pub complete: u64,
    /// How many have to. Of a global service: the nodes that Swarm has given a task.
    pub wanted: u64,
}

impl Tally {
    /// Counts, leaving out tasks on nodes that are down.
    pub fn of<'a>(
        tasks: impl IntoIterator<Item = &'a Task>,
        expected: Expected,
        down: &HashSet<String>,
    ) -> Self {
        let counts = |task: &&Task| {
            expected.is_complete(task) || !task.node_id.as_ref().is_some_and(|node| down.contains(node))
        };
        let current = current(tasks.into_iter().filter(counts), expected.mode);
        let meant = || current.values().filter(|task| task.desired <= TaskState::Running);
        let complete = current.values().filter(|task| expected.is_complete(task)).count() as u64;
        let up = meant().filter(|task| task.state == TaskState::Running).count() as u64;
        let wanted = match expected.mode {
            Mode::Replicated(count) => count,
            Mode::Global => meant().filter(|task| !expected.is_complete(task)).count() as u64 + complete,
        };
        Self {
            running: up + complete,
            complete,
            wanted,
        }
    }

    /// Whether all tasks have done what they are for.
    pub fn is_complete(&self) -> bool {
        self.complete > 0 && self.complete == self.wanted
    }

    /// How far the service is where it has not converged, given what became of its last update.
    pub fn unconverged(&self, update: Option<&UpdateStatus>) -> Option<Unconverged> {
        let rollout = update.and_then(|update| match update.state {
            UpdateState::Updating | UpdateState::RollbackStarted => Some(Rollout::Underway),
            // Swarm takes the end of a task for a failure of the update, also where it is none.
            UpdateState::Paused | UpdateState::RollbackPaused if self.is_complete() => None,
            UpdateState::Paused | UpdateState::RollbackPaused => Some(Rollout::Paused),
            UpdateState::Completed | UpdateState::RollbackCompleted => None,
        });
        (self.running < self.wanted || rollout.is_some()).then_some(Unconverged {
            running: self.running,
            wanted: self.wanted,
            rollout,
        })
    }
}

/// Of the tasks in each place the one that is meant to live longest.
pub(super) fn current<'a>(tasks: impl Iterator<Item = &'a Task>, mode: Mode) -> BTreeMap<Place, &'a Task> {
    let mut current: BTreeMap<Place, &Task> = BTreeMap::new();
    for task in tasks {
        if let Some(place) = Place::of(task, mode) {
            let best = current.entry(place).or_insert(task);
            if (task.desired, task.state) < (best.desired, best.state) {
                *best = task;
            }
        }
    }
    current
}

#[cfg(test)]
pub(super) mod testing {
    use super::{Task, TaskState};

    /// A task in a slot, on a node.
    pub fn task(slot: u64, state: TaskState, desired: TaskState, node: &str) -> Task {
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
}

#[cfg(test)]
mod tests {
    use super::testing::task;
    use super::*;

    fn tally(tasks: &[Task], mode: Mode) -> (u64, u64) {
        let expected = Expected::of(mode, None);
        let tally = Tally::of(tasks, expected, &HashSet::from(["gone".to_owned()]));
        (tally.running, tally.wanted)
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
    fn a_task_that_has_done_its_work_counts_where_nothing_is_to_come_after_it() {
        use TaskState::{Complete, Failed, Running, Shutdown};
        let tasks = [
            task(1, Complete, Shutdown, "gone"),
            task(2, Failed, Shutdown, "a"),
            task(2, Complete, Shutdown, "a"),
            task(3, Running, Running, "a"),
            task(4, Failed, Shutdown, "a"),
        ];
        let down = HashSet::from(["gone".to_owned()]);
        let policy = |condition| RestartPolicy {
            condition,
            delay: None,
            max_attempts: None,
            window: None,
        };
        for (condition, counts) in [
            (RestartCondition::None, (3, 2, 4)),
            (RestartCondition::OnFailure, (3, 2, 4)),
            (RestartCondition::Any, (1, 0, 4)),
        ] {
            let expected = Expected::of(Mode::Replicated(4), Some(&policy(condition)));
            let tally = Tally::of(&tasks, expected, &down);
            assert_eq!(
                (tally.running, tally.complete, tally.wanted),
                counts,
                "{condition:?}"
            );
        }
        let global = tasks.map(|task| Task { slot: None, ..task });
        let expected = Expected::of(Mode::Global, Some(&policy(RestartCondition::None)));
        let tally = Tally::of(&global[..1], expected, &down);
        assert_eq!((tally.running, tally.complete, tally.wanted), (1, 1, 1));
    }

    #[test]
    fn a_service_has_converged_once_its_tasks_run_and_no_update_is_left_half_way() {
        use UpdateState::{Completed, Paused, RollbackCompleted, RollbackPaused, RollbackStarted, Updating};
        let of = |running, complete, state: Option<UpdateState>| {
            let update = state.map(|state| UpdateStatus {
                state,
                message: String::new(),
            });
            let wanted = 5;
            let tally = Tally {
                running,
                complete,
                wanted,
            };
            tally.unconverged(update.as_ref()).map(|found| found.to_string())
        };
        for done in [None, Some(Completed), Some(RollbackCompleted)] {
            assert_eq!(of(5, 0, done), None, "{done:?}");
            assert_eq!(of(3, 0, done).as_deref(), Some("3 of 5 running"), "{done:?}");
        }
        for underway in [Updating, RollbackStarted] {
            let said = of(5, 0, Some(underway));
            assert_eq!(said.as_deref(), Some("5 of 5 running, the update is under way"));
        }
        for paused in [Paused, RollbackPaused] {
            let said = of(4, 0, Some(paused));
            assert_eq!(said.as_deref(), Some("4 of 5 running, the update is paused"));
            assert_eq!(of(5, 5, Some(paused)), None, "all of them have done their work");
        }
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
}
