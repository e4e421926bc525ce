//! That a cluster was parked, and since when.
//!
//! It is kept beside the state, not in it: which machines are stopped is what the state says; when
//! that was asked for is a date, and no date is part of a state or of its digest. It is written before
//! the first machine is stopped, so that it is never later than that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::backend::Expect;
use crate::error::StateError;
use crate::store::Store;

/// The object that says so.
const NAME: &str = "parked.json";

#[derive(Serialize, Deserialize)]
struct Note {
    /// Seconds since 1970, UTC.
    since: u64,
}

/// What a store says of a cluster that was parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkedNote {
    /// When; `None` where what is kept of it cannot be read.
    pub since: Option<SystemTime>,
}

impl Store {
    /// That parking was asked for, if it was, and nothing has been resumed since. That it was done is
    /// what the state says.
    pub fn parked(&self) -> Result<Option<ParkedNote>, StateError> {
        let object = self.backend().read(NAME)?;
        Ok(object.map(|object| {
            // A damaged note still says that somebody parked it; only the date is lost.
            let note: Option<Note> = serde_json::from_slice(&object.content).ok();
            ParkedNote {
                since: note.and_then(|note| UNIX_EPOCH.checked_add(Duration::from_secs(note.since))),
            }
        }))
    }

    /// Notes that the cluster is parked from now on. The lock must be held.
    pub fn note_parked(&self, since: SystemTime) -> Result<(), StateError> {
        self.check_lock()?;
        let since = since
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let there = self.backend().version(NAME)?;
        let text = format!("{{\"since\":{since}}}\n");
        self.backend()
            .write(NAME, text.as_bytes(), &Expect::from(there))?;
        Ok(())
    }

    /// Forgets that the cluster was parked. The lock must be held.
    pub fn forget_parked(&self) -> Result<(), StateError> {
        self.check_lock()?;
        match self.backend().version(NAME)? {
            Some(version) => self.backend().delete(NAME, &version),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Memory;
    use crate::store_tests::holder;

    #[test]
    fn a_cluster_is_parked_from_the_note_until_it_is_forgotten() {
        let memory = Memory::new();
        let store = Store::on(memory.clone());
        let _lock = store.lock(&holder()).expect("free");
        assert_eq!(store.parked().expect("readable"), None);
        let since = UNIX_EPOCH + Duration::from_secs(1_764_404_000);
        store.note_parked(since).expect("written");
        let noted = || store.parked().expect("readable").expect("noted");
        assert_eq!(noted().since, Some(since));
        let later = since + Duration::from_secs(60);
        store.note_parked(later).expect("written again");
        assert_eq!(noted().since, Some(later));
        memory.put(NAME, b"torn");
        assert_eq!(
            noted().since,
            None,
            "that it was parked is not lost with the date"
        );
        store.forget_parked().expect("deleted");
        store.forget_parked().expect("nothing to delete");
        assert_eq!(store.parked().expect("readable"), None);
    }
}
