//! A swarm as it is recorded, where nobody is there to be asked for it: that of a parked cluster, and one
//! that has lost its quorum.

use std::collections::BTreeMap;

use subako_state::{Address, Snapshot};

use crate::kinds::{DockerOutputs, Member, MemberOutputs, Swarm, SwarmOutputs};
use crate::survey::Survey;
use crate::world::{Instance, InstanceState, Node, NodeState, Reachability, Role, SwarmScene};

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
