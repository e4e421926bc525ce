//! What a rehearsal of a plan gave.

use serde::{Deserialize, Serialize};
use subako_state::Address;

use super::step::Action;

/// What a rehearsal of a plan gave, or why there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rehearsal {
    /// The plan was played in a model of the world, to its end or to its first failure.
    Rehearsed(Box<Rehearsed>),
    /// It was not.
    NotRehearsed {
        /// What kept it from being played.
        because: Because,
        /// The same for people, one clause.
        reason: String,
    },
}

/// Why a plan was not rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Nobody wanted it.
    NotWanted,
    /// It has too many steps for one that nobody asked for.
    TooLarge,
    /// The world was not read.
    NotRead,
    /// It is refused in any case.
    Refused,
    /// No manager answers for the swarm.
    SwarmUnreadable,
    /// The model failed.
    NoModel,
}

impl Rehearsal {
    /// None was made.
    pub fn not(because: Because, reason: impl Into<String>) -> Self {
        Self::NotRehearsed {
            because,
            reason: reason.into(),
        }
    }
}

/// What was seen of a plan that was played.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// The first step that failed; `None` if all went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailedStep>,
    /// How long it took, milliseconds of the model's time.
    pub took_ms: u64,
    /// The fewest managers that answered meanwhile; `None` where no swarm was there before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<LowestQuorum>,
    /// Services that were there before and after, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<LowestService>,
    /// Ports that were published before and after, by port and protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortAway>,
    /// What the model had to assume, one clause each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
    /// What the model never knows, one clause each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_modelled: Vec<String>,
}

/// A step that failed when it was played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStep {
    /// Its resource.
    pub address: Address,
    /// What was tried.
    pub action: Action,
    /// When, milliseconds of the model's time since the beginning.
    pub after_ms: u64,
    /// Why.
    pub cause: String,
    /// What to do about it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Managers that answer, of those that vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowestQuorum {
    /// How many answered.
    pub alive: u64,
    /// How many voted then.
    pub voters: u64,
}

/// A service's running tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowestService {
    /// Its name.
    pub name: String,
    /// How many tasks ran before.
    pub before: u64,
    /// The fewest that ran.
    pub least: u64,
    /// How many are wanted in the end.
    pub wanted: u64,
}

impl LowestService {
    /// Whether fewer ran than both before and in the end.
    pub fn dips(&self) -> bool {
        self.least < self.before.min(self.wanted)
    }
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortAway {
    /// The port.
    pub port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// How long no task was there to answer on it, milliseconds in all.
    pub away_ms: u64,
}
