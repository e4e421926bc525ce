//! Decisions → steps and what each has to wait for.
//!
//! Made first, gone last: a step that makes or changes something waits for what it depends
//! on; a deletion waits for the deletion of what depends on it, for its successor, and for
//! everything that stops needing it. What cannot be undone comes after the line.
//!
//! Here: the steps that make and change; `removals`: those that remove; `edges`: the waiting;
//! `ready`: the waiting through what does not change; `claims`: the waiting for what only one can
//! hold.

mod claims;
mod edges;
mod ready;
mod removals;

use std::collections::BTreeMap;

use subako_state::{Address, Json, Resource};

use super::change::Change;
use super::decide::{Decisions, Fate, Input};
use super::gate::GateKind;
use super::reason::{OldFirst, Reason};
use super::step::{Operation, Record, Replacement, Step};
use crate::fast::FastMap;
use crate::kind::{Claim, Unconverged};
use crate::reference::references;
use removals::removal;

/// Steps with edges between nodes: steps first, then gates.
pub(super) struct Draft {
    pub steps: Vec<Step>,
    pub gates: Vec<GateKind>,
    /// `(before, after)`, nodes by number; a gate's number is counted on from the last step.
    pub edges: Vec<(u32, u32)>,
    /// Those of the edges that are there because of what only one can hold.
    pub claims: Vec<ClaimEdge>,
}

/// A step that releases what another takes.
#[derive(Debug, Clone)]
pub(super) struct ClaimEdge {
    /// The step that releases it.
    pub from: u32,
    /// The step that takes it.
    pub to: u32,
    /// What is taken.
    pub claim: Claim,
    /// Whether each could hold it on other nodes.
    pub of_nodes: bool,
}

pub(super) fn draft(input: &Input<'_>, decisions: &Decisions) -> Draft {
    let mut builder = Builder {
        input,
        decisions,
        steps: Vec::new(),
        gates: Vec::new(),
        gate_index: BTreeMap::new(),
        edges: Vec::new(),
        made: FastMap::default(),
        removed: FastMap::default(),
        claims: Vec::new(),
        positions: FastMap::default(),
        ready: FastMap::default(),
    };
    builder.make_steps();
    builder.name_generations();
    builder.removal_steps();
    builder.name_taken_along();
    builder.name_unconverged();
    builder.edges_of_the_made();
    builder.edges_of_the_removed();
    builder.edges_of_restarts();
    builder.edges_of_claims();
    builder.edges_of_the_pinned();
    let offset = builder.steps.len() as u32;
    let number = |node: Node| match node {
        Node::Step(step) => step,
        Node::Gate(gate) => offset + gate,
    };
    let edges = builder
        .edges
        .iter()
        .map(|(from, to)| (number(*from), number(*to)))
        .collect();
    Draft {
        edges,
        claims: builder.claims,
        steps: builder.steps,
        gates: builder.gates,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Step(u32),
    Gate(u32),
}

struct Builder<'a> {
    input: &'a Input<'a>,
    decisions: &'a Decisions,
    steps: Vec<Step>,
    gates: Vec<GateKind>,
    gate_index: BTreeMap<GateKind, u32>,
    edges: Vec<(Node, Node)>,
    /// The step that leaves a wanted resource as wanted.
    made: FastMap<&'a str, u32>,
    /// The step that removes a record, by its place in the snapshot.
    removed: FastMap<usize, u32>,
    /// The edges that are there because of what only one can hold.
    claims: Vec<ClaimEdge>,
    /// The place of each wanted resource, where something stays as it is.
    positions: FastMap<&'a str, usize>,
    /// What those that stay as they are wait for.
    ready: FastMap<usize, Option<Node>>,
}

impl<'a> Builder<'a> {
    fn push(&mut self, step: Step) -> u32 {
        self.steps.push(step);
        self.steps.len() as u32 - 1
    }

    fn record(&self, record: usize) -> &'a Resource {
        &self.input.snapshot.resources[record]
    }

    fn gate(&mut self, kind: GateKind) -> Node {
        let next = self.gates.len() as u32;
        let index = *self.gate_index.entry(kind.clone()).or_insert(next);
        if index == next {
            self.gates.push(kind);
        }
        Node::Gate(index)
    }

    fn make_steps(&mut self) {
        for (position, fate) in self.decisions.fates.iter().enumerate() {
            let made = match fate {
                Fate::Keep => continue,
                Fate::Create {
                    generation,
                    lost,
                    reason,
                } => self.create(position, *generation, *lost, reason.as_ref()),
                Fate::Adopt {
                    record,
                    found,
                    outputs,
                    changes,
                    unconverged,
                } => {
                    let adopted = self.adopt(*record, found, outputs);
                    self.change_adopted(position, adopted, changes, *unconverged)
                }
                Fate::Update {
                    record,
                    live,
                    outputs,
                    changes,
                } => {
                    let resource = self.record(*record);
                    let (before, live) = observed(resource, live, outputs);
                    self.push(Step {
                        live,
                        misnamed: self.input.observed.misnamed.get(&resource.address).cloned(),
                        changes: changes.clone(),
                        ..self.step(position, resource.generation, Operation::Update, Some(before))
                    })
                }
                Fate::Settle {
                    record,
                    live,
                    outputs,
                    changes,
                    unconverged,
                } => {
                    let resource = self.record(*record);
                    let (before, live) = observed(resource, live, outputs);
                    self.push(Step {
                        live,
                        changes: changes.clone(),
                        reason: Some(Reason::Unconverged(*unconverged)),
                        ..self.step(position, resource.generation, Operation::Settle, Some(before))
                    })
                }
                Fate::Replace {
                    record,
                    live,
                    outputs,
                    changes,
                    old_first,
                    reason,
                } => {
                    let adopted = self.input.found.contains(record);
                    let adopted = adopted.then(|| self.adopt(*record, live, outputs));
                    let (create, remove) =
                        self.replace(position, *record, (live, outputs), old_first.as_ref());
                    for half in [create, remove] {
                        self.edges
                            .extend(adopted.map(|adopt| (Node::Step(adopt), Node::Step(half))));
                    }
                    let step = &mut self.steps[create as usize];
                    step.changes.clone_from(changes);
                    step.reason = Some(reason.clone());
                    self.removed.insert(*record, remove);
                    create
                }
            };
            let address = self.input.desired.resources[position].address.as_str();
            self.made.insert(address, made);
        }
    }

    /// A step that leaves a wanted resource as wanted.
    fn step(&self, position: usize, generation: u32, operation: Operation, before: Option<Record>) -> Step {
        let wanted = &self.input.desired.resources[position];
        let after = self.wanted(position, &wanted.spec, None);
        Step::new(wanted.address.clone(), generation, operation, before, Some(after))
    }

    /// The record of a wanted resource with a spec, and what is answered of it if that is known.
    fn wanted(&self, position: usize, spec: &Json, outputs: Option<&Json>) -> Record {
        Record {
            spec: spec.clone(),
            outputs: outputs.cloned(),
            depends_on: self.decisions.dependencies[position].clone(),
            made_with: BTreeMap::new(),
            protect: self.input.desired.resources[position].protect,
            deposed: false,
        }
    }

    fn create(
        &mut self,
        position: usize,
        generation: u32,
        lost: Option<usize>,
        reason: Option<&Reason>,
    ) -> u32 {
        let create = self.push(Step {
            reason: reason.cloned(),
            ..self.step(position, generation, Operation::Create, None)
        });
        if let Some(record) = lost {
            let forget = self.push(Step {
                reason: reason.cloned(),
                ..removal(self.record(record), Operation::Forget)
            });
            self.edges.push((Node::Step(forget), Node::Step(create)));
            self.removed.insert(record, forget);
        }
        create
    }

    /// Takes in what was found, as it was found.
    fn adopt(&mut self, record: usize, found: &Json, outputs: &Json) -> u32 {
        let resource = self.record(record);
        let after = Record {
            spec: found.clone(),
            outputs: Some(outputs.clone()),
            ..Record::of(resource)
        };
        self.push(Step {
            reason: Some(Reason::Unrecorded),
            ..Step::new(
                resource.address.clone(),
                resource.generation,
                Operation::Adopt,
                None,
                Some(after),
            )
        })
    }

    /// Changes what was taken in where it differs, or waits for it: the step that leaves it as wanted.
    fn change_adopted(
        &mut self,
        position: usize,
        adopt: u32,
        changes: &[Change],
        unconverged: Option<Unconverged>,
    ) -> u32 {
        let (generation, found) = {
            let step = &self.steps[adopt as usize];
            (step.generation, step.after.clone())
        };
        let operation = match (changes.is_empty(), unconverged) {
            (false, _) => Operation::Update,
            (true, Some(_)) => Operation::Settle,
            (true, None) => return adopt,
        };
        let change = self.push(Step {
            changes: changes.to_vec(),
            reason: unconverged.map(Reason::Unconverged),
            ..self.step(position, generation, operation, found)
        });
        self.edges.push((Node::Step(adopt), Node::Step(change)));
        change
    }

    /// The two halves of a replacement: the create and the delete, in their order.
    fn replace(
        &mut self,
        position: usize,
        record: usize,
        (live, outputs): (&Json, &Json),
        old_first: Option<&OldFirst>,
    ) -> (u32, u32) {
        let resource = self.record(record);
        let generation = self.input.generations.next(&resource.address);
        let replacement = if old_first.is_some() {
            Replacement::OldFirst
        } else {
            Replacement::NewFirst
        };
        let create = self.push(Step {
            replacement: Some(replacement),
            ..self.step(position, generation, Operation::Create, None)
        });
        let live = self.input.observed.recorded[record].whole().unwrap_or(live);
        let (before, live) = observed(resource, live, outputs);
        let remove = self.push(Step {
            replacement: Some(replacement),
            before: Some(before),
            live,
            reason: old_first.map(|why| Reason::OldFirst(why.clone())),
            ..removal(resource, Operation::Delete)
        });
        let (first, second) = match replacement {
            Replacement::OldFirst => (remove, create),
            Replacement::NewFirst => (create, remove),
        };
        self.edges.push((Node::Step(first), Node::Step(second)));
        (create, remove)
    }

    /// Which objects each made resource refers to, once all that are made have their generation.
    fn name_generations(&mut self) {
        for position in 0..self.decisions.fates.len() {
            let wanted = &self.input.desired.resources[position];
            let Some(&made) = self.made.get(wanted.address.as_str()) else {
                continue;
            };
            let referred = references(&wanted.spec).into_iter();
            let made_with: BTreeMap<Address, u32> = referred
                .filter_map(|address| {
                    let generation = match self.made.get(address.as_str()) {
                        Some(step) => self.steps[*step as usize].generation,
                        None => self.input.snapshot.get(&address)?.generation,
                    };
                    (generation > 0).then_some((address, generation))
                })
                .collect();
            if let Some(after) = &mut self.steps[made as usize].after {
                after.made_with = made_with;
            }
        }
    }

    /// Says of what changes or goes how far it had come, where it had not converged.
    fn name_unconverged(&mut self) {
        let seen = &self.input.observed.recorded;
        let removed = self.removed.iter().map(|(record, step)| (*record, *step));
        let fates = self.decisions.fates.iter().enumerate();
        let changed = fates.filter_map(|(position, fate)| match fate {
            Fate::Update { record, .. } | Fate::Settle { record, .. } | Fate::Adopt { record, .. } => {
                let address = self.input.desired.resources[position].address.as_str();
                Some((*record, *self.made.get(address)?))
            }
            _ => None,
        });
        for (record, step) in removed.chain(changed) {
            self.steps[step as usize].unconverged = seen[record].unconverged();
        }
    }

    /// Says of what the selection does not name why it is there.
    fn name_taken_along(&mut self) {
        for step in &mut self.steps {
            if let Some(with) = self.decisions.taken_along.get(&step.address) {
                step.reason = Some(Reason::TakenAlong {
                    with: with.clone(),
                    why: step.reason.take().map(Box::new),
                });
            }
        }
    }
}

/// The record of a resource with what it answers now, and its spec where that moved.
fn observed(resource: &Resource, live: &Json, outputs: &Json) -> (Record, Option<Json>) {
    let before = Record {
        outputs: Some(outputs.clone()),
        ..Record::of(resource)
    };
    (before, (resource.spec != *live).then(|| live.clone()))
}
