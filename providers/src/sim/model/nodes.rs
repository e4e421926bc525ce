//! Nodes as a manager lists and changes them, and what their coming and going moves.

use std::collections::BTreeMap;

use subako_world::{Availability, Code, Node, NodeState, NodeUpdate, Reachability, Role};

use super::constraints::meets;
use super::ec2::Decision;
use super::effect::Effect;
use super::events::Event;
use super::machine::HOST_DOWN_AFTER;
use super::swarm::{At, NodeFacts, SwarmFacts};
use super::tasks::Slot;
use super::world::Model;
use crate::sim::names::{Ms, span};
use crate::sim::refusal::Refusal;

/// The longest that a node takes to report to a new leader.
const REPORTS_AFTER: Ms = 3_000;

impl SwarmFacts {
    /// Every node that has joined, sorted by id.
    pub fn list_nodes(&self, at: At) -> Vec<Node> {
        let leader = self.leader(at.t).map(str::to_owned);
        let joined = self.nodes.iter().filter(|(_, node)| node.ready <= at.t);
        joined
            .map(|(id, node)| self.list_node(at, id, node, leader.as_deref()))
            .collect()
    }

    /// One node that has joined.
    pub fn find_node(&self, at: At, id: &str) -> Option<Node> {
        let node = self.nodes.get(id).filter(|node| node.ready <= at.t)?;
        Some(self.list_node(at, id, node, self.leader(at.t)))
    }

    fn list_node(&self, at: At, id: &str, node: &NodeFacts, leader: Option<&str>) -> Node {
        let leads = leader == Some(id);
        // The first leader has nobody to hear from again.
        let to = self.elected.as_deref().unwrap_or_default();
        let reports = self.led_since + span(at.seed, 0, REPORTS_AFTER, &["report", &node.addr, to]);
        let state = match (node.seen, leads || self.term <= 1 || at.t >= reports) {
            (false, _) => NodeState::Down,
            (true, false) => NodeState::Unknown,
            (true, true) => NodeState::Ready,
        };
        let reachability = node.in_raft(at.t).then(|| match node.up(at.t) {
            true => Reachability::Reachable,
            false => Reachability::Unreachable,
        });
        Node {
            id: id.to_owned(),
            hostname: node.hostname.clone(),
            addr: node.addr.clone(),
            role: node.role,
            availability: node.availability,
            labels: node.labels.clone(),
            state,
            reachability,
            leader: leads,
            engine_version: node.engine.clone(),
        }
    }

    /// Changes a node's role, availability or labels.
    pub fn decide_update_node(&self, t: Ms, id: &str, update: &NodeUpdate) -> Decision<()> {
        let node = self.nodes.get(id).filter(|node| node.ready <= t).ok_or_else(|| {
            Refusal::new(
                Code::NotFound,
                format!("rpc error: code = NotFound desc = node {id} not found"),
            )
        })?;
        let role = update.role.filter(|role| *role != node.role);
        let availability = update.availability.filter(|wanted| *wanted != node.availability);
        let labels = update.labels.clone().filter(|labels| *labels != node.labels);
        if role == Some(Role::Worker) {
            self.may_demote(t, id)?;
        }
        let changed = role.is_some() || availability.is_some() || labels.is_some();
        let effect = Effect::Node {
            swarm: self.id.clone(),
            node: id.to_owned(),
            role,
            availability,
            labels,
        };
        Ok((changed.then_some(effect), ()))
    }

    /// Forgets a node that is down.
    pub fn decide_remove_node(&self, t: Ms, id: &str, force: bool) -> Decision<()> {
        let Some(node) = self.nodes.get(id) else {
            return Ok((None, ()));
        };
        if node.role == Role::Manager || node.in_raft(t) {
            let message = format!(
                "rpc error: code = FailedPrecondition desc = node {id} is a cluster manager and is a member of \
                 the raft cluster. It must be demoted to worker before removal"
            );
            return Err(Refusal::new(Code::WrongState, message));
        }
        if node.seen && !force {
            let message = format!(
                "rpc error: code = FailedPrecondition desc = node {id} is not down and can't be removed"
            );
            return Err(Refusal::new(Code::WrongState, message).hint("let the node leave the swarm first"));
        }
        let effect = Effect::NoNode {
            swarm: self.id.clone(),
            node: id.to_owned(),
        };
        Ok((Some(effect), ()))
    }

    /// Ends every task on a node and makes it elsewhere, where that is possible.
    pub(super) fn move_tasks(&mut self, at: At, node: &str, orphan: bool) {
        let there = self
            .board
            .loads
            .get(node)
            .map(|load| load.by_service.clone())
            .unwrap_or_default();
        for (service, slots) in there {
            for slot in slots {
                let stopped = self.end_task(at, &service, &slot, orphan);
                if matches!(slot, Slot::Replica(_)) {
                    self.make_task(at, &service, &slot, stopped);
                }
            }
        }
        self.drop_waiting(at, node);
    }

    /// Takes away tasks of global services that wait for room on a node which they must not run on
    /// any more.
    fn drop_waiting(&mut self, at: At, id: &str) {
        let slot = Slot::Node(id.to_owned());
        let waiting = self
            .board
            .pending
            .iter()
            .filter(|(_, slots)| slots.contains(&slot));
        let gone = waiting.filter(|(name, _)| {
            let facts = self.services.get(*name).zip(self.nodes.get(id));
            !facts.is_some_and(|(service, node)| Self::suits(service, id, node))
        });
        let gone: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
        for name in gone {
            self.drop_slot(at, &name, &slot);
        }
    }

    /// Moves away what a node must not run any more: its labels or role have changed.
    pub(super) fn evict(&mut self, at: At, id: &str) {
        self.drop_waiting(at, id);
        let names: Vec<String> = match self.board.loads.get(id) {
            Some(load) => load.by_service.keys().cloned().collect(),
            None => return,
        };
        for name in names {
            let kept = self
                .services
                .get(&name)
                .zip(self.nodes.get(id))
                .is_some_and(|(service, node)| {
                    service
                        .spec
                        .constraints
                        .iter()
                        .all(|constraint| meets(constraint, id, node))
                });
            if kept {
                continue;
            }
            let slots = self
                .board
                .loads
                .get(id)
                .and_then(|load| load.by_service.get(&name))
                .cloned();
            for slot in slots.unwrap_or_default() {
                let stopped = self.end_task(at, &name, &slot, false);
                if matches!(slot, Slot::Replica(_)) {
                    self.make_task(at, &name, &slot, stopped);
                }
            }
        }
    }

    /// A node that can take tasks gets those that waited for one like it.
    pub(super) fn fill(&mut self, at: At, id: &str) {
        let global: Vec<String> = self
            .services
            .iter()
            .filter(|(_, s)| s.replicas().is_none())
            .map(|(name, _)| name.clone())
            .collect();
        for name in global {
            self.ensure_global(at, &name, id);
        }
        let waiting: Vec<String> = self.board.pending.keys().cloned().collect();
        for name in waiting {
            self.place_pending(at, &name);
        }
    }

    /// Gives a node its task of a global service, if it suits and has none.
    pub(super) fn ensure_global(&mut self, at: At, service: &str, id: &str) {
        let slot = Slot::Node(id.to_owned());
        let wanted = self
            .services
            .get(service)
            .zip(self.nodes.get(id))
            .is_some_and(|(facts, node)| facts.current(&slot).is_none() && Self::suits(facts, id, node));
        if wanted {
            self.make_task(at, service, &slot, at.t);
        }
    }

    /// Does what was left undone while nobody could decide; returns updates that go on.
    pub(super) fn catch_up(&mut self, at: At) -> Vec<(String, u32)> {
        let lost: Vec<String> = {
            let loaded = self.board.loads.keys();
            let mut lost: Vec<String> = loaded
                .filter(|id| self.nodes.get(*id).is_none_or(|node| !node.seen))
                .cloned()
                .collect();
            lost.sort();
            lost
        };
        for id in lost {
            self.move_tasks(at, &id, true);
        }
        let global = self.services.values().any(|service| service.replicas().is_none());
        if global || !self.board.pending.is_empty() {
            let ready: Vec<String> = self
                .nodes
                .iter()
                .filter(|(_, node)| node.seen)
                .map(|(id, _)| id.clone())
                .collect();
            for id in ready {
                self.fill(at, &id);
            }
        }
        let going = self
            .services
            .iter()
            .filter(|(_, s)| s.update.as_ref().is_some_and(|u| u.under_way()));
        going
            .map(|(name, service)| (name.clone(), service.epoch))
            .collect()
    }

    /// Applies a decided change of a node.
    pub(super) fn change_node(
        &mut self,
        at: At,
        id: &str,
        role: Option<Role>,
        availability: Option<Availability>,
        labels: Option<BTreeMap<String, String>>,
    ) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        match role {
            Some(Role::Manager) => {
                node.role = Role::Manager;
                node.raft_from = Some(at.t + span(at.seed, 1_000, 3_000, &["promote", &node.addr]));
                node.raft_until = None;
                self.raft.insert(id.to_owned());
            }
            Some(Role::Worker) => {
                node.role = Role::Worker;
                node.raft_until = Some(at.t + span(at.seed, 1_000, 4_000, &["demote", &node.addr]));
            }
            None => {}
        }
        node.availability = availability.unwrap_or(node.availability);
        if let Some(labels) = labels {
            node.labels = labels;
        }
        let availability = node.availability;
        self.touch(at, id);
        match availability {
            Availability::Drain => self.move_tasks(at, id, false),
            Availability::Pause => self.evict(at, id),
            Availability::Active => {
                self.evict(at, id);
                self.fill(at, id);
            }
        }
    }

    /// Applies a decided removal of a node.
    pub(super) fn forget_node(&mut self, at: At, id: &str) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.seen = false;
        }
        self.touch(at, id);
        self.move_tasks(at, id, true);
        let slot = Slot::Node(id.to_owned());
        let services: Vec<String> = self.services.keys().cloned().collect();
        for service in services {
            self.drop_slot(at, &service, &slot);
        }
        self.nodes.remove(id);
        self.board.bridges.take();
        self.board.loads.remove(id);
        self.raft.remove(id);
    }
}

impl Model {
    /// A node answers: it is ready in the managers' eyes, and takes tasks if they can decide.
    pub(super) fn node_ready(&mut self, t: Ms, swarm: &str, id: &str) {
        let at = At {
            seed: self.place.seed,
            t,
        };
        let Some(swarm) = self.swarms.get_mut(swarm) else {
            return;
        };
        match swarm.nodes.get_mut(id) {
            Some(node) if node.up(t) => node.seen = true,
            _ => return,
        }
        swarm.touch(at, id);
        if swarm.decides(t) {
            swarm.fill(at, id);
        }
    }

    /// A node has been silent for long enough, or has said goodbye.
    pub(super) fn node_lost(&mut self, t: Ms, swarm: &str, id: &str) {
        let at = At {
            seed: self.place.seed,
            t,
        };
        let Some(swarm) = self.swarms.get_mut(swarm) else {
            return;
        };
        match swarm.nodes.get_mut(id) {
            Some(node) if !node.up(t) && (node.left || t >= node.lost_at + HOST_DOWN_AFTER) => {
                node.seen = false
            }
            _ => return,
        }
        swarm.touch(at, id);
        if swarm.decides(t) {
            swarm.move_tasks(at, id, true);
        }
    }

    /// Applies a decided change of a node; a demoted leader hands over when it leaves raft.
    pub(super) fn apply_node(
        &mut self,
        t: Ms,
        swarm: &str,
        node: &str,
        change: (
            Option<Role>,
            Option<Availability>,
            Option<BTreeMap<String, String>>,
        ),
    ) {
        let at = At {
            seed: self.place.seed,
            t,
        };
        let Some(facts) = self.swarms.get_mut(swarm) else {
            return;
        };
        let (role, availability, labels) = change;
        facts.change_node(at, node, role, availability, labels);
        let until = facts
            .nodes
            .get(node)
            .and_then(|node| node.raft_until)
            .filter(|_| role == Some(Role::Worker));
        if let Some(until) = until {
            self.post(
                until,
                Event::Elect {
                    swarm: swarm.to_owned(),
                },
            );
        }
    }
}
