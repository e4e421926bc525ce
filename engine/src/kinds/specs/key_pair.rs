//! `key_pair`: what is wanted, and what is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::world;

/// What is wanted of a key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// The name in EC2, unique in the region.
    pub name: String,
    /// The public key in OpenSSH's one-line form.
    pub public_key: String,
    /// The user's tags.
    pub tags: BTreeMap<String, String>,
}

/// What EC2 answers of a key pair: nothing that a second import would change, so that a
/// delete can be undone without a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPairOutputs {
    /// EC2's fingerprint of the public key.
    pub fingerprint: String,
}

impl From<&world::KeyPair> for KeyPairOutputs {
    fn from(key: &world::KeyPair) -> Self {
        Self {
            fingerprint: key.fingerprint.clone(),
        }
    }
}
