//! The invariants of a plan, one file each, as typed findings.
//!
//! An error refuses the plan; a warning is for somebody to think about; a note is good to know.
//! A new check is a file with a function `fn(&Checked) -> Vec<Finding>` and a line in [`all`].

mod exposure;
mod finding;
mod images;
mod managers;
mod networks;
mod ports;
mod protect;
mod quorum;
mod zones;

pub use finding::{Finding, Severity};

use subako_state::Snapshot;

use crate::desired::DesiredSet;
use crate::plan::Plan;

/// What checks look at.
pub struct Checked<'a> {
    /// The plan, complete but for its findings and digest.
    pub plan: &'a Plan,
    /// What should be.
    pub desired: &'a DesiredSet,
    /// What the last run left.
    pub snapshot: &'a Snapshot,
}

/// Makes every check.
pub fn all(checked: &Checked<'_>) -> Vec<Finding> {
    [
        exposure::check,
        images::check,
        managers::check,
        networks::check,
        ports::check,
        protect::check,
        quorum::check,
        zones::check,
    ]
    .iter()
    .flat_map(|check| check(checked))
    .collect()
}
