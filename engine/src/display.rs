//! What renderers have to know of kinds, without the kinds: how each is worded and counted.

use std::collections::BTreeMap;

pub use crate::kind::{Lead, Phase};
pub use crate::reference::as_reference;

use crate::kind::Registry;

/// How the kinds of a session are shown.
#[derive(Debug, Clone, Default)]
pub struct Display(BTreeMap<&'static str, (Phase, &'static [Lead])>);

impl Display {
    /// Of these kinds.
    pub fn of(kinds: &Registry) -> Self {
        let shown = |traits: crate::kind::Traits| (traits.phase, traits.headline);
        Self(
            kinds
                .iter()
                .map(|kind| (kind.name(), shown(kind.traits())))
                .collect(),
        )
    }

    /// Of the kinds that a cluster is made of.
    pub fn built_in() -> Self {
        Self::of(&crate::kinds::registry())
    }

    /// What people look for in a created resource of a kind; nothing of a kind that is not known.
    pub fn headline(&self, kind: &str) -> &'static [Lead] {
        self.0.get(kind).map_or(&[], |(_, headline)| headline)
    }

    /// The part of a run that a kind's steps belong to.
    pub fn phase(&self, kind: &str) -> Option<Phase> {
        self.0.get(kind).map(|(phase, _)| *phase)
    }
}
