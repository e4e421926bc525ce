//! What everybody but the kind itself has to know of a kind.

use subako_state::Json;

use crate::world::service::Unit;

/// What a resource lives on: when that goes, it goes too, without a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LivesOn {
    /// On itself.
    Itself,
    /// On the resource of this kind (or on the machine: [`MACHINE`](crate::machine::MACHINE)) that it
    /// depends on.
    Dependency(&'static str),
    /// On all the resources of this kind together.
    Every(&'static str),
}

/// What became of the name that an object carries in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InTheWorld {
    /// It carries none, or is not there.
    Nameless,
    /// It has the new one.
    Renamed,
    /// It has the old one still, because it is out of reach.
    OutOfReach,
}

/// What tells an object from every other of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// Its address alone.
    Address,
    /// This field of its spec, for example its name.
    Field(&'static str),
    /// This one of its outputs, for example its id.
    Output(&'static str),
}

impl KnownBy {
    /// It, from a spec and outputs; `None` if it is known by its address alone.
    pub fn of(self, spec: &Json, outputs: &Json) -> Option<String> {
        match self {
            Self::Address => None,
            Self::Field(field) => spec.text_field(field),
            Self::Output(output) => outputs.text_field(output),
        }
    }
}

/// Who has to be asked about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plane {
    /// The cloud alone: no machine is logged in to.
    Cloud,
    /// A machine.
    Host,
    /// A manager of the swarm.
    Swarm,
}

/// The part of a run that a kind's steps belong to, for people. Phases are in the order in which
/// they are usually passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phase {
    /// Its place among the phases.
    pub place: u8,
    /// Its name.
    pub name: &'static str,
}

impl Phase {
    /// What the cloud is asked for.
    pub const HOSTS: Self = Self {
        place: 10,
        name: "hosts",
    };
    /// Docker Engines.
    pub const DOCKER: Self = Self {
        place: 20,
        name: "docker",
    };
    /// The swarm and its nodes.
    pub const SWARM: Self = Self {
        place: 30,
        name: "swarm",
    };
    /// What runs in the swarm, and what that needs.
    pub const SERVICES: Self = Self {
        place: 40,
        name: "services",
    };
}

/// A field that people look for in a created resource, and how it is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead {
    /// The field of the spec.
    pub field: &'static str,
    /// The value that goes without saying; empty for none.
    pub usual: &'static str,
    /// What is said before it, for example `on`; empty for nothing.
    pub before: &'static str,
    /// What a number of it counts, in the singular; empty if it is no count.
    pub counts: &'static str,
}

impl Lead {
    /// The field alone.
    pub const fn of(field: &'static str) -> Self {
        Self {
            field,
            usual: "",
            before: "",
            counts: "",
        }
    }

    /// Said only where it is something else.
    #[must_use]
    pub const fn unless(mut self, usual: &'static str) -> Self {
        self.usual = usual;
        self
    }

    /// With this before it.
    #[must_use]
    pub const fn after(mut self, before: &'static str) -> Self {
        self.before = before;
        self
    }

    /// As a number of these.
    #[must_use]
    pub const fn counting(mut self, what: &'static str) -> Self {
        self.counts = what;
        self
    }
}

/// The unit of a number in a spec, by the last segment of its field's path; `None` for no unit.
pub type Units = fn(&str) -> Option<Unit>;

/// What everybody but the kind itself has to know of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Traits {
    /// What it lives on.
    pub lives_on: LivesOn,
    /// What tells it from others.
    pub known_by: KnownBy,
    /// Whether what depends on it only needs it to be there first: it can go before them, and they
    /// need no call for that.
    pub only_precedes: bool,
    /// Whether a deleted one can be had back by creating it again from its spec.
    pub delete_is_undoable: bool,
    /// The kind that it is a part of: it is replaced with one of those, not by itself.
    pub part_of: Option<&'static str>,
    /// Kinds that it uses by name: one of those cannot go first while it is there.
    pub uses: &'static [&'static str],
    /// Kinds that it refers to and can do without: one of those can go first while it is there.
    pub outlives: &'static [&'static str],
    /// Kinds whose replacement replaces a resource of this kind that depends on them.
    pub replaced_with: &'static [&'static str],
    /// Kinds that its specs refer to: a refresh looks at those first.
    pub refers_to: &'static [&'static str],
    /// Who has to be asked about it.
    pub plane: Plane,
    /// The part of a run that its steps belong to.
    pub phase: Phase,
    /// The kind whose new name it takes, or that of its machine
    /// ([`MACHINE`](crate::machine::MACHINE); its own, if it can be renamed by itself); `None` if its
    /// name is what it is in the world.
    pub renamed_with: Option<&'static str>,
    /// What people look for in a created one, in this order.
    pub headline: &'static [Lead],
    /// The units of its numbers.
    pub units: Units,
}

impl Traits {
    /// Of a kind that lives on itself, does not come back, and has one name for good.
    pub const fn of(plane: Plane, phase: Phase) -> Self {
        Self {
            lives_on: LivesOn::Itself,
            known_by: KnownBy::Address,
            only_precedes: false,
            delete_is_undoable: false,
            part_of: None,
            uses: &[],
            outlives: &[],
            replaced_with: &[],
            refers_to: &[],
            plane,
            phase,
            renamed_with: None,
            headline: &[],
            units: |_| None,
        }
    }
}
