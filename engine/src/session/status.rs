//! The live cluster, in manifest names.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use subako_state::{Address, Resource, Snapshot};

use super::{Knowledge, ParkedSince, Session, SessionError};
use crate::desired::DesiredSet;
use crate::kind::{Registry, Rollout, Sighting};
use crate::kinds::{down, standing};
use crate::refresh::{self, Observed, Survey, SwarmSurvey, SwarmView};
pub use crate::spread::Skew;
use crate::spread::skew;
use crate::world::{Node, NodeState, PublishMode, Task, TaskState, image};

/// A node, as instance and as member of the swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// The manifest name; the host name for a node that is not the manifest's.
    pub name: String,
    /// Whether the manifest has it.
    pub managed: bool,
    /// The instance.
    pub instance_id: Option<String>,
    /// The instance's state.
    pub instance_state: Option<String>,
    /// The private address.
    pub private_ip: Option<String>,
    /// The public address.
    pub public_ip: Option<String>,
    /// The role; `None` while it is in no swarm.
    pub role: Option<String>,
    /// Whether it leads.
    pub leader: bool,
    /// Availability.
    pub availability: Option<String>,
    /// `ready`, `down`, `unreachable`, `unknown`, `disconnected`, or what the instance is while it is in no swarm.
    pub health: String,
    /// Tasks running on it.
    pub tasks: u32,
    /// The engine's version.
    pub engine_version: Option<String>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Whether the state has it.
    pub managed: bool,
    /// The image.
    pub image: String,
    /// The digest that the image is pinned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// Tasks that run, or have done what they are for.
    pub running: u64,
    /// Tasks wanted; of a global service, one on each node that qualifies.
    pub wanted: u64,
    /// What became of its last update, where that has not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// How far its tasks are from being spread evenly, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skew: Option<Skew>,
    /// Where it answers.
    pub urls: Vec<String>,
    /// Running tasks by node.
    pub tasks_by_node: BTreeMap<String, u32>,
    /// The newest errors of its tasks, with the node.
    pub errors: Vec<String>,
}

impl ServiceStatus {
    /// Whether it has too few tasks, or an update that is paused.
    pub fn is_short(&self) -> bool {
        self.running < self.wanted || self.rollout == Some(Rollout::Paused)
    }
}

/// The live cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The cluster.
    pub cluster: String,
    /// That all of it is stopped on request.
    #[serde(skip)]
    pub parked: Option<ParkedSince>,
    /// Which manager answered; `None` if none did.
    pub via: Option<String>,
    /// Why the swarm cannot be seen, if it cannot.
    pub trouble: Option<String>,
    /// Managers alive and in all.
    pub managers: (u32, u32),
    /// How many managers have to be alive.
    pub quorum: u32,
    /// Whether fewer are: nothing of the swarm can be changed, what runs goes on running.
    pub quorum_lost: bool,
    /// The managers that are dead, each with what became of it: `manager-0 (stopped)`.
    pub dead_managers: Vec<String>,
    /// The nodes: the manifest's first, sorted by name.
    pub nodes: Vec<NodeStatus>,
    /// The services, sorted by name.
    pub services: Vec<ServiceStatus>,
    /// What carries the cluster's tags and is not in the state, or only waits to be deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strays: Vec<StrayStatus>,
}

/// Something beside what the state has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StrayStatus {
    /// The address on its tags; the kind and its id where they have none.
    pub address: Address,
    /// What tells it from others: its id, or its name in the swarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether an earlier run left it behind, so that the state knows it.
    pub recorded: bool,
    /// Whether it is protected against termination, so that no plan deletes it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// What it costs, US dollars an hour, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<f64>,
}

/// How a cluster is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Every node and service is as it should be.
    Healthy,
    /// Something is not.
    Degraded,
    /// All of it is stopped on request.
    Parked,
    /// Nobody who knows could be asked.
    Unknown,
}

impl Status {
    /// How the cluster is: degraded where a node is not ready, a service has too few tasks or an
    /// update that is paused, or the quorum is lost; parked where all of it is stopped on request; unknown where the swarm cannot be seen.
    pub fn health(&self) -> Health {
        let lame = |node: &NodeStatus| node.health != "ready";
        if self.parked.is_some() {
            Health::Parked
        } else if self.quorum_lost {
            Health::Degraded
        } else if self.trouble.is_some() {
            Health::Unknown
        } else if self.via.is_none()
            || self.nodes.iter().any(lame)
            || self.services.iter().any(ServiceStatus::is_short)
        {
            Health::Degraded
        } else {
            Health::Healthy
        }
    }
}

impl Session {
    /// Looks at the live cluster.
    pub async fn status(&self, known: &Knowledge) -> Result<Status, SessionError> {
        let snapshot = known.so_far();
        let (survey, observed) = self.read(&snapshot, &DesiredSet::default()).await?;
        let prices = refresh::prices(&self.world, &snapshot, &observed.strays).await;
        let strays = stray_statuses(&self.registry, &snapshot, &observed, &prices);
        let (view, trouble) = match &survey.swarm {
            SwarmSurvey::None => (None, None),
            SwarmSurvey::Unreachable(why) => (None, Some(why.clone())),
            SwarmSurvey::Read(view) => (Some(view.as_ref()), None),
        };
        let names = node_names(&snapshot);
        let nodes = node_statuses(&survey, view, &names);
        let managers = &survey.managers;
        Ok(Status {
            cluster: known.snapshot.cluster.clone(),
            parked: self.parked(&snapshot)?,
            via: view.map(|view| view.via.clone()),
            trouble,
            managers: (managers.alive() as u32, managers.voters.len() as u32),
            quorum: managers.quorum() as u32,
            quorum_lost: managers.quorum_is_lost(),
            dead_managers: managers.dead(),
            services: view.map_or_else(Vec::new, |view| service_statuses(&snapshot, view, &names, &nodes)),
            nodes,
            strays,
        })
    }
}

/// What the state does not have, and what it only has to delete.
pub(super) fn stray_statuses(
    registry: &Registry,
    snapshot: &Snapshot,
    observed: &Observed,
    prices: &BTreeMap<String, f64>,
) -> Vec<StrayStatus> {
    let recorded = snapshot.resources.iter().zip(&observed.recorded);
    let deposed = recorded
        .filter(|(resource, sighting)| resource.deposed && **sighting != Sighting::Absent)
        .map(|(resource, _)| (resource, true));
    let mut all: Vec<(&Resource, bool)> = deposed
        .chain(observed.strays.iter().map(|stray| (stray, false)))
        .collect();
    all.sort_by(|(a, _), (b, _)| (&a.address, a.generation).cmp(&(&b.address, b.generation)));
    let status = |(resource, recorded): (&Resource, bool)| {
        let kind = registry.get(resource.address.kind());
        let id = kind.and_then(|kind| kind.traits().known_by.of(&resource.spec, &resource.outputs));
        StrayStatus {
            address: resource.address.clone(),
            recorded,
            protected: resource.protect && !recorded,
            usd_per_hour: id.as_ref().and_then(|id| prices.get(id).copied()),
            id,
        }
    };
    all.into_iter().map(status).collect()
}

/// Manifest names by node id.
fn node_names(snapshot: &Snapshot) -> HashMap<String, String> {
    let members = snapshot.resources.iter().filter(|r| r.address.kind() == "member");
    members
        .filter_map(|r| {
            Some((
                r.outputs.value().get("node_id")?.as_str()?.to_owned(),
                r.address.name().to_owned(),
            ))
        })
        .collect()
}

fn node_statuses(
    survey: &Survey,
    view: Option<&SwarmView>,
    names: &HashMap<String, String>,
) -> Vec<NodeStatus> {
    let mut by_name: HashMap<&str, &Node> = HashMap::new();
    let mut foreign = Vec::new();
    for node in view.into_iter().flat_map(|view| &view.nodes) {
        match names.get(&node.id) {
            Some(name) => {
                by_name.insert(name, node);
            }
            None => foreign.push(node),
        }
    }
    let mut running: HashMap<&str, u32> = HashMap::new();
    for task in view.into_iter().flat_map(|view| &view.tasks) {
        if let (TaskState::Running, TaskState::Running, Some(node)) =
            (task.state, task.desired, &task.node_id)
        {
            *running.entry(node).or_default() += 1;
        }
    }
    let mut nodes: Vec<NodeStatus> = Vec::new();
    for machine in survey.machines() {
        let Some(name) = machine.name() else {
            continue;
        };
        let node = by_name.remove(name);
        nodes.push(NodeStatus {
            name: name.to_owned(),
            managed: true,
            instance_id: Some(machine.id.clone()),
            instance_state: Some(machine.power.to_string()),
            private_ip: Some(machine.private_ip.clone()),
            public_ip: machine.public_ip.clone(),
            ..in_swarm(node, &running, || machine.power.to_string())
        });
    }
    for (name, node) in by_name {
        nodes.push(NodeStatus {
            name: name.to_owned(),
            managed: true,
            ..in_swarm(Some(node), &running, String::new)
        });
    }
    for node in foreign {
        nodes.push(NodeStatus {
            name: node.hostname.clone(),
            managed: false,
            ..in_swarm(Some(node), &running, String::new)
        });
    }
    nodes.sort_by_key(|node| (!node.managed, natural(&node.name)));
    nodes
}

/// Sorts `node-10` after `node-9`.
fn natural(name: &str) -> (String, u64) {
    match name
        .rsplit_once('-')
        .and_then(|(stem, digits)| Some((stem, digits.parse().ok()?)))
    {
        Some((stem, number)) => (stem.to_owned(), number),
        None => (name.to_owned(), 0),
    }
}

fn in_swarm(node: Option<&Node>, running: &HashMap<&str, u32>, otherwise: impl Fn() -> String) -> NodeStatus {
    let health = |node: &Node| match node.state {
        NodeState::Ready => "ready",
        NodeState::Down => "down",
        NodeState::Unknown if node.is_lost() => "unreachable",
        NodeState::Unknown => "unknown",
        NodeState::Disconnected => "disconnected",
    };
    NodeStatus {
        name: String::new(),
        managed: false,
        instance_id: None,
        instance_state: None,
        private_ip: node.map(|node| node.addr.clone()),
        public_ip: None,
        role: node.map(|node| node.role.to_string()),
        leader: node.is_some_and(|node| node.leader),
        availability: node.map(|node| node.availability.to_string()),
        health: node.map_or_else(otherwise, |node| health(node).to_owned()),
        tasks: node
            .and_then(|node| running.get(node.id.as_str()).copied())
            .unwrap_or(0),
        engine_version: node.map(|node| node.engine_version.clone()),
    }
}

fn service_statuses(
    snapshot: &Snapshot,
    view: &SwarmView,
    names: &HashMap<String, String>,
    nodes: &[NodeStatus],
) -> Vec<ServiceStatus> {
    let mut tasks: HashMap<&str, Vec<&Task>> = HashMap::new();
    for task in &view.tasks {
        tasks.entry(&task.service).or_default().push(task);
    }
    let down = down(&view.nodes);
    let name_of = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    view.services
        .iter()
        .map(|service| {
            let own = tasks.remove(service.spec.name.as_str()).unwrap_or_default();
            let tally = standing(service, &own, &down);
            let unconverged = tally.unconverged(service.update.as_ref());
            let mut status = ServiceStatus {
                name: service.spec.name.clone(),
                managed: snapshot
                    .get(&Address::new("service", &service.spec.name))
                    .is_some(),
                image: image::split_digest(&service.spec.image).0.to_owned(),
                image_digest: image::split_digest(&service.spec.image).1.map(str::to_owned),
                running: tally.running,
                wanted: tally.wanted,
                rollout: unconverged.and_then(|so_far| so_far.rollout),
                skew: skew(service, &view.nodes, &view.tasks),
                urls: Vec::new(),
                tasks_by_node: BTreeMap::new(),
                errors: Vec::new(),
            };
            for task in own {
                let node = task.node_id.as_deref().map(name_of);
                if task.state == TaskState::Running && task.desired == TaskState::Running {
                    *status.tasks_by_node.entry(node.unwrap_or_default()).or_default() += 1;
                } else if let Some(error) = &task.error
                    && status.errors.len() < 3
                {
                    status
                        .errors
                        .push(format!("{}: {error}", node.as_deref().unwrap_or("unassigned")));
                }
            }
            for port in service
                .spec
                .ports
                .iter()
                .filter(|port| port.mode == PublishMode::Ingress)
            {
                let first = nodes.iter().find(|node| node.health == "ready");
                let address = first.and_then(|node| node.public_ip.as_ref().or(node.private_ip.as_ref()));
                status
                    .urls
                    .extend(address.map(|address| match port.protocol.as_str() {
                        "tcp" if port.published == 80 => format!("http://{address}/"),
                        "tcp" => format!("http://{address}:{}/", port.published),
                        other => format!("{address}:{}/{other}", port.published),
                    }));
            }
            status
        })
        .collect()
}
