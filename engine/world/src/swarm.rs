//! Docker Swarm's own objects, in the words of the Engine API and the Compose specification.
//!
//! Fields of serialised specs stand in alphabetical order, so that their JSON is canonical.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service::ServiceSpec;

/// A value that must never be printed or written: join tokens, secret contents. It can be
/// neither formatted nor serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a value into custody.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, to be handed to the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A node's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Takes part in raft.
    Manager,
    /// Only runs tasks.
    Worker,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        })
    }
}

/// Whether the scheduler may put tasks on a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// Takes tasks.
    #[default]
    Active,
    /// Keeps its tasks, takes no new ones.
    Pause,
    /// Its tasks are moved elsewhere.
    Drain,
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Pause => "pause",
            Self::Drain => "drain",
        })
    }
}

/// A node's health as the managers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// Not heard of since a leader change.
    Unknown,
    /// Heartbeats are missing.
    Down,
    /// Fine.
    Ready,
    /// Cut off from the managers.
    Disconnected,
}

/// A manager's standing in raft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reachability {
    /// Not known.
    Unknown,
    /// Counts in quorum, cannot be reached.
    Unreachable,
    /// Fine.
    Reachable,
}

/// A node of the swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The id.
    pub id: String,
    /// The host's name, `ip-10-0-0-235…`.
    pub hostname: String,
    /// The address the managers see.
    pub addr: String,
    /// The role wanted of it.
    pub role: Role,
    /// Its availability.
    pub availability: Availability,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its health.
    pub state: NodeState,
    /// Its standing in raft; `None` for a worker.
    pub reachability: Option<Reachability>,
    /// Whether it leads.
    pub leader: bool,
    /// Its engine's version.
    pub engine_version: String,
}

impl Node {
    /// Whether the swarm has lost it. A new leader knows at once which managers it cannot reach,
    /// and of the nodes only some time later.
    pub fn is_lost(&self) -> bool {
        match self.state {
            NodeState::Down => true,
            NodeState::Unknown => self.reachability == Some(Reachability::Unreachable),
            NodeState::Ready | NodeState::Disconnected => false,
        }
    }
}

/// A change to a node; `None` leaves the attribute as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeUpdate {
    /// Promote or demote.
    pub role: Option<Role>,
    /// Availability.
    pub availability: Option<Availability>,
    /// All the labels from now on.
    pub labels: Option<BTreeMap<String, String>>,
}

/// How to start a swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmInit {
    /// The private address that other nodes reach this one by.
    pub advertise_addr: String,
    /// Ranges that overlay networks are cut from, in CIDR notation; empty for Docker's own.
    pub addr_pool: Vec<String>,
    /// The mask length of each network cut from them.
    pub subnet_size: u8,
    /// Labels of the swarm.
    pub labels: BTreeMap<String, String>,
}

/// The two join tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinTokens {
    /// For managers.
    pub manager: Secret,
    /// For workers.
    pub worker: Secret,
}

/// The swarm as a manager describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swarm {
    /// The cluster id.
    pub id: String,
    /// The join tokens.
    pub tokens: JoinTokens,
    /// Ranges that overlay networks are cut from.
    pub addr_pool: Vec<String>,
    /// The mask length of each network.
    pub subnet_size: u8,
    /// Labels of the swarm.
    pub labels: BTreeMap<String, String>,
}

/// How to join a swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// The token, which decides the role.
    pub token: Secret,
    /// Managers to ask, `address:2377`.
    pub remote_addrs: Vec<String>,
    /// The private address that other nodes reach this one by.
    pub advertise_addr: String,
}

/// An overlay network wanted. Swarm cannot change one: every change is a replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// Whether containers outside services may attach.
    pub attachable: bool,
    /// The driver, `overlay`.
    pub driver: String,
    /// Whether the data path is encrypted (IPsec).
    pub encrypted: bool,
    /// Whether it has no way out.
    pub internal: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The name.
    pub name: String,
    /// Driver options.
    pub options: BTreeMap<String, String>,
    /// The range, in CIDR notation; `None` lets Swarm cut one from its pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
}

/// A network as the engine has it. `spec.subnet` is what is in use, chosen or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The id.
    pub id: String,
    /// What it is.
    pub spec: NetworkSpec,
}

/// How far the engine is with a service's update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateState {
    /// Going on.
    Updating,
    /// Stopped at a failure.
    Paused,
    /// Done.
    Completed,
    /// Going back.
    RollbackStarted,
    /// Stopped at a failure on the way back.
    RollbackPaused,
    /// Back.
    RollbackCompleted,
}

/// The state of a service's last update, with the engine's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateStatus {
    /// How far.
    pub state: UpdateState,
    /// The engine's message.
    pub message: String,
}

impl UpdateStatus {
    /// Whether the engine has given the update up: it goes on only when it is told to.
    pub fn has_stopped(&self) -> bool {
        matches!(
            self.state,
            UpdateState::Paused | UpdateState::RollbackPaused | UpdateState::RollbackCompleted
        )
    }
}

/// A service as the engine has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The id.
    pub id: String,
    /// What it is.
    pub spec: ServiceSpec,
    /// Its last update; `None` if it was never updated.
    pub update: Option<UpdateStatus>,
}

/// Where a task is in its life, in Swarm's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Made.
    New,
    /// Has its network resources.
    Allocated,
    /// Waits for a node.
    Pending,
    /// Has a node.
    Assigned,
    /// The node took it.
    Accepted,
    /// The image is pulled.
    Preparing,
    /// Can start.
    Ready,
    /// Starts.
    Starting,
    /// Runs (and is healthy, where there is a health check).
    Running,
    /// Ended without error.
    Complete,
    /// Asked to stop, and stopped.
    Shutdown,
    /// Ended with an error.
    Failed,
    /// Refused by the node.
    Rejected,
    /// To be removed.
    Remove,
    /// Its node has been down for long.
    Orphaned,
}

/// One task of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The id.
    pub id: String,
    /// The service's name.
    pub service: String,
    /// The slot of a replicated service; `None` for a global one.
    pub slot: Option<u64>,
    /// The node; `None` while unassigned.
    pub node_id: Option<String>,
    /// Where it is.
    pub state: TaskState,
    /// Where it should be.
    pub desired: TaskState,
    /// The task's own error.
    pub error: Option<String>,
    /// The image it runs.
    pub image: String,
}

/// Which tasks to read; `None` for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Of this service only, by name.
    pub service: Option<String>,
    /// On this node only, by id.
    pub node: Option<String>,
    /// Only those of the service's current spec (the engine's filter `_up-to-date`).
    pub up_to_date: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_lost_when_it_is_down_or_an_unreachable_manager_that_nobody_has_heard_of_yet() {
        let lost = |state, reachability| {
            Node {
                id: "n1".into(),
                hostname: "ip-10-0-0-5".into(),
                addr: "10.0.0.5".into(),
                role: Role::Worker,
                availability: Availability::Active,
                labels: BTreeMap::new(),
                state,
                reachability,
                leader: false,
                engine_version: "25.0.8".into(),
            }
            .is_lost()
        };
        assert!(lost(NodeState::Down, None));
        assert!(lost(NodeState::Unknown, Some(Reachability::Unreachable)));
        assert!(!lost(NodeState::Unknown, Some(Reachability::Reachable)));
        assert!(!lost(NodeState::Unknown, None));
        assert!(!lost(NodeState::Ready, Some(Reachability::Unreachable)));
    }
}
