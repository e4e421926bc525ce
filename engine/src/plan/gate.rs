//! Points that steps wait at, so that the number of edges stays linear.

use std::fmt;

use serde::{Deserialize, Serialize};
use subako_state::Address;

/// What a gate stands for. Kinds are named as in addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// Every wanted resource of a kind is as wanted.
    Every(String),
    /// Nothing new needs an old one of a kind.
    NoNewNeeds(String),
    /// Nothing old needs one of a kind.
    NoOldNeeds(String),
    /// Every old one of a kind is gone.
    EveryOldGone(String),
    /// What a resource that stays as it is depends on is as wanted.
    Ready(Address),
    /// Everything that is interrupted in place is back.
    Restarted,
    /// Every address that is asked for in a subnet is taken.
    AddressesTaken(String),
    /// Everything that can be undone is done.
    Line,
}

impl fmt::Display for GateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(kind) => write!(f, "every {kind}"),
            Self::NoNewNeeds(kind) => write!(f, "nothing new needs an old {kind}"),
            Self::NoOldNeeds(kind) => write!(f, "nothing old needs a {kind}"),
            Self::EveryOldGone(kind) => write!(f, "every old {kind} is gone"),
            Self::Ready(address) => write!(f, "{address} is ready"),
            Self::Restarted => f.write_str("everything that restarts is back"),
            Self::AddressesTaken(scope) => write!(f, "the pinned addresses of {scope} are taken"),
            Self::Line => f.write_str("the line of no return"),
        }
    }
}

/// A point that steps wait at: passed when everything before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What it stands for.
    pub kind: GateKind,
    /// What has to be done before it.
    pub after_nodes: Vec<u32>,
}
