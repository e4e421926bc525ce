//! The steps that remove what is no longer wanted, and those of them that need no call.

use subako_state::{Address, Resource};

use super::super::decide::Fate;
use super::super::reason::Reason;
use super::super::step::{Operation, Record, Step};
use super::super::vanish::{Object, vanishing};
use super::Builder;
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
                ..removal(self.record(leaving.record), operation)
            });
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
            if entry.operation == Operation::Delete {
                entry.reason.get_or_insert_with(|| Reason::GoesWith(host.clone()));
                entry.operation = Operation::Vanish { host };
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
    pub(super) fn uses(&self, resource: &Resource, dependency: &Address) -> bool {
        let kind = self.input.registry.get(resource.address.kind());
        references(&resource.spec).contains(dependency)
            || kind.is_some_and(|kind| {
                let traits = kind.traits();
                traits.replaced_with.contains(&dependency.kind()) || traits.uses.contains(&dependency.kind())
            })
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
            hosts[record].is_none() && step.is_some_and(|step| step.operation == Operation::Delete)
        })
    }

    /// The records at an address that are removed.
    pub(super) fn removed_records(&self, address: &Address) -> impl Iterator<Item = usize> + '_ {
        let resources = &self.input.snapshot.resources;
        let from = resources.partition_point(|r| r.address < *address);
        let address = address.clone();
        (from..resources.len())
            .take_while(move |record| resources[*record].address == address)
            .filter(|record| self.removed.contains_key(record))
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
