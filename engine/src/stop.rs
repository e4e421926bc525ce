//! How a run, and each of its steps, is asked to stop.

use std::sync::Arc;

use tokio::sync::watch;

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

    pub(crate) async fn at_once(&self) {
        let mut receiver = self.sender.subscribe();
        let _ = receiver.wait_for(|wish| *wish == Wish::Now).await;
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.sender.borrow() >= Wish::Drain
    }
}
