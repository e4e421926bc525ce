//! Decisions → steps and what each has to wait for.
//!
//! Made first, gone last: a step that makes or changes something waits for what it depends
//! on; a deletion waits for the deletion of what depends on it, for its successor, and for
//! everything that stops needing it. What cannot be undone comes after the line.

use std::collections::BTreeMap;

use subako_state::{Address, Json, Resource};

use super::decide::{Decisions, Fate, Input};
use super::types::{Action, Step};
use super::vanish::{Object, vanishing};
use crate::fast::FastMap;
use crate::reference::references;

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

    fn removal_steps(&mut self) {
        // What leaves goes in the reverse order of the record, so that the plan reads backwards too.
        for leaving in self.decisions.leaving.iter().rev() {
            let action = if leaving.gone {
                Action::Forget
            } else {
                Action::Delete
            };
            let step = self.push(removal(
                self.record(leaving.record),
                action,
                leaving.reason.clone(),
            ));
            self.removed.insert(leaving.record, step);
        }
        if self.removed.is_empty() {
            return;
        }
        let records = &self.input.snapshot.resources;
        let mut objects: Vec<Object<'_>> = records
            .iter()
            .enumerate()
            .map(|(record, resource)| Object {
                address: &resource.address,
                depends_on: &resource.depends_on,
                deleted: self.removed.contains_key(&record),
                old: resource.deposed || self.made.contains_key(resource.address.as_str()),
            })
            .collect();
        for (position, fate) in self.decisions.fates.iter().enumerate() {
            if matches!(
                fate,
                Fate::Create { .. } | Fate::Replace { .. } | Fate::Adopt { .. }
            ) {
                objects.push(Object {
                    address: &self.input.desired.resources[position].address,
                    depends_on: &self.decisions.dependencies[position],
                    deleted: false,
                    old: false,
                });
            }
        }
        let mut hosts = vanishing(self.input.registry, &objects);
        hosts.truncate(records.len());
        self.keep_calls(&mut hosts);
        for (record, host) in hosts.into_iter().enumerate() {
            let (Some(host), Some(step)) = (host, self.removed.get(&record)) else {
                continue;
            };
            let entry = &mut self.steps[*step as usize];
            if entry.action == Action::Delete {
                entry.action = Action::Forget;
                entry.reason.get_or_insert_with(|| format!("it goes with {host}"));
                entry.gone_with = Some(host);
            }
        }
    }

    /// What has to go before its host does cannot wait to vanish with it, and is deleted by a
    /// call: the old half of a replacement that comes first, and what uses something else that
    /// is deleted by a call.
    fn keep_calls(&self, hosts: &mut [Option<Address>]) {
        loop {
            let mut again = false;
            for record in 0..hosts.len() {
                let Some(host) = &hosts[record] else { continue };
                let Some(step) = self.removed.get(&record) else {
                    continue;
                };
                let root = self.root_of(hosts, host);
                let host_first = self
                    .removals_of(&root)
                    .iter()
                    .any(|r| self.steps[*r as usize].goes_first());
                let itself_first =
                    self.steps[*step as usize].goes_first() && !host_first && root.name() != "*";
                let uses_called = self.record(record).depends_on.iter().any(|dependency| {
                    let carries =
                        *dependency == root || (root.name() == "*" && dependency.kind() == root.kind());
                    !carries && self.is_called(hosts, dependency)
                });
                let host_stays = *host != root && self.is_called(hosts, host);
                if itself_first || uses_called || host_stays {
                    hosts[record] = None;
                    again = true;
                }
            }
            if !again {
                return;
            }
        }
    }

    /// Whether a record cannot be without a dependency: it refers to it, or is replaced with it.
    fn uses(&self, resource: &Resource, dependency: &Address) -> bool {
        let kind = self.input.registry.get(resource.address.kind());
        references(&resource.spec).contains(dependency)
            || kind.is_some_and(|kind| kind.traits().replaced_with.contains(&dependency.kind()))
    }

    /// What a host lives on in the end.
    fn root_of(&self, hosts: &[Option<Address>], host: &Address) -> Address {
        let mut root = host.clone();
        while let Some(next) = self
            .removed_records(&root)
            .find_map(|record| hosts[record].clone())
        {
            root = next;
        }
        root
    }

    /// Whether something at an address is deleted by a call.
    fn is_called(&self, hosts: &[Option<Address>], address: &Address) -> bool {
        self.removed_records(address).any(|record| {
            let step = self.removed.get(&record).map(|step| &self.steps[*step as usize]);
            hosts[record].is_none() && step.is_some_and(|step| step.action == Action::Delete)
        })
    }

    /// The records at an address that are removed.
    fn removed_records(&self, address: &Address) -> impl Iterator<Item = usize> + '_ {
        let resources = &self.input.snapshot.resources;
        let from = resources.partition_point(|r| r.address < *address);
        let address = address.clone();
        (from..resources.len())
            .take_while(move |record| resources[*record].address == address)
            .filter(|record| self.removed.contains_key(record))
    }

    /// The steps that remove the objects at an address, old ones included.
    fn removals_of(&self, address: &Address) -> Vec<u32> {
        self.removed_records(address)
            .map(|record| self.removed[&record])
            .collect()
    }

    fn edges_of_the_made(&mut self) {
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

    fn first_of(&self, made: u32, address: &Address) -> u32 {
        let before = made
            .checked_sub(1)
            .map(|index| (index, &self.steps[index as usize]));
        match before {
            Some((index, step)) if step.action == Action::Adopt && step.address == *address => index,
            _ => made,
        }
    }

    fn edges_of_the_removed(&mut self) {
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

impl Step {
    /// Whether it is the old half of a replacement and goes before the new half.
    fn goes_first(&self) -> bool {
        self.replaces && self.action == Action::Delete && self.reason.is_some()
    }
}

fn differing(recorded: &Json, live: &Json) -> Option<Json> {
    (recorded != live).then(|| recorded.clone())
}

fn removal(resource: &Resource, action: Action, reason: Option<String>) -> Step {
    Step {
        address: resource.address.clone(),
        action,
        replaces: false,
        generation: resource.generation,
        before: Some(resource.spec.clone()),
        after: None,
        outputs: Some(resource.outputs.clone()),
        recorded: None,
        depended_on: None,
        made_with: resource.made_with.clone(),
        was_made_with: None,
        was_protected: None,
        depends_on: resource.depends_on.clone(),
        protect: resource.protect,
        deposed: resource.deposed,
        changes: Vec::new(),
        reason,
        gone_with: None,
        past_the_line: false,
        after_nodes: Vec::new(),
    }
}
