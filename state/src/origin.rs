//! Who wrote a state, and what it came of: the note beside each snapshot of the history.
//!
//! It stands beside the snapshot and not in it, because a state is the same whoever wrote it and
//! whenever: its digest is what plans start from, on every machine.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::journal::Outcome;
use crate::lock::Holder;

/// The version of the note.
pub(crate) const FORMAT: u32 = 1;

/// Who wrote a state, and what it came of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// [`FORMAT`] of the program that wrote it.
    pub(crate) format: u32,
    /// The digest of the state that it is about: of another state of that serial it says nothing.
    pub(crate) digest: Digest,
    /// Who wrote it; `None` if nobody had the lock.
    pub by: Option<Holder>,
    /// The run that it came of; `None` if the state itself was edited, or only outputs had moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<Ran>,
    /// The newest serial that the history had when this one was written, where that is a later one: those
    /// came of a state that was restored over since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandons: Option<u64>,
    /// Who put it in place of a later state, last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_by: Option<Holder>,
}

/// A run that a state came of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// The run's id: its journal has the same.
    pub run: String,
    /// The digest of its plan.
    pub plan: Digest,
    /// How it ended, or was settled.
    pub outcome: Outcome,
}
