//! `swarm`: what is wanted, and what is answered.

use serde::{Deserialize, Serialize};

/// Docker's own pool, whose first /24 the ingress network takes (`dockerd`: default-addr-pool).
pub(crate) const DOCKERS_POOL: &str = "10.0.0.0/8";

/// What is wanted of the swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swarm {
    /// Ranges that overlay networks are cut from, in CIDR notation; empty for Docker's own.
    pub addr_pool: Vec<String>,
    /// The name of the manager it is started on. Who is first matters only then.
    pub advertise: String,
    /// How long a service of this swarm may take to converge, seconds. Nothing Swarm is told.
    pub converge_timeout_s: u64,
    /// The mask length of each network.
    pub subnet_size: u8,
}

/// What a manager answers of the swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmOutputs {
    /// The cluster id.
    pub cluster_id: String,
}
