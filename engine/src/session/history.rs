//! Earlier states, and whether each follows from the one before it.

use serde::Serialize;
use subako_state::Digest;

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
}

/// The earlier states, oldest first.
#[derive(Debug, Clone)]
pub struct History {
    /// The states.
    pub entries: Vec<HistoryEntry>,
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
        for item in self.store.history()? {
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
            });
            before = digest;
        }
        Ok(History {
            entries,
            unfinished: known.and_then(|known| known.unfinished),
        })
    }
}
