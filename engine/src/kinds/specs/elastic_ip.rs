//! `elastic_ip`: what is wanted, and what is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::reference::Ref;
use crate::world;

/// What is wanted of an elastic address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticIp {
    /// The id of the instance that has it; empty for none.
    #[serde(rename = "instance")]
    pub machine: Ref,
    /// The user's tags, with `Name`.
    pub tags: BTreeMap<String, String>,
}

/// What EC2 answers of an elastic address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticIpOutputs {
    /// The allocation's id, `eipalloc-…`.
    pub allocation_id: String,
    /// The address itself, which stays.
    pub public_ip: String,
}

impl From<&world::ElasticIp> for ElasticIpOutputs {
    fn from(address: &world::ElasticIp) -> Self {
        Self {
            allocation_id: address.id.clone(),
            public_ip: address.public_ip.clone(),
        }
    }
}
