//! A swarm as it is recorded, where nobody is there to be asked for it: that of a parked cluster, one that
//! has lost its quorum, and one of which no manager answers.

use std::collections::BTreeMap;

use subako_state::{Address, Resource, Snapshot};

use crate::kinds::{
    Configs, DockerOutputs, File, Member, MemberOutputs, Network, Secrets, Service, ServiceOutputs, Swarm,
    SwarmOutputs, Which,
};
use crate::survey::Survey;
use crate::world::{
    self, EngineScene, FileSpec, Instance, InstanceState, NetworkSpec, Node, NodeState, Reachability, Role,
    SwarmFile, SwarmScene, image,
};

/// What is assumed of such a swarm, one clause.
pub(super) const ASSUMED: &str = "every node is in the swarm as it is recorded, and its certificate is good";

/// The nodes that are recorded, up on machines that run and of managers that are not known to be dead; `None` where
/// no swarm is recorded. What runs in it is no part of starting its machines.
pub(super) fn swarm(snapshot: &Snapshot, survey: &Survey) -> Option<SwarmScene> {
    let recorded = snapshot.resources.iter().filter(|resource| !resource.deposed);
    let swarm = recorded
        .clone()
        .find(|resource| resource.address.kind() == "swarm")?;
    let spec: Swarm = swarm.spec.decode().ok()?;
    let outputs: SwarmOutputs = swarm.outputs.decode().ok()?;
    let members = recorded.filter(|resource| resource.address.kind() == "member");
    let nodes = members.filter_map(|resource| {
        let member: Member = resource.spec.decode().ok()?;
        let outputs: MemberOutputs = resource.outputs.decode().ok()?;
        let machine = survey.resolve(&member.machine);
        let machine = machine.and_then(|id| survey.instance(&id));
        let there = machine.filter(|machine| machine.state < InstanceState::ShuttingDown);
        let name = resource.address.name();
        let running = there.filter(|machine| machine.state == InstanceState::Running);
        let runs = running.is_some() && !survey.managers.is_dead(name);
        let node = node(snapshot, name, member, outputs, (there, runs));
        Some((node, there.map(|machine| machine.id.clone())))
    });
    Some(SwarmScene {
        id: outputs.cluster_id,
        addr_pool: spec.addr_pool,
        subnet_size: spec.subnet_size,
        labels: BTreeMap::new(),
        nodes: nodes.collect(),
        ..SwarmScene::default()
    })
}

/// All of it, its services with tasks that have yet to be given a node: which node has which is not
/// recorded. Machines that hang are lost to it.
pub(super) fn whole(
    snapshot: &Snapshot,
    survey: &Survey,
    engines: &BTreeMap<String, EngineScene>,
) -> Option<SwarmScene> {
    let mut scene = swarm(snapshot, survey)?;
    for (node, instance) in &mut scene.nodes {
        let engine = instance.as_ref().and_then(|id| engines.get(id));
        if engine.is_some_and(|engine| engine.hangs) {
            node.state = NodeState::Down;
            node.reachability = node.reachability.map(|_| Reachability::Unreachable);
        }
    }
    scene.networks = decoded(snapshot, "network")
        .map(|(_, network): (_, Network)| world::Network {
            id: network.name.clone(),
            spec: NetworkSpec {
                attachable: network.attachable,
                driver: network.driver,
                encrypted: network.encrypted,
                internal: network.internal,
                labels: network.labels,
                name: network.name,
                options: network.options,
                subnet: network.subnet,
            },
        })
        .collect();
    scene.secrets = files::<Secrets>(snapshot);
    scene.configs = files::<Configs>(snapshot);
    scene.services = decoded(snapshot, "service")
        .map(|(resource, service): (_, Service)| {
            let outputs = resource.outputs.decode::<ServiceOutputs>().ok();
            let digest = outputs.and_then(|outputs| outputs.image_digest);
            let mut spec = service.spec;
            if let Some(digest) = digest.filter(|_| !image::is_pinned(&spec.image)) {
                spec.image = image::pinned(&spec.image, &digest);
            }
            world::Service {
                id: spec.name.clone(),
                spec,
                update: None,
            }
        })
        .collect();
    Some(scene)
}

fn files<W: Which>(snapshot: &Snapshot) -> Vec<SwarmFile> {
    let files = decoded(snapshot, W::NAME).map(|(_, file): (_, File<W>)| SwarmFile {
        id: file.object.clone(),
        spec: FileSpec {
            labels: BTreeMap::new(),
            name: file.object,
        },
    });
    files.collect()
}

/// What is recorded of a kind.
fn decoded<'a, T: serde::de::DeserializeOwned>(
    snapshot: &'a Snapshot,
    kind: &'static str,
) -> impl Iterator<Item = (&'a Resource, T)> {
    let resources = snapshot.resources.iter();
    let of_kind = resources.filter(move |resource| resource.address.kind() == kind && !resource.deposed);
    of_kind.filter_map(|resource| Some((resource, resource.spec.decode().ok()?)))
}

fn node(
    snapshot: &Snapshot,
    name: &str,
    member: Member,
    outputs: MemberOutputs,
    (machine, runs): (Option<&Instance>, bool),
) -> Node {
    let engine = snapshot.get(&Address::new("docker", name));
    let engine = engine.and_then(|engine| engine.outputs.decode::<DockerOutputs>().ok());
    let votes = member.role == Role::Manager;
    Node {
        id: outputs.node_id,
        hostname: name.to_owned(),
        addr: machine.map_or_else(String::new, |machine| machine.private_ip.clone()),
        role: member.role,
        availability: member.availability,
        labels: member.labels,
        state: match runs {
            true => NodeState::Ready,
            false => NodeState::Down,
        },
        reachability: votes.then_some(match runs {
            true => Reachability::Reachable,
            false => Reachability::Unreachable,
        }),
        leader: false,
        engine_version: engine.map_or_else(String::new, |engine| engine.engine_version),
    }
}
