//! Who may write.

use serde::Serialize;
use subako_state::{Holder, Lock, LockError};

use super::{Session, SessionError};

/// The lock as it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LockView {
    /// Whether somebody has it, or died with it.
    pub locked: bool,
    /// Whether that process lives.
    pub alive: bool,
    /// Who, if the lock says so.
    pub holder: Option<Holder>,
    /// How many seconds ago it was renewed, by the clock of the service that keeps it; `None` where the
    /// lock ends with its holder.
    pub renewed_s_ago: Option<u64>,
    /// How many seconds a holder that is not heard of keeps it; `None` likewise.
    pub lease_s: Option<u64>,
}

impl<W> Session<W> {
    /// Takes the lock for `holder`, or says who has it.
    pub fn lock(&self, holder: &Holder) -> Result<Lock, LockError> {
        self.store.lock(holder)
    }

    /// Looks at the lock.
    pub fn lock_view(&self) -> Result<LockView, SessionError> {
        let found = self.store.locked()?;
        Ok(LockView {
            locked: found.is_some(),
            alive: found.as_ref().is_some_and(|found| found.alive),
            renewed_s_ago: found.as_ref().and_then(|found| Some(found.renewed?.as_secs())),
            lease_s: self.store.lease().map(|lease| lease.as_secs()),
            holder: found.and_then(|found| found.holder),
        })
    }

    /// Clears the name that a dead holder left; `by` is who does it.
    pub fn release_lock(&self, by: &Holder) -> Result<(), LockError> {
        // Taking it and giving it back clears the name.
        drop(self.lock(by)?);
        Ok(())
    }
}
