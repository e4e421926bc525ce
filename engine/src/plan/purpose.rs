//! What a plan is for, where it is not to make the manifest real.

use serde::{Deserialize, Serialize};

/// What a plan is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To make the manifest real, or to destroy what there is.
    #[default]
    Change,
    /// To stop every machine.
    Park,
    /// To start every machine again.
    Resume,
    /// To spread tasks evenly again.
    Rebalance,
    /// To begin a swarm again that has lost its quorum.
    Quorum,
}

impl Purpose {
    /// Whether the plan makes the manifest real, or destroys what there is.
    pub fn is_change(&self) -> bool {
        *self == Self::Change
    }

    /// The command's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Park => "park",
            Self::Resume => "resume",
            Self::Rebalance => "rebalance",
            Self::Quorum => "recover the quorum of",
        }
    }
}
