//! Decisions → steps and what each has to wait for.
//!
//! Made first, gone last: a step that makes or changes something waits for what it depends
//! on; a deletion waits for the deletion of what depends on it, for its successor, and for
//! everything that stops needing it. What cannot be undone comes after the line.
//!
//! Here: the steps that make and change; `removals`: those that remove; `edges`: the waiting.

mod edges;
mod removals;

use std::collections::BTreeMap;

use subako_state::{Address, Json, Resource};

use super::decide::{Decisions, Fate, Input};
use super::types::{Action, Step};
use crate::fast::FastMap;
use crate::reference::references;
use removals::removal;

/// Steps with edges between nodes: steps first, then gates by name.
pub(super) struct Draft {
    pub steps: Vec<Step>,
    pub gates: Vec<String>,
    /// `(before, after)`, nodes by number; a gate's number is counted on from the last step.
    pub edges: Vec<(u32, u32)>,
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
    };
    builder.make_steps();
    builder.name_generations();
    builder.removal_steps();
    builder.edges_of_the_made();
    builder.edges_of_the_removed();
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
    gates: Vec<String>,
    gate_index: BTreeMap<String, u32>,
    edges: Vec<(Node, Node)>,
    /// The step that leaves a wanted resource as wanted.
    made: FastMap<&'a str, u32>,
    /// The step that removes a record, by its place in the snapshot.
    removed: FastMap<usize, u32>,
}

impl<'a> Builder<'a> {
    fn push(&mut self, step: Step) -> u32 {
        self.steps.push(step);
        self.steps.len() as u32 - 1
    }

    fn record(&self, record: usize) -> &'a Resource {
        &self.input.snapshot.resources[record]
    }

    fn gate(&mut self, name: String) -> Node {
        let next = self.gates.len() as u32;
        let index = *self.gate_index.entry(name.clone()).or_insert(next);
        if index == next {
            self.gates.push(name);
        }
        Node::Gate(index)
    }

    fn make_steps(&mut self) {
        for (position, fate) in self.decisions.fates.iter().enumerate() {
            let wanted = &self.input.desired.resources[position];
            let step = |action, generation| Step {
                address: wanted.address.clone(),
                action,
                replaces: false,
                generation,
                before: None,
                after: Some(wanted.spec.clone()),
                outputs: None,
                recorded: None,
                depended_on: None,
                made_with: BTreeMap::new(),
                was_made_with: None,
                was_protected: None,
                depends_on: self.decisions.dependencies[position].clone(),
                protect: wanted.protect,
                deposed: false,
                changes: Vec::new(),
                reason: None,
                gone_with: None,
                past_the_line: false,
                after_nodes: Vec::new(),
            };
            let made = match fate {
                Fate::Keep => continue,
                Fate::Create {
                    generation,
                    lost,
                    reason,
                } => {
                    let create = step(Action::Create, *generation);
                    let create = self.push(Step {
                        reason: reason.clone(),
                        ..create
                    });
                    if let Some(record) = lost {
                        let forget = self.push(removal(self.record(*record), Action::Forget, reason.clone()));
                        self.edges.push((Node::Step(forget), Node::Step(create)));
                        self.removed.insert(*record, forget);
                    }
                    create
                }
                Fate::Adopt {
                    generation,
                    found,
                    outputs,
                    changes,
                } => {
                    let adopt = self.push(Step {
                        after: Some(found.clone()),
                        outputs: Some(outputs.clone()),
                        reason: Some(
                            "it carries this cluster's tags, but the state does not know it".to_owned(),
                        ),
                        ..step(Action::Adopt, *generation)
                    });
                    if changes.is_empty() {
                        adopt
                    } else {
                        let update = self.push(Step {
                            before: Some(found.clone()),
                            outputs: Some(outputs.clone()),
                            changes: changes.clone(),
                            ..step(Action::Update, *generation)
                        });
                        self.edges.push((Node::Step(adopt), Node::Step(update)));
                        update
                    }
                }
                Fate::Update {
                    record,
                    live,
                    outputs,
                    changes,
                } => {
                    let resource = self.record(*record);
                    self.push(Step {
                        before: Some(live.clone()),
                        outputs: Some(outputs.clone()),
                        recorded: differing(&resource.spec, live),
                        depended_on: (resource.depends_on != self.decisions.dependencies[position])
                            .then(|| resource.depends_on.clone()),
                        was_protected: (resource.protect != wanted.protect).then_some(resource.protect),
                        changes: changes.clone(),
                        ..step(Action::Update, resource.generation)
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
                    let resource = self.record(*record);
                    let generation = self.newest(&resource.address) + 1;
                    let create = self.push(Step {
                        replaces: true,
                        before: Some(live.clone()),
                        changes: changes.clone(),
                        reason: Some(reason.clone()),
                        ..step(Action::Create, generation)
                    });
                    let remove = self.push(Step {
                        replaces: true,
                        before: Some(live.clone()),
                        outputs: Some(outputs.clone()),
                        recorded: differing(&resource.spec, live),
                        reason: old_first
                            .as_ref()
                            .map(|why| format!("the old one goes first: {why}")),
                        ..removal(resource, Action::Delete, None)
                    });
                    self.removed.insert(*record, remove);
                    let (first, second) = if old_first.is_some() {
                        (remove, create)
                    } else {
                        (create, remove)
                    };
                    self.edges.push((Node::Step(first), Node::Step(second)));
                    create
                }
            };
            self.made.insert(wanted.address.as_str(), made);
        }
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
            let first = self.first_of(made, &wanted.address);
            for step in [first, made] {
                self.steps[step as usize].made_with.clone_from(&made_with);
            }
            if let Fate::Update { record, .. } = &self.decisions.fates[position] {
                let recorded = &self.record(*record).made_with;
                if *recorded != made_with {
                    self.steps[made as usize].was_made_with = Some(recorded.clone());
                }
            }
        }
    }

    fn newest(&self, address: &Address) -> u32 {
        let resources = &self.input.snapshot.resources;
        let from = resources.partition_point(|r| r.address < *address);
        resources[from..]
            .iter()
            .take_while(|r| r.address == *address)
            .map(|r| r.generation)
            .max()
            .unwrap_or(0)
    }
}

impl Step {
    /// Whether it is the old half of a replacement and goes before the new half.
    fn goes_first(&self) -> bool {
        self.replaces && self.action == Action::Delete && self.reason.is_some()
    }
}

fn differing(recorded: &Json, live: &Json) -> Option<Json> {
    (recorded != live).then(|| recorded.clone())
}
