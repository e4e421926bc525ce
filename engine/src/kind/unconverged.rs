//! How far something has come that takes its time to be as its spec says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An update that is under way, or was paused by the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollout {
    /// Some tasks are still of the version before.
    Underway,
    /// The engine has stopped updating tasks, because one failed.
    Paused,
}

/// How far something is that has not converged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconverged {
    /// Tasks that run.
    pub running: u64,
    /// Tasks that should.
    pub wanted: u64,
    /// What became of its update, where that has not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

impl fmt::Display for Rollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Underway => "the update is under way",
            Self::Paused => "the update is paused",
        })
    }
}

impl fmt::Display for Unconverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} running", self.running, self.wanted)?;
        self.rollout
            .iter()
            .try_for_each(|rollout| write!(f, ", {rollout}"))
    }
}
