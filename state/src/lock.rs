//! Who holds the lock, and why it was not taken.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::StateError;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The host's name.
    pub host: String,
    /// What it is doing, for example `apply`.
    pub command: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`subako {}` (pid {} on {}, since {})",
            self.command, self.pid, self.host, self.since
        )
    }
}

/// What a look at the lock finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// Who, if it says so.
    pub holder: Option<Holder>,
    /// Whether that process still lives. A dead one blocks nobody.
    pub alive: bool,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A living process has it.
    #[error("the state is locked by {}", holder.as_ref().map_or_else(|| "another process".to_owned(), Holder::to_string))]
    Held {
        /// Who, if it says so.
        holder: Option<Holder>,
    },
    /// The lock cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}
