//! `docker`: what is wanted, and what is answered.

use serde::{Deserialize, Serialize};

use crate::reference::Ref;
use crate::world::DaemonConfig;

/// What is wanted of a Docker Engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Docker {
    /// What its daemon.json says; `None` for one that Subako has not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon: Option<DaemonConfig>,
    /// The id of the machine it is on.
    #[serde(rename = "instance")]
    pub machine: Ref,
    /// Whether it answers; always wanted.
    pub running: bool,
    /// The version wanted, as the distribution names it; `None` for its newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What a host answers of its engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerOutputs {
    /// The engine's version.
    pub engine_version: String,
    /// The SSH host key pinned at first contact, `type base64`; `None` if the engine was
    /// adopted without a contact, and until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
}
