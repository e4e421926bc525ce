//! `[swarm]`.

use crate::manifest::decode::{Int, OneOrMany, section};
use crate::manifest::formats::{Duration, EngineVersion, Range4};

section! {
    /// Settings of the swarm itself; all of them can be left out.
    pub struct Swarm = "[swarm]" {
        /// IPv4 ranges that overlay networks are cut from. Left out, Subako chooses one that
        /// does not collide with the VPC. It can only be set when the swarm is made.
        optional addr_pool: OneOrMany<Range4>,
        /// The mask length of each network cut from `addr_pool`. Default: 24.
        optional subnet_size: Int<1, 29>,
        /// The version of the Docker Engine wanted on every host, "25.0" or "25.0.8". Left
        /// out, the newest of the distribution.
        optional engine_version: EngineVersion,
        /// How long a service may take until its first task runs, and from one to the next, for
        /// example "5m" (the default). What its own settings let it take comes on top: the update's
        /// `delay` and `monitor`, `stop_grace_period`, the health check.
        optional converge_timeout: Duration,
    }
    elsewhere {
        "default_addr_pool" => "did you mean `addr_pool`?",
        "managers" => "managers are a [[pool]] with role = \"manager\"",
        "workers" => "workers are a [[pool]] with role = \"worker\"",
    }
}
