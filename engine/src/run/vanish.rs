//! Which creates need no call to undo, because what they live on is undone too.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use subako_state::{Address, Effect, Entry, StateError};

use super::crew::{Crew, empty};
use super::fold::fold;
use super::status::StepStatus;
use crate::kind::LivesOn;
use crate::plan::{Action, Object, Plan, Step, vanishing};

/// The steps that vanish on the way back, each with what it lives on.
pub(super) struct Vanishing<'a> {
    hosts: BTreeMap<u32, Address>,
    /// The step that made what is at an address, of those that took effect.
    made: HashMap<&'a Address, u32>,
}

impl<'a> Vanishing<'a> {
    /// Of what a run did so far.
    pub fn of(crew: &Crew<'a>) -> Self {
        let plan = crew.plan;
        let progress = crew.progress().clone();
        let existing = fold(crew.resources, plan, &progress);
        let creates = || {
            let steps = plan.steps.iter().zip(&progress.steps).enumerate();
            steps.filter(|(_, (step, _))| step.action() == Action::Create)
        };
        let step_at: HashMap<(&Address, u32), u32> = creates()
            .map(|(number, (step, _))| ((&step.address, step.generation), number as u32))
            .collect();
        let mut makers: Vec<Option<u32>> = existing
            .iter()
            .map(|resource| step_at.get(&(&resource.address, resource.generation)).copied())
            .collect();
        let mut objects: Vec<Object<'_>> = existing
            .iter()
            .zip(&makers)
            .map(|(resource, maker)| Object {
                address: &resource.address,
                depends_on: &resource.depends_on,
                deleted: maker.is_some(),
                old: resource.deposed,
            })
            .collect();
        for (number, (step, status)) in creates() {
            let maker = match status {
                // Nobody knows whether it is there; with its host it goes.
                StepStatus::Failed {
                    effect: Effect::Unresolved,
                    ..
                } => Some(number as u32),
                // What an interrupted way back has undone already took its guests with it.
                StepStatus::Undone { .. } => None,
                _ => continue,
            };
            makers.push(maker);
            objects.push(Object {
                address: &step.address,
                depends_on: step.depends_on(),
                deleted: true,
                old: false,
            });
        }
        let hosts = vanishing(crew.registry, &objects)
            .into_iter()
            .zip(makers)
            .filter_map(|(host, maker)| Some((maker?, host?)))
            .collect();
        let made = creates()
            .filter(|(_, (_, status))| status.may_have_effect())
            .map(|(number, (step, _))| (&step.address, number as u32))
            .collect();
        let mut vanishing = Self { hosts, made };
        vanishing.keep_calls(crew);
        vanishing
    }

    /// Whether a step's undoing waits for that of its host.
    pub fn contains(&self, node: u32) -> bool {
        self.hosts.contains_key(&node)
    }

    /// The steps whose host has been undone, the last first.
    pub fn gone(&self, crew: &Crew<'_>) -> Vec<u32> {
        let progress = crew.progress();
        let undone = |root: &Address| {
            let mut makers = crew.plan.steps.iter().zip(&progress.steps);
            makers.all(|(step, status)| !makes(step, root) || !status.may_have_effect())
        };
        let mut known: HashMap<&Address, bool> = HashMap::new();
        self.hosts
            .iter()
            .rev()
            .filter(|(_, host)| {
                let root = self.root_of(host);
                *known.entry(root).or_insert_with(|| match self.made.get(root) {
                    Some(node) => !progress.steps[*node as usize].may_have_effect(),
                    None => undone(root),
                })
            })
            .map(|(node, _)| *node)
            .collect()
    }

    /// What uses something else that is undone by a call cannot wait to vanish with its host: that
    /// call would be refused while it is there. It is undone by a call too, as the planner has it
    /// for removals; and so is what lives on something that could vanish and does not.
    fn keep_calls(&mut self, crew: &Crew<'_>) {
        let itself = |kind: &str| {
            let kind = crew.registry.get(kind);
            kind.is_some_and(|kind| kind.traits().lives_on == LivesOn::Itself)
        };
        loop {
            let kept: Vec<u32> = self
                .hosts
                .iter()
                .filter(|(node, host)| {
                    let host_stays = !itself(host.kind()) && self.is_called(host);
                    host_stays || self.uses_called(crew.plan, **node, host)
                })
                .map(|(node, _)| *node)
                .collect();
            if kept.is_empty() {
                return;
            }
            for node in kept {
                self.hosts.remove(&node);
            }
        }
    }

    fn uses_called(&self, plan: &Plan, node: u32, host: &Address) -> bool {
        let root = self.root_of(host);
        let carries = |dependency: &Address| {
            dependency == root || (root.name() == "*" && dependency.kind() == root.kind())
        };
        let mut dependencies = plan.steps[node as usize].depends_on().iter();
        dependencies.any(|dependency| !carries(dependency) && self.is_called(dependency))
    }

    /// Whether what is at an address is undone by a call.
    fn is_called(&self, address: &Address) -> bool {
        self.made.get(address).is_some_and(|node| !self.contains(*node))
    }

    /// What a host lives on in the end.
    fn root_of<'b>(&'b self, host: &'b Address) -> &'b Address {
        let mut root = host;
        while let Some(next) = self.made.get(root).and_then(|node| self.hosts.get(node)) {
            root = next;
        }
        root
    }
}

/// Whether a step makes what is at an address; `kind.*` is all of a kind.
fn makes(step: &Step, address: &Address) -> bool {
    step.action() == Action::Create
        && (step.address == *address || (address.name() == "*" && step.address.kind() == address.kind()))
}

impl Crew<'_> {
    /// What lives on something whose making was undone went with it, although the way back was cut
    /// short before it could say so: going forward again it has to be made again.
    pub async fn vanish_with_hosts(&self) -> Result<(), StateError> {
        let crew = self;
        loop {
            let progress = crew.progress().clone();
            let recorded = fold(crew.resources, crew.plan, &progress);
            let existing: BTreeSet<&str> = recorded.iter().map(|resource| resource.address.kind()).collect();
            let steps = progress.steps;
            if !steps
                .iter()
                .any(|status| matches!(status, StepStatus::Undone { .. }))
            {
                return Ok(());
            }
            let gone: Vec<u32> = (0..crew.plan.steps.len() as u32)
                .filter(|number| {
                    matches!(
                        steps[*number as usize],
                        StepStatus::Done { .. } | StepStatus::UndoFailed { .. }
                    ) && lost_its_host(crew, &existing, &steps, &crew.plan.steps[*number as usize])
                })
                .collect();
            if gone.is_empty() {
                return Ok(());
            }
            for step in gone {
                let outputs = steps[step as usize].outputs().cloned().unwrap_or_else(empty);
                crew.record(Entry::Undone { step, outputs }).await?;
            }
        }
    }
}

/// Whether what a made resource lived on was made by this run too, and is undone.
fn lost_its_host(crew: &Crew<'_>, existing: &BTreeSet<&str>, steps: &[StepStatus], step: &Step) -> bool {
    if step.action() != Action::Create {
        return false;
    }
    match crew
        .registry
        .get(step.address.kind())
        .map(|kind| kind.traits().lives_on)
    {
        Some(LivesOn::Dependency(kind)) => {
            let host = step
                .depends_on()
                .iter()
                .find(|dependency| dependency.kind() == kind);
            let mut makers = crew
                .plan
                .steps
                .iter()
                .zip(steps)
                .filter(|(maker, _)| maker.action() == Action::Create && Some(&maker.address) == host);
            makers.next().is_some_and(|(_, status)| !status.may_have_effect())
        }
        Some(LivesOn::Every(kind)) => !existing.contains(kind),
        Some(LivesOn::Itself) | None => false,
    }
}
