//! What only one resource can hold: its release comes before its take.

use std::collections::BTreeMap;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::Graph;
use subako_state::Json;

use super::super::gate::GateKind;
use super::super::step::{Operation, Step};
use super::{Builder, ClaimEdge, Node};
use crate::fast::{FastMap, FastSet};
use crate::kind::{Claim, ErasedKind};

impl Builder<'_> {
    /// Edges from each step that releases a claim to the steps that take what meets it. Claims are
    /// sorted into groups, so that this is linear in their number.
    pub(super) fn edges_of_claims(&mut self) {
        let mut released: FastMap<Claim, Vec<(u32, Claim)>> = FastMap::default();
        for (number, step) in self.steps.iter().enumerate() {
            for claim in self.released(step) {
                let group = released.entry(claim.group()).or_default();
                group.push((number as u32, claim));
            }
        }
        if released.is_empty() {
            return;
        }
        let mut found: Vec<ClaimEdge> = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            for claim in self.taken(step) {
                for (from, held) in released.get(&claim.group()).into_iter().flatten() {
                    let other = &self.steps[*from as usize];
                    let halves = step.address == other.address && step.replaces() && other.replaces();
                    let pair = (other.address.clone(), step.address.clone());
                    let given_up = self.input.unmet.contains_key(&pair);
                    if *from == number as u32 || halves || given_up || !claim.meets(held) {
                        continue;
                    }
                    found.push(ClaimEdge {
                        from: *from,
                        to: number as u32,
                        claim: claim.clone(),
                        of_nodes: claim.is_of_nodes() && held.is_of_nodes(),
                    });
                }
            }
        }
        side_by_side(&mut found);
        for edge in &found {
            self.edges.push((Node::Step(edge.from), Node::Step(edge.to)));
        }
        self.claims = found;
    }

    /// Where the world chooses an address, it could choose one that another resource is to have:
    /// those that ask for a certain one, and wait for nobody to release it, come first.
    pub(super) fn edges_of_the_pinned(&mut self) {
        let mut gates: BTreeMap<String, (Vec<u32>, Vec<u32>)> = BTreeMap::new();
        let waiting: FastSet<u32> = self.claims.iter().map(|edge| edge.to).collect();
        for (number, step) in self.steps.iter().enumerate() {
            if step.operation != Operation::Create {
                continue;
            }
            let (Some(kind), Some(spec)) = (self.input.registry.get(step.address.kind()), step.spec_after())
            else {
                continue;
            };
            if !kind.is_chosen() {
                continue;
            }
            if let Some(scope) = kind.chosen_in(spec) {
                gates.entry(scope.key()).or_default().1.push(number as u32);
                continue;
            }
            let waits = waiting.contains(&(number as u32));
            for claim in kind.claims(spec) {
                if let (Claim::Address { scope, .. }, false) = (claim, waits) {
                    gates.entry(scope.key()).or_default().0.push(number as u32);
                }
            }
        }
        for (scope, (pinned, chosen)) in gates {
            if pinned.is_empty() || chosen.is_empty() {
                continue;
            }
            let gate = self.gate(GateKind::AddressesTaken(scope));
            for step in pinned {
                self.edges.push((Node::Step(step), gate));
            }
            for step in chosen {
                self.edges.push((gate, Node::Step(step)));
            }
        }
    }

    fn released(&self, step: &Step) -> Vec<Claim> {
        match step.operation {
            Operation::Delete => self.held(step),
            Operation::Update => self.only(step, step.spec_before(), step.spec_after()),
            _ => Vec::new(),
        }
    }

    fn taken(&self, step: &Step) -> Vec<Claim> {
        match step.operation {
            Operation::Create => self.claims_of(step, step.spec_after()),
            Operation::Update => self.only(step, step.spec_after(), step.spec_before()),
            _ => Vec::new(),
        }
    }

    /// What an object holds before a step, with what the world chose for it.
    fn held(&self, step: &Step) -> Vec<Claim> {
        let kind = self.input.registry.get(step.address.kind());
        match (kind, step.spec_before(), step.outputs_before()) {
            (Some(kind), Some(spec), Some(outputs)) => kind.holds(spec, outputs),
            (_, spec, _) => self.claims_of(step, spec),
        }
    }

    fn claims_of(&self, step: &Step, spec: Option<&Json>) -> Vec<Claim> {
        let kind = self.input.registry.get(step.address.kind());
        claims(kind.map(|kind| &**kind), spec)
    }

    /// What one side of a change claims and the other does not.
    fn only(&self, step: &Step, one: Option<&Json>, other: Option<&Json>) -> Vec<Claim> {
        if step.changes.is_empty() {
            return Vec::new();
        }
        let mut here = self.claims_of(step, one);
        if !here.is_empty() {
            let there = self.claims_of(step, other);
            here.retain(|claim| !there.contains(claim));
        }
        here
    }
}

/// Drops the edges between steps that only exchange what can be held on other nodes meanwhile: they
/// make way for each other node by node, and neither can come first.
fn side_by_side(edges: &mut Vec<ClaimEdge>) {
    let of_nodes = edges.iter().filter(|edge| edge.of_nodes);
    let graph = Graph::<(), ()>::from_edges(of_nodes.map(|edge| (edge.from, edge.to)));
    let mut circle: FastMap<u32, usize> = FastMap::default();
    for (number, steps) in kosaraju_scc(&graph).into_iter().enumerate() {
        circle.extend(steps.into_iter().map(|step| (step.index() as u32, number)));
    }
    edges.retain(|edge| !edge.of_nodes || circle[&edge.from] != circle[&edge.to]);
}

fn claims(kind: Option<&dyn ErasedKind>, spec: Option<&Json>) -> Vec<Claim> {
    match (kind, spec) {
        (Some(kind), Some(spec)) => kind.claims(spec),
        _ => Vec::new(),
    }
}
