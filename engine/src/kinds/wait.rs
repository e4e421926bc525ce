//! Waiting with a deadline, on the world's own clock.

use std::time::Duration;

use crate::kind::StepContext;
use crate::world::{Code, Failure, Result};

/// How long a describe may lag behind a create before "not there" is believed. EC2 promises
/// nothing; its consistency guide says seconds, and to try again with growing pauses.
const ABSENCE_SETTLES: Duration = Duration::from_secs(20);

/// The first pause of a wait. Most of what a swarm is asked for is there in a moment.
const FIRST: Duration = Duration::from_millis(100);

/// One wait: the pauses between polls grow to `every`, and they end at a deadline.
pub(super) struct Wait<'a> {
    cx: &'a StepContext,
    doing: String,
    every: Duration,
    pause: Duration,
    limit: Duration,
    started: Duration,
    /// When the limit began to count.
    counted_from: Duration,
    noted: String,
}

impl<'a> Wait<'a> {
    /// Begins to wait; `doing` fits "failed to {doing}".
    pub fn new(cx: &'a StepContext, doing: impl Into<String>, every: Duration, limit: Duration) -> Self {
        let started = cx.world.clock.now();
        Self {
            cx,
            doing: doing.into(),
            every,
            pause: every.min(FIRST),
            limit,
            started,
            counted_from: started,
            noted: String::new(),
        }
    }

    /// How long it has waited.
    pub fn elapsed(&self) -> Duration {
        self.cx.world.clock.now().saturating_sub(self.started)
    }

    /// Begins to count the limit again: what is waited for has come nearer. Whoever calls it can do so
    /// only so often, so that the wait ends.
    pub fn progressed(&mut self) {
        self.counted_from = self.cx.world.clock.now();
    }

    fn counted(&self) -> Duration {
        self.cx.world.clock.now().saturating_sub(self.counted_from)
    }

    /// Says what is waited for, where that is new, and sleeps until the next poll. Fails at
    /// the deadline, or when the step is asked to stop, as a call that changed nothing: the caller
    /// knows what came before it.
    pub async fn tick(&mut self, waiting_for: impl Into<String>) -> Result<()> {
        let waiting_for = waiting_for.into();
        if let Some(stopped) = self.cx.stopped(&self.doing, &waiting_for) {
            return Err(stopped);
        }
        if self.counted() >= self.limit {
            return Err(Failure::not_applied(
                self.doing.clone(),
                format!("{waiting_for}, for {} s now", self.limit.as_secs()),
            )
            .with_code(Code::Timeout));
        }
        if waiting_for != self.noted {
            self.cx.progress.note(waiting_for.clone());
            self.noted = waiting_for;
        }
        let left = self.limit.saturating_sub(self.counted());
        self.cx.world.clock.sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(self.every);
        Ok(())
    }
}

/// Looks until something is found, or until its absence is certain: what was just created may
/// not be seen at once.
pub(super) async fn settled<T, F, Fut>(cx: &StepContext, mut look: F) -> Result<Option<T>>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let started = cx.world.clock.now();
    let mut pause = Duration::from_secs(1);
    loop {
        if let Some(found) = look().await? {
            return Ok(Some(found));
        }
        let waited = cx.world.clock.now().saturating_sub(started);
        if waited >= ABSENCE_SETTLES {
            return Ok(None);
        }
        cx.progress.note("waiting to be sure that it does not exist");
        cx.world.clock.sleep(pause.min(ABSENCE_SETTLES - waited)).await;
        pause *= 2;
    }
}
