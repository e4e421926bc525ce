//! Where tasks go, and keeping the scheduler's board up to date.

use super::events::Event;
use super::program::{Fate, pull};
use super::service::ServiceFacts;
use super::swarm::{At, SwarmFacts};
use super::tasks::{Slot, TaskFacts, stops_in};
use crate::sim::names::{Ms, mix, span};
use crate::sim::schedule::Spread;

/// The most services whose order of nodes is kept.
const SPREADS_KEPT: usize = 8;
/// The most tasks remembered in a slot, the current one included.
const TASKS_KEPT: usize = 3;

impl SwarmFacts {
    /// Builds the board from the facts, as they are at `t`.
    pub fn index_tasks(&mut self, t: Ms) {
        self.board = super::tasks::Board::default();
        let mut held = Vec::new();
        for (name, service) in &self.services {
            for (slot, tasks) in &service.slots {
                for task in tasks {
                    let template = service.templates.get(&task.template);
                    let there = task.node.as_ref().filter(|node| self.nodes.contains_key(*node));
                    if let (Some(node), false) = (there, task.over(template, t)) {
                        let demand = template.map(|template| template.demand.clone());
                        held.push((name.clone(), slot.clone(), task.number, node.clone(), demand));
                    }
                }
                let current = tasks.last().filter(|task| task.live());
                let over = current.is_some_and(|task| task.over(service.templates.get(&task.template), t));
                match current.filter(|_| !over) {
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
        for (service, slot, number, node, demand) in held {
            self.hold(&service, &slot, number, &node, demand.unwrap_or_default());
        }
    }

    /// A node or its load has changed: re-enters it in every order kept.
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
            .filter(|(service, node)| self.takes(service, id, node));
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
        spread.put(id, group, own, all, mix(at.seed, &["tie", name, &node.addr]));
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
        let node = self.node_for(at, service, slot);
        self.board.stir(service);
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
            None => {
                let waiting = self.board.pending.entry(service.to_owned()).or_default();
                waiting.insert(slot.clone());
            }
        }
    }

    /// Where the task of a slot can go now: the best node for a replica, its own node for a task of
    /// a global service.
    fn node_for(&mut self, at: At, service: &str, slot: &Slot) -> Option<String> {
        match slot {
            Slot::Replica(_) => self.best_node(at, service),
            Slot::Node(id) => {
                let facts = self.services.get(service)?;
                self.takes(facts, id, self.nodes.get(id)?).then(|| id.clone())
            }
        }
    }

    /// Gives the current task of a slot a node: from now on everything takes its time.
    fn assign(&mut self, at: At, service: &str, slot: &Slot, node: &str) {
        self.board.stir(service);
        let (Some(facts), Some(host)) = (self.services.get_mut(service), self.nodes.get_mut(node)) else {
            return;
        };
        let Some([older @ .., task]) = facts.slots.get_mut(slot).map(Vec::as_mut_slice) else {
            return;
        };
        let Some(template) = facts.templates.get(&task.template) else {
            return;
        };
        let image = template.image.as_str();
        let pulled = match host.images.get(image) {
            Some(from) => *from,
            None if matches!(template.fate, Fate::Rejected { .. }) => at.t,
            None => {
                let (least, most) = pull(image);
                let from = at.t + span(at.seed, least, most, &["pull", &host.addr, image]);
                host.images.insert(image.to_owned(), from);
                from
            }
        };
        let start = span(
            at.seed,
            1_000,
            2_000,
            &["start", service, &slot.number(), &host.addr],
        );
        task.node = Some(node.to_owned());
        task.image_at = task.image_at.max(pulled).max(at.t);
        task.running = task.image_at + start + template.probed_after;
        // Under start-first an older task is still there: it stops when this one runs, and not at
        // all if this one cannot.
        let starts = matches!(template.fate, Fate::Runs | Fate::Completes { .. });
        let mut due = Vec::new();
        for old in older.iter_mut().filter(|old| old.live() && starts) {
            old.ended = Some(task.running);
            due.push((task.running, old.number));
        }
        due.extend(task.over_at(template).map(|over| (over, task.number)));
        host.volumes.extend(template.volumes.iter().cloned());
        let (number, demand) = (task.number, template.demand.clone());
        for (when, number) in due {
            let event = Event::TaskOver {
                swarm: self.id.clone(),
                service: service.to_owned(),
                slot: slot.clone(),
                number,
            };
            self.board.due.push((when, event));
        }
        self.go_on_when_it_runs(service, slot, number);
        self.hold(service, slot, number, node, demand);
        let load = self.board.loads.entry(node.to_owned()).or_default();
        load.total += 1;
        load.by_service
            .entry(service.to_owned())
            .or_default()
            .insert(slot.clone());
        self.touch(at, node);
    }

    /// An update whose batch waited for a node for this task goes on once all of it runs, not when it
    /// is looked at again by chance.
    fn go_on_when_it_runs(&mut self, name: &str, slot: &Slot, number: u32) {
        let Some(service) = self.services.get_mut(name) else {
            return;
        };
        let waits = |(waiting, of): &(Slot, u32)| waiting == slot && *of == number;
        let Some(update) = service
            .update
            .as_ref()
            .filter(|update| update.under_way() && update.batch.iter().any(waits))
        else {
            return;
        };
        let batch = update.batch.iter().filter_map(|(slot, number)| {
            let task = service.current(slot)?;
            (task.number == *number).then(|| task.node.as_ref().map(|_| task.running))
        });
        let Some(runs) = batch.collect::<Option<Vec<_>>>() else {
            return;
        };
        let Some(due) = runs.into_iter().max() else {
            return;
        };
        let epoch = service.epoch;
        if let Some(update) = service.update.as_mut() {
            update.due = due;
        }
        let event = Event::Rollout {
            swarm: self.id.clone(),
            service: name.to_owned(),
            epoch,
        };
        self.board.due.push((due, event));
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
            if load.is_empty() {
                self.board.loads.remove(&node);
            }
        }
        self.touch(at, &node);
    }

    /// Ends the current task of a slot; returns when it will have stopped.
    pub(super) fn end_task(&mut self, at: At, service: &str, slot: &Slot, orphan: bool) -> u64 {
        self.unassign(at, service, slot);
        self.board.stir(service);
        let Some(facts) = self.services.get_mut(service) else {
            return at.t;
        };
        let tasks = facts.slots.get_mut(slot).into_iter().flatten();
        let mut stopped = at.t;
        let mut free = Vec::new();
        for task in tasks.filter(|task| task.ended.is_none_or(|ended| ended > at.t)) {
            task.ended = Some(at.t);
            task.orphan = orphan;
            free.extend(task.node.clone().map(|node| (task.number, node)));
            stopped = at.t
                + if orphan {
                    0
                } else {
                    let node = task.node.as_ref().and_then(|id| self.nodes.get(id));
                    stops_in(at.seed, service, slot, node)
                };
        }
        self.release_all(at, service, slot, &free);
        stopped
    }

    /// Tasks of a slot hold nothing of their nodes any more.
    fn release_all(&mut self, at: At, service: &str, slot: &Slot, tasks: &[(u32, String)]) {
        for (number, node) in tasks {
            if self.release(service, slot, *number, node) {
                self.touch(at, node);
            }
        }
    }

    /// Takes a slot away with its tasks.
    pub(super) fn drop_slot(&mut self, at: At, service: &str, slot: &Slot) {
        self.unassign(at, service, slot);
        self.board.stir(service);
        let tasks = self
            .services
            .get_mut(service)
            .and_then(|facts| facts.slots.remove(slot));
        let there = tasks
            .into_iter()
            .flatten()
            .filter_map(|task| Some((task.number, task.node?)));
        let there: Vec<(u32, String)> = there.collect();
        self.release_all(at, service, slot, &there);
    }

    /// A task has ended, with its replacement running or by itself: what it held is free.
    pub(super) fn task_over(&mut self, at: At, service: &str, slot: &Slot, number: u32) {
        let Some(facts) = self.services.get(service) else {
            return;
        };
        let tasks = facts.slots.get(slot).map_or(&[][..], Vec::as_slice);
        let Some(task) = tasks.iter().find(|task| task.number == number) else {
            return;
        };
        if !task.over(facts.templates.get(&task.template), at.t) {
            return;
        }
        let current = task.live() && tasks.last().is_some_and(|last| last.number == number);
        let there: Vec<(u32, String)> = task.node.clone().map(|node| (number, node)).into_iter().collect();
        if current {
            self.unassign(at, service, slot);
        }
        self.release_all(at, service, slot, &there);
    }

    /// Tries those that wait for a node again, if something has become free.
    pub(super) fn place_all_pending(&mut self, at: At) {
        if !std::mem::take(&mut self.board.freed) || self.board.pending.is_empty() || !self.decides(at.t) {
            return;
        }
        let waiting: Vec<String> = self.board.pending.keys().cloned().collect();
        for service in waiting {
            self.place_pending(at, &service);
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
        self.board.stir(service);
        let Some(tasks) = self
            .services
            .get_mut(service)
            .and_then(|facts| facts.slots.get_mut(slot))
        else {
            return false;
        };
        let mut free = Vec::new();
        if let Some(failing) = tasks.last_mut() {
            failing.ended = Some(at.t);
            free.extend(failing.node.clone().map(|node| (failing.number, node)));
        }
        let old = tasks.remove(older);
        let node = old.node.clone();
        tasks.push(old);
        self.release_all(at, service, slot, &free);
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
        let waiting: Vec<Slot> = self
            .board
            .pending
            .get(service)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        for slot in waiting {
            let Some(node) = self.node_for(at, service, &slot) else {
                match slot {
                    // No other replica finds one either.
                    Slot::Replica(_) => return,
                    Slot::Node(_) => continue,
                }
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

    /// Since when the service that another's program waits for has a task that runs.
    pub(super) fn awaited(&self, service: &ServiceFacts) -> Option<Ms> {
        self.awaited_through(service, self.services.len())
    }

    /// As `awaited`, where that one may wait for others itself, so many at most: those that wait
    /// for each other wait for ever.
    fn awaited_through(&self, service: &ServiceFacts, most: usize) -> Option<Ms> {
        let Fate::CrashesUntil { service: awaited } = &service.templates.get(&service.template)?.fate else {
            return None;
        };
        let awaited = self.services.get(awaited)?;
        let before = most
            .checked_sub(1)
            .and_then(|most| self.awaited_through(awaited, most));
        let tasks = awaited.slots.keys().filter_map(|slot| awaited.current(slot));
        let runs = tasks.filter_map(|task| {
            let template = awaited
                .templates
                .get(&task.template)
                .filter(|_| task.node.is_some())?;
            match &template.fate {
                Fate::Runs => Some(task.running),
                Fate::CrashesUntil { .. } => Some(task.stays_from(template, before?)),
                _ => None,
            }
        });
        runs.min()
    }
}
