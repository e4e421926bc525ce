//! Waiting through what does not change: a resource that stays as it is can be relied on only
//! once what it depends on is as wanted.

use super::super::decide::Fate;
use super::super::gate::GateKind;
use super::super::precede::is_repair;
use super::super::step::{Action, Operation, Step};
use super::{Builder, Node};
use crate::kind::Plane;

impl Builder<'_> {
    /// The places of the wanted resources, where any stays as it is while another does not.
    pub(super) fn place_the_kept(&mut self) {
        let kept = |fate: &Fate| matches!(fate, Fate::Keep | Fate::Adopt { .. });
        if self.made.is_empty() || !self.decisions.fates.iter().any(kept) {
            return;
        }
        let wanted = self.input.desired.resources.iter().enumerate();
        self.positions = wanted
            .map(|(position, wanted)| (wanted.address.as_str(), position))
            .collect();
    }

    /// What has to be done before the resource at an address can be relied on, if it stays as it
    /// is, recorded or not; `None` if nothing has to, or if it is made or changed itself.
    pub(super) fn ready_of(&mut self, address: &str) -> Option<Node> {
        let position = *self.positions.get(address)?;
        let made = self.made.get(address).map(|made| &self.steps[*made as usize]);
        if made.is_some_and(|made| made.operation != Operation::Adopt) {
            return None;
        }
        if let Some(known) = self.ready.get(&position) {
            return *known;
        }
        let decisions = self.decisions;
        let mut before: Vec<Node> = Vec::new();
        for dependency in &decisions.dependencies[position] {
            if dependency.name() == "*" {
                before.push(self.gate(GateKind::Every(dependency.kind().to_owned())));
                continue;
            }
            let made = self.made.get(dependency.as_str()).copied();
            match made {
                Some(made) if self.holds_up(made) => before.push(Node::Step(made)),
                Some(made) if self.steps[made as usize].operation != Operation::Adopt => {}
                _ => before.extend(self.ready_of(dependency.as_str())),
            }
        }
        before.dedup();
        let ready = match before.as_slice() {
            [] => None,
            [one] => Some(*one),
            _ => {
                let address = self.input.desired.resources[position].address.clone();
                let gate = self.gate(GateKind::Ready(address));
                for node in before {
                    self.edges.push((node, gate));
                }
                Some(gate)
            }
        };
        self.ready.insert(position, ready);
        ready
    }

    /// Whether what depends on a resource only through others has to wait for this step on it.
    fn holds_up(&self, step: u32) -> bool {
        let step = &self.steps[step as usize];
        match step.action() {
            Action::Create => true,
            Action::Update => self.interrupts(step),
            Action::Adopt | Action::Delete | Action::Forget => false,
        }
    }

    /// Whether a change in place takes the resource away for a while. What cannot be taken back
    /// holds nothing up: it comes last.
    fn interrupts(&self, step: &Step) -> bool {
        if step.operation != Operation::Update || step.changes.iter().all(|change| change.cost.is_none()) {
            return false;
        }
        // What brings one back that is down is waited for in any case.
        if is_repair(step) {
            return true;
        }
        let kind = self.input.registry.get(step.address.kind());
        match (kind, step.spec_before(), step.spec_after()) {
            (Some(kind), Some(before), Some(after)) => kind.change_is_undoable(before, after),
            _ => false,
        }
    }

    /// A manager that restarts does not answer: what is asked of the swarm comes after the
    /// restarts of hosts and engines. Nodes of one serial group keep their own order.
    pub(super) fn edges_of_restarts(&mut self) {
        let plane = |step: &Step| self.input.registry.plane(step.address.kind());
        let restarts: Vec<u32> = (0u32..)
            .zip(&self.steps)
            .filter(|(_, step)| plane(step) != Some(Plane::Swarm) && self.interrupts(step))
            .map(|(number, _)| number)
            .collect();
        if restarts.is_empty() {
            return;
        }
        let asking: Vec<u32> = (0u32..)
            .zip(&self.steps)
            .filter(|(_, step)| plane(step) == Some(Plane::Swarm) && self.asks_alone(step))
            .map(|(number, _)| number)
            .collect();
        if asking.is_empty() {
            return;
        }
        let gate = self.gate(GateKind::Restarted);
        for step in restarts {
            self.edges.push((Node::Step(step), gate));
        }
        for step in asking {
            self.edges.push((gate, Node::Step(step)));
        }
    }

    /// Whether a step makes a call that waits for no other of its kind.
    fn asks_alone(&self, step: &Step) -> bool {
        let called = matches!(
            step.operation,
            Operation::Create | Operation::Update | Operation::Settle | Operation::Delete
        );
        let kind = self.input.registry.get(step.address.kind());
        let spec = step.spec_after().or(step.spec_before());
        called
            && kind
                .zip(spec)
                .is_some_and(|(kind, spec)| kind.serial_group(spec).is_none())
    }
}
