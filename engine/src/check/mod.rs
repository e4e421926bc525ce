//! The invariants of a plan, one file each, as typed findings.
//!
//! An error refuses the plan; a warning is for somebody to think about; a note is good to know.
//! A new check is a file with a `CHECK` (what it is, and a function `fn(&Checked) -> Vec<Finding>`)
//! and a line in `registry`; callers add theirs with [`Checks::register`].

mod exposure;
mod images;
mod managers;
mod networks;
mod place;
mod ports;
mod protect;
mod quorum;
mod registry;
mod sealed;
#[cfg(test)]
mod testing;
mod zones;

pub use crate::finding::{About, Category, Finding, Place, Severity, planner};
pub use registry::{Check, Checks};
pub use sealed::plan;

use subako_state::Snapshot;

use crate::desired::DesiredSet;
use crate::kind::Registry;
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::refresh::Managers;
use crate::world::LookupAnswer;

/// What checks look at.
pub struct Checked<'a> {
    /// The plan, complete but for its digest and all findings but the planner's own.
    pub plan: &'a Plan,
    /// What should be.
    pub desired: &'a DesiredSet,
    /// What the last run left.
    pub snapshot: &'a Snapshot,
    /// The managers as a refresh found them; `None` where none looked.
    pub managers: Option<&'a Managers>,
    /// The kinds.
    pub registry: &'a Registry,
    /// The manifest; `None` where resources did not come from one, and for a destroy.
    pub manifest: Option<&'a Manifest>,
    /// What was looked up to lower it.
    pub looked_up: Option<&'a LookupAnswer>,
}
