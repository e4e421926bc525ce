//! The invariants of a plan, one file each, as typed findings.

mod finding;

pub use finding::{Finding, Severity};
