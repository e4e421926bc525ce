//! What each step has to wait for.

use super::super::decide::Fate;
use super::super::gate::GateKind;
use super::super::step::{Action, Operation};
use super::{Builder, Node};
use crate::fast::{FastMap, FastSet};
use crate::kind::LivesOn;
use crate::machine::MACHINE;

impl Builder<'_> {
    pub(super) fn edges_of_the_made(&mut self) {
        self.place_the_kept();
        for (position, wanted) in self.input.desired.resources.iter().enumerate() {
            let Some(&made) = self.made.get(wanted.address.as_str()) else {
                continue;
            };
            // What is only taken in is there already, and waits for nothing.
            if self.steps[made as usize].operation == Operation::Adopt {
                continue;
            }
            for dependency in &self.decisions.dependencies[position] {
                if dependency.name() == "*" {
                    let gate = self.gate(GateKind::Every(dependency.kind().to_owned()));
                    self.edges.push((gate, Node::Step(made)));
                    let released = self.gate(GateKind::NoNewNeeds(dependency.kind().to_owned()));
                    self.edges.push((Node::Step(made), released));
                    continue;
                }
                self.wait_for(dependency.as_str(), Node::Step(made));
                for removal in self.removals_of(dependency) {
                    let step = &self.steps[removal as usize];
                    if step.operation == Operation::Delete && !step.goes_first() {
                        self.edges.push((Node::Step(made), Node::Step(removal)));
                    }
                }
            }
        }
        // Only gates that somebody waits at are filled; filling one may find another.
        let mut filled = 0;
        while filled < self.gates.len() {
            if let GateKind::Every(kind) = self.gates[filled].clone() {
                self.fill(Node::Gate(filled as u32), &kind);
            }
            filled += 1;
        }
    }

    /// The records of the removed that depend on something whose old half goes before its successor
    /// is made, also through others that are removed: they leave before that, whatever may come
    /// after. What was only turned to part a circle is not worth that: everything on it would go
    /// before anything of it comes again.
    fn leaving_before_a_successor(&self, removals: &[(usize, u32)]) -> FastSet<usize> {
        let mut users: FastMap<&str, Vec<usize>> = FastMap::default();
        for (record, _) in removals {
            for dependency in &self.record(*record).depends_on {
                users.entry(dependency.as_str()).or_default().push(*record);
            }
        }
        let first = removals.iter().filter(|(record, step)| {
            let step = &self.steps[*step as usize];
            step.goes_first()
                && step.operation == Operation::Delete
                && !self.input.circular.contains_key(&self.record(*record).address)
        });
        let mut open: Vec<usize> = first.map(|(record, _)| *record).collect();
        let mut leaving = FastSet::default();
        while let Some(needed) = open.pop() {
            let address = self.record(needed).address.as_str();
            for user in users.get(address).into_iter().flatten() {
                if leaving.insert(*user) {
                    open.push(*user);
                }
            }
        }
        leaving
    }

    /// What is made of all of a kind together, and is deleted by a call before a successor comes or
    /// for good, goes before any of them: the call needs them. But for its `users`, and those of
    /// others that are made so: they go before what they need all the same.
    fn before_its_hosts(
        &mut self,
        record: usize,
        step: u32,
        removals: &[(usize, u32)],
        users: &FastSet<usize>,
    ) {
        let Some(hosts) = self.made_of_every(record) else {
            return;
        };
        let address = self.record(record).address.as_str();
        if self.made.contains_key(address) && !self.steps[step as usize].goes_first() {
            return;
        }
        let before = removals.iter().filter(|(host, removal)| {
            let removal = &self.steps[*removal as usize];
            let goes = removal.operation == Operation::Delete && !removal.goes_first();
            let kind = self.record(*host).address.kind();
            goes && self.input.registry.is_a(kind, hosts) && !users.contains(host)
        });
        let before: Vec<u32> = before.map(|(_, removal)| *removal).collect();
        let edges = before.into_iter();
        self.edges
            .extend(edges.map(|removal| (Node::Step(step), Node::Step(removal))));
    }

    /// The kind of which all together make up a record, if any.
    fn made_of_every(&self, record: usize) -> Option<&'static str> {
        let kind = self.input.registry.get(self.record(record).address.kind())?;
        match kind.traits().lives_on {
            LivesOn::Every(hosts) => Some(hosts),
            _ => None,
        }
    }

    /// The records of the removed that need what is made of all of a kind, also through others.
    fn users_of_every(&self, removals: &[(usize, u32)]) -> FastSet<usize> {
        let records = || removals.iter().map(|(record, _)| *record);
        let mut open: Vec<usize> = records()
            .filter(|record| self.made_of_every(*record).is_some())
            .collect();
        let mut users = FastSet::default();
        if open.is_empty() {
            return users;
        }
        let mut by_need: FastMap<&str, Vec<usize>> = FastMap::default();
        for record in records() {
            for dependency in &self.record(record).depends_on {
                by_need.entry(dependency.as_str()).or_default().push(record);
            }
        }
        while let Some(needed) = open.pop() {
            let address = self.record(needed).address.as_str();
            for user in by_need.get(address).into_iter().flatten() {
                if users.insert(*user) {
                    open.push(*user);
                }
            }
        }
        users
    }

    /// A gate waits for every wanted resource of a kind.
    fn fill(&mut self, gate: Node, kind: &str) {
        let desired = self.input.desired;
        for wanted in desired.resources.iter().filter(|w| w.address.kind() == kind) {
            self.wait_for(wanted.address.as_str(), gate);
        }
    }

    /// A node waits until a wanted resource can be relied on.
    fn wait_for(&mut self, address: &str, node: Node) {
        let made = self.made.get(address).copied().map(Node::Step);
        let before = made.into_iter().chain(self.ready_of(address));
        self.edges.extend(before.map(|before| (before, node)));
    }

    pub(super) fn edges_of_the_removed(&mut self) {
        let mut removals: Vec<(usize, u32)> = self
            .removed
            .iter()
            .map(|(record, step)| (*record, *step))
            .collect();
        removals.sort_unstable_by_key(|(_, step)| *step);
        let users = self.users_of_every(&removals);
        let leaving_first = self.leaving_before_a_successor(&removals);
        for &(record, step) in &removals {
            let resource = self.record(record);
            if let Some(host) = self.steps[step as usize].gone_with().cloned() {
                // It is forgotten once what it lived on is gone.
                if host.name() == "*" {
                    let gate = self.gate(GateKind::EveryOldGone(host.kind().to_owned()));
                    self.edges.push((gate, Node::Step(step)));
                } else {
                    for removal in self.removals_of(&host) {
                        self.edges.push((Node::Step(removal), Node::Step(step)));
                    }
                }
                continue;
            }
            if self.steps[step as usize].action() == Action::Forget {
                continue;
            }
            self.before_its_hosts(record, step, &removals, &users);
            for dependency in &resource.depends_on {
                if dependency.name() == "*" {
                    let gate = self.gate(GateKind::NoOldNeeds(dependency.kind().to_owned()));
                    self.edges.push((Node::Step(step), gate));
                    continue;
                }
                for removal in self.removals_of(dependency) {
                    let other = &self.steps[removal as usize];
                    // What only has to be made in order does not hold back an old one that goes first.
                    let only_order = other.goes_first() && !self.uses(resource, dependency);
                    // Nor does anything hold back the record of one that is gone, for which its
                    // successor waits.
                    let gone =
                        other.operation == Operation::Forget && self.made.contains_key(dependency.as_str());
                    if removal != step && other.gone_with().is_none() && !only_order && !gone {
                        self.edges.push((Node::Step(step), Node::Step(removal)));
                    }
                }
            }
        }
        // A changed resource may stop needing what leaves.
        for (position, fate) in self.decisions.fates.iter().enumerate() {
            let (Fate::Update { record, .. } | Fate::Settle { record, .. } | Fate::Adopt { record, .. }) =
                fate
            else {
                continue;
            };
            let address = self.input.desired.resources[position].address.as_str();
            let Some(&made) = self.made.get(address) else {
                continue;
            };
            for dependency in &self.record(*record).depends_on {
                // One whose old half goes first would wait for itself if it is still needed.
                let still_needed = self.decisions.dependencies[position].contains(dependency);
                for removal in self.removals_of(dependency) {
                    let step = &self.steps[removal as usize];
                    if step.operation == Operation::Delete && !(step.goes_first() && still_needed) {
                        self.edges.push((Node::Step(made), Node::Step(removal)));
                    }
                }
            }
        }
        for (record, step) in removals {
            let kind = self.record(record).address.kind();
            let entry = &self.steps[step as usize];
            if entry.action() == Action::Forget {
                continue;
            }
            let mut wait = vec![GateKind::NoOldNeeds(kind.to_owned())];
            if !entry.goes_first() && !leaving_first.contains(&record) {
                wait.push(GateKind::NoNewNeeds(kind.to_owned()));
            }
            for gate in wait {
                if let Some(gate) = self.gate_index.get(&gate) {
                    self.edges.push((Node::Gate(*gate), Node::Step(step)));
                }
            }
            let machines = self.input.registry.is_a(kind, MACHINE).then_some(MACHINE);
            for kind in machines.into_iter().chain([kind]) {
                let gone = GateKind::EveryOldGone(kind.to_owned());
                if let Some(gate) = self.gate_index.get(&gone) {
                    self.edges.push((Node::Step(step), Node::Gate(*gate)));
                }
            }
        }
    }
}
