//! A plan: every step that will be made, in what order, and why.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use subako_state::{AccountId, Address, Digest, Json};

use crate::check::Finding;

/// The version of the plan's JSON.
pub const PLAN_FORMAT: u32 = 1;

/// What a step does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Makes it.
    Create,
    /// Changes it in place.
    Update,
    /// Deletes it.
    Delete,
    /// Takes it into the state as it was found.
    Adopt,
    /// Takes it out of the state: it is gone already, or goes with what it lives on.
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

/// One side of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Nothing there.
    Absent,
    /// This.
    Known(serde_json::Value),
    /// What another step will answer.
    KnownAfterApply,
}

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The path in the spec, for example `labels.zone`.
    pub path: String,
    /// Before.
    pub before: Value,
    /// After.
    pub after: Value,
    /// Why it cannot be changed in place, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forces_replacement: Option<String>,
    /// What changing it in place costs, if something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// Whether it is one half of a replacement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
    /// The generation of the object it makes or acts on.
    pub generation: u32,
    /// What it is before, references as recorded; `None` if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// What it will be; `None` if it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
    /// The outputs it has before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Json>,
    /// What the state recorded, where that is not what it is before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Json>,
    /// For a change: what the state recorded that it depends on, where that changes too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depended_on: Option<Vec<Address>>,
    /// The generations of what its spec refers to, as they are to be recorded (for a delete: as
    /// they were recorded).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub made_with: BTreeMap<Address, u32>,
    /// For a change: those that the state recorded, where they change too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_made_with: Option<BTreeMap<Address, u32>>,
    /// For a change: whether the state recorded it as protected, where that changes too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_protected: Option<bool>,
    /// What it depends on, as it is to be recorded (for a delete: as it was recorded).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Address>,
    /// Whether the record is to be protected (for a delete: was).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Whether the object it acts on had already been deposed before this plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deposed: bool,
    /// Which fields change; empty for create and delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Why, where it is not plain from the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it goes with, so that no call is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_with: Option<Address>,
    /// Whether it lies past the line of no return.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past_the_line: bool,
    /// What has to be done before it: steps by number, then gates, counted on from the last step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_nodes: Vec<u32>,
}

/// A point that steps wait at: passed when everything before it is done. It keeps the number
/// of edges linear where many steps wait for many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What it stands for, for people, for example `every member`.
    pub name: String,
    /// What has to be done before it.
    pub after_nodes: Vec<u32>,
}

/// Something that is not as the last run left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The resource.
    pub address: Address,
    /// What moved; empty if it is gone.
    pub changes: Vec<Change>,
    /// Whether it is gone.
    pub gone: bool,
}

/// New outputs of a resource that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refreshed {
    /// The resource.
    pub address: Address,
    /// Its generation.
    pub generation: u32,
    /// What it answers now.
    pub outputs: Json,
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Created.
    pub create: u32,
    /// Changed in place.
    pub update: u32,
    /// Replaced.
    pub replace: u32,
    /// Deleted.
    pub delete: u32,
    /// Adopted.
    pub adopt: u32,
    /// Forgotten because they are gone or go with what they live on (also counted as deleted
    /// when the manifest no longer wants them).
    pub forget: u32,
    /// Left as they are.
    pub unchanged: u32,
}

impl Summary {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.create + self.update + self.replace + self.delete + self.adopt + self.forget == 0
    }
}

/// Which part of the whole a plan is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Only these and what they need; patterns with `*`. Empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
    /// Not these, nor what needs them; patterns with `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Make these anew; patterns with `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<String>,
    /// Delete everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub destroy: bool,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format_version: u32,
    /// SHA-256 over everything else: the same plan has the same digest on every machine.
    pub digest: Digest,
    /// The cluster.
    pub cluster: String,
    /// `aws` or `sim`.
    pub provider: String,
    /// Where, once known.
    pub account: Option<AccountId>,
    /// The digest of what the manifest wants.
    pub desired: Digest,
    /// The digest of the state it starts from; `None` if there is none.
    pub base: Option<Digest>,
    /// Which part of the whole it is for.
    pub selection: Selection,
    /// How many of each.
    pub summary: Summary,
    /// The steps, in an order in which they could be made one by one.
    pub steps: Vec<Step>,
    /// The gates.
    pub gates: Vec<Gate>,
    /// What moved outside.
    pub drift: Vec<Drift>,
    /// Outputs that a refresh found changed, for resources that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refreshed: Vec<Refreshed>,
    /// What the checks say.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The predecessors of a node (a step, or a gate counted on from the last step).
    pub fn after(&self, node: usize) -> &[u32] {
        match self.steps.get(node) {
            Some(step) => &step.after_nodes,
            None => self
                .gates
                .get(node - self.steps.len())
                .map_or(&[], |gate| &gate.after_nodes),
        }
    }

    /// How many nodes there are: steps and gates.
    pub fn nodes(&self) -> usize {
        self.steps.len() + self.gates.len()
    }
}
