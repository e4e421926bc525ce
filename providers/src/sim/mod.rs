//! The simulator: EC2 and Docker Swarm as a deterministic model, behind the engine's seams.
//!
//! Every id, duration and fault follows from the seed and an object's identity, never from the
//! order in which calls arrive. What happens by itself (booting, heartbeats, elections,
//! scheduling, rolling updates) is worked out when the world is looked at, so that nothing runs in the
//! background and virtual time costs nothing.
//!
//! A world lives in memory or in a file with a log beside it; see [`SimOptions::world_file`].

mod cloud;
mod faults;
mod host;
mod hosts;
mod inner;
mod lows;
mod model;
mod names;
mod options;
mod outside;
mod refusal;
mod rehearsal;
mod schedule;
mod simulator;
mod store;
#[cfg(test)]
mod tests;
mod watch;

pub use options::{FaultEffect, FaultRule, Login, Pace, SimError, SimOptions};
pub use rehearsal::Rehearsals;
pub use simulator::Simulator;
pub use watch::{KillAt, Moment, SwarmMoment, TaskCount};

/// The id of the simulated region's second VPC, 10.64.0.0/16, for more instances than the default
/// one has addresses: a /17 in the first zone (32,763 instances), a /18 in the next two.
pub const LARGE_VPC: &str = model::LARGE_VPC;
