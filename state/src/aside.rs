//! A state that takes the place of what cannot be trusted, which is kept beside it.

use crate::backend::Expect;
use crate::digest::Digest;
use crate::error::StateError;
use crate::format;
use crate::journal::Journal;
use crate::names::{JOURNAL, STATE, past_state};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::writer;

/// What was done to put a state in place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// The digest of the state that is there now.
    pub digest: Digest,
    /// What was there: where it was, and where it is kept, for people.
    pub kept: Vec<(String, String)>,
}

impl Store {
    /// Puts a snapshot in place of a state that cannot be trusted, whatever it is; that state and
    /// the journal beside it are kept under other names. The old state is there until the new one
    /// is: the journal, which does not belong to the new one, goes last.
    pub fn supersede(&self, snapshot: &Snapshot) -> Result<Superseded, StateError> {
        writer::check(self.held().as_ref())?;
        let (text, digest) = format::render(snapshot)
            .map_err(|error| StateError::io("write", self.state_place())(std::io::Error::other(error)))?;
        let mut kept = Vec::new();
        let old = self.backend().read(STATE)?;
        if let Some(object) = &old {
            let aside = self.free_name("state")?;
            self.backend().write(&aside, &object.content, &Expect::Absent)?;
            kept.push((self.state_place(), self.place_of(&aside)));
        }
        self.replace(&past_state(snapshot.serial), text.as_bytes())?;
        self.note_origin(snapshot.serial, &digest, None, &self.history_names()?)?;
        let expect = Expect::from(old.map(|object| object.version));
        self.backend().write(STATE, text.as_bytes(), &expect)?;
        kept.extend(self.put_journal_aside()?);
        Ok(Superseded { digest, kept })
    }

    /// Puts the journal aside, if there is one.
    pub(crate) fn put_journal_aside(&self) -> Result<Option<(String, String)>, StateError> {
        if self.backend().version(JOURNAL)?.is_none() {
            return Ok(None);
        }
        let aside = self.free_name("journal")?;
        self.backend().rename(JOURNAL, &aside)?;
        Ok(Some((self.place_of(JOURNAL), self.place_of(&aside))))
    }

    /// Whether an unfinished run's journal belongs to the state that is there.
    pub(crate) fn belongs(&self, journal: &Journal) -> Result<bool, StateError> {
        let state = match self.backend().read(STATE)? {
            Some(object) => Some(self.parse(STATE, &object.content)?),
            None => None,
        };
        let state = state.as_ref().map(|(snapshot, digest)| (snapshot, digest));
        self.counts(journal, state)
    }

    /// A name for something put aside that nothing has.
    fn free_name(&self, stem: &str) -> Result<String, StateError> {
        let mut number = 1;
        loop {
            let name = format!("{stem}.aside-{number}");
            if self.backend().version(&name)?.is_none() {
                return Ok(name);
            }
            number += 1;
        }
    }
}
