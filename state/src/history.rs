//! Earlier states, and the journals of the runs that made them.

use crate::digest::Digest;
use crate::error::{Damage, StateError};
use crate::format;
use crate::journal::{Entry, Journal, Outcome};
use crate::lock::Holder;
use crate::names::{JOURNAL, PAST, past_journal, past_origin, past_state, run_of, serial_of};
use crate::origin::Origin;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::writer;

/// How many snapshots the history keeps.
const HISTORY: usize = 50;

/// A snapshot of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// Its serial.
    pub serial: u64,
    /// Its digest, or what is wrong with it.
    pub digest: Result<Digest, Damage>,
    /// The digest it names as the one before it.
    pub previous: Option<Digest>,
    /// How many resources it has.
    pub resources: usize,
    /// The cluster and the provider that it is of; `None` if it is damaged.
    pub of: Option<(String, String)>,
    /// Who wrote it, and what it came of; `None` where nothing says it.
    pub origin: Option<Origin>,
}

/// A run that is over: its journal is in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// The serial of the state that it began from.
    pub serial: u64,
    /// How many runs from the same state were over before it.
    pub number: u32,
    /// Where its journal is, for people.
    pub place: String,
    /// What the journal says of it, or why that cannot be read.
    pub told: Result<Told, String>,
}

/// A journal of the history, or why it is not what was written.
pub type PastJournal = Result<Option<Journal>, StateError>;

/// What the journal of a run says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The run's id.
    pub run: String,
    /// The command, for people.
    pub command: String,
    /// Who began it; `None` where an earlier version did.
    pub by: Option<Holder>,
    /// The digest of its plan.
    pub plan: Digest,
    /// The digest of the state that it began from; `None` if there was none.
    pub base: Option<Digest>,
    /// How it ended; `None` if it did not.
    pub outcome: Option<Outcome>,
}

impl Told {
    /// What a journal says of its run; `None` if it does not begin as it should.
    pub fn of(journal: &Journal) -> Option<Self> {
        let Some(Entry::Begin {
            run,
            command,
            by,
            plan_digest,
            base,
            ..
        }) = journal.entries.first()
        else {
            return None;
        };
        Some(Self {
            run: run.clone(),
            command: command.clone(),
            by: by.as_deref().cloned(),
            plan: plan_digest.clone(),
            base: base.clone(),
            outcome: match journal.entries.last() {
                Some(Entry::End { outcome }) => Some(*outcome),
                _ => None,
            },
        })
    }
}

impl Store {
    /// How many runs that started from the snapshot with that serial have been retired.
    pub fn runs_from(&self, serial: u64) -> Result<u32, StateError> {
        for run in 0..u32::MAX {
            if self.backend().version(&past_journal(serial, run))?.is_none() {
                return Ok(run);
            }
        }
        Ok(u32::MAX)
    }

    /// Moves the journal of a run that has ended into the history, beside the snapshot with
    /// serial `serial` that it started from.
    pub fn retire_journal(&self, serial: u64) -> Result<(), StateError> {
        writer::check(self.held().as_ref())?;
        let to = past_journal(serial, self.runs_from(serial)?);
        self.backend().rename(JOURNAL, &to)
    }

    pub(crate) fn retire(&self, journal: &Journal) -> Result<(), StateError> {
        if let Some(begin) = journal.begin()
            && let Some(kept) = self.retired_as(&begin)?
            && let (Some(kept), Some(here)) = (self.backend().read(&kept)?, self.backend().read(JOURNAL)?)
            && kept.content == here.content
        {
            // Where a rename is a copy and a deletion, it was ended between the two.
            writer::check(self.held().as_ref())?;
            return self.backend().delete(JOURNAL, &here.version);
        }
        self.retire_journal(journal.begin().map_or(0, |begin| begin.serial))
    }

    /// The snapshots of the history, oldest first.
    pub fn history(&self) -> Result<Vec<HistoryItem>, StateError> {
        let mut items = Vec::new();
        for (serial, name) in self.history_names()? {
            let Some(object) = self.backend().read(&name)? else {
                continue;
            };
            items.push(match format::parse_bytes(&object.content) {
                Ok((snapshot, digest)) => HistoryItem {
                    serial,
                    origin: self.origin(serial, &digest)?,
                    digest: Ok(digest),
                    previous: snapshot.previous,
                    resources: snapshot.resources.len(),
                    of: Some((snapshot.cluster, snapshot.provider)),
                },
                Err(damage) => HistoryItem {
                    serial,
                    digest: Err(damage),
                    previous: None,
                    resources: 0,
                    of: None,
                    origin: None,
                },
            });
        }
        Ok(items)
    }

    /// The snapshot of the history with that serial, and its digest; `None` if it is not there.
    pub fn past(&self, serial: u64) -> Result<Option<(Snapshot, Digest)>, StateError> {
        let name = past_state(serial);
        match self.backend().read(&name)? {
            Some(object) => self.parse(&name, &object.content).map(Some),
            None => Ok(None),
        }
    }

    /// The serials that runs which are over began from, and their numbers, oldest first.
    pub fn past_run_numbers(&self) -> Result<Vec<(u64, u32)>, StateError> {
        let names = self.backend().list(PAST)?;
        let mut found: Vec<(u64, u32)> = names.iter().filter_map(|name| run_of(name)).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Where the journal of a run that is over is, for people, and the journal: `None` if nothing in it was
    /// ever acknowledged.
    ///
    /// # Errors
    /// It cannot be read; a journal that is not what was written is the inner error.
    pub fn past_journal(&self, serial: u64, number: u32) -> Result<(String, PastJournal), StateError> {
        let name = past_journal(serial, number);
        let place = self.place_of(&name);
        let object = self.backend().read(&name)?;
        let journal = match object {
            Some(object) => Journal::parse(&object.content, &place),
            None => Ok(None),
        };
        Ok((place, journal))
    }

    /// The runs that are over, oldest first, but for those of which `is_known` says so by their id's
    /// end: the serial that they began from, and their number.
    pub fn past_runs(&self, is_known: impl Fn(u64, u32) -> bool) -> Result<Vec<PastRun>, StateError> {
        let numbers = self.past_run_numbers()?.into_iter();
        let mut runs = Vec::new();
        for (serial, number) in numbers.filter(|(serial, number)| !is_known(*serial, *number)) {
            let (place, journal) = self.past_journal(serial, number)?;
            let told = match journal {
                Ok(Some(journal)) => {
                    Told::of(&journal).ok_or_else(|| "it does not begin with a plan".to_owned())
                }
                Ok(None) => Err("it is empty".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            runs.push(PastRun {
                serial,
                number,
                place,
                told,
            });
        }
        Ok(runs)
    }

    pub(crate) fn history_names(&self) -> Result<Vec<(u64, String)>, StateError> {
        let mut names: Vec<(u64, String)> = self
            .backend()
            .list(PAST)?
            .into_iter()
            .filter_map(|name| Some((serial_of(&name)?, name)))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The newest snapshot of the history that is whole.
    pub(crate) fn newest_whole(&self) -> Option<u64> {
        let names = self.history_names().ok()?;
        names.into_iter().rev().find_map(|(serial, name)| {
            let object = self.backend().read(&name).ok()??;
            format::parse_bytes(&object.content).is_ok().then_some(serial)
        })
    }

    /// Removes what of the history is too old, oldest first.
    pub(crate) fn prune(&self, history: &[(u64, String)]) -> Result<(), StateError> {
        for (serial, name) in history.iter().take(history.len().saturating_sub(HISTORY)) {
            self.remove(name)?;
            self.remove(&past_origin(*serial))?;
            for run in 0..self.runs_from(*serial)? {
                self.remove(&past_journal(*serial, run))?;
            }
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), StateError> {
        match self.backend().version(name)? {
            Some(version) => self.backend().delete(name, &version),
            None => Ok(()),
        }
    }
}
