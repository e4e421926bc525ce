//! What happens during a run, for renderers.

use std::sync::Arc;

use serde::Serialize;
use subako_state::{Address, Direction, Holder, Outcome};

use crate::plan::{Action, Change};
use crate::world::Failure;

/// One event. `elapsed_ms` is world time since the run began.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run begins with so many steps.
    RunStarted {
        /// How many steps.
        steps: u32,
        /// The plan's digest.
        digest: String,
    },
    /// A dead process had left its lock.
    LockTakenOver {
        /// Whose it was.
        holder: HolderView,
    },
    /// A step begins.
    StepStarted {
        /// Its number.
        step: u32,
        /// The resource.
        address: Address,
        /// What is done.
        action: Action,
        /// Whether it is being undone.
        undo: bool,
        /// When.
        elapsed_ms: u64,
    },
    /// A step in flight says what it waits for.
    StepProgress {
        /// Its number.
        step: u32,
        /// The resource.
        address: Address,
        /// What it waits for.
        note: String,
        /// When.
        elapsed_ms: u64,
    },
    /// A step is done (or undone) and durable.
    StepDone {
        /// Its number.
        step: u32,
        /// The resource.
        address: Address,
        /// What was done.
        action: Action,
        /// Whether it was undone.
        undo: bool,
        /// When.
        elapsed_ms: u64,
        /// How long it took.
        took_ms: u64,
        /// How many steps are done (forward), or undone (backward).
        done: u32,
        /// Of how many.
        of: u32,
    },
    /// A step (or undoing it) failed.
    StepFailed {
        /// Its number.
        step: u32,
        /// The resource.
        address: Address,
        /// What was tried.
        action: Action,
        /// Whether it was being undone.
        undo: bool,
        /// Why.
        failure: Failure,
        /// When.
        elapsed_ms: u64,
    },
    /// The run turns round, or stops.
    Turned {
        /// Which way.
        direction: Direction,
        /// Why.
        why: String,
        /// How many steps will be undone.
        undo: u32,
    },
    /// A signal asked to stop.
    Interrupted {
        /// Its name.
        signal: String,
        /// How many steps are in flight and will be waited for.
        in_flight: u32,
    },
    /// The run is over.
    RunFinished {
        /// How.
        outcome: Outcome,
        /// What of this run remains in the world, where something does.
        remains: Vec<Address>,
        /// World time since the run began.
        elapsed_ms: u64,
    },
    /// A run that was undone is over, and what it had touched was read again.
    RollbackChecked(Aftermath),
}

/// What of a run that was undone is not as it was before. Empty where all of it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Aftermath {
    /// What differs, sorted by address.
    pub differs: Vec<Difference>,
    /// What could not be read, sorted by address.
    pub unchecked: Vec<Unchecked>,
}

impl Aftermath {
    /// Whether everything was read, and is as it was.
    pub fn is_clean(&self) -> bool {
        self.differs.is_empty() && self.unchecked.is_empty()
    }
}

/// A resource that is not as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The resource.
    pub address: Address,
    /// How it differs.
    #[serde(flatten)]
    pub how: Differs,
}

/// How a resource differs from what it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Differs {
    /// It was there, and is not.
    Gone,
    /// It was not there, and is.
    Left,
    /// It was there, and something that Subako did not make has its name.
    Taken {
        /// What, for people.
        by: String,
    },
    /// It is another than it was.
    Changed {
        /// The fields, from before to now.
        changes: Vec<Change>,
    },
}

/// A resource of which nobody can say whether it is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// The resource.
    pub address: Address,
    /// Why it could not be read.
    pub why: String,
}

/// A lock's holder, for events.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct HolderView(pub Holder);

/// Receives events. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Sends every event to `sink`.
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Drops every event.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Sends one event.
    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }
}
