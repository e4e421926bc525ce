//! Key pairs of the cloud.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ownership::Ownership;

/// A key pair to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPairRequest {
    /// The name in EC2, unique in the region.
    pub name: String,
    /// The public key in OpenSSH's one-line form.
    pub public_key: String,
    /// The user's tags.
    pub tags: BTreeMap<String, String>,
    /// Whose it is.
    pub ownership: Ownership,
}

/// A key pair as EC2 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// The id, `key-…`.
    pub id: String,
    /// The name.
    pub name: String,
    /// EC2's fingerprint of the public key.
    pub fingerprint: String,
    /// The public key in OpenSSH's one-line form, where EC2 gives it.
    pub public_key: Option<String>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}
