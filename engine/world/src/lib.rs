//! The seams between the engine and the outside.
//!
//! A provider implements [`Cloud`] (key pairs, security groups, instances, addresses), [`Hosts`] and
//! [`Host`] (log in, install the Docker Engine, drive its API). Kinds are written against
//! these traits only, so that the same code runs on the simulator and on AWS.
//!
//! Rules for implementors, held by the conformance suite:
//! * every failure says whether the world may have changed ([`Certainty`]);
//! * a create call repeated with the same token returns the first result, never a second object;
//! * every wait has a deadline; time is only read and spent through [`Clock`].

pub mod calls;
mod clock;
mod cloud;
mod code;
mod command;
mod daemon;
mod elastic_ip;
mod failure;
mod family;
mod files;
mod host;
pub mod image;
mod instance;
mod key_pair;
mod lookup;
mod no_hosts;
mod ownership;
mod planned;
pub mod prices;
mod progress;
mod rehearse;
mod security_group;
pub mod service;
mod swarm;

pub use clock::{Clock, ScaledClock};
pub use cloud::{Account, Cloud, CloudSurvey, Residue};
pub use code::Code;
pub use command::{NextCommand, no_option};
pub use daemon::{DOCKER_BRIDGES, DaemonConfig, DaemonConflict};
pub use elastic_ip::{ElasticIp, ElasticIpRequest};
pub use failure::{Certainty, Failure, Result};
pub use family::{FAMILIES, Family, SSH_PORT};
pub use files::{Content, FileKind, FileMount, FileSpec, SwarmFile, Vault};
pub use host::{EngineInfo, EngineRequest, Host, HostTarget, Hosts, LocalNodeState};
pub use instance::{CpuCredits, Instance, InstanceChange, InstanceRequest, InstanceState, is_burstable};
pub use key_pair::{KeyPair, KeyPairRequest};
pub use lookup::{
    ImageAnswer, ImageQuery, Lookup, LookupAnswer, Reach, Subnet, TypeFacts, TypesAnswer, WayOut,
};
pub use no_hosts::NoHosts;
pub use ownership::{Ownership, tag};
pub use planned::{PermissionFinding, PermissionVerdict, PlannedCall};
pub use progress::Progress;
pub use rehearse::{
    EngineScene, Play, PortSeen, Rehearse, Scene, Seen, ServiceSeen, SubnetScene, SwarmScene,
};
pub use security_group::{Port, Protocol, Rule, SecurityGroup, SecurityGroupRequest, Source};
pub use service::{
    Condition, Endpoint, HealthCheck, Mode, Mount, MountKind, PublishMode, Resources, RestartCondition,
    RestartPolicy, ServiceNetwork, ServiceSpec, UpdateConfig, UpdateOrder,
};
pub use swarm::{
    Availability, JoinRequest, JoinTokens, Network, NetworkSpec, Node, NodeState, NodeUpdate, Reachability,
    Role, Secret, Service, Swarm, SwarmInit, Task, TaskFilter, TaskState, UpdateState, UpdateStatus,
};

use std::sync::Arc;

/// A provider: everything outside the process that a run reads or changes.
#[derive(Clone)]
pub struct World {
    /// Key pairs, security groups, instances, addresses.
    pub cloud: Arc<dyn Cloud>,
    /// The machines behind the instances, and their Docker Engines.
    pub hosts: Arc<dyn Hosts>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// What the manifest's secrets and configs contain, for the call that makes each.
    pub vault: Vault,
}
