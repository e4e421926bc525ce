//! `member`: what is wanted, and what is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::reference::Ref;
use crate::world::{Availability, Role};

/// The serial group of everything that changes who takes part in raft.
pub(crate) const RAFT: &str = "raft";

/// What is wanted of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Whether the scheduler may put tasks on it.
    pub availability: Availability,
    /// The id of the machine it is on.
    #[serde(rename = "instance")]
    pub machine: Ref,
    /// The user's labels.
    pub labels: BTreeMap<String, String>,
    /// Manager or worker.
    pub role: Role,
    /// The `cluster_id` of the swarm.
    pub swarm: Ref,
}

/// What the swarm answers of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberOutputs {
    /// The node's id.
    pub node_id: String,
}
