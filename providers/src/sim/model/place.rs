//! Where tasks go, and keeping the scheduler's board up to date.

use super::service::Fate;
use super::swarm::{At, SwarmFacts};
use super::tasks::{Slot, TaskFacts, stops_in};
use crate::sim::names::{mix, span};
use crate::sim::schedule::Spread;

/// The most services whose order of nodes is kept.
const SPREADS_KEPT: usize = 8;
/// The most tasks remembered in a slot, the current one included.
const TASKS_KEPT: usize = 3;

impl SwarmFacts {
    /// Builds the board from the facts.
    pub fn index_tasks(&mut self) {
        self.board = super::tasks::Board::default();
        for (name, service) in &self.services {
            for (slot, tasks) in &service.slots {
                match tasks.last().filter(|task| task.live()) {
                    Some(TaskFacts { node: Some(node), .. }) => {
                        let load = self.board.loads.entry(node.clone()).or_default();
                        load.total += 1;
                        load.by_service
                            .entry(name.clone())
                            .or_default()
                            .insert(slot.clone());
                    }
                    Some(_) => {
                        self.board
                            .pending
                            .entry(name.clone())
                            .or_default()
                            .insert(slot.clone());
                    }
                    None => {}
                }
            }
        }
    }

    /// A node or its load has changed: enters it anew in every order kept.
    pub(super) fn touch(&mut self, at: At, node: &str) {
        let names: Vec<String> = self.board.spreads.keys().cloned().collect();
        for name in names {
            let Some(mut spread) = self.board.spreads.remove(&name) else {
                continue;
            };
            self.enter(at, &name, node, &mut spread);
            self.board.spreads.insert(name, spread);
        }
    }

    fn enter(&self, at: At, name: &str, id: &str, spread: &mut Spread) {
        let suited = self
            .services
            .get(name)
            .zip(self.nodes.get(id))
            .filter(|(service, node)| Self::suits(service, id, node) && !self.host_port_taken(service, id));
        let Some((service, node)) = suited else {
            spread.remove(id);
            return;
        };
        let preference = service.spec.preferences.first();
        let label = preference.map(|key| key.trim().trim_start_matches("spread="));
        let group = label.and_then(|key| node.labels.get(key.strip_prefix("node.labels.")?));
        let group = group.map_or("", String::as_str);
        let load = self.board.loads.get(id);
        let (own, all) = load.map_or((0, 0), |load| (load.of(name), load.total));
        spread.put(id, group, own, all, mix(at.seed, &["tie", &service.id, id]));
    }

    /// The node that the next task of a service goes to.
    fn best_node(&mut self, at: At, service: &str) -> Option<String> {
        if !self.board.spreads.contains_key(service) {
            if self.board.spreads.len() >= SPREADS_KEPT {
                self.board.spreads.clear();
            }
            let mut spread = Spread::default();
            for id in self.nodes.keys() {
                self.enter(at, service, id, &mut spread);
            }
            self.board.spreads.insert(service.to_owned(), spread);
        }
        self.board.spreads.get(service)?.best().map(str::to_owned)
    }

    /// Forgets the order of nodes for a service whose constraints or preferences may have changed.
    pub(super) fn forget_spread(&mut self, service: &str) {
        self.board.spreads.remove(service);
    }

    /// Makes a task in a slot and gives it a node, if one suits. `not_before` delays its start.
    pub(super) fn make_task(&mut self, at: At, service: &str, slot: &Slot, not_before: u64) {
        let node = match slot {
            Slot::Node(id) => Some(id.clone()),
            Slot::Replica(_) => self.best_node(at, service),
        };
        let Some(facts) = self.services.get_mut(service) else {
            return;
        };
        let template = facts.template;
        let tasks = facts.slots.entry(slot.clone()).or_default();
        let number = tasks.last().map_or(0, |task| task.number) + 1;
        tasks.push(TaskFacts {
            number,
            template,
            node: None,
            created: at.t,
            image_at: at.t.max(not_before),
            running: at.t.max(not_before),
            ended: None,
            orphan: false,
        });
        if tasks.len() > TASKS_KEPT {
            tasks.remove(0);
        }
        match node {
            Some(node) => self.assign(at, service, slot, &node),
            None => self.leave_pending(service, slot),
        }
    }

    fn leave_pending(&mut self, service: &str, slot: &Slot) {
        let nodes = self.nodes.len();
        if let Some(facts) = self.services.get_mut(service) {
            let why = if facts.spec.constraints.is_empty() {
                "nodes not available"
            } else {
                "scheduling constraints not satisfied"
            };
            let plural = if nodes == 1 { "" } else { "s" };
            facts.no_node = format!("no suitable node ({why} on {nodes} node{plural})");
        }
        self.board
            .pending
            .entry(service.to_owned())
            .or_default()
            .insert(slot.clone());
    }

    /// Gives the current task of a slot a node: from now on everything takes its time.
    fn assign(&mut self, at: At, service: &str, slot: &Slot, node: &str) {
        let (Some(facts), Some(host)) = (self.services.get_mut(service), self.nodes.get_mut(node)) else {
            return;
        };
        let Some([older @ .., task]) = facts.slots.get_mut(slot).map(Vec::as_mut_slice) else {
            return;
        };
        let template = facts.templates.get(&task.template);
        let (image, fate) = template.map_or(("", Fate::Runs), |template| {
            (template.image.as_str(), template.fate)
        });
        let pulled = match host.images.get(image) {
            Some(from) => *from,
            None if fate == Fate::Rejected => at.t,
            None => {
                let from = at.t + span(at.seed, 2_000, 8_000, &["pull", node, image]);
                host.images.insert(image.to_owned(), from);
                from
            }
        };
        let identity = [service, &String::from(slot.clone()), &task.number.to_string()];
        let start = span(
            at.seed,
            1_000,
            2_000,
            &["start", identity[0], identity[1], identity[2]],
        );
        task.node = Some(node.to_owned());
        task.image_at = task.image_at.max(pulled).max(at.t);
        task.running = task.image_at + start;
        // Under start-first an older task is still there: it stops when this one runs, and not at
        // all if this one cannot.
        for old in older.iter_mut().filter(|old| old.live() && fate == Fate::Runs) {
            old.ended = Some(task.running);
        }
        let load = self.board.loads.entry(node.to_owned()).or_default();
        load.total += 1;
        load.by_service
            .entry(service.to_owned())
            .or_default()
            .insert(slot.clone());
        self.touch(at, node);
    }

    /// Takes the current task of a slot off the board; the facts keep it.
    fn unassign(&mut self, at: At, service: &str, slot: &Slot) {
        let node = self
            .services
            .get(service)
            .and_then(|facts| facts.current(slot))
            .and_then(|task| task.node.clone());
        if let Some(pending) = self.board.pending.get_mut(service) {
            pending.remove(slot);
            if pending.is_empty() {
                self.board.pending.remove(service);
            }
        }
        let Some(node) = node else {
            return;
        };
        if let Some(load) = self.board.loads.get_mut(&node) {
            let slots = load.by_service.get_mut(service);
            if slots.is_some_and(|slots| slots.remove(slot)) {
                load.total -= 1;
            }
            if load.of(service) == 0 {
                load.by_service.remove(service);
            }
            if load.total == 0 {
                self.board.loads.remove(&node);
            }
        }
        self.touch(at, &node);
    }

    /// Ends the current task of a slot; returns when it will have stopped.
    pub(super) fn end_task(&mut self, at: At, service: &str, slot: &Slot, orphan: bool) -> u64 {
        self.unassign(at, service, slot);
        let Some(facts) = self.services.get_mut(service) else {
            return at.t;
        };
        let id = &facts.id;
        let tasks = facts.slots.get_mut(slot).into_iter().flatten();
        let mut stopped = at.t;
        for task in tasks.filter(|task| task.ended.is_none_or(|ended| ended > at.t)) {
            task.ended = Some(at.t);
            task.orphan = orphan;
            stopped = at.t
                + if orphan {
                    0
                } else {
                    stops_in(at.seed, id, slot, task.number)
                };
        }
        stopped
    }

    /// Takes a slot away with its tasks.
    pub(super) fn drop_slot(&mut self, at: At, service: &str, slot: &Slot) {
        self.unassign(at, service, slot);
        if let Some(facts) = self.services.get_mut(service) {
            facts.slots.remove(slot);
        }
    }

    /// Replaces the current task of a slot with the new one running before the old one stops.
    pub(super) fn start_first(&mut self, at: At, service: &str, slot: &Slot) {
        self.unassign(at, service, slot);
        self.make_task(at, service, slot, at.t);
    }

    /// Makes an older task of a slot current again, if it still runs the template wanted.
    pub(super) fn reinstate(&mut self, at: At, service: &str, slot: &Slot) -> bool {
        let Some(facts) = self.services.get(service) else {
            return false;
        };
        let tasks = facts.slots.get(slot).map_or(&[][..], Vec::as_slice);
        let Some(older) = tasks.len().checked_sub(1).and_then(|last| {
            tasks[..last].iter().rposition(|old| {
                let there = old.node.as_ref().and_then(|id| self.nodes.get(id));
                old.live() && old.template == facts.template && there.is_some_and(|node| node.seen)
            })
        }) else {
            return false;
        };
        self.unassign(at, service, slot);
        let Some(tasks) = self
            .services
            .get_mut(service)
            .and_then(|facts| facts.slots.get_mut(slot))
        else {
            return false;
        };
        if let Some(failing) = tasks.last_mut() {
            failing.ended = Some(at.t);
        }
        let old = tasks.remove(older);
        let node = old.node.clone();
        tasks.push(old);
        if let Some(node) = node {
            let load = self.board.loads.entry(node.clone()).or_default();
            load.total += 1;
            load.by_service
                .entry(service.to_owned())
                .or_default()
                .insert(slot.clone());
            self.touch(at, &node);
        }
        true
    }

    /// Gives a node to every task of a service that waits for one.
    pub(super) fn place_pending(&mut self, at: At, service: &str) {
        if self.best_node(at, service).is_none() {
            return;
        }
        let waiting: Vec<Slot> = self
            .board
            .pending
            .get(service)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        for slot in waiting {
            let Some(node) = self.best_node(at, service) else {
                return;
            };
            if let Some(pending) = self.board.pending.get_mut(service) {
                pending.remove(&slot);
                if pending.is_empty() {
                    self.board.pending.remove(service);
                }
            }
            if let Some(task) = self
                .services
                .get_mut(service)
                .and_then(|s| s.slots.get_mut(&slot))
                .and_then(|tasks| tasks.last_mut())
            {
                task.created = at.t;
            }
            self.assign(at, service, &slot, &node);
        }
    }
}
