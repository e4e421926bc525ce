//! What is wanted of a resource of each kind, and what the world answers of one: data alone, so
//! that kinds can read each other's without knowing what becomes of it.

mod docker;
mod elastic_ip;
mod file;
mod instance;
mod key_pair;
mod member;
mod network;
mod security_group;
mod service;
mod swarm;

pub use docker::{Docker, DockerOutputs};
pub use elastic_ip::{ElasticIp, ElasticIpOutputs};
pub use file::{Configs, File, Secrets, Which};
pub use instance::{Instance, InstanceOutputs};
pub use key_pair::{KeyPair, KeyPairOutputs};
pub(crate) use member::RAFT;
pub use member::{Member, MemberOutputs};
pub use network::Network;
pub use security_group::{SecurityGroup, SecurityGroupOutputs, sort_rules};
pub use service::{Service, ServiceMode, ServiceOutputs};
pub(crate) use swarm::DOCKERS_POOL;
pub use swarm::{Swarm, SwarmOutputs};

use serde::{Deserialize, Serialize};

/// What a kind answers whose name is its whole identity: nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoOutputs {}
