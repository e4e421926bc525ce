//! One step: an operation on one object, from the record it has to the record it is to have.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use subako_state::{Address, Json, Resource};

use super::change::Change;
use super::reason::Reason;
use crate::kind::Unconverged;

/// The verb of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Creates the object.
    Create,
    /// Changes it in place.
    Update,
    /// Deletes it.
    Delete,
    /// Takes it into the state as it was found.
    Adopt,
    /// Takes it out of the state: it is gone already, or goes with its host.
    Forget,
}

impl Action {
    /// The verb, for people.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())
    }
}

/// What a step does to the world and to the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Creates the object.
    Create,
    /// Changes it in place.
    Update,
    /// Waits until it has converged: it is as wanted, and nothing of it is changed.
    Settle,
    /// Restarts its tasks, so that they are spread evenly: it stays as it is, and nothing of it is
    /// undone.
    Spread,
    /// Begins the swarm again from one of its managers: it stays what it is, and nothing of that is
    /// undone.
    Reform {
        /// The member whose copy of the swarm counts.
        on: Address,
    },
    /// Deletes it by a call.
    Delete,
    /// Records an object that exists, as it was found.
    Adopt,
    /// Drops the record of an object that no longer exists.
    Forget,
    /// Drops the record of an object that its host takes with it.
    Vanish {
        /// The host; `kind.*` for all of a kind together.
        host: Address,
    },
}

impl Operation {
    /// Whether the object is after it what it was before, so that there is nothing to undo.
    pub fn leaves_it_as_it_is(&self) -> bool {
        matches!(self, Self::Settle | Self::Spread | Self::Reform { .. })
    }

    /// The verb.
    pub fn action(&self) -> Action {
        match self {
            Self::Create => Action::Create,
            Self::Update | Self::Settle | Self::Spread | Self::Reform { .. } => Action::Update,
            Self::Delete => Action::Delete,
            Self::Adopt => Action::Adopt,
            Self::Forget | Self::Vanish { .. } => Action::Forget,
        }
    }
}

/// The order of the two halves of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// The successor is created before the old object goes.
    NewFirst,
    /// The old object goes before its successor is created.
    OldFirst,
}

/// What the state has of an object, or is to have of it. Address and generation are the step's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What is wanted of it, references as recorded.
    pub spec: Json,
    /// What the world answers of it; `None` where only the step's own call will tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Json>,
    /// What it depends on: addresses, or `kind.*` for all of a kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Address>,
    /// The generation of each resource that its spec refers to; left away where it is 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub made_with: BTreeMap<Address, u32>,
    /// Whether deleting it is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Whether a newer object has its address, and it only waits to be deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deposed: bool,
}

impl Record {
    /// What the state has of a resource.
    pub fn of(resource: &Resource) -> Self {
        Self {
            spec: resource.spec.clone(),
            outputs: Some(resource.outputs.clone()),
            depends_on: resource.depends_on.clone(),
            made_with: resource.made_with.clone(),
            protect: resource.protect,
            deposed: resource.deposed,
        }
    }

    /// The resource to record at an address, with these outputs if there are any, else with its
    /// own; `None` where nobody knows them.
    pub fn resource(&self, address: &Address, generation: u32, outputs: Option<&Json>) -> Option<Resource> {
        Some(Resource {
            address: address.clone(),
            depends_on: self.depends_on.clone(),
            deposed: self.deposed,
            generation,
            made_with: self.made_with.clone(),
            outputs: outputs.or(self.outputs.as_ref())?.clone(),
            protect: self.protect,
            spec_sha256: self.spec.digest(),
            spec: self.spec.clone(),
        })
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// The generation of the object that it acts on.
    pub generation: u32,
    /// What is done.
    pub operation: Operation,
    /// Where it is one half of a replacement: the order of the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<Replacement>,
    /// The record to have if it has no effect, or is undone; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Record>,
    /// The record to have once it is done; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Record>,
    /// The spec that a refresh read, where it is not the one recorded before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Json>,
    /// How far the object had come before, where it had not converged: nobody waits for that on
    /// the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconverged: Option<Unconverged>,
    /// The address that the object carries in the world, where that is another one than its own: the
    /// step gives it its own, and undoing it the one that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misnamed: Option<String>,
    /// Which fields change; for a replacement, from the old object to the new one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Why, where it is not plain from the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Whether it lies past the line of no return.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past_the_line: bool,
    /// What has to be done before it: steps by number, then gates, counted on from the last step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_nodes: Vec<u32>,
}

impl Step {
    /// A step on an object, from one record to another, that waits for nothing yet.
    pub fn new(
        address: Address,
        generation: u32,
        operation: Operation,
        before: Option<Record>,
        after: Option<Record>,
    ) -> Self {
        Self {
            address,
            generation,
            operation,
            replacement: None,
            before,
            after,
            live: None,
            unconverged: None,
            misnamed: None,
            changes: Vec::new(),
            reason: None,
            past_the_line: false,
            after_nodes: Vec::new(),
        }
    }

    /// The verb.
    pub fn action(&self) -> Action {
        self.operation.action()
    }

    /// Whether it is one half of a replacement.
    pub fn replaces(&self) -> bool {
        self.replacement.is_some()
    }

    /// Whether it deletes the old half of a replacement before the new half is created.
    pub fn goes_first(&self) -> bool {
        self.operation == Operation::Delete && self.replacement == Some(Replacement::OldFirst)
    }

    /// What it vanishes with, if it does.
    pub fn gone_with(&self) -> Option<&Address> {
        match &self.operation {
            Operation::Vanish { host } => Some(host),
            _ => None,
        }
    }

    /// What the object is before the step, as far as is known; `None` if it is not there.
    pub fn spec_before(&self) -> Option<&Json> {
        self.live
            .as_ref()
            .or(self.before.as_ref().map(|record| &record.spec))
    }

    /// What the object is after the step; `None` if it is gone.
    pub fn spec_after(&self) -> Option<&Json> {
        self.after.as_ref().map(|record| &record.spec)
    }

    /// What the world answered of the object before the step; `None` if it is not there.
    pub fn outputs_before(&self) -> Option<&Json> {
        self.before.as_ref().and_then(|record| record.outputs.as_ref())
    }

    /// What the state is to have of the object, else what it has.
    pub fn record(&self) -> Option<&Record> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// What the object depends on, as it is to be recorded, else as it is.
    pub fn depends_on(&self) -> &[Address] {
        self.record().map_or(&[], |record| &record.depends_on)
    }
}
