//! What each step has to wait for.

use subako_state::Address;

use super::super::decide::Fate;
use super::super::types::Action;
use super::{Builder, Node};

impl Builder<'_> {
    pub(super) fn edges_of_the_made(&mut self) {
        for (position, wanted) in self.input.desired.resources.iter().enumerate() {
            let Some(&made) = self.made.get(wanted.address.as_str()) else {
                continue;
            };
            // What is done first for a wanted resource: the create or adopt before an update.
            let first = self.first_of(made, &wanted.address);
            for dependency in &self.decisions.dependencies[position] {
                if dependency.name() == "*" {
                    let gate = self.gate(format!("every {}", dependency.kind()));
                    self.edges.push((gate, Node::Step(first)));
                    let released = self.gate(format!("nothing new needs an old {}", dependency.kind()));
                    self.edges.push((Node::Step(made), released));
                    continue;
                }
                if let Some(before) = self.made.get(dependency.as_str()) {
                    self.edges.push((Node::Step(*before), Node::Step(first)));
                }
                for removal in self.removals_of(dependency) {
                    let step = &self.steps[removal as usize];
                    if step.action == Action::Delete && !step.goes_first() {
                        self.edges.push((Node::Step(made), Node::Step(removal)));
                    }
                }
            }
        }
        // Only gates that somebody waits at are filled.
        let gates: Vec<String> = self
            .gates
            .iter()
            .filter_map(|name| name.strip_prefix("every ").map(str::to_owned))
            .collect();
        for kind in gates {
            let gate = self.gate(format!("every {kind}"));
            for wanted in self
                .input
                .desired
                .resources
                .iter()
                .filter(|w| w.address.kind() == kind)
            {
                if let Some(made) = self.made.get(wanted.address.as_str()) {
                    self.edges.push((Node::Step(*made), gate));
                }
            }
        }
    }

    pub(super) fn first_of(&self, made: u32, address: &Address) -> u32 {
        let before = made
            .checked_sub(1)
            .map(|index| (index, &self.steps[index as usize]));
        match before {
            Some((index, step)) if step.action == Action::Adopt && step.address == *address => index,
            _ => made,
        }
    }

    pub(super) fn edges_of_the_removed(&mut self) {
        let mut removals: Vec<(usize, u32)> = self
            .removed
            .iter()
            .map(|(record, step)| (*record, *step))
            .collect();
        removals.sort_unstable_by_key(|(_, step)| *step);
        for &(record, step) in &removals {
            let resource = self.record(record);
            if let Some(host) = self.steps[step as usize].gone_with.clone() {
                // It is forgotten once what it lived on is gone.
                if host.name() == "*" {
                    let gate = self.gate(format!("every old {} is gone", host.kind()));
                    self.edges.push((gate, Node::Step(step)));
                } else {
                    for removal in self.removals_of(&host) {
                        self.edges.push((Node::Step(removal), Node::Step(step)));
                    }
                }
                continue;
            }
            if self.steps[step as usize].action == Action::Forget {
                continue;
            }
            for dependency in &resource.depends_on {
                if dependency.name() == "*" {
                    let gate = self.gate(format!("nothing old needs a {}", dependency.kind()));
                    self.edges.push((Node::Step(step), gate));
                    continue;
                }
                for removal in self.removals_of(dependency) {
                    let other = &self.steps[removal as usize];
                    // What only has to be made in order does not hold back an old one that goes first.
                    let only_order = other.goes_first() && !self.uses(resource, dependency);
                    if removal != step && other.gone_with.is_none() && !only_order {
                        self.edges.push((Node::Step(step), Node::Step(removal)));
                    }
                }
            }
        }
        // A changed resource may stop needing what leaves.
        for (position, fate) in self.decisions.fates.iter().enumerate() {
            let Fate::Update { record, .. } = fate else {
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
                    if step.action == Action::Delete && !(step.goes_first() && still_needed) {
                        self.edges.push((Node::Step(made), Node::Step(removal)));
                    }
                }
            }
        }
        for (record, step) in removals {
            let kind = self.record(record).address.kind();
            let entry = &self.steps[step as usize];
            if entry.action == Action::Forget {
                continue;
            }
            let mut wait = vec![format!("nothing old needs a {kind}")];
            if !entry.goes_first() {
                wait.push(format!("nothing new needs an old {kind}"));
            }
            for name in wait {
                if let Some(gate) = self.gate_index.get(&name) {
                    self.edges.push((Node::Gate(*gate), Node::Step(step)));
                }
            }
            let gone = format!("every old {kind} is gone");
            if let Some(gate) = self.gate_index.get(&gone) {
                self.edges.push((Node::Step(step), Node::Gate(*gate)));
            }
        }
    }
}
