//! What has become of a service's tasks since it has its spec, over all looks: the engine itself
//! keeps only the last few tasks of each slot.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::tally::{Expected, Place, current};
use crate::world::{Task, TaskState};

/// A place whose tasks have ended this often will not come up by itself. Once may be chance (a
/// port still taken, a peer not yet there), twice the same chance.
const ATTEMPTS: usize = 3;

/// Whether a task in this state ended by itself: a task that was asked to stop did not.
pub(super) fn is_end(state: TaskState) -> bool {
    matches!(
        state,
        TaskState::Failed | TaskState::Rejected | TaskState::Complete
    )
}

/// What has been seen of a service's tasks.
pub(super) struct History {
    expected: Expected,
    monitor: Duration,
    /// Tasks that had ended before the first look: a service that is only scaled, say, keeps the
    /// tasks that failed some day in the past.
    before: Option<HashSet<String>>,
    /// Tasks that ended by themselves since, by place.
    ended: BTreeMap<Place, HashSet<String>>,
    /// Whether each of them was refused by its node, so that no program ever ran.
    only_refused: bool,
    /// Since when tasks have been seen to run.
    running: HashMap<String, Duration>,
    /// Whether one has run for the monitor period.
    stable: bool,
    /// Whether, at the last look, the service could not come up any more.
    hopeless: bool,
}

impl History {
    /// Nothing has been seen yet. A task is stable that has run for `monitor`.
    pub fn new(expected: Expected, monitor: Duration) -> Self {
        Self {
            expected,
            monitor,
            before: None,
            ended: BTreeMap::new(),
            only_refused: true,
            running: HashMap::new(),
            stable: false,
            hopeless: false,
        }
    }

    /// Takes in the tasks of the current spec as they are at `now`.
    pub fn see(&mut self, tasks: &[Task], now: Duration) {
        let expected = self.expected;
        let is_end = |task: &Task| is_end(task.state) && !expected.is_complete(task);
        let before = self.before.get_or_insert_with(|| {
            let ended = tasks.iter().filter(|task| is_end(task));
            ended.map(|task| task.id.clone()).collect()
        });
        for task in tasks {
            if task.state == TaskState::Running {
                let since = *self.running.entry(task.id.clone()).or_insert(now);
                self.stable |= now.saturating_sub(since) >= self.monitor;
            } else if is_end(task)
                && !before.contains(&task.id)
                && let Some(place) = Place::of(task, self.expected.mode)
            {
                self.ended.entry(place).or_default().insert(task.id.clone());
                self.only_refused &= task.state == TaskState::Rejected;
            }
        }
        let mut given_up = false;
        let mut trying = false;
        for (place, task) in current(tasks.iter(), self.expected.mode) {
            let ended = self.ended.get(&place).map_or(0, HashSet::len);
            // Its restart policy lets nothing come after a task that is not meant to run.
            let last = is_end(task) && task.desired > TaskState::Running;
            given_up |= ended >= ATTEMPTS || last;
            // A place without a node cannot show whether the program is sound; a task that runs
            // after one that failed may be the first to stay.
            trying |= match task.state {
                TaskState::Complete if expected.is_complete(task) => false,
                TaskState::Running => ended < ATTEMPTS,
                _ => ended == 0 && !last && task.node_id.is_some(),
            };
        }
        self.hopeless = given_up && !trying;
    }

    /// Lets the past be past: what tasks waited for may be there now.
    pub fn forgive(&mut self) {
        let ended = std::mem::take(&mut self.ended).into_values().flatten();
        self.before.get_or_insert_default().extend(ended);
        self.only_refused = true;
        self.hopeless = false;
    }

    /// How many tasks ended by themselves.
    pub fn failures(&self) -> usize {
        self.ended.values().map(HashSet::len).sum()
    }

    /// Why a service will never run: some place has failed for good, no
    /// other is still at its first attempt, and no task has ever stayed up.
    pub fn hopeless(&self) -> Option<&'static str> {
        if !self.hopeless || self.stable {
            return None;
        }
        Some(match self.only_refused {
            true => "the nodes reject its tasks",
            false => "no task stays up",
        })
    }
}

#[cfg(test)]
mod tests {
    use TaskState::{Complete, Failed, Pending, Preparing, Ready, Rejected, Running, Shutdown};

    use super::super::tally::testing::task;
    use super::*;
    use crate::world::Mode;

    const MONITOR: Duration = Duration::from_secs(5);

    fn history(count: u64) -> History {
        History::new(Expected::of(Mode::Replicated(count), None), MONITOR)
    }

    #[test]
    fn a_task_that_has_done_its_work_is_no_failure_and_one_that_failed_beside_it_is() {
        let expected = Expected {
            mode: Mode::Replicated(2),
            may_complete: true,
        };
        let mut history = History::new(expected, MONITOR);
        history.see(&[], Duration::ZERO);
        history.see(&[attempt(1, 0, Complete)], Duration::ZERO);
        assert_eq!((history.failures(), history.hopeless()), (0, None));
        history.see(&[attempt(1, 0, Complete), attempt(2, 0, Failed)], Duration::ZERO);
        assert_eq!(history.hopeless(), Some("no task stays up"));
    }

    #[test]
    fn what_is_forgiven_does_not_count_and_what_fails_on_does() {
        let mut history = history(1);
        history.see(&[], Duration::ZERO);
        let failed = |n: std::ops::Range<usize>| -> Vec<Task> {
            n.map(|n| attempt(1, n, Failed))
                .chain([task(1, Ready, Ready, "next")])
                .collect()
        };
        history.see(&failed(0..ATTEMPTS), Duration::ZERO);
        assert!(history.hopeless().is_some());
        history.forgive();
        assert_eq!((history.failures(), history.hopeless()), (0, None));
        history.see(&failed(1..ATTEMPTS + 1), Duration::ZERO);
        assert_eq!(history.hopeless(), None);
        history.see(&failed(ATTEMPTS..2 * ATTEMPTS), Duration::ZERO);
        assert!(history.hopeless().is_some());
    }

    /// The task of a slot's nth attempt.
    fn attempt(slot: u64, n: usize, state: TaskState) -> Task {
        let desired = match is_end(state) {
            true => Shutdown,
            false => Running,
        };
        task(slot, state, desired, &n.to_string())
    }

    fn after(tasks: &[Task]) -> Option<&'static str> {
        let mut history = history(1);
        history.see(&[], Duration::ZERO);
        history.see(tasks, Duration::ZERO);
        history.hopeless()
    }

    #[test]
    fn three_failures_of_one_slot_are_enough() {
        for (state, why) in [
            (Rejected, "the nodes reject its tasks"),
            (Failed, "no task stays up"),
            (Complete, "no task stays up"),
        ] {
            let mut tasks: Vec<Task> = (0..ATTEMPTS - 1).map(|n| attempt(1, n, state)).collect();
            tasks.push(task(1, Ready, Ready, "next"));
            assert_eq!(after(&tasks), None, "{state:?}");
            tasks.push(attempt(1, ATTEMPTS, state));
            assert_eq!(after(&tasks), Some(why));
        }
    }

    #[test]
    fn failures_that_the_engine_has_forgotten_count() {
        let mut history = history(1);
        history.see(&[], Duration::ZERO);
        for n in 0..ATTEMPTS {
            assert_eq!(history.hopeless(), None);
            let tasks = [attempt(1, n, Failed), task(1, Ready, Ready, "next")];
            history.see(&tasks, Duration::from_secs(n as u64));
        }
        assert_eq!(history.failures(), ATTEMPTS);
        assert!(history.hopeless().is_some());
    }

    #[test]
    fn a_task_that_nothing_comes_after_is_enough() {
        assert_eq!(after(&[attempt(1, 0, Failed)]), Some("no task stays up"));
        // The engine has not yet looked at it: it is still meant to run.
        assert_eq!(after(&[task(1, Failed, Running, "a")]), None);
    }

    #[test]
    fn a_slot_at_its_first_attempt_is_waited_for_and_one_without_a_node_is_not() {
        let mut tasks: Vec<Task> = (0..ATTEMPTS).map(|n| attempt(1, n, Failed)).collect();
        tasks.push(attempt(2, 0, Preparing));
        assert_eq!(after(&tasks), None);
        tasks.pop();
        tasks.push(Task {
            node_id: None,
            ..attempt(2, 0, Pending)
        });
        assert!(after(&tasks).is_some());
    }

    #[test]
    fn failures_of_the_past_do_not_count() {
        let mut tasks: Vec<Task> = (0..ATTEMPTS).map(|n| attempt(1, n, Failed)).collect();
        tasks.push(attempt(1, 9, Running));
        let mut history = history(1);
        history.see(&tasks, Duration::ZERO);
        assert_eq!((history.failures(), history.hopeless()), (0, None));
        // But what nothing comes after is over, whenever that was.
        history.see(&[attempt(1, 0, Failed)], Duration::ZERO);
        assert!(history.hopeless().is_some());
    }

    #[test]
    fn once_a_task_has_stayed_up_the_others_are_waited_for() {
        let failed: Vec<Task> = (0..ATTEMPTS).map(|n| attempt(1, n, Failed)).collect();
        let with = |last: Task| failed.iter().cloned().chain([last]).collect::<Vec<_>>();
        let mut history = history(1);
        history.see(&[], Duration::ZERO);
        // Running, but not for long: it may well be the next to fail.
        history.see(&with(attempt(1, 9, Running)), Duration::from_secs(1));
        assert!(history.hopeless().is_some());
        history.see(&with(attempt(1, 9, Running)), Duration::from_secs(1) + MONITOR);
        assert_eq!(history.hopeless(), None);
    }
}
