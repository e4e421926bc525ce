//! The kinds of resources a cluster is made of, one file each, written against the seams of
//! [`crate::world`] only.
//!
//! `specs` holds what is wanted of each kind and what it answers; kinds meet only there. A kind's
//! own file holds what a change of each field means, and its create, update, delete, find and
//! sight. What several need is in `labels` (whose a swarm object is), `hosts` and `machine` (the
//! way to a machine, and its power switch), `swarm_access` (the way to a manager), `nodes`, `wait`
//! (deadlines) and `rejoin` (a node coming back). A new kind is a file here, one in `specs`, and a
//! line in [`registry`].

mod aside;
mod barred;
mod converge;
mod displaced;
mod docker;
mod drain;
mod elastic_ip;
mod file;
mod former;
mod hosts;
mod instance;
mod key_pair;
mod labels;
mod leave;
mod logins;
mod machine;
mod manager_calls;
mod member;
mod network;
mod nodes;
mod rejoin;
mod role;
mod security_group;
mod service;
mod sighting;
mod specs;
mod swarm;
mod swarm_access;
mod tags;
#[cfg(test)]
pub(crate) mod testing;
mod wait;

pub(crate) use barred::{says_barred, votes_no_more};
pub(crate) use converge::{down, standing};
pub use labels::label;
pub(crate) use nodes::display_name;
pub(crate) use rejoin::RESTARTS;
pub(crate) use role::is_manager;
pub use specs::{
    Configs, Docker, DockerOutputs, ElasticIp, ElasticIpOutputs, File, Instance, InstanceOutputs, KeyPair,
    KeyPairOutputs, Member, MemberOutputs, Network, NoOutputs, Secrets, SecurityGroup, SecurityGroupOutputs,
    Service, ServiceMode, ServiceOutputs, Swarm, SwarmOutputs, sort_rules,
};
pub(crate) use specs::{DOCKERS_POOL, RAFT, Which};

use crate::kind::Registry;

/// Every kind there is.
pub fn registry() -> Registry {
    Registry::default()
        .with::<KeyPair>()
        .with::<SecurityGroup>()
        .with::<Instance>()
        .with::<ElasticIp>()
        .with::<Docker>()
        .with::<Swarm>()
        .with::<Member>()
        .with::<Network>()
        .with::<File<Secrets>>()
        .with::<File<Configs>>()
        .with::<Service>()
}
