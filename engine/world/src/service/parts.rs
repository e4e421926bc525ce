//! What services are made of: values without keys of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many tasks a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// So many, anywhere.
    Replicated(u64),
    /// One on every node that qualifies.
    Global,
}

/// How a published port is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PublishMode {
    /// On every node, through the routing mesh.
    #[default]
    Ingress,
    /// Only on the nodes that run a task.
    Host,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// How it is reached.
    pub mode: PublishMode,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The port on the node.
    pub published: u16,
    /// The port in the container.
    pub target: u16,
}

/// What a mount is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A named volume of the node.
    Volume,
    /// A path of the node.
    Bind,
    /// Memory.
    Tmpfs,
}

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What it is of.
    pub kind: MountKind,
    /// Whether the container may not write.
    pub read_only: bool,
    /// The volume or path; `None` for tmpfs or an anonymous volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The path in the container.
    pub target: String,
    /// The most that a tmpfs holds, bytes; `None` for no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tmpfs_size: Option<u64>,
}

/// When a task that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestartCondition {
    /// Never.
    None,
    /// When it ended with an error.
    OnFailure,
    /// Always.
    Any,
}

/// Which comes first when a task is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateOrder {
    /// The old one stops, then the new one starts.
    StopFirst,
    /// The new one starts, then the old one stops.
    StartFirst,
}

/// A network that a service is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceNetwork {
    /// Other names that resolve to the service there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The network's name.
    pub name: String,
}

/// When a service that another waits for counts as there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Condition {
    /// Its tasks run.
    #[default]
    #[serde(rename = "service_started")]
    Started,
    /// Its tasks run and are well: a task with a health check runs for Swarm once it is.
    #[serde(rename = "service_healthy")]
    Healthy,
    /// Its tasks have ended without an error.
    #[serde(rename = "service_completed_successfully")]
    Completed,
}
