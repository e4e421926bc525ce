//! Who wrote a state, and what it came of: a note beside each snapshot of the history.
//!
//! It stands beside the snapshot and not in it, because a state is the same whoever wrote it and
//! whenever: its digest is what plans start from, on every machine.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::StateError;
use crate::journal::Outcome;
use crate::lock::Holder;
use crate::names::past_origin;
use crate::store::Store;

/// The version of the note.
const FORMAT: u32 = 1;

/// Who wrote a state, and what it came of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// [`FORMAT`] of the program that wrote it.
    format: u32,
    /// The digest of the state that it is about: of another state of that serial it says nothing.
    digest: Digest,
    /// Who wrote it; `None` if nobody had the lock.
    pub by: Option<Holder>,
    /// The run that it came of; `None` if the state itself was edited, or only outputs had moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<Ran>,
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

impl Store {
    /// Who wrote the state with that serial and digest; `None` where nothing says it, as in a history of
    /// an earlier version. A note that cannot be read is none: nothing is decided by it.
    pub(crate) fn origin(&self, serial: u64, digest: &Digest) -> Result<Option<Origin>, StateError> {
        let Some(object) = self.backend().read(&past_origin(serial))? else {
            return Ok(None);
        };
        let note: Option<Origin> = serde_json::from_slice(&object.content).ok();
        Ok(note.filter(|note| note.format <= FORMAT && note.digest == *digest))
    }

    /// Notes who writes the state with that serial, before it is in its place.
    pub(crate) fn note_origin(
        &self,
        serial: u64,
        digest: &Digest,
        ran: Option<&Ran>,
    ) -> Result<(), StateError> {
        self.write_origin(
            serial,
            &Origin {
                format: FORMAT,
                digest: digest.clone(),
                by: self.writer(),
                ran: ran.cloned(),
                restored_by: None,
            },
        )
    }

    /// Notes who puts the state with that serial in its place again.
    pub(crate) fn note_restored(&self, serial: u64, digest: &Digest) -> Result<(), StateError> {
        let known = self.origin(serial, digest)?.unwrap_or_else(|| Origin {
            format: FORMAT,
            digest: digest.clone(),
            by: None,
            ran: None,
            restored_by: None,
        });
        self.write_origin(
            serial,
            &Origin {
                restored_by: self.writer(),
                ..known
            },
        )
    }

    fn write_origin(&self, serial: u64, origin: &Origin) -> Result<(), StateError> {
        let name = past_origin(serial);
        let mut text = serde_json::to_vec(origin)
            .map_err(|error| StateError::io("write", self.place_of(&name))(std::io::Error::other(error)))?;
        text.push(b'\n');
        self.replace(&name, &text)
    }
}
