//! An earlier state in place of the current one.

use subako_state::{Digest, HistoryItem};

use super::{Session, SessionError};

impl<W> Session<W> {
    /// The earlier state with that serial.
    pub fn draft_restore(&self, serial: u64) -> Result<HistoryItem, SessionError> {
        let items = self.store.history()?;
        let found = items.into_iter().find(|item| item.serial == serial);
        found.ok_or(SessionError::UnknownSerial(serial))
    }

    /// Puts it in place of the current one, and gives its digest. The lock must be held.
    pub fn restore(&self, item: &HistoryItem) -> Result<Digest, SessionError> {
        Ok(self.store.restore(item.serial)?)
    }
}
