//! Earlier states, and whether each follows from the one before it.

use std::collections::BTreeSet;

use serde::Serialize;
use subako_state::{Digest, HistoryItem, Holder, Outcome, Ran};

use super::{Session, SessionError, Unfinished};

/// An earlier state.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryEntry {
    /// Its serial.
    pub serial: u64,
    /// Its digest; `None` if it is damaged.
    pub digest: Option<Digest>,
    /// The digest that it names as the one before it.
    pub previous: Option<Digest>,
    /// How many resources it has.
    pub resources: usize,
    /// Whether it is the state now.
    pub current: bool,
    /// Whether it names the one before it as its predecessor.
    pub follows: bool,
    /// What is wrong with it.
    pub trouble: Option<String>,
    /// Who wrote it; `None` where nothing says it.
    pub by: Option<Holder>,
    /// The run that it came of; `None` if the state itself was edited.
    pub ran: Option<Ran>,
    /// Who put it in place of a later state, last.
    pub restored_by: Option<Holder>,
}

/// A run that no state says it came of: it was rolled back, changed nothing, or did not end.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryRun {
    /// The serial of the state that it began from; 0 if there was none.
    pub serial: u64,
    /// The command, for people; `None` if its journal is damaged.
    pub command: Option<String>,
    /// Who began it.
    pub by: Option<Holder>,
    /// The digest of its plan.
    pub plan: Option<Digest>,
    /// How it ended; `None` if its journal does not say it.
    pub outcome: Option<Outcome>,
    /// What is wrong with its journal.
    pub trouble: Option<String>,
}

/// The earlier states, oldest first.
#[derive(Debug, Clone)]
pub struct History {
    /// The states.
    pub entries: Vec<HistoryEntry>,
    /// The runs that no state came of, oldest first.
    pub runs: Vec<HistoryRun>,
    /// The run that did not end.
    pub unfinished: Option<Unfinished>,
}

impl<W> Session<W> {
    /// The history. A damaged state file is no reason not to show the way back.
    pub fn history(&self) -> Result<History, SessionError> {
        let known = self.load().ok();
        let current = known.as_ref().and_then(|known| known.base.clone());
        let mut before: Option<Digest> = None;
        let mut entries = Vec::new();
        let items = self.store.history()?;
        let runs = self.other_runs(&items)?;
        for item in items {
            let (by, ran, restored_by) = match item.origin {
                Some(origin) => (origin.by, origin.ran, origin.restored_by),
                None => (None, None, None),
            };
            let trouble = item.digest.as_ref().err().map(ToString::to_string);
            let digest = item.digest.ok();
            entries.push(HistoryEntry {
                serial: item.serial,
                current: digest.is_some() && digest == current,
                follows: before.is_none() || item.previous == before,
                previous: item.previous,
                resources: item.resources,
                trouble,
                digest: digest.clone(),
                by,
                ran,
                restored_by,
            });
            before = digest;
        }
        Ok(History {
            entries,
            runs,
            unfinished: known.and_then(|known| known.unfinished),
        })
    }

    /// The runs that are over and that none of these states came of. A run of which something remained
    /// is one of them: the state that it came to was written by whoever settled it.
    fn other_runs(&self, items: &[HistoryItem]) -> Result<Vec<HistoryRun>, SessionError> {
        let origins = items.iter().filter_map(|item| item.origin.as_ref()?.ran.as_ref());
        let told: BTreeSet<(u64, u32)> = origins
            .filter(|ran| ran.outcome != Outcome::Remains)
            .filter_map(|ran| number_of(&ran.run))
            .collect();
        let runs = self
            .store
            .past_runs(|serial, number| told.contains(&(serial, number)))?;
        Ok(runs
            .into_iter()
            .map(|run| match run.told {
                Ok(told) => HistoryRun {
                    serial: run.serial,
                    command: Some(told.command),
                    by: told.by,
                    plan: Some(told.plan),
                    outcome: told.outcome,
                    trouble: None,
                },
                Err(trouble) => HistoryRun {
                    serial: run.serial,
                    command: None,
                    by: None,
                    plan: None,
                    outcome: None,
                    trouble: Some(trouble),
                },
            })
            .collect())
    }
}

/// The serial that a run began from, and how many began from it before: its id ends with both.
pub(super) fn number_of(run: &str) -> Option<(u64, u32)> {
    let mut parts = run.rsplitn(3, '-');
    let (number, serial) = (parts.next()?, parts.next()?);
    Some((serial.parse().ok()?, number.parse().ok()?))
}
