//! The steps that remove what is no longer wanted, and those of them that need no call.

use subako_state::{Address, Resource};

use super::super::decide::Fate;
use super::super::reason::Reason;
use super::super::step::{Operation, Record, Step};
use super::super::vanish::{Departure, Going, Object, departures};
use super::{Builder, observed};
use crate::kind::Sighting;
use crate::reference::references;

impl Builder<'_> {
    pub(super) fn removal_steps(&mut self) {
        // What leaves goes in the reverse order of the record, so that the plan reads backwards too.
        for leaving in self.decisions.leaving.iter().rev() {
            let operation = if leaving.gone {
                Operation::Forget
            } else {
                Operation::Delete
            };
            let step = self.push(Step {
                reason: leaving.reason.clone(),
                ..self.removal_as_seen(leaving.record, operation)
            });
            self.removed.insert(leaving.record, step);
        }
        if self.removed.is_empty() {
            return;
        }
        for (record, departure) in departures(self.input.registry, &self.objects())
            .into_iter()
            .enumerate()
        {
            let (Departure::With { host, .. }, Some(step)) = (departure, self.removed.get(&record)) else {
                continue;
            };
            let entry = &mut self.steps[*step as usize];
            entry.reason.get_or_insert_with(|| Reason::GoesWith(host.clone()));
            entry.operation = Operation::Vanish { host };
        }
    }

    /// The step that removes a recorded resource. What can be had back is had back as it was seen,
    /// not as it was recorded.
    fn removal_as_seen(&self, record: usize, operation: Operation) -> Step {
        let resource = self.record(record);
        let step = removal(resource, operation);
        let kind = self.input.registry.get(resource.address.kind());
        match &self.input.observed.recorded[record] {
            Sighting::There {
                spec, outputs, whole, ..
            } if kind.is_some_and(|kind| kind.traits().delete_is_undoable) => {
                let (before, live) = observed(resource, whole.as_ref().unwrap_or(spec), outputs);
                Step {
                    before: Some(before),
                    live,
                    ..step
                }
            }
            _ => step,
        }
    }

    /// All objects and what becomes of them: the records in their order, then what is made.
    fn objects(&self) -> Vec<Object<'_>> {
        let records = &self.input.snapshot.resources;
        let going = |record: &usize| {
            let Some(step) = self.removed.get(record).map(|step| &self.steps[*step as usize]) else {
                return Going::Stays;
            };
            match step.operation {
                Operation::Forget => Going::Gone,
                _ if step.goes_first() => Going::GoesFirst,
                _ => Going::Goes,
            }
        };
        let recorded = records.iter().enumerate().map(|(record, resource)| Object {
            address: &resource.address,
            depends_on: &resource.depends_on,
            going: going(&record),
            old: resource.deposed || self.made.contains_key(resource.address.as_str()),
        });
        let is_made = |fate: &Fate| matches!(fate, Fate::Create { .. } | Fate::Replace { .. });
        let fates = self.decisions.fates.iter().enumerate();
        let made = fates
            .filter(|(_, fate)| is_made(fate))
            .map(|(position, _)| Object {
                address: &self.input.desired.resources[position].address,
                depends_on: &self.decisions.dependencies[position],
                going: Going::Stays,
                old: false,
            });
        recorded.chain(made).collect()
    }

    /// Whether a record cannot be without a dependency: it refers to it, or is replaced with it.
    pub(super) fn uses(&self, resource: &Resource, dependency: &Address) -> bool {
        let kind = self.input.registry.get(resource.address.kind());
        references(&resource.spec).contains(dependency)
            || kind.is_some_and(|kind| {
                let traits = kind.traits();
                traits.replaced_with.contains(&dependency.kind()) || traits.uses.contains(&dependency.kind())
            })
    }

    /// The records at an address that are removed.
    pub(super) fn removed_records(&self, address: &Address) -> impl Iterator<Item = usize> + '_ {
        let records = self.input.snapshot.at(address);
        records.filter(|record| self.removed.contains_key(record))
    }

    /// The steps that remove the objects at an address, old ones included.
    pub(super) fn removals_of(&self, address: &Address) -> Vec<u32> {
        self.removed_records(address)
            .map(|record| self.removed[&record])
            .collect()
    }
}

/// The step that removes a recorded resource, or forgets it.
pub(super) fn removal(resource: &Resource, operation: Operation) -> Step {
    let before = Some(Record::of(resource));
    Step::new(
        resource.address.clone(),
        resource.generation,
        operation,
        before,
        None,
    )
}
