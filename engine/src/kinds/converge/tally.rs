//! How many tasks run, of how many.

use std::collections::{BTreeMap, HashSet};

use crate::world::{Mode, Task, TaskState};

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

/// How far a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    /// Slots (or nodes) whose task runs.
    pub running: u64,
    /// How many have to.
    pub wanted: u64,
}

impl Tally {
    /// Counts, leaving out tasks on nodes that are down.
    pub fn of(tasks: &[Task], mode: Mode, down: &HashSet<String>) -> Self {
        let up = |task: &&Task| !task.node_id.as_ref().is_some_and(|node| down.contains(node));
        let current = current(tasks.iter().filter(up), mode);
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
        Self { running, wanted }
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
        let tally = Tally::of(tasks, mode, &HashSet::from(["gone".to_owned()]));
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
