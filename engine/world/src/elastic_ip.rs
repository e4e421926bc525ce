//! Elastic addresses of the cloud: public addresses that are the account's until it releases them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ownership::Ownership;

/// An elastic address to allocate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElasticIpRequest {
    /// The user's tags, with `Name`.
    pub tags: BTreeMap<String, String>,
    /// Whose it is.
    pub ownership: Ownership,
}

/// An elastic address as EC2 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticIp {
    /// The allocation's id, `eipalloc-…`.
    pub id: String,
    /// The address itself.
    pub public_ip: String,
    /// The instance that has it; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}
