//! A swarm as its managers remember it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use subako_world::{Availability, JoinTokens, Network, Role, Secret, Swarm, SwarmFile};

use super::catalog::Range;
use super::program::{Ground, Images};
use super::service::ServiceFacts;
use super::tasks::Board;
use crate::sim::names::{Ms, base36, mix};

/// A moment, and what decides chance in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub seed: u64,
    pub t: Ms,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeFacts {
    /// The instance it is.
    pub instance: String,
    pub hostname: String,
    pub addr: String,
    /// The role wanted of it.
    pub role: Role,
    pub availability: Availability,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// When its join is through.
    pub ready: Ms,
    /// From when, and until when, it takes part in raft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raft_from: Option<Ms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raft_until: Option<Ms>,
    /// As of its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_from: Option<Ms>,
    pub lost_at: Ms,
    /// When the certificate was issued that it had when that was last looked at.
    #[serde(default)]
    pub certified: Ms,
    /// Whether its certificate has run out while it was away: no manager lets it in any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// Whether it was a manager of what its swarm was before that began again from another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
    /// Whether it has left for good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
    /// Whether the managers hold it for ready; heartbeats decide, so this lags.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen: bool,
    pub engine: String,
    /// Processors in billionths and memory in bytes, as of its machine's type.
    #[serde(default)]
    pub capacity: (u64, u64),
    /// The ranges of its engine's own bridges, CIDR notation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bridges: Vec<String>,
    /// Named volumes that tasks have had on it. Each is this node's own: a task that runs
    /// elsewhere finds another, empty one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub volumes: BTreeSet<String>,
    /// Images pulled, and from when each is there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, Ms>,
}

impl NodeFacts {
    /// Whether it really answers.
    pub fn up(&self, t: Ms) -> bool {
        !self.left
            && !self.given_up
            && !self.expired
            && self.ready <= t
            && self.up_from.is_some_and(|from| from <= t)
    }

    /// Whether it is a member of raft.
    pub fn in_raft(&self, t: Ms) -> bool {
        self.raft_from.is_some_and(|from| from <= t) && self.raft_until.is_none_or(|until| t < until)
    }
}

/// A swarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SwarmFacts {
    pub id: String,
    pub addr_pool: Vec<String>,
    pub subnet_size: u8,
    pub labels: BTreeMap<String, String>,
    /// Nodes by id.
    #[serde(with = "super::listed")]
    pub nodes: BTreeMap<String, NodeFacts>,
    /// Nodes that are or were in raft.
    pub raft: BTreeSet<String>,
    /// Who led last, and since when.
    pub leader: Option<String>,
    /// The address of the node that was elected last, which the chance of the next election hangs
    /// on: everybody who looks at the swarm can know it, as opposed to the number of elections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elected: Option<String>,
    pub led_since: Ms,
    /// Elections so far.
    pub term: u32,
    /// When the election under way is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elect_at: Option<Ms>,
    /// Networks by name.
    pub networks: BTreeMap<String, Network>,
    /// Secrets by name. The model never has what they contain.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SwarmFile>,
    /// Configs by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configs: BTreeMap<String, SwarmFile>,
    /// Services by name.
    pub services: BTreeMap<String, ServiceFacts>,
    /// What follows from nodes and services, for the scheduler.
    #[serde(skip)]
    pub board: Board,
    /// What is known of the programs in images.
    #[serde(skip)]
    pub images: Images,
}

/// The ranges that Docker cuts overlay networks from when it is told none.
pub(crate) const DEFAULT_POOL: &str = "10.0.0.0/8";
/// The mask length of each network when it is told none.
pub(crate) const DEFAULT_SUBNET_SIZE: u8 = 24;

impl SwarmFacts {
    /// What tasks find in it; `bridges` are its [`Self::bridges`].
    pub fn ground<'a>(&'a self, bridges: &'a [Range]) -> Ground<'a> {
        Ground {
            networks: &self.networks,
            bridges,
            images: self.images,
        }
    }

    /// The address of a node.
    pub fn addr_of(&self, node: &str) -> Option<String> {
        self.nodes.get(node).map(|node| node.addr.clone())
    }

    /// The join tokens: derived each time from the swarm's id, so that none is ever kept.
    pub fn tokens(&self, seed: u64) -> JoinTokens {
        let digest = base36(mix(seed, &["ca", &self.id]), 50);
        let token = |role: &str| {
            let secret = base36(mix(seed, &["join secret", &self.id, role]), 25);
            Secret::new(format!("SWMTKN-1-{digest}-{secret}"))
        };
        JoinTokens {
            manager: token("manager"),
            worker: token("worker"),
        }
    }

    /// The swarm as a manager describes it.
    pub fn describe(&self, seed: u64) -> Swarm {
        Swarm {
            id: self.id.clone(),
            tokens: self.tokens(seed),
            addr_pool: self.addr_pool.clone(),
            subnet_size: self.subnet_size,
            labels: self.labels.clone(),
        }
    }
}
