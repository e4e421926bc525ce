//! One reading of the whole cluster: the cloud's objects, and the swarm through one manager.

use futures::future::{try_join, try_join_all};
use std::collections::{BTreeMap, BTreeSet};

use subako_state::{Address, Json, Snapshot};

use super::ask;
use crate::desired::DesiredSet;
use crate::fast::{FastMap, FastSet};
use crate::kinds::is_manager;
use crate::reference::Ref;
use crate::world::{
    CloudSurvey, FileKind, HostTarget, Instance, InstanceState, Network, Node, Ownership, Result, Service,
    SwarmFile, Task, World,
};

/// What one manager says of the swarm.
#[derive(Debug, Clone, PartialEq)]
pub struct SwarmView {
    /// The manifest name of the manager that was asked.
    pub via: String,
    /// Managers that were asked before it and gave no answer.
    pub silent: BTreeSet<String>,
    /// The cluster id.
    pub id: String,
    /// Ranges that overlay networks are cut from.
    pub addr_pool: Vec<String>,
    /// The mask length of each network.
    pub subnet_size: u8,
    /// Labels of the swarm.
    pub labels: BTreeMap<String, String>,
    /// The nodes, sorted by id.
    pub nodes: Vec<Node>,
    /// The overlay networks, sorted by name.
    pub networks: Vec<Network>,
    /// The secrets, sorted by name; empty where none is recorded or wanted.
    pub secrets: Vec<SwarmFile>,
    /// The configs, likewise.
    pub configs: Vec<SwarmFile>,
    /// The services, sorted by name.
    pub services: Vec<Service>,
    /// The tasks, sorted by service, slot and id.
    pub tasks: Vec<Task>,
}

/// What is known of the swarm.
#[derive(Debug, Clone, PartialEq)]
pub enum SwarmSurvey {
    /// No instance is in a swarm.
    None,
    /// Nobody who could know answers, and why.
    Unreachable(String),
    /// A manager answered.
    Read(Box<SwarmView>),
}

/// One reading of the whole cluster.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The cluster's name.
    pub cluster: String,
    /// The cloud's objects that carry the cluster's tag.
    pub cloud: CloudSurvey,
    /// Objects that have a wanted name but not the cluster's tag, by kind and name: who has it.
    pub foreign: BTreeMap<(String, String), String>,
    /// The swarm.
    pub swarm: SwarmSurvey,
    /// Whether no instance is left that could still hold the recorded swarm: every manager's
    /// is gone, or runs and says that it is in no swarm.
    pub swarm_lost: bool,
    /// Recorded outputs by address, current resources only.
    outputs: FastMap<Address, Json>,
    /// Instances by id: the index in `cloud.instances`.
    instances: FastMap<String, usize>,
    /// Nodes by id: the index in the swarm's nodes.
    nodes: FastMap<String, usize>,
}

impl Survey {
    /// Reads the cloud, then the swarm through the first manager that answers.
    pub async fn take(world: &World, snapshot: &Snapshot, desired: &DesiredSet) -> Result<Self> {
        let cloud = world.cloud.survey(&snapshot.cluster).await?;
        let (foreign, (swarm, swarm_lost)) = try_join(
            foreign_names(world, snapshot, desired, &cloud),
            survey_swarm(world, snapshot, desired, &cloud),
        )
        .await?;
        let outputs = snapshot
            .resources
            .iter()
            .filter(|resource| !resource.deposed)
            .map(|resource| (resource.address.clone(), resource.outputs.clone()))
            .collect();
        Ok(Self::assemble(
            &snapshot.cluster,
            cloud,
            foreign,
            swarm,
            swarm_lost,
            outputs,
        ))
    }

    /// Puts a survey together from its parts.
    pub(crate) fn assemble(
        cluster: &str,
        cloud: CloudSurvey,
        foreign: BTreeMap<(String, String), String>,
        swarm: SwarmSurvey,
        swarm_lost: bool,
        outputs: FastMap<Address, Json>,
    ) -> Self {
        let instances = cloud
            .instances
            .iter()
            .enumerate()
            .map(|(index, i)| (i.id.clone(), index))
            .collect();
        let nodes = match &swarm {
            SwarmSurvey::Read(view) => view
                .nodes
                .iter()
                .enumerate()
                .map(|(index, node)| (node.id.clone(), index))
                .collect(),
            _ => FastMap::default(),
        };
        Self {
            cluster: cluster.to_owned(),
            cloud,
            foreign,
            swarm,
            swarm_lost,
            outputs,
            instances,
            nodes,
        }
    }

    /// The value of a reference as the recorded outputs give it.
    pub fn resolve(&self, reference: &Ref) -> Option<String> {
        match reference {
            Ref::Value(value) => Some(value.clone()),
            Ref::To { address, attr } => self.outputs.get(address)?.text_field(attr),
        }
    }

    /// The instance with that id.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(id).map(|index| &self.cloud.instances[*index])
    }

    /// The node with that id, if the swarm was read.
    pub fn node(&self, id: &str) -> Option<&Node> {
        match &self.swarm {
            SwarmSurvey::Read(view) => self.nodes.get(id).map(|index| &view.nodes[*index]),
            _ => None,
        }
    }

    /// The swarm, if it was read.
    pub fn view(&self) -> Option<&SwarmView> {
        match &self.swarm {
            SwarmSurvey::Read(view) => Some(view),
            _ => None,
        }
    }
}

/// Wanted names that belong to something without the cluster's tag: only looked for where a
/// wanted key pair or security group is neither recorded nor tagged.
async fn foreign_names(
    world: &World,
    snapshot: &Snapshot,
    desired: &DesiredSet,
    cloud: &CloudSurvey,
) -> Result<BTreeMap<(String, String), String>> {
    let looks = desired
        .resources
        .iter()
        .filter(|wanted| matches!(wanted.address.kind(), "key_pair" | "security_group"))
        .filter(|wanted| snapshot.get(&wanted.address).is_none())
        .map(|wanted| async {
            let spec = wanted.spec.value();
            let text = |field: &str| spec.get(field).and_then(|v| v.as_str()).unwrap_or_default();
            let (kind, name) = (wanted.address.kind(), text("name"));
            let found = match kind {
                "key_pair" if cloud.key_pairs.iter().all(|key| key.name != name) => {
                    let key = world.cloud.find_key_pair(name).await?;
                    key.map(|key| describe(&key.id, &key.tags))
                }
                "security_group" if cloud.security_groups.iter().all(|group| group.name != name) => {
                    let group = world.cloud.find_security_group(text("vpc_id"), name).await?;
                    group.map(|group| describe(&group.id, &group.tags))
                }
                _ => None,
            };
            Ok(found.map(|found| ((kind.to_owned(), name.to_owned()), found)))
        });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

fn describe(id: &str, tags: &BTreeMap<String, String>) -> String {
    match Ownership::from_tags(tags) {
        Some(ownership) => format!("{id}, of the cluster `{}`", ownership.cluster),
        None => format!("{id}, which Subako did not make"),
    }
}

/// The host behind an instance, with the host key that its `docker` resource pinned.
pub fn host_target(name: &str, instance: &Instance, host_key: Option<String>) -> HostTarget {
    HostTarget {
        name: name.to_owned(),
        instance_id: instance.id.clone(),
        private_ip: instance.private_ip.clone(),
        public_ip: instance.public_ip.clone(),
        host_key,
    }
}

/// Instances that may be managers, best first: recorded managers, then wanted ones. With it
/// whether one of them exists without running, so that it cannot be asked.
fn candidates(snapshot: &Snapshot, desired: &DesiredSet, cloud: &CloudSurvey) -> (Vec<HostTarget>, bool) {
    let mut names: Vec<String> = Vec::new();
    let recorded = snapshot
        .resources
        .iter()
        .filter(|r| is_manager(&r.address, &r.spec));
    let wanted = desired
        .resources
        .iter()
        .filter(|d| is_manager(&d.address, &d.spec));
    for name in recorded
        .map(|r| r.address.name())
        .chain(wanted.map(|d| d.address.name()))
    {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let mut running: FastMap<String, Vec<&Instance>> = FastMap::default();
    let mut resting = FastSet::default();
    for instance in &cloud.instances {
        if let Some(ownership) = Ownership::from_tags(&instance.tags)
            && let Some(name) = ownership.address.strip_prefix("instance.")
        {
            if instance.state == InstanceState::Running {
                running.entry(name.to_owned()).or_default().push(instance);
            } else {
                resting.insert(name.to_owned());
            }
        }
    }
    let mut some_rest = false;
    let mut targets = Vec::new();
    for name in names {
        some_rest |= resting.contains(&name);
        let key = snapshot
            .get(&Address::new("docker", &name))
            .and_then(|r| r.outputs.value().get("host_key")?.as_str().map(str::to_owned));
        let recorded_id = snapshot
            .get(&Address::new("instance", &name))
            .and_then(|r| r.outputs.value().get("instance_id")?.as_str().map(str::to_owned));
        for instance in running.get(&name).into_iter().flatten() {
            // A pinned key belongs to the recorded instance only.
            let key = key.clone().filter(|_| recorded_id.as_ref() == Some(&instance.id));
            targets.push(host_target(&name, instance, key));
        }
    }
    (targets, some_rest)
}

async fn survey_swarm(
    world: &World,
    snapshot: &Snapshot,
    desired: &DesiredSet,
    cloud: &CloudSurvey,
) -> Result<(SwarmSurvey, bool)> {
    let expected = snapshot.resources.iter().any(|r| r.address.kind() == "swarm");
    let (targets, mut unsure) = candidates(snapshot, desired, cloud);
    let concerned = |kind: FileKind| {
        let recorded = snapshot.resources.iter().map(|recorded| &recorded.address);
        let mut all = recorded.chain(desired.resources.iter().map(|wanted| &wanted.address));
        all.any(|address| address.kind() == kind.word())
    };
    let files = [FileKind::Secret, FileKind::Config].map(|kind| (kind, concerned(kind)));
    let (view, refusals) = ask::first(world, &targets, files).await;
    if let Some(view) = view {
        return Ok((SwarmSurvey::Read(Box::new(view)), false));
    }
    unsure |= refusals.iter().any(|refusal| refusal.unsure);
    let mut reasons: Vec<String> = refusals.into_iter().map(|refusal| refusal.reason).collect();
    if expected {
        if reasons.is_empty() {
            reasons.push("no manager's instance is running".to_owned());
        }
        return Ok((SwarmSurvey::Unreachable(reasons.join("; ")), !unsure));
    }
    Ok((SwarmSurvey::None, !unsure))
}
