//! The host key of the bastion, pinned at first contact.
//!
//! It is kept beside the state, not in it: it holds for every run from then on, whatever becomes of
//! that run, and is taken away by a command of its own.

use crate::backend::Expect;
use crate::error::StateError;
use crate::store::Store;

/// The object that holds the pin: one line `host:port type base64`.
const NAME: &str = "bastion.key";

impl Store {
    /// The host key pinned for the bastion at `address` (`host:port`), as one line `type base64`;
    /// `None` if none is, or that of another bastion.
    pub fn bastion_key(&self, address: &str) -> Result<Option<String>, StateError> {
        let Some(object) = self.backend().read(NAME)? else {
            return Ok(None);
        };
        let damaged = || StateError::BastionKey {
            place: self.place_of(NAME),
        };
        let line = String::from_utf8(object.content).map_err(|_| damaged())?;
        let (of, key) = line.trim_end().split_once(' ').ok_or_else(damaged)?;
        Ok((of == address).then(|| key.to_owned()))
    }

    /// Pins the host key of the bastion at `address`, in place of any other bastion's. The lock must
    /// be held.
    pub fn pin_bastion(&self, address: &str, key: &str) -> Result<(), StateError> {
        self.check_lock()?;
        let there = self.backend().version(NAME)?;
        let line = format!("{address} {key}\n");
        self.backend()
            .write(NAME, line.as_bytes(), &Expect::from(there))?;
        Ok(())
    }

    /// Forgets the bastion's host key; says whether there was one. The lock must be held.
    pub fn unpin_bastion(&self) -> Result<bool, StateError> {
        self.check_lock()?;
        match self.backend().version(NAME)? {
            Some(version) => self.backend().delete(NAME, &version).map(|()| true),
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Memory;
    use crate::store_tests::holder;

    #[test]
    fn a_bastions_key_is_pinned_for_its_address_until_it_is_forgotten() {
        let memory = Memory::new();
        let store = Store::on(memory.clone());
        let _lock = store.lock(&holder()).expect("free");
        let pinned = |address: &str| store.bastion_key(address).expect("readable");
        assert_eq!(pinned("b:22"), None);
        store.pin_bastion("b:22", "ssh-ed25519 AAAA").expect("written");
        assert_eq!(pinned("b:22").as_deref(), Some("ssh-ed25519 AAAA"));
        // Another bastion, or another port, is another host.
        assert_eq!(pinned("b:2222"), None);
        store.pin_bastion("c:22", "ssh-ed25519 BBBB").expect("written");
        assert_eq!(pinned("b:22"), None);
        assert_eq!(pinned("c:22").as_deref(), Some("ssh-ed25519 BBBB"));
        assert!(store.unpin_bastion().expect("removed"));
        assert!(!store.unpin_bastion().expect("nothing to remove"));
        assert_eq!(pinned("c:22"), None);
    }

    /// A pin that cannot be read is not taken for none: anybody's key would be trusted then.
    #[test]
    fn a_damaged_pin_is_an_error() {
        let memory = Memory::new();
        for content in [&b"torn"[..], b"", &[0xff, b' ', b'x']] {
            memory.put(NAME, content);
            let read = Store::on(memory.clone()).bastion_key("b:22");
            assert!(matches!(read, Err(StateError::BastionKey { .. })), "{read:?}");
        }
    }
}
