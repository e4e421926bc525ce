//! The kinds by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Erased, ErasedKind, Kind, Machines, Plane};
use crate::machine::MACHINE;

/// The kinds that exist, by name.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, Arc<dyn ErasedKind>>);

impl Registry {
    /// Adds a typed kind.
    #[must_use]
    pub fn with<K: Kind>(self) -> Self {
        self.with_erased(Arc::new(Erased::<K>::default()))
    }

    /// Adds an erased kind.
    #[must_use]
    pub fn with_erased(mut self, kind: Arc<dyn ErasedKind>) -> Self {
        self.0.insert(kind.name(), kind);
        self
    }

    /// The kind of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn ErasedKind>> {
        self.0.get(name)
    }

    /// Who has to be asked about resources of a kind; `None` if there is no such kind.
    pub fn plane(&self, kind: &str) -> Option<Plane> {
        Some(self.get(kind)?.traits().plane)
    }

    /// The kinds that supply machines.
    pub fn machines(&self) -> Vec<&'static dyn Machines> {
        self.iter().filter_map(|kind| kind.machines()).collect()
    }

    /// Whether a kind is the one that another names: by its name, or as a supplier of machines where
    /// that names [`MACHINE`].
    pub fn is_a(&self, kind: &str, named: &str) -> bool {
        kind == named || named == MACHINE && self.get(kind).is_some_and(|kind| kind.machines().is_some())
    }

    /// The kinds of which something is billed, by name.
    pub fn billed(&self) -> impl Iterator<Item = &'static str> {
        let billed = self.0.iter().filter(|(_, kind)| kind.is_billed());
        billed.map(|(name, _)| *name)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn ErasedKind>> {
        self.0.values()
    }
}
