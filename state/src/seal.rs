//! The key under which secrets are digested.
//!
//! What is kept of a secret is a digest, so that a change is seen. A plain digest of a short
//! password can be guessed from: the key makes that impossible for whoever has the state, its
//! history, a plan or a log, but not the key. It is in no other file, and in nothing that is shown.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read as _};

use crate::atomic::write_atomically;
use crate::digest::Digest;
use crate::error::StateError;
use crate::store::Store;

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
    /// The key of this cluster's secrets, made at random the first time it is asked for.
    pub fn seal_key(&self) -> Result<SealKey, StateError> {
        let path = self.directory().join("seal.key");
        match fs::read(&path) {
            Ok(bytes) => {
                return bytes
                    .try_into()
                    .map(SealKey)
                    .map_err(|_| StateError::SealKey { path });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StateError::io("read", &path)(error)),
        }
        self.prepare()?;
        let random = std::path::Path::new("/dev/urandom");
        let mut key = [0; 32];
        fs::File::open(random)
            .and_then(|mut file| file.read_exact(&mut key))
            .map_err(StateError::io("read", random))?;
        write_atomically(&path, &key)?;
        Ok(SealKey(key))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_the_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path().join("sandbox.sim"));
        let key = store.seal_key().expect("a key");
        assert_eq!(store.seal_key().expect("the same key"), key);
        assert_eq!(format!("{key:?}"), "SealKey(…)");
        let path = store.directory().join("seal.key");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let other = Store::new(folder.path().join("other.sim"));
        assert_ne!(other.seal_key().expect("a key"), key);
        fs::write(&path, "short").expect("written");
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
