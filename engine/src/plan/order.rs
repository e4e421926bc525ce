//! Draft → the final order: the line of no return, one-at-a-time chains, numbers.

use std::collections::BTreeMap;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{Graph, NodeIndex};

use super::circle::{Circle, Circular, Taken};
use super::gate::{Gate, GateKind};
use super::precede;
use super::step::{Action, Operation, Step};
use super::steps::{ClaimEdge, Draft};
use crate::kind::Registry;
use crate::refresh::Managers;
use crate::walk::Walk;

/// Marks what lies past the line, adds the line and the chains, and numbers everything in an
/// order in which it could be made one by one.
pub(super) fn finish(
    registry: &Registry,
    managers: Option<&Managers>,
    draft: Draft,
) -> Result<(Vec<Step>, Vec<Gate>), Circular> {
    let Draft {
        mut steps,
        mut gates,
        mut edges,
        claims,
    } = draft;
    edges.sort_unstable();
    edges.dedup();
    if let Some(managers) = managers {
        let first = precede::edges(registry, &steps, managers);
        let together: Vec<(u32, u32)> = edges.iter().copied().chain(first).collect();
        // Where that cannot be had, the plan is refused for its quorum instead.
        if order(&steps, &gates, &together, &claims).is_ok() {
            edges = together;
            edges.sort_unstable();
            edges.dedup();
        }
    }
    let first_order = order(&steps, &gates, &edges, &claims)?;
    mark_past_the_line(registry, &mut steps, gates.len(), &edges, &first_order);
    if steps.iter().any(|step| step.past_the_line) {
        let line = (steps.len() + gates.len()) as u32;
        gates.push(GateKind::Line);
        for (number, step) in steps.iter().enumerate() {
            let edge = if step.past_the_line {
                (line, number as u32)
            } else {
                (number as u32, line)
            };
            edges.push(edge);
        }
    }
    let second_order = order(&steps, &gates, &edges, &claims)?;
    chain(registry, &steps, &second_order, &mut edges);
    Ok(number(steps, gates, &edges, &second_order))
}

/// An order of steps and gates, the lowest number first among those that are ready.
fn order(
    steps: &[Step],
    gates: &[GateKind],
    edges: &[(u32, u32)],
    claims: &[ClaimEdge],
) -> Result<Vec<u32>, Circular> {
    let nodes = steps.len() + gates.len();
    let mut walk = Walk::new(nodes, edges);
    let mut order = Vec::with_capacity(nodes);
    while let Some(node) = walk.take() {
        order.push(node);
        walk.done(node);
    }
    if order.len() == nodes {
        return Ok(order);
    }
    let mut graph: Graph<u32, ()> = Graph::new();
    let mut places: Vec<Option<NodeIndex>> = vec![None; nodes];
    let mut reached = vec![false; nodes];
    for node in order {
        reached[node as usize] = true;
    }
    for node in (0..nodes).filter(|node| !reached[*node]) {
        places[node] = Some(graph.add_node(node as u32));
    }
    for (from, to) in edges {
        if let (Some(from), Some(to)) = (places[*from as usize], places[*to as usize]) {
            graph.add_edge(from, to, ());
        }
    }
    let circles = kosaraju_scc(&graph).into_iter().filter(|circle| circle.len() > 1);
    let circles = circles.map(|circle| {
        let mut nodes: Vec<u32> = circle.into_iter().map(|place| graph[place]).collect();
        nodes.sort_unstable();
        named(steps, claims, &nodes)
    });
    Err(Circular(circles.collect()))
}

/// A circle by what its steps are, and what they take from each other. `nodes` is sorted.
fn named(steps: &[Step], claims: &[ClaimEdge], nodes: &[u32]) -> Circle {
    let within = |step: u32| nodes.binary_search(&step).is_ok();
    let address = |step: u32| steps[step as usize].address.clone();
    let taken = claims.iter().filter(|edge| within(edge.from) && within(edge.to));
    Circle {
        steps: nodes
            .iter()
            .filter_map(|node| steps.get(*node as usize))
            .map(|step| (step.action(), step.address.clone()))
            .collect(),
        claims: taken
            .map(|edge| Taken {
                from: address(edge.from),
                to: address(edge.to),
                claim: edge.claim.clone(),
            })
            .collect(),
    }
}

fn mark_past_the_line(
    registry: &Registry,
    steps: &mut [Step],
    gates: usize,
    edges: &[(u32, u32)],
    order: &[u32],
) {
    let walk = Walk::new(steps.len() + gates, edges);
    let mut past = vec![false; steps.len() + gates];
    for node in order {
        let node = *node as usize;
        if let Some(step) = steps.get_mut(node) {
            let kind = registry.get(step.address.kind());
            let undoable = match (&step.operation, step.spec_before(), step.spec_after()) {
                (Operation::Delete, ..) => {
                    // What only waits to be deleted is not brought back.
                    let waits = step.before.as_ref().is_some_and(|record| record.deposed);
                    !waits && kind.is_some_and(|kind| kind.traits().delete_is_undoable)
                }
                (Operation::Update, Some(before), Some(after)) => {
                    kind.is_none_or(|kind| kind.change_is_undoable(before, after))
                }
                _ => true,
            };
            past[node] |= !undoable;
            step.past_the_line = past[node];
        }
        if past[node] {
            for to in walk.next(node as u32) {
                past[*to as usize] = true;
            }
        }
    }
}

/// Steps of one serial group are made one after the other, in the order found.
fn chain(registry: &Registry, steps: &[Step], order: &[u32], edges: &mut Vec<(u32, u32)>) {
    let mut last: BTreeMap<String, u32> = BTreeMap::new();
    for node in order {
        let Some(step) = steps.get(*node as usize) else {
            continue;
        };
        if matches!(step.action(), Action::Adopt | Action::Forget) {
            continue;
        }
        let Some(group) = precede::chain_of(registry, step) else {
            continue;
        };
        if let Some(before) = last.insert(group, *node) {
            edges.push((before, *node));
        }
    }
}

fn number(
    mut steps: Vec<Step>,
    gates: Vec<GateKind>,
    edges: &[(u32, u32)],
    order: &[u32],
) -> (Vec<Step>, Vec<Gate>) {
    let count = steps.len();
    let mut new_number = vec![0u32; count + gates.len()];
    for (position, node) in order.iter().filter(|node| (**node as usize) < count).enumerate() {
        new_number[*node as usize] = position as u32;
    }
    for gate in 0..gates.len() {
        new_number[count + gate] = (count + gate) as u32;
    }
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); count + gates.len()];
    for (from, to) in edges {
        before[*to as usize].push(new_number[*from as usize]);
    }
    for list in &mut before {
        list.sort_unstable();
        list.dedup();
    }
    let gates = gates
        .into_iter()
        .enumerate()
        .map(|(gate, kind)| Gate {
            kind,
            after_nodes: std::mem::take(&mut before[count + gate]),
        })
        .collect();
    for (node, step) in steps.iter_mut().enumerate() {
        step.after_nodes = std::mem::take(&mut before[node]);
    }
    let mut numbered: Vec<(u32, Step)> = steps
        .into_iter()
        .enumerate()
        .map(|(node, step)| (new_number[node], step))
        .collect();
    numbered.sort_unstable_by_key(|(number, _)| *number);
    (numbered.into_iter().map(|(_, step)| step).collect(), gates)
}
