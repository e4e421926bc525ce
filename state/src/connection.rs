//! How the cluster is reached, for commands that have no manifest at hand.
//!
//! It is kept beside the state, not in it: it says nothing of what there is, it is needed for a first
//! run that did not come to write a state, and no digest depends on it.

use crate::backend::Expect;
use crate::error::StateError;
use crate::store::Store;

/// The object that holds it.
const NAME: &str = "connection.json";

impl Store {
    /// What the last run that changed something recorded of how the cluster is reached; `None` if
    /// none did. What it means is the caller's matter.
    pub fn connection(&self) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.backend().read(NAME)?.map(|object| object.content))
    }

    /// Where it is, for people.
    pub fn connection_place(&self) -> String {
        self.place_of(NAME)
    }

    /// Records it, unless it is what is recorded. The lock must be held.
    pub fn keep_connection(&self, content: &[u8]) -> Result<(), StateError> {
        let there = self.backend().read(NAME)?;
        if there.as_ref().is_some_and(|object| object.content == content) {
            return Ok(());
        }
        self.check_lock()?;
        let expect = Expect::from(there.map(|object| object.version));
        self.backend().write(NAME, content, &expect)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store_tests::holder;

    #[test]
    fn the_last_connection_is_kept() {
        let store = Store::in_memory();
        let _lock = store.lock(&holder()).expect("free");
        assert_eq!(store.connection().expect("readable"), None);
        for content in [&b"one"[..], b"one", b"two"] {
            store.keep_connection(content).expect("written");
            assert_eq!(store.connection().expect("readable").as_deref(), Some(content));
        }
    }
}
