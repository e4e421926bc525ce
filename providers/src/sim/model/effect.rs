//! What changes the world: one line of its log each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use subako_world::{
    Availability, ElasticIp, FileKind, KeyPair, Network, Role, SecurityGroup, ServiceSpec, SwarmFile,
};

use super::facts::InstanceFacts;
use crate::sim::names::Ms;

/// A change that has been decided. Applying it cannot fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    /// A key pair, new or changed.
    KeyPair(KeyPair),
    /// No such key pair any more.
    NoKeyPair(String),
    /// A security group, new or changed.
    Group(SecurityGroup),
    /// No such security group any more.
    NoGroup(String),
    /// An instance or its machine, new or changed.
    Instance(Box<InstanceFacts>),
    /// An elastic address, new or changed.
    ElasticIp(ElasticIp),
    /// No such elastic address any more.
    NoElasticIp(String),
    /// EC2 has no more than `most` instances of a type in a zone; `None` for no limit.
    Capacity {
        instance_type: String,
        zone: String,
        most: Option<u32>,
    },
    /// A swarm starts on an instance.
    Init {
        instance: String,
        swarm: String,
        node: String,
        ready: Ms,
        addr_pool: Vec<String>,
        subnet_size: u8,
        labels: BTreeMap<String, String>,
    },
    /// A swarm is re-formed on an instance, its only manager from now on.
    ForceNew { instance: String, ready: Ms },
    /// An instance joins a swarm. The token is not written down: it only decided the role.
    Join {
        instance: String,
        swarm: String,
        node: String,
        role: Role,
        ready: Ms,
    },
    /// An instance's engine forgets its swarm.
    Leave { instance: String },
    /// A node's role, availability or labels change.
    Node {
        swarm: String,
        node: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        availability: Option<Availability>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels: Option<BTreeMap<String, String>>,
    },
    /// A swarm forgets a node.
    NoNode { swarm: String, node: String },
    /// A network, new.
    Network { swarm: String, network: Network },
    /// No such network any more.
    NoNetwork { swarm: String, name: String },
    /// A secret or config, new. What it contains is not written down.
    File {
        swarm: String,
        kind: FileKind,
        file: SwarmFile,
    },
    /// No such secret or config any more.
    NoFile {
        swarm: String,
        kind: FileKind,
        name: String,
    },
    /// A service, new.
    Service { swarm: String, spec: Box<ServiceSpec> },
    /// A service changes.
    ServiceUpdate {
        swarm: String,
        spec: Box<ServiceSpec>,
        force: bool,
    },
    /// No such service any more.
    NoService { swarm: String, name: String },
    /// Nothing but time passes.
    Pass,
}
