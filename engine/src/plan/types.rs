//! A plan: every step that will be made, in what order, and why.

use serde::{Deserialize, Serialize};
use subako_state::{AccountId, Address, Digest, Json};

use super::change::Change;
use super::gate::Gate;
use super::moved::Move;
use super::purpose::Purpose;
use super::rehearsal::Rehearsal;
use super::step::Step;
use crate::finding::Finding;
use crate::money::Bill;

/// The version of the plan's JSON that this program writes.
pub const PLAN_FORMAT: u32 = 2;
/// The version of the program that writes it.
pub const WRITTEN_BY: &str = env!("CARGO_PKG_VERSION");

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
    /// Recreate these; patterns with `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<String>,
    /// Delete everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub destroy: bool,
}

/// What a plan starts from, part by part: what tells two plans apart tells why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Components {
    /// Of what the manifest wants, everything that it looks up included.
    pub manifest: Digest,
    /// Of the state; `None` if there is none.
    pub state: Option<Digest>,
    /// Of what the plan takes from the world: the account, what moved, and what its steps act on.
    pub world: Digest,
    /// Of the format.
    pub format: Digest,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format_version: u32,
    /// The version of the program that wrote it; not in the digest.
    pub written_by: String,
    /// SHA-256 over what is done and what it starts from ([`Plan::sealed`]): the same plan has the
    /// same digest on every machine.
    pub digest: Digest,
    /// The digests of what it starts from.
    pub components: Components,
    /// The cluster.
    pub cluster: String,
    /// `aws` or `sim`.
    pub provider: String,
    /// Where, once known.
    pub account: Option<AccountId>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Purpose::is_change")]
    pub purpose: Purpose,
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
    /// What has another name from now on: it is recorded under that as soon as the run has an
    /// effect, and where there is none to be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Move>,
    /// Outputs that a refresh found changed, for resources that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refreshed: Vec<Refreshed>,
    /// What the checks say; those that do not refuse the plan are not in the digest.
    pub findings: Vec<Finding>,
    /// What the cluster costs before and after, where anything is billed; not in the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Bill>,
    /// What a rehearsal of it gave, where there was one; not in the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.moved.is_empty()
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
