//! What renderers have to know of kinds, without the kinds: how each is worded and counted.

use std::collections::BTreeMap;

pub use crate::kind::{Lead, Phase, Units};
pub use crate::reference::as_reference;
pub use crate::world::service::Unit;

use crate::kind::{Registry, Traits};

/// How the kinds of a session are shown.
#[derive(Debug, Clone, Default)]
pub struct Display(BTreeMap<&'static str, Traits>);

impl Display {
    /// Of these kinds.
    pub fn of(kinds: &Registry) -> Self {
        let traits = kinds.iter().map(|kind| (kind.name(), kind.traits()));
        Self(traits.collect())
    }

    /// Of the kinds that a cluster is made of.
    pub fn built_in() -> Self {
        Self::of(&crate::kinds::registry())
    }

    /// What people look for in a created resource of a kind; nothing of a kind that is not known.
    pub fn headline(&self, kind: &str) -> &'static [Lead] {
        self.0.get(kind).map_or(&[], |traits| traits.headline)
    }

    /// The part of a run that a kind's steps belong to.
    pub fn phase(&self, kind: &str) -> Option<Phase> {
        self.0.get(kind).map(|traits| traits.phase)
    }

    /// The units of a kind's numbers; none of a kind that is not known.
    pub fn units(&self, kind: &str) -> Units {
        self.0.get(kind).map_or(|_| None, |traits| traits.units)
    }
}
