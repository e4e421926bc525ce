//! The key under which secrets are digested.
//!
//! What is kept of a secret is a digest, so that a change is seen. A plain digest of a short
//! password can be guessed from: the key makes that impossible for whoever has the state, its
//! history, a plan or a log, but not the key. It is in no other file, and in nothing that is shown.

use std::fmt;

use crate::backend::Expect;
use crate::digest::Digest;
use crate::error::StateError;
use crate::store::Store;

/// The object that holds the key.
const NAME: &str = "seal.key";

/// A random key. It can be neither printed nor serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; 32]);

impl SealKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The keyed digest of some parts.
    pub fn digest(&self, parts: &[&[u8]]) -> Digest {
        Digest::keyed(&self.0, parts)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

impl Store {
    /// The key of this cluster's secrets, made at random the first time it is asked for. It needs
    /// no lock: of two who make one at the same time, one takes that of the other.
    pub fn seal_key(&self) -> Result<SealKey, StateError> {
        if let Some(key) = self.kept_key()? {
            return Ok(key);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| StateError::io("make", self.place_of(NAME))(std::io::Error::other(error)))?;
        match self.backend().write(NAME, &key, &Expect::Absent) {
            Ok(_) => Ok(SealKey(key)),
            Err(StateError::Conflict { place }) => self.kept_key()?.ok_or(StateError::Conflict { place }),
            Err(error) => Err(error),
        }
    }

    fn kept_key(&self) -> Result<Option<SealKey>, StateError> {
        let Some(object) = self.backend().read(NAME)? else {
            return Ok(None);
        };
        let bytes = object.content.try_into();
        bytes
            .map(|key| Some(SealKey(key)))
            .map_err(|_| StateError::SealKey {
                place: self.place_of(NAME),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Memory;

    #[test]
    fn a_key_is_made_once() {
        let memory = Memory::new();
        let store = Store::on(memory.clone());
        let key = store.seal_key().expect("a key");
        assert_eq!(store.seal_key().expect("the same key"), key);
        assert_eq!(format!("{key:?}"), "SealKey(…)");
        assert_ne!(Store::in_memory().seal_key().expect("a key"), key);
        memory.put(NAME, "short");
        assert!(matches!(store.seal_key(), Err(StateError::SealKey { .. })));
    }

    #[test]
    fn a_keyed_digest_is_hmac_over_parts_with_their_lengths() {
        let key = SealKey::new([7; 32]);
        // python: hmac.new(bytes([7])*32, struct.pack(">Q",2)+b"ab"+struct.pack(">Q",1)+b"c", "sha256")
        assert_eq!(
            key.digest(&[b"ab", b"c"]).hex(),
            "6073d5bcf26efd7ddc06c90652db47666a35e5fce22c4a3632375cb436a2611d"
        );
        assert_ne!(key.digest(&[b"ab", b"c"]), key.digest(&[b"a", b"bc"]));
        assert_ne!(key.digest(&[b"a"]), SealKey::new([8; 32]).digest(&[b"a"]));
    }
}
