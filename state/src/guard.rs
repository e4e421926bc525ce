//! One writer at a time: the lock while it is held.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::backend::{Held, Repair};
use crate::lock::Holder;

/// Where a store keeps the lock that it has taken, to look at it before each write.
pub(crate) type Slot = Arc<Mutex<Option<Weak<dyn Held>>>>;

/// The lock, held until dropped. It is given back when its holder dies, however it dies, so that
/// a dead holder never blocks anyone; its name stays until the lock is given back in order.
pub struct Lock {
    held: Arc<dyn Held>,
    slot: Slot,
    left_by: Option<Holder>,
    repairs: Vec<Repair>,
}

impl Lock {
    /// Holds it, and lets whoever writes find it in `slot`.
    pub(crate) fn new(held: Arc<dyn Held>, slot: Slot, left_by: Option<Holder>) -> Self {
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::downgrade(&held));
        Self {
            held,
            slot,
            left_by,
            repairs: Vec::new(),
        }
    }

    pub(crate) fn repaired(&mut self, repairs: Vec<Repair>) {
        self.repairs = repairs;
    }

    /// The holder that died without giving the lock back, if there was one.
    pub fn left_by(&self) -> Option<&Holder> {
        self.left_by.as_ref()
    }

    /// What was repaired when the lock was taken.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("left_by", &self.left_by)
            .field("repairs", &self.repairs)
            .finish_non_exhaustive()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.held.release();
    }
}
