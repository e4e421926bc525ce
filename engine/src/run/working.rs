//! The resources as they are while the run goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use subako_state::{Address, Json, Resource};

use crate::kind::{Known, Registry};
use crate::reference::{Unresolved, resolve};

/// Current resources by address, shared by all steps in flight.
pub(super) struct Working {
    registry: Registry,
    inner: Mutex<Inner>,
}

/// Generation, spec (references as recorded) and outputs.
type Object = (u32, Json, Json);

#[derive(Default)]
struct Inner {
    current: BTreeMap<Address, Object>,
    /// Objects whose address a newer one has taken.
    old: BTreeMap<Address, Object>,
    groups: BTreeMap<String, BTreeSet<Address>>,
}

impl Working {
    pub fn new(registry: Registry, resources: &[Resource]) -> Self {
        let working = Self {
            registry,
            inner: Mutex::default(),
        };
        for resource in resources {
            working.put(
                &resource.address,
                resource.generation,
                &resource.spec,
                &resource.outputs,
            );
        }
        working
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A resource is there now; an older one of the address no longer answers to it.
    pub fn put(&self, address: &Address, generation: u32, spec: &Json, outputs: &Json) {
        let group = self
            .registry
            .get(address.kind())
            .and_then(|kind| kind.serial_group(spec));
        let mut inner = self.lock();
        let object = (generation, spec.clone(), outputs.clone());
        if inner
            .current
            .get(address)
            .is_some_and(|(newest, ..)| *newest > generation)
        {
            inner.old.insert(address.clone(), object);
            return;
        }
        for members in inner.groups.values_mut() {
            members.remove(address);
        }
        if let Some(group) = group {
            inner.groups.entry(group).or_default().insert(address.clone());
        }
        if let Some(older) = inner.current.insert(address.clone(), object)
            && older.0 < generation
        {
            inner.old.insert(address.clone(), older);
        }
    }

    /// An object is gone; whoever has its address by now stays, and an older one has it again.
    pub fn remove(&self, address: &Address, generation: u32) {
        let mut inner = self.lock();
        if inner.old.get(address).is_some_and(|(old, ..)| *old == generation) {
            inner.old.remove(address);
        }
        if inner
            .current
            .get(address)
            .is_some_and(|(current, ..)| *current == generation)
        {
            inner.current.remove(address);
            for members in inner.groups.values_mut() {
                members.remove(address);
            }
            if let Some((generation, spec, outputs)) = inner.old.remove(address) {
                drop(inner);
                self.put(address, generation, &spec, &outputs);
            }
        }
    }

    /// Whether an object's address has been taken by a newer one.
    pub fn is_old(&self, address: &Address, generation: u32) -> bool {
        self.lock()
            .current
            .get(address)
            .is_some_and(|(current, ..)| *current > generation)
    }
}

/// The resources as one step sees them: a step on an old object sees the old objects that it
/// belongs with, wherever there are any.
pub(super) struct View {
    pub working: Arc<Working>,
    pub old: bool,
}

impl View {
    /// A spec with its references replaced by what the resources answer now.
    pub fn resolve(&self, spec: &Json) -> Result<Json, Unresolved> {
        let inner = self.working.lock();
        resolve(spec, |address, attr| {
            self.find(&inner, address)?.2.value().get(attr).cloned()
        })
    }

    fn find<'a>(&self, inner: &'a Inner, address: &Address) -> Option<&'a Object> {
        let old = if self.old { inner.old.get(address) } else { None };
        old.or_else(|| inner.current.get(address))
    }
}

impl Known for View {
    fn get(&self, address: &Address) -> Option<(Json, Json)> {
        let (spec, outputs) = {
            let inner = self.working.lock();
            let (_, spec, outputs) = self.find(&inner, address)?;
            (spec.clone(), outputs.clone())
        };
        // What a resource refers to may be gone while it is being removed itself.
        Some((self.resolve(&spec).unwrap_or(spec), outputs))
    }

    fn of_kind(&self, kind: &str) -> Vec<Address> {
        self.working
            .lock()
            .current
            .keys()
            .filter(|address| address.kind() == kind)
            .cloned()
            .collect()
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
}
