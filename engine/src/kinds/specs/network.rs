//! `network`: what is wanted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::reference::Ref;

/// What is wanted of an overlay network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Whether containers outside services may attach.
    pub attachable: bool,
    /// The driver, `overlay`.
    pub driver: String,
    /// Whether the data path is encrypted (IPsec).
    pub encrypted: bool,
    /// Whether it has no way out.
    pub internal: bool,
    /// The user's labels.
    pub labels: BTreeMap<String, String>,
    /// The name, unique in the swarm.
    pub name: String,
    /// Driver options.
    pub options: BTreeMap<String, String>,
    /// The range, in CIDR notation; `None` lets Swarm cut one from its pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// The `cluster_id` of the swarm.
    pub swarm: Ref,
}
