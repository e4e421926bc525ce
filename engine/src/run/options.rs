//! How a run is made.

use std::sync::Arc;

pub use crate::stop::Stop;

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
