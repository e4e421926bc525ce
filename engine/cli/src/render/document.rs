//! What every JSON document of a command that only looks has: its version, and the run that did
//! not end.

use serde::Serialize;
use subako_engine::session::{LockView, Unfinished};
use subako_state::{Address, Direction, Holder};

use crate::error::{CliError, Result};
use crate::plain;

/// The version of the documents.
const FORMAT: u32 = 1;

/// A run that did not end, or is still going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnfinishedRun {
    /// The command, for example `apply`.
    pub command: String,
    /// Whether its process lives: it may go on.
    pub running: bool,
    /// Who holds the lock, if it says so.
    pub holder: Option<Holder>,
    /// How many steps are done.
    pub done: u32,
    /// Of how many.
    pub of: u32,
    /// Which way it went.
    pub direction: Direction,
    /// Steps whose outcome is not known.
    pub outcome_unknown: Vec<Address>,
    /// Steps that failed.
    pub failed: Vec<FailedStep>,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedStep {
    /// On what.
    pub address: Address,
    /// Why.
    pub why: String,
}

impl UnfinishedRun {
    /// The run, and who holds the lock meanwhile.
    pub fn new(run: &Unfinished, lock: LockView) -> Self {
        let failed = run.failed.iter();
        Self {
            command: run.command.clone(),
            running: lock.alive,
            holder: lock.holder,
            done: run.done,
            of: run.of,
            direction: run.direction,
            outcome_unknown: run.in_flight.clone(),
            failed: failed
                .map(|(address, why)| FailedStep {
                    address: address.clone(),
                    why: why.clone(),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct Document<'a, T> {
    format_version: u32,
    #[serde(flatten)]
    body: &'a T,
    unfinished: Option<&'a UnfinishedRun>,
}

/// The document: one line and a newline. `body` is a struct or a map; `what` names it in an error.
pub fn json<T: Serialize>(what: &str, body: &T, unfinished: Option<&UnfinishedRun>) -> Result<String> {
    let text = serde_json::to_string(&Document {
        format_version: FORMAT,
        body,
        unfinished,
    })
    .map_err(|error| CliError::new(format!("failed to write {what}: {error}")))?;
    Ok(plain::json(text + "\n"))
}
