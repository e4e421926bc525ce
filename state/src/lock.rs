//! Who holds the lock, and why it was not taken.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::StateError;

/// Who holds a lock, and so who writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The host's name.
    pub host: String,
    /// What it is doing, for example `apply`.
    pub command: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// The user, or who started the CI run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The command line, without the values of variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The address of the CI run that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_url: Option<String>,
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
    /// How long ago it was renewed, where it has to be, by the clock of what keeps it.
    pub renewed: Option<Duration>,
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
