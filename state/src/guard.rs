//! One writer at a time: the lock while it is held.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::backend::{Held, Repair};
use crate::lock::Holder;

/// Where a store keeps the lock that it has taken, to look at it before each write, and who has taken it.
pub(crate) type Slot = Arc<Mutex<Option<Writer>>>;

/// Who writes, for as long as the lock is held.
#[derive(Clone)]
pub(crate) struct Writer {
    /// The lock.
    pub held: Weak<dyn Held>,
    /// Who has taken it.
    pub holder: Holder,
}

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
    pub(crate) fn new(held: Arc<dyn Held>, holder: &Holder, slot: Slot, left_by: Option<Holder>) -> Self {
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Writer {
            held: Arc::downgrade(&held),
            holder: holder.clone(),
        });
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

#[cfg(test)]
mod tests {
    use crate::backend::Memory;
    use crate::error::StateError;
    use crate::store::Store;
    use crate::store_tests::holder;

    #[test]
    fn a_lock_says_who_left_it_and_what_was_repaired() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::in_directory(directory.path().join("sandbox.sim"));
        let first = store.lock(&holder()).expect("free");
        assert_eq!((first.left_by(), first.repairs()), (None, &[][..]));
        drop(first);
        let file = directory.path().join("sandbox.sim/lock");
        // As if its holder had been killed, with a file that others can read.
        std::fs::write(&file, serde_json::to_string(&holder()).expect("json")).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("changed");
        let second = store.lock(&holder()).expect("free");
        assert_eq!(second.left_by(), Some(&holder()));
        let [repair] = second.repairs() else {
            panic!("not one repair: {second:?}");
        };
        assert!(repair.to_string().contains("had mode 0640"), "{repair}");
        let shown = format!("{second:?}");
        assert!(
            shown.contains("left_by: Some(") && shown.contains("416"),
            "{shown}"
        );
    }

    #[test]
    fn a_store_looks_at_the_lock_that_it_has() {
        let memory = Memory::new();
        let store = Store::on(memory.clone());
        store.check_lock().expect("without a lock there is none to lose");
        let lock = store.lock(&holder()).expect("free");
        store.clone().check_lock().expect("held");
        memory.break_lock();
        assert!(matches!(store.check_lock(), Err(StateError::LockLost { .. })));
        drop(lock);
        store.check_lock().expect("given back");
    }
}
