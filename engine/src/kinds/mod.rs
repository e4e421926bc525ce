//! The kinds of resources a cluster is made of, one file each, written against the seams of
//! [`crate::world`] only.
//!
//! A file holds a kind's spec, what it answers, what a change of each field means, and its
//! create, update, delete, find and sight. What several need is in `labels` (whose a swarm
//! object is), `hosts` (the way to a machine), `swarm_access` (the way to a manager), `wait`
//! (deadlines) and `rejoin` (a node coming back). A new kind is a file here and a line in
//! [`registry`].

mod converge;
mod docker;
mod file;
mod hosts;
mod instance;
mod key_pair;
mod labels;
mod leave;
mod member;
mod network;
mod rejoin;
mod role;
mod security_group;
mod service;
mod service_spec;
mod sighting;
mod swarm;
mod swarm_access;
mod tags;
#[cfg(test)]
pub(crate) mod testing;
mod wait;

pub(crate) use converge::standing;
pub use docker::{Docker, DockerOutputs};
pub use file::{Configs, File, Secrets};
pub use instance::{Instance, InstanceOutputs};
pub use key_pair::{KeyPair, KeyPairOutputs};
pub use labels::label;
pub use member::{Member, MemberOutputs};
pub use network::Network;
pub(crate) use role::is_manager;
pub use security_group::{SecurityGroup, SecurityGroupOutputs, sort_rules};
pub use service::ServiceOutputs;
pub use service_spec::{Service, ServiceMode};
pub use swarm::{Swarm, SwarmOutputs};

use serde::{Deserialize, Serialize};

use crate::kind::Registry;

/// What a kind answers whose name is its whole identity: nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoOutputs {}

/// Every kind there is.
pub fn registry() -> Registry {
    Registry::default()
        .with::<KeyPair>()
        .with::<SecurityGroup>()
        .with::<Instance>()
        .with::<Docker>()
        .with::<Swarm>()
        .with::<Member>()
        .with::<Network>()
        .with::<File<Secrets>>()
        .with::<File<Configs>>()
        .with::<Service>()
}
