//! The simulated world: facts, and what follows from them at a given time.
//!
//! A change is decided first (`decide_*`, which only read) and then applied as an [`Effect`]
//! at a time. Applying is total and deterministic, and [`Model::advance`] handles due events in
//! order of their time, so that replaying the effects gives the same world however often it
//! was looked at in between.

mod bridges;
mod catalog;
mod certificates;
mod changes;
mod constraints;
mod demand;
mod dump;
mod ec2;
mod effect;
mod elastic_ips;
mod events;
mod facts;
mod files;
mod force_new;
mod index;
mod instances;
mod listed;
mod login;
mod logs;
mod lookup;
mod machine;
mod membership;
mod networks;
mod nodes;
mod place;
mod program;
mod raft;
mod residue;
mod rollout;
mod service;
mod services;
mod staged;
mod staged_swarm;
mod swarm;
mod tasks;
mod types;
mod world;

pub(crate) use catalog::{LARGE_VPC, usual_zones};
pub(crate) use ec2::Decision;
pub(crate) use effect::Effect;
pub(crate) use facts::InstanceFacts;
pub(crate) use login::NoWay;
pub(crate) use membership::{Joining, no_engine};
pub(crate) use service::ServiceFacts;
pub(crate) use swarm::{At, SwarmFacts};
#[cfg(test)]
pub(crate) use tasks::Slot;
pub(crate) use tasks::TaskFacts;
pub(crate) use world::{Model, Place};
