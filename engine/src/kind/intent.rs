//! What a step is about to do, and the calls that it will make.

use std::collections::BTreeSet;

use subako_state::Json;

use crate::world::{Ownership, PlannedCall};

use super::Kind;

/// What a step is about to do: create what was not there, change it, or delete it.
#[derive(Debug)]
pub struct Intent<'a, K: Kind> {
    /// Whose the object is. Its token is not the step's: nothing is called yet.
    pub ownership: &'a Ownership,
    /// What is there; `None` if nothing is.
    pub before: Option<K>,
    /// What will be; `None` if nothing will. References are unresolved.
    pub after: Option<K>,
    /// What the world answered of what is there.
    pub outputs: Option<K::Outputs>,
    /// The fields that differ between the two. None where a change in place only waits.
    pub changed: &'a BTreeSet<&'a str>,
}

impl<K: Kind> Intent<'_, K> {
    /// Whether one of these fields changes.
    pub fn changes(&self, fields: &[&str]) -> bool {
        fields.iter().any(|field| self.changed.contains(field))
    }

    /// What of the object is there before the step, and after it.
    pub fn verb(&self) -> Verb {
        match (&self.before, &self.after) {
            (None, _) => Verb::Create,
            (Some(_), Some(_)) => Verb::Update,
            (Some(_), None) => Verb::Delete,
        }
    }
}

/// What a step does to its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is not there before the step.
    Create,
    /// It is there before and after.
    Update,
    /// It is not there any more.
    Delete,
}

/// As [`Intent`], with its types erased.
#[derive(Debug, Clone, Copy)]
pub struct ErasedIntent<'a> {
    /// See [`Intent::ownership`].
    pub ownership: &'a Ownership,
    /// See [`Intent::before`].
    pub before: Option<&'a Json>,
    /// See [`Intent::after`].
    pub after: Option<&'a Json>,
    /// See [`Intent::outputs`].
    pub outputs: Option<&'a Json>,
    /// See [`Intent::changed`].
    pub changed: &'a BTreeSet<&'a str>,
}

/// A call by which a step changes the world, on its way forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCall {
    /// The seam's call: one of [`MUTATING`](crate::world::calls::MUTATING).
    pub name: &'static str,
    /// Whether it is made if the world is as the plan has it. Otherwise that hangs on what cannot be
    /// told before the step: whether a node is the one that the swarm was started on, for example.
    pub certain: bool,
    /// What a provider can be asked about it before it is made; empty where nothing can be asked.
    pub asks: Vec<PlannedCall>,
}

impl StepCall {
    /// A call that is made.
    pub fn of(name: &'static str) -> Self {
        Self {
            name,
            certain: true,
            asks: Vec::new(),
        }
    }

    /// A call that may be made.
    pub fn perhaps(name: &'static str) -> Self {
        Self {
            certain: false,
            ..Self::of(name)
        }
    }

    /// A call that is made if something holds, and may be made in any case.
    pub fn certain_if(certain: bool, name: &'static str) -> Self {
        Self {
            certain,
            ..Self::of(name)
        }
    }

    /// With something to ask a provider about.
    #[must_use]
    pub fn asking(mut self, call: PlannedCall) -> Self {
        self.asks.push(call);
        self
    }
}
