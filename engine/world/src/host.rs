//! The seams `Hosts` and `Host`: the machine behind an instance, and its Docker Engine.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::daemon::DaemonConfig;
use super::failure::{Failure, Result};
use super::files::{Content, FileKind, FileSpec, SwarmFile};
use super::progress::Progress;
use super::service::ServiceSpec;
use super::swarm::{
    JoinRequest, Network, NetworkSpec, Node, NodeUpdate, Service, Swarm, SwarmInit, Task, TaskFilter,
};

/// Which machine to talk to. How (user, key, bastion, public or private address) is the
/// adapter's own setting, from the manifest's `[ssh]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostTarget {
    /// The manifest name, for messages.
    pub name: String,
    /// The instance.
    pub instance_id: String,
    /// The private address.
    pub private_ip: String,
    /// The public address, if it has one.
    pub public_ip: Option<String>,
    /// The SSH host key pinned at first contact, as one line `type base64`; `None` before it.
    pub host_key: Option<String>,
    /// Whether the machine was just launched, and nobody has logged in to it yet: nobody can list
    /// the key of such a host, so that it is trusted at this contact whatever lists are kept.
    pub is_new: bool,
}

/// How the Docker Engine should be installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineRequest {
    /// A version wanted, as the distribution's package manager names it; `None` for its newest.
    pub version: Option<String>,
    /// What its daemon.json has to say, keys of others apart; `None` leaves the file alone. An engine
    /// that runs is restarted where that changes it.
    pub daemon: Option<DaemonConfig>,
}

impl EngineRequest {
    /// Whether an engine that says it is of a version is what is wanted. Packages are versioned
    /// more finely than the engine in them (`5:27.3.1-1~debian.12` has the engine 27.3.1), so only
    /// what both tell counts.
    pub fn is_met_by(&self, running: &str) -> bool {
        let core = |version: &str| {
            let version = version.rsplit_once(':').map_or(version, |(_, rest)| rest);
            let end = version.find(['-', '+', '~']).unwrap_or(version.len());
            version[..end].to_owned()
        };
        let wanted = core(self.version.as_deref().unwrap_or_default());
        let running = core(running);
        wanted.is_empty() || running == wanted || running.starts_with(&format!("{wanted}."))
    }
}

/// Whether a node is in a swarm, as in the Engine API's `LocalNodeState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocalNodeState {
    /// In no swarm.
    Inactive,
    /// Joining.
    Pending,
    /// In a swarm.
    Active,
    /// Waiting for its unlock key.
    Locked,
    /// In a swarm, and failing.
    Error,
}

/// What an engine says of itself (`GET /info`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// The engine's version.
    pub version: String,
    /// Whether it is in a swarm.
    pub swarm: LocalNodeState,
    /// Its node id in the swarm, if it is in one.
    pub node_id: Option<String>,
    /// The swarm's cluster id, where the node is a manager that knows it.
    pub cluster_id: Option<String>,
    /// Whether it is a manager that answers as one.
    pub control_available: bool,
    /// Whether its node's certificate has run out, so that no manager lets it in: it has to leave its
    /// swarm and join again.
    #[serde(default)]
    pub expired: bool,
    /// Where containers' output goes unless they say otherwise; `None` where it does not say.
    pub log_driver: Option<String>,
}

/// Finds the way to hosts.
#[async_trait]
pub trait Hosts: Send + Sync {
    /// Logs in, waiting for the machine to boot. The connection is shared by all who ask for
    /// the same target. Fails when the pinned host key is not the one shown.
    async fn connect(&self, target: &HostTarget, progress: &Progress) -> Result<Arc<dyn Host>>;

    /// The bastion that hosts are reached through, `host:port`; `None` without one.
    fn bastion(&self) -> Option<String> {
        None
    }

    /// Holds the bastion to the host key that is pinned for it, one line `type base64`.
    fn expect_bastion(&self, host_key: &str) {
        let _ = host_key;
    }

    /// Logs in to the bastion with one short attempt; returns the host key that it shows. Fails
    /// when that is not the one expected, and where there is no bastion.
    async fn greet_bastion(&self) -> Result<String> {
        Err(Failure::not_applied("log in to the bastion", "there is none").with_code(Code::Invalid))
    }

    /// As `connect`, but for a machine that should be up already: one short attempt, for reads.
    async fn reach(&self, target: &HostTarget) -> Result<Arc<dyn Host>>;
}

/// One machine, logged in to. Engine calls that change something read the object's version
/// first and try again when they are told "update out of sequence".
#[async_trait]
pub trait Host: Send + Sync {
    /// The SSH host key shown, as one line `type base64`.
    fn host_key(&self) -> String;

    /// Installs, enables and starts the Docker Engine, or finds it there already, with what its
    /// daemon.json has to say; waits until it answers the login user on its socket. A daemon.json
    /// in which somebody else has set a key otherwise is the failure `taken`, and is left as it is.
    async fn install_engine(&self, request: &EngineRequest, progress: &Progress) -> Result<EngineInfo>;

    /// What the engine says of itself; `None` when none is installed.
    async fn engine_info(&self) -> Result<Option<EngineInfo>>;

    /// Makes this engine the first manager of a new swarm; returns its node id.
    async fn swarm_init(&self, init: &SwarmInit) -> Result<String>;

    /// Begins the swarm that this engine manages again, from its own copy of it, with itself as the only
    /// manager: what is in the swarm stays, and so does this node; every other manager has to leave and
    /// join again. `advertise_addr` is the private address that it has been reached by all the time. For a
    /// swarm that has lost its quorum for good.
    async fn swarm_force_new(&self, advertise_addr: &str) -> Result<()>;

    /// The swarm, with its join tokens. Managers only.
    async fn swarm_inspect(&self) -> Result<Swarm>;

    /// Joins a swarm, waiting until this engine says it is active; returns its node id. A call
    /// that times out but whose join goes on in the background counts as joined.
    async fn swarm_join(&self, join: &JoinRequest, progress: &Progress) -> Result<String>;

    /// Leaves the swarm; fine if in none. A manager leaves only with `force`.
    async fn swarm_leave(&self, force: bool) -> Result<()>;

    /// Every node, sorted by id. Managers only.
    async fn nodes(&self) -> Result<Vec<Node>>;

    /// The node with that id. Managers only. An adapter that can read one alone should.
    async fn node(&self, node_id: &str) -> Result<Option<Node>> {
        Ok(self.nodes().await?.into_iter().find(|node| node.id == node_id))
    }

    /// Changes role, availability or labels of a node.
    async fn update_node(&self, node_id: &str, update: &NodeUpdate) -> Result<()>;

    /// Forgets a node that is down (any node with `force`); fine if unknown.
    async fn remove_node(&self, node_id: &str, force: bool) -> Result<()>;

    /// Overlay networks of the swarm, sorted by name, without `ingress`.
    async fn networks(&self) -> Result<Vec<Network>>;

    /// Creates an overlay network; returns its id. An existing one of that name is the failure `conflict`.
    async fn create_network(&self, spec: &NetworkSpec) -> Result<String>;

    /// Removes a network; fine if unknown.
    async fn remove_network(&self, name: &str) -> Result<()>;

    /// Every secret or config of the swarm, sorted by name.
    async fn files(&self, kind: FileKind) -> Result<Vec<SwarmFile>>;

    /// Creates a secret or config; returns its id. An existing one of that name is the failure
    /// `conflict`. The content goes into this one call and nowhere else.
    async fn create_file(&self, kind: FileKind, spec: &FileSpec, content: &Content) -> Result<String>;

    /// Removes a secret or config; fine if unknown. One that a service uses is the failure `in_use`.
    async fn remove_file(&self, kind: FileKind, name: &str) -> Result<()>;

    /// The digest, `sha256:…`, that the image's registry has for a reference without one, as this
    /// engine finds it. A registry that does not answer, or refuses, is a failure.
    async fn image_digest(&self, image: &str) -> Result<String>;

    /// Every service, sorted by name.
    async fn services(&self) -> Result<Vec<Service>>;

    /// The service of that name. An adapter that can read one alone should.
    async fn service(&self, name: &str) -> Result<Option<Service>> {
        Ok(self
            .services()
            .await?
            .into_iter()
            .find(|service| service.spec.name == name))
    }

    /// Creates a service; returns its id. An existing one of that name is the failure `conflict`.
    async fn create_service(&self, spec: &ServiceSpec) -> Result<String>;

    /// Changes a service; fields of the engine's that [`ServiceSpec`] lacks stay as they are.
    /// `force` recreates all tasks even if nothing differs.
    async fn update_service(&self, spec: &ServiceSpec, force: bool) -> Result<()>;

    /// Hands services the logins to their registries that there are now, where there are any: by
    /// those their tasks pull images on nodes that they come to later. No task restarts for it
    /// (swarmkit, `IsTaskDirty` ignores pull options). What was handed on a moment ago is not
    /// handed on again. Managers only.
    async fn refresh_logins(&self) -> Result<()>;

    /// Removes a service; fine if unknown.
    async fn remove_service(&self, name: &str) -> Result<()>;

    /// Tasks, sorted by service, slot and id.
    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>>;

    /// The last lines, at most so many, that a task's program has written, oldest first; none of one that
    /// never started. Managers only. Where a log driver keeps them elsewhere, that is a failure.
    async fn task_logs(&self, task_id: &str, most: u32) -> Result<Vec<String>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_compared_with_what_its_package_is_called() {
        for (running, wanted, met) in [
            ("25.0.8", "", true),
            ("25.0.8", "25.0.8-1.amzn2023.0.1", true),
            ("25.0.8", "25.0", true),
            ("27.3.1", "5:27.3.1-1~debian.12~bookworm", true),
            ("20.10.24+dfsg1", "20.10.24", true),
            ("25.0.8", "25.0.80", false),
            ("25.0.80", "25.0.8", false),
            ("27.3.1", "25.0", false),
        ] {
            let request = EngineRequest {
                version: Some(wanted.to_owned()),
                daemon: None,
            };
            assert_eq!(request.is_met_by(running), met, "{running} {wanted}");
        }
        assert!(EngineRequest::default().is_met_by("25.0.8"));
    }
}
