//! How a run is made, and how it is stopped.

use std::sync::Arc;

use tokio::sync::watch;

/// What a failure leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Everything the run did is undone.
    #[default]
    Rollback,
    /// What the run did is kept.
    Keep,
}

/// Called with the number of durable journal entries, after each.
pub type Probe = Arc<dyn Fn(u64) + Send + Sync>;

/// How a run is made.
#[derive(Clone)]
pub struct ApplyOptions {
    /// How many steps may be in flight at once.
    pub parallelism: usize,
    /// What a failure leads to.
    pub on_failure: OnFailure,
    /// For the crash tests.
    pub probe: Option<Probe>,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self {
            parallelism: 16,
            on_failure: OnFailure::Rollback,
            probe: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    GoOn,
    Drain,
    Now,
}

/// Asks a run to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop {
    sender: Arc<watch::Sender<Wish>>,
    signal: Arc<std::sync::OnceLock<String>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// Nobody asks yet.
    pub fn new() -> Self {
        Self {
            sender: Arc::new(watch::Sender::new(Wish::GoOn)),
            signal: Arc::default(),
        }
    }

    /// Start nothing new, wait for what is in flight, then do as after a failure. `signal` is
    /// who asks, for example `SIGINT`.
    pub fn drain(&self, signal: &str) {
        // The first signal is the one that is told about.
        let _ = self.signal.set(signal.to_owned());
        self.sender
            .send_if_modified(|wish| std::mem::replace(wish, (*wish).max(Wish::Drain)) < Wish::Drain);
    }

    /// Stop where the journal is whole, without waiting for anything.
    pub fn now(&self) {
        self.sender.send_replace(Wish::Now);
    }

    /// Who asked first.
    pub fn signal(&self) -> &str {
        self.signal.get().map_or("a signal", String::as_str)
    }

    pub(crate) async fn draining(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives as long as self.
        let _ = receiver.wait_for(|wish| *wish >= Wish::Drain).await;
    }

    pub(super) async fn at_once(&self) {
        let mut receiver = self.sender.subscribe();
        let _ = receiver.wait_for(|wish| *wish == Wish::Now).await;
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.sender.borrow() >= Wish::Drain
    }
}
