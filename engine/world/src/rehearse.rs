//! The seam `Rehearse`: a change is played in a model of the world as it was read.
//!
//! Whoever plays it is handed a [`World`] that is nothing but that model: nothing done in it reaches
//! a disk or a network, and its time is virtual.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::World;
use super::cloud::{Account, CloudSurvey};
use super::daemon::DaemonConfig;
use super::files::SwarmFile;
use super::lookup::{LookupAnswer, TypeFacts};
use super::swarm::{Network, Node, Service, Task};

/// The world as a refresh has read it: all that a model of it is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    /// The cluster's name.
    pub cluster: String,
    /// Where it is; `None` where nobody has asked.
    pub account: Option<Account>,
    /// What the cluster has in the cloud.
    pub cloud: CloudSurvey,
    /// Images, the VPC and its subnets, as they were looked up for the manifest.
    pub looked_up: LookupAnswer,
    /// Subnets that steps name, by id: a new instance may be put back where an old one was.
    pub subnets: BTreeMap<String, SubnetScene>,
    /// What instance types have, as far as that is known.
    pub types: BTreeMap<String, TypeFacts>,
    /// Docker Engines by the id of their instance.
    pub engines: BTreeMap<String, EngineScene>,
    /// Instances by id that run and gave no answer at all.
    pub silent: BTreeSet<String>,
    /// The swarm, where a manager has answered for it, or where the whole cluster is parked.
    pub swarm: Option<SwarmScene>,
    /// What of all that was not read but taken from what is recorded, one clause each.
    pub assumed: Vec<String>,
}

/// A subnet of which only its place is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubnetScene {
    /// The availability zone.
    pub zone: String,
    /// A private address in it.
    pub holds: Option<String>,
}

/// A Docker Engine, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineScene {
    /// Its version.
    pub version: String,
    /// What it was told in its daemon.json, as far as that is known.
    pub daemon: Option<DaemonConfig>,
    /// The host key that its machine shows, where it is pinned.
    pub host_key: Option<String>,
    /// Whether its machine hangs: running, but lost to the swarm.
    pub hangs: bool,
    /// Whether the swarm does not let its node in any more.
    pub barred: bool,
    /// Cluster id and node id of a swarm that no manager answers for any more, where it was in one.
    pub lost_swarm: Option<(String, String)>,
}

/// A swarm as one of its managers describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SwarmScene {
    /// The cluster id.
    pub id: String,
    /// Ranges that overlay networks are cut from.
    pub addr_pool: Vec<String>,
    /// The mask length of each network.
    pub subnet_size: u8,
    /// Labels of the swarm.
    pub labels: BTreeMap<String, String>,
    /// Its nodes, each with the id of its instance; `None` where that is gone.
    pub nodes: Vec<(Node, Option<String>)>,
    /// Its overlay networks.
    pub networks: Vec<Network>,
    /// Its secrets, where they were read.
    pub secrets: Vec<SwarmFile>,
    /// Its configs, likewise.
    pub configs: Vec<SwarmFile>,
    /// Its services.
    pub services: Vec<Service>,
    /// Its tasks.
    pub tasks: Vec<Task>,
}

/// What is played: it is given the model's world, on a thread and a runtime of its own.
pub type Play<'a> = Box<dyn FnOnce(World) -> Pin<Box<dyn Future<Output = ()> + 'a>> + Send + 'a>;

/// What was seen while it was played.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// How long it took, in the model's time.
    pub took: Duration,
    /// Of the swarm that was there before and after: the fewest managers that answered, and how
    /// many voted then.
    pub quorum: Option<(usize, usize)>,
    /// Of the services that were there before and after, by name.
    pub services: Vec<ServiceSeen>,
    /// Of the ports that were published before and after, sorted.
    pub ports: Vec<PortSeen>,
    /// What the model had to assume of this world, one clause each.
    pub assumed: Vec<String>,
    /// What the model never knows, one clause each.
    pub not_modelled: Vec<String>,
}

/// A service while a change was played.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceSeen {
    /// Its name.
    pub name: String,
    /// Tasks that ran before.
    pub before: u64,
    /// The fewest that ran.
    pub least: u64,
    /// The tasks wanted in the end.
    pub wanted: u64,
}

/// A published port while a change was played.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortSeen {
    /// The port.
    pub port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// How long no task was there to answer, in all.
    pub away: Duration,
}

/// Plays changes in a model of the world.
pub trait Rehearse: Send + Sync {
    /// Makes a model of a scene and plays a change in it, to its end.
    ///
    /// # Errors
    /// Why it could not be played; that says nothing about the change.
    fn rehearse(&self, scene: &Scene, play: Play<'_>) -> std::result::Result<Seen, String>;
}
