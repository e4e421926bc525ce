//! What a refresh has read, put together for a model to be made of it.

use std::collections::BTreeMap;

use subako_state::{AccountId, Resource, Snapshot};

use super::recorded;
use crate::fast::FastMap;
use crate::kind::Sighting;
use crate::kinds::{Docker, DockerOutputs, Instance};
use crate::plan::{Action, Plan, Purpose};
use crate::refresh::Observed;
use crate::survey::{Survey, SwarmSurvey, SwarmView};
use crate::world::{
    Account, EngineScene, InstanceState, LookupAnswer, Node, NodeState, Scene, SubnetScene, SwarmScene,
    TypeFacts,
};

/// What is known before a plan is made.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// What the last run left.
    pub snapshot: &'a Snapshot,
    /// What was read.
    pub survey: &'a Survey,
    /// What was found of each resource.
    pub observed: &'a Observed,
    /// What was looked up for the manifest.
    pub looked_up: Option<&'a LookupAnswer>,
    /// What instance types have.
    pub types: &'a BTreeMap<String, TypeFacts>,
    /// Where.
    pub account: Option<&'a AccountId>,
}

/// What instance types have, where nobody asks for it.
static NO_TYPES: BTreeMap<String, TypeFacts> = BTreeMap::new();

impl<'a> Setting<'a> {
    /// Of a plan for which nothing has to be looked up: it goes by what is recorded.
    pub fn recorded(
        snapshot: &'a Snapshot,
        survey: &'a Survey,
        observed: &'a Observed,
        account: &'a AccountId,
    ) -> Self {
        Self {
            snapshot,
            survey,
            observed,
            looked_up: None,
            types: &NO_TYPES,
            account: Some(account),
        }
    }
}

/// The scene for a plan.
pub fn scene(setting: Setting<'_>, plan: &Plan) -> Scene {
    let survey = setting.survey;
    // These do what they do whatever runs in the swarm, which no manager answers for.
    let unasked = matches!(plan.purpose, Purpose::Park | Purpose::Resume | Purpose::Quorum);
    let is_recorded = unasked && survey.view().is_none();
    let unread = unread(survey).filter(|_| !is_recorded);
    let machines = Machines::of(setting);
    let mut engines = machines.engines(setting);
    let swarm = match survey.view() {
        Some(view) => Some(swarm(view, &machines, &mut engines)),
        None if is_recorded => recorded::swarm(setting.snapshot, survey),
        None if unread.is_some() => recorded::whole(setting.snapshot, survey, &engines),
        None => None,
    };
    let recorded = is_recorded.then(|| recorded::ASSUMED.to_owned());
    let unread =
        unread.map(|why| format!("the swarm is as it is recorded, because it could not be read ({why})"));
    let assumed = recorded.or(unread);
    Scene {
        cluster: survey.cluster.clone(),
        account: setting.account.map(|account| Account {
            id: account.id.clone(),
            region: account.region.clone(),
        }),
        cloud: survey.cloud.clone(),
        looked_up: setting.looked_up.cloned().unwrap_or_default(),
        subnets: subnets(survey, plan),
        types: setting.types.clone(),
        engines,
        silent: survey.silent.clone(),
        swarm,
        assumed: assumed.into_iter().collect(),
    }
}

/// Why nobody could be asked for a swarm that is there.
pub(crate) fn unread(survey: &Survey) -> Option<&str> {
    match &survey.swarm {
        SwarmSurvey::Unreachable(why) if !survey.swarm_lost => Some(why),
        _ => None,
    }
}

/// Instances by what leads to them.
struct Machines<'a> {
    survey: &'a Survey,
    by_address: FastMap<&'a str, &'a str>,
    /// By the id of the node that the state has on them.
    by_node: FastMap<String, String>,
}

impl<'a> Machines<'a> {
    fn of(setting: Setting<'a>) -> Self {
        let instances = &setting.survey.cloud.instances;
        let recorded: FastMap<&str, String> = setting
            .snapshot
            .resources
            .iter()
            .filter(|resource| resource.address.kind() == "instance" && !resource.deposed)
            .filter_map(|resource| {
                Some((
                    resource.address.name(),
                    resource.outputs.text_field("instance_id")?,
                ))
            })
            .collect();
        let members = setting
            .snapshot
            .resources
            .iter()
            .filter(|resource| resource.address.kind() == "member" && !resource.deposed);
        Self {
            survey: setting.survey,
            by_address: instances
                .iter()
                .map(|instance| (instance.private_ip.as_str(), instance.id.as_str()))
                .collect(),
            by_node: members
                .filter_map(|member| {
                    let node = member.outputs.text_field("node_id")?;
                    Some((node, recorded.get(member.address.name())?.clone()))
                })
                .collect(),
        }
    }

    /// The instance that a node is, if it is still there.
    fn of_node(&self, node: &Node) -> Option<String> {
        let recorded = self.by_node.get(&node.id);
        recorded
            .filter(|id| {
                self.survey
                    .instance(id)
                    .is_some_and(|instance| instance.private_ip == node.addr)
            })
            .cloned()
            .or_else(|| self.by_address.get(node.addr.as_str()).map(|id| (*id).to_owned()))
    }

    /// The engines that the state has, and those that were found without a record, as the refresh
    /// found them.
    fn engines(&self, setting: Setting<'_>) -> BTreeMap<String, EngineScene> {
        let mut engines = BTreeMap::new();
        let recorded = setting.snapshot.resources.iter().zip(&setting.observed.recorded);
        let recorded = recorded
            .filter(|(resource, _)| is_current_docker(resource))
            .filter_map(|(resource, sighting)| {
                let (spec, outputs) = match sighting {
                    Sighting::There { spec, outputs, .. } => (spec, outputs),
                    Sighting::AsRecorded | Sighting::Unreadable(_) => (&resource.spec, &resource.outputs),
                    Sighting::Foreign(_) | Sighting::Absent => return None,
                };
                Some((resource.address.name(), spec, outputs))
            });
        let found = setting.observed.unrecorded.iter();
        let found = found.filter_map(|(address, sighting)| match sighting {
            Sighting::There { spec, outputs, .. } if address.kind() == "docker" => {
                Some((address.name(), spec, outputs))
            }
            _ => None,
        });
        for (name, spec, outputs) in recorded.chain(found) {
            let (Ok(docker), Ok(outputs)) = (spec.decode::<Docker>(), outputs.decode::<DockerOutputs>())
            else {
                continue;
            };
            let id = self.survey.resolve(&docker.machine);
            let named = || self.survey.machine_named(name).map(|machine| machine.id.clone());
            let Some(instance) = id.or_else(named).and_then(|id| self.survey.instance(&id)) else {
                continue;
            };
            let engine = EngineScene {
                version: outputs.engine_version,
                daemon: docker.daemon,
                host_key: outputs.host_key,
                hangs: !docker.running && instance.state == InstanceState::Running,
                barred: self.is_barred(setting.snapshot, name),
                lost_swarm: self.lost_swarm(setting.snapshot, name),
            };
            engines.insert(instance.id.clone(), engine);
        }
        engines
    }

    /// Whether the swarm does not let a machine's recorded node in any more.
    fn is_barred(&self, snapshot: &Snapshot, name: &str) -> bool {
        let member = snapshot.get(&subako_state::Address::new("member", name));
        let node = member.and_then(|member| member.outputs.text_field("node_id"));
        node.is_some_and(|node| self.survey.barred.contains(&node))
    }

    /// The swarm that a machine was in, where that one is gone.
    fn lost_swarm(&self, snapshot: &Snapshot, name: &str) -> Option<(String, String)> {
        if matches!(self.survey.swarm, SwarmSurvey::Read(_)) || unread(self.survey).is_some() {
            return None;
        }
        let swarm = snapshot
            .resources
            .iter()
            .find(|resource| resource.address.kind() == "swarm")?;
        let member = snapshot.get(&subako_state::Address::new("member", name))?;
        Some((
            swarm.outputs.text_field("cluster_id")?,
            member.outputs.text_field("node_id")?,
        ))
    }
}

fn is_current_docker(resource: &Resource) -> bool {
    resource.address.kind() == "docker" && !resource.deposed
}

/// The swarm as it was read. Machines that it has lost although they run are said to hang.
fn swarm(
    view: &SwarmView,
    machines: &Machines<'_>,
    engines: &mut BTreeMap<String, EngineScene>,
) -> SwarmScene {
    let nodes: Vec<(Node, Option<String>)> = view
        .nodes
        .iter()
        .map(|node| (node.clone(), machines.of_node(node)))
        .collect();
    let answers = |id: &String| {
        nodes
            .iter()
            .any(|(node, instance)| instance.as_ref() == Some(id) && !is_lost(view, node))
    };
    for (node, instance) in &nodes {
        let Some(id) = instance else { continue };
        let runs = machines
            .survey
            .instance(id)
            .is_some_and(|instance| instance.state == InstanceState::Running);
        let engine = engines.entry(id.clone()).or_insert_with(|| EngineScene {
            version: node.engine_version.clone(),
            ..EngineScene::default()
        });
        engine.barred |= machines.survey.barred.contains(&node.id);
        engine.hangs |= runs && is_lost(view, node) && !answers(id) && !engine.barred;
    }
    SwarmScene {
        id: view.id.clone(),
        addr_pool: view.addr_pool.clone(),
        subnet_size: view.subnet_size,
        labels: view.labels.clone(),
        nodes,
        networks: view.networks.clone(),
        secrets: view.secrets.clone(),
        configs: view.configs.clone(),
        services: view.services.clone(),
        tasks: view.tasks.clone(),
    }
}

/// Whether the swarm has lost a node, or nobody has heard of it while it gave no answer itself.
fn is_lost(view: &SwarmView, node: &Node) -> bool {
    let silent = || view.silent.contains(crate::kinds::display_name(node));
    node.is_lost() || node.state == NodeState::Unknown && silent()
}

/// Subnets that steps put instances in, with what the instances that are there tell of them.
fn subnets(survey: &Survey, plan: &Plan) -> BTreeMap<String, SubnetScene> {
    let created = plan
        .steps
        .iter()
        .filter(|step| step.address.kind() == "instance" && step.action() == Action::Create);
    let mut subnets: BTreeMap<String, SubnetScene> = BTreeMap::new();
    for spec in created.filter_map(|step| step.spec_after()?.decode::<Instance>().ok()) {
        subnets.entry(spec.subnet_id).or_insert_with(|| SubnetScene {
            zone: spec.zone,
            holds: spec.private_ip,
        });
    }
    for instance in &survey.cloud.instances {
        if let Some(subnet) = subnets.get_mut(&instance.subnet_id) {
            let address = Some(&instance.private_ip).filter(|address| !address.is_empty());
            subnet.holds = subnet.holds.take().or_else(|| address.cloned());
        }
    }
    subnets
}
