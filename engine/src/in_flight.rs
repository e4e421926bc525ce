//! Which steps of a run are still getting somewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The steps of a run that are in flight, but for those that cannot get any further as things are,
/// and those that could be. Clones share it.
///
/// A service whose tasks fail may only be waiting for another that is still being started: whether
/// it is hopeless can be judged once nothing else of the run is at work, or could be.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    at_work: AtomicUsize,
    /// Steps that wait for nothing but their turn.
    queued: AtomicUsize,
    /// Told when a step is stuck, and another may have its turn.
    stuck: Notify,
}

impl InFlight {
    /// A step is at work until the guard is dropped.
    pub(crate) fn enter(&self) -> AtWork {
        self.0.at_work.fetch_add(1, Ordering::SeqCst);
        AtWork(self.clone())
    }

    /// A step that has entered is stuck until the guard is dropped: others need not wait for it.
    pub(crate) fn stuck(&self) -> Stuck {
        // A context made outside a run has not entered: nothing is counted then.
        let counted = self
            .0
            .at_work
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_ok();
        self.0.stuck.notify_one();
        Stuck(self.clone(), counted)
    }

    /// Says how many steps wait for nothing but their turn.
    pub(crate) fn queue(&self, steps: usize) {
        self.0.queued.store(steps, Ordering::SeqCst);
    }

    /// How many steps are at work.
    pub(crate) fn at_work(&self) -> usize {
        self.0.at_work.load(Ordering::SeqCst)
    }

    /// Waits until a step is stuck, unless one has been since this was last waited for.
    pub(crate) async fn some_stuck(&self) {
        self.0.stuck.notified().await;
    }

    /// How many steps are at work or queued, apart from the one that asks if it is not stuck itself.
    pub(crate) fn others(&self, stuck: bool) -> usize {
        let all = self.at_work() + self.0.queued.load(Ordering::SeqCst);
        all.saturating_sub(usize::from(!stuck))
    }
}

/// A step at work.
pub(crate) struct AtWork(InFlight);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A step that is stuck.
pub(crate) struct Stuck(InFlight, bool);

impl Drop for Stuck {
    fn drop(&mut self) {
        self.0.0.at_work.fetch_add(usize::from(self.1), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_is_stuck_is_not_waited_for() {
        let run = InFlight::default();
        let (one, two) = (run.enter(), run.enter());
        assert_eq!((run.others(false), run.others(true)), (1, 2));
        let stuck = run.stuck();
        assert_eq!(run.others(true), 1);
        let also = run.stuck();
        assert_eq!(run.others(true), 0);
        drop((stuck, also));
        assert_eq!(run.others(false), 1);
        drop(two);
        assert_eq!(run.others(false), 0);
        drop(one);
        assert_eq!(run.others(false), 0);
    }

    #[test]
    fn outside_a_run_nobody_else_is_at_work() {
        let none = InFlight::default();
        let stuck = none.stuck();
        assert_eq!(none.others(true), 0);
        drop(stuck);
        assert_eq!(none.others(false), 0);
    }

    #[test]
    fn a_step_that_waits_for_its_turn_is_waited_for() {
        let run = InFlight::default();
        let one = run.enter();
        run.queue(1);
        assert_eq!(run.others(false), 1);
        let stuck = run.stuck();
        assert_eq!((run.others(true), run.at_work()), (1, 0));
        run.queue(0);
        assert_eq!(run.others(true), 0);
        drop((stuck, one));
    }
}
