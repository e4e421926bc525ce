//! What tasks hold of their nodes: reserved processors and memory, and ports of the node itself.
//!
//! A node offers what its engine reports (swarmkit, `agent/exec/dockerapi`, `Describe`), and a task
//! holds its share from its assignment until it has ended (`manager/scheduler/nodeinfo.go`). The
//! words are those of the scheduler's filters (`manager/scheduler/filter.go`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use subako_world::{Availability, PublishMode, ServiceSpec};

use super::constraints::meets;
use super::service::ServiceFacts;
use super::swarm::{NodeFacts, SwarmFacts};
use super::tasks::Slot;

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What one task of a service needs of its node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Demand {
    /// Processors, in billionths.
    cpus: u64,
    /// Memory, bytes.
    memory: u64,
    /// Ports of the node itself, with their protocol.
    ports: BTreeSet<(String, u16)>,
    /// The most tasks of its service that a node may have; 0 for any number.
    #[serde(default, skip_serializing_if = "is_zero")]
    most: u64,
}

impl Demand {
    /// Of each task of a service.
    pub fn of(spec: &ServiceSpec) -> Self {
        let reserved = spec.resources.as_ref();
        let ports = spec
            .ports
            .iter()
            .filter(|port| port.mode == PublishMode::Host && port.published != 0);
        Self {
            cpus: reserved.and_then(|r| r.reserve_cpus).unwrap_or(0),
            memory: reserved.and_then(|r| r.reserve_memory).unwrap_or(0),
            ports: ports
                .map(|port| (port.protocol.clone(), port.published))
                .collect(),
            most: spec.max_replicas_per_node.unwrap_or(0),
        }
    }

    /// Whether it needs nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why the scheduler passes a node by, in the order of its filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unfit {
    NotAvailable,
    Resources,
    Constraints,
    HostPort,
    MaxReplicas,
}

impl Unfit {
    fn on(self, nodes: usize) -> String {
        let plural = if nodes == 1 { "node" } else { "nodes" };
        match self {
            Self::NotAvailable => format!("{nodes} {plural} not available for new tasks"),
            Self::Resources => format!("insufficient resources on {nodes} {plural}"),
            Self::Constraints => format!("scheduling constraints not satisfied on {nodes} {plural}"),
            Self::HostPort => format!("host-mode port already in use on {nodes} {plural}"),
            Self::MaxReplicas => "max replicas per node limit exceed".to_owned(),
        }
    }
}

impl SwarmFacts {
    /// Notes what a task holds of its node from now on.
    pub(super) fn hold(&mut self, service: &str, slot: &Slot, number: u32, node: &str, demand: Demand) {
        if demand.is_empty() {
            return;
        }
        let load = self.board.loads.entry(node.to_owned()).or_default();
        load.held
            .insert((service.to_owned(), slot.clone(), number), demand);
    }

    /// A task holds nothing of its node any more; returns whether it did.
    pub(super) fn release(&mut self, service: &str, slot: &Slot, number: u32, node: &str) -> bool {
        let Some(load) = self.board.loads.get_mut(node) else {
            return false;
        };
        let held = load
            .held
            .remove(&(service.to_owned(), slot.clone(), number))
            .is_some();
        if load.is_empty() {
            self.board.loads.remove(node);
        }
        self.board.freed |= held;
        held
    }

    /// Whether the scheduler may put a task of a service on a node now.
    pub fn takes(&self, service: &ServiceFacts, id: &str, node: &NodeFacts) -> bool {
        Self::suits(service, id, node) && self.lacks(service, id, node).is_none()
    }

    /// What a node lacks for one more task of a service, of what tasks hold.
    fn lacks(&self, service: &ServiceFacts, id: &str, node: &NodeFacts) -> Option<Unfit> {
        let demand = Demand::of(&service.spec);
        if demand.is_empty() {
            return None;
        }
        let none = BTreeMap::new();
        let held = self.board.loads.get(id).map_or(&none, |load| &load.held);
        let (mut cpus, mut memory) = node.capacity;
        for other in held.values() {
            cpus = cpus.saturating_sub(other.cpus);
            memory = memory.saturating_sub(other.memory);
        }
        if demand.cpus > cpus || demand.memory > memory {
            return Some(Unfit::Resources);
        }
        let taken = held.values().any(|other| !other.ports.is_disjoint(&demand.ports));
        if taken {
            return Some(Unfit::HostPort);
        }
        let own = held.keys().filter(|(name, ..)| *name == service.spec.name);
        (demand.most > 0 && own.count() as u64 >= demand.most).then_some(Unfit::MaxReplicas)
    }

    /// Why a task of a service has no node: its own node's reason for one of a global service,
    /// every node's for a replica.
    pub(super) fn why_no_node(&self, service: &ServiceFacts, slot: &Slot) -> String {
        let mut reasons: BTreeMap<Unfit, usize> = BTreeMap::new();
        let concerned = self.nodes.iter().filter(|(id, _)| match slot {
            Slot::Node(own) => own == *id,
            Slot::Replica(_) => true,
        });
        for (id, node) in concerned {
            let meets = || {
                service
                    .spec
                    .constraints
                    .iter()
                    .all(|constraint| meets(constraint, id, node))
            };
            let reason = if !node.seen || node.availability != Availability::Active {
                Some(Unfit::NotAvailable)
            } else {
                match self.lacks(service, id, node) {
                    Some(Unfit::Resources) => Some(Unfit::Resources),
                    _ if !meets() => Some(Unfit::Constraints),
                    lacking => lacking,
                }
            };
            if let Some(reason) = reason {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        // The commonest first, as the scheduler sorts its checklist.
        let mut sorted: Vec<(Unfit, usize)> = reasons.into_iter().collect();
        sorted.sort_by_key(|(_, nodes)| std::cmp::Reverse(*nodes));
        let all: Vec<String> = sorted
            .into_iter()
            .map(|(reason, nodes)| reason.on(nodes))
            .collect();
        match (slot, all.is_empty()) {
            (Slot::Node(_), _) => all.join("; "),
            (Slot::Replica(_), true) => "no suitable node".to_owned(),
            (Slot::Replica(_), false) => format!("no suitable node ({})", all.join("; ")),
        }
    }
}
