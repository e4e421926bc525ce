//! The resources as they are while the run goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use subako_state::{Address, Json, Resource};

use crate::kind::{Known, Machines, Registry};
use crate::plan::Record;
use crate::reference::{Unresolved, references, resolve};

/// The objects at each address, shared by all steps in flight.
pub(super) struct Working {
    registry: Registry,
    inner: Mutex<Inner>,
}

/// Something that exists.
#[derive(Clone)]
struct Object {
    /// References as recorded.
    spec: Json,
    outputs: Json,
    /// The generation of each resource that its spec refers to, where it is not 0.
    made_with: BTreeMap<Address, u32>,
    /// Whether it only waits to be deleted, whatever its generation.
    deposed: bool,
}

impl Object {
    /// Whether it was made with exactly these objects, as far as it refers to any of them.
    fn belongs(&self, with: &BTreeMap<Address, u32>) -> bool {
        let referred = references(&self.spec);
        let mut shared = referred.iter().filter_map(|address| {
            let made_with = self.made_with.get(address).copied().unwrap_or(0);
            Some(*with.get(address)? == made_with)
        });
        shared
            .next()
            .is_some_and(|first| first && shared.all(|same| same))
    }
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<(Address, u32), Object>,
    groups: BTreeMap<String, BTreeSet<Address>>,
}

impl Inner {
    /// Everything at an address, oldest first.
    fn at(&self, address: &Address) -> impl DoubleEndedIterator<Item = (u32, &Object)> {
        self.objects
            .range((address.clone(), 0)..=(address.clone(), u32::MAX))
            .map(|((_, generation), object)| (*generation, object))
    }

    /// Whoever answers to an address: the newest that does not wait to be deleted, else the newest.
    fn current(&self, address: &Address) -> Option<(u32, &Object)> {
        let current = self.at(address).rev().find(|(_, object)| !object.deposed);
        current.or_else(|| self.at(address).next_back())
    }

    /// Puts an address into the group of whoever answers to it now.
    fn regroup(&mut self, registry: &Registry, address: &Address) {
        let kind = registry.get(address.kind());
        let group = self
            .current(address)
            .and_then(|(_, object)| kind?.serial_group(&object.spec));
        for members in self.groups.values_mut() {
            members.remove(address);
        }
        if let Some(group) = group {
            self.groups.entry(group).or_default().insert(address.clone());
        }
    }
}

impl Working {
    pub fn new(registry: Registry, resources: &[Resource]) -> Self {
        let mut inner = Inner::default();
        for resource in resources {
            let object = Object {
                spec: resource.spec.clone(),
                outputs: resource.outputs.clone(),
                made_with: resource.made_with.clone(),
                deposed: resource.deposed,
            };
            inner
                .objects
                .insert((resource.address.clone(), resource.generation), object);
            inner.regroup(&registry, &resource.address);
        }
        Self {
            registry,
            inner: Mutex::new(inner),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object is there now; an older one of the address no longer answers to it.
    pub fn put(&self, address: &Address, generation: u32, record: &Record, outputs: &Json) {
        let object = Object {
            spec: record.spec.clone(),
            outputs: outputs.clone(),
            made_with: record.made_with.clone(),
            deposed: record.deposed,
        };
        let mut inner = self.lock();
        inner.objects.insert((address.clone(), generation), object);
        inner.regroup(&self.registry, address);
    }

    /// An object is gone; whoever has its address by now stays, and an older one has it again.
    pub fn remove(&self, address: &Address, generation: u32) {
        let mut inner = self.lock();
        if inner.objects.remove(&(address.clone(), generation)).is_some() {
            inner.regroup(&self.registry, address);
        }
    }

    /// Whether an object's address has been taken by another.
    pub fn is_old(&self, address: &Address, generation: u32) -> bool {
        let inner = self.lock();
        let this = inner.objects.get(&(address.clone(), generation));
        inner.current(address).is_some_and(|(current, _)| {
            current > generation || current < generation && this.is_some_and(|object| object.deposed)
        })
    }
}

/// The resources as one step sees them.
pub(super) struct View {
    pub working: Arc<Working>,
    /// The objects that the step's own object refers to, by generation: it sees these and, where
    /// they exist, those that were made with them.
    pub with: BTreeMap<Address, u32>,
    /// Whether it sees the former objects elsewhere too, wherever there are any.
    pub old: bool,
}

impl View {
    /// Whether the objects that it refers to, by generation, are all there.
    pub fn has_what_it_was_made_with(&self) -> bool {
        let inner = self.working.lock();
        let mut with = self.with.iter();
        with.all(|(address, generation)| inner.objects.contains_key(&(address.clone(), *generation)))
    }

    /// A spec with its references replaced by what the resources answer now.
    pub fn resolve(&self, spec: &Json) -> Result<Json, Unresolved> {
        let inner = self.working.lock();
        resolve(spec, |address, attr| {
            self.find(&inner, address)?.outputs.value().get(attr).cloned()
        })
    }

    fn find<'a>(&self, inner: &'a Inner, address: &Address) -> Option<&'a Object> {
        if let Some(generation) = self.with.get(address)
            && let Some(object) = inner.objects.get(&(address.clone(), *generation))
        {
            return Some(object);
        }
        let mut newest_first = inner.at(address).rev().map(|(_, object)| object);
        if let Some(object) = newest_first.find(|object| object.belongs(&self.with)) {
            return Some(object);
        }
        let current = inner.current(address);
        let is_former = |(generation, _): &(u32, &Object)| current.is_some_and(|(now, _)| *generation != now);
        let former = if self.old {
            inner.at(address).rev().find(is_former)
        } else {
            None
        };
        former.or(current).map(|(_, object)| object)
    }
}

impl Known for View {
    fn get(&self, address: &Address) -> Option<(Json, Json)> {
        let Object {
            spec,
            outputs,
            made_with,
            ..
        } = self.find(&self.working.lock(), address)?.clone();
        // What it was made with may be gone, and nothing that came later stands in for it.
        let with = generations(&spec, &made_with);
        let is_there = |(address, generation): (&Address, &u32)| {
            let inner = self.working.lock();
            inner.objects.contains_key(&(address.clone(), *generation))
        };
        if !with.iter().all(is_there) {
            return Some((spec, outputs));
        }
        let own = Self {
            working: Arc::clone(&self.working),
            with,
            old: self.old,
        };
        Some((own.resolve(&spec).unwrap_or(spec), outputs))
    }

    fn every(&self, address: &Address) -> Vec<Json> {
        let inner = self.working.lock();
        let newest_first = inner.at(address).rev();
        newest_first.map(|(_, object)| object.outputs.clone()).collect()
    }

    fn of_kind(&self, kind: &str) -> Vec<Address> {
        let inner = self.working.lock();
        let mut found: Vec<Address> = inner
            .objects
            .keys()
            .filter(|(address, _)| address.kind() == kind)
            .map(|(address, _)| address.clone())
            .collect();
        found.dedup();
        found
    }

    fn of_group(&self, group: &str) -> Vec<Address> {
        self.working
            .lock()
            .groups
            .get(group)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    fn machines(&self) -> Vec<&'static dyn Machines> {
        self.working.registry.machines()
    }
}

/// Which objects a record refers to. Where it does not name a generation it is 0.
pub(super) fn made_with(record: &Record) -> BTreeMap<Address, u32> {
    generations(&record.spec, &record.made_with)
}

fn generations(spec: &Json, made_with: &BTreeMap<Address, u32>) -> BTreeMap<Address, u32> {
    references(spec)
        .into_iter()
        .map(|address| {
            let generation = made_with.get(&address).copied().unwrap_or(0);
            (address, generation)
        })
        .collect()
}

#[cfg(test)]
#[path = "working_tests.rs"]
mod tests;
