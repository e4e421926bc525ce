//! Whose an object of the cloud is, as its tags say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tag keys that Subako puts on everything it creates, in the creating call.
pub mod tag {
    /// The cluster's name.
    pub const CLUSTER: &str = "subako:cluster";
    /// The resource's address, `kind.name`.
    pub const ADDRESS: &str = "subako:address";
    /// How many times the address has been created before, as a decimal number.
    pub const GENERATION: &str = "subako:generation";
    /// The idempotency token of the creating step.
    pub const TOKEN: &str = "subako:token";
    /// The prefix of all of them: never user-set, never compared with the manifest.
    pub const PREFIX: &str = "subako:";
}

/// Whose an object is: carried as tags, set in the creating call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The cluster's name.
    pub cluster: String,
    /// The resource's address, `kind.name`.
    pub address: String,
    /// How many times the address has been created before.
    pub generation: u32,
    /// The idempotency token of the creating step: at most 64 ASCII characters.
    pub token: String,
}

impl Ownership {
    /// The ownership as tags, to be merged with the user's.
    pub fn tags(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (tag::CLUSTER.to_owned(), self.cluster.clone()),
            (tag::ADDRESS.to_owned(), self.address.clone()),
            (tag::GENERATION.to_owned(), self.generation.to_string()),
            (tag::TOKEN.to_owned(), self.token.clone()),
        ])
    }

    /// Reads the ownership back; `None` if a tag is missing or malformed.
    pub fn from_tags(tags: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            cluster: tags.get(tag::CLUSTER)?.clone(),
            address: tags.get(tag::ADDRESS)?.clone(),
            generation: tags.get(tag::GENERATION)?.parse().ok()?,
            token: tags.get(tag::TOKEN)?.clone(),
        })
    }

    /// The tags that are the user's own: all but those under [`tag::PREFIX`].
    pub fn user_tags(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        tags.iter()
            .filter(|(k, _)| !k.starts_with(tag::PREFIX))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}
