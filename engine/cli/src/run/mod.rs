//! The way from a plan to its report, shared by apply, destroy and recover.
//!
//! * `changes`: lock, settle what an earlier run left, plan, refuse or ask, run, report;
//! * `drive`: one run with its progress and signals.

mod changes;
mod drive;

pub use changes::{Request, changes};
pub use drive::{LoggedRun, drive, exit_of, options, reporter};
