//! An earlier state in place of the current one.

use subako_state::{Digest, HistoryItem};

use super::{Session, SessionError};

impl<W> Session<W> {
    /// The earlier state with that serial, if it is one of this cluster.
    pub fn draft_restore(&self, serial: u64) -> Result<HistoryItem, SessionError> {
        let items = self.store.history()?;
        let found = items.into_iter().find(|item| item.serial == serial);
        let found = found.ok_or(SessionError::UnknownSerial(serial))?;
        if let Some((cluster, provider)) = &found.of {
            self.guard_cluster(cluster, provider)?;
        }
        Ok(found)
    }

    /// Puts it in place of the current one, and gives its digest. The lock must be held.
    pub fn restore(&self, item: &HistoryItem) -> Result<Digest, SessionError> {
        self.write_state(|| self.store.restore(item.serial))
    }
}
