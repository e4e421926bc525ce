//! The notes of who wrote each state: written before it is in its place, read with the history.

use crate::digest::Digest;
use crate::error::StateError;
use crate::names::past_origin;
use crate::origin::{FORMAT, Origin, Ran};
use crate::store::Store;

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

    /// Notes who writes the state with that serial, before it is in its place. `history` is what it has
    /// by now.
    pub(crate) fn note_origin(
        &self,
        serial: u64,
        digest: &Digest,
        ran: Option<&Ran>,
        history: &[(u64, String)],
    ) -> Result<(), StateError> {
        let newest = history.last().map(|(newest, _)| *newest);
        self.write_origin(
            serial,
            &Origin {
                format: FORMAT,
                digest: digest.clone(),
                by: self.writer(),
                ran: ran.cloned(),
                abandons: newest.filter(|newest| *newest > serial),
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
            abandons: None,
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
