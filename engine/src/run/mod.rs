//! Plan → journal → state: makes the steps, undoes them, and finds out what an interrupted run did.
//!
//! * `status`: what is known of each step; one total function from journal entries.
//! * `fold`: statuses → the resources to record.
//! * `working`: the resources as they are while the run goes on.
//! * `crew`: what the steps share; `step` and `undo`: one step, forward and back, with its entries.
//! * `apply`: the run itself; `rollback`: the way back; `settle`: after a crash.
//!
//! No choice is made here: what is done, in which order and how it is undone stands in the plan.

mod apply;
mod crew;
mod ended;
mod fold;
mod options;
mod rollback;
#[cfg(test)]
pub(crate) mod samples;
mod settle;
mod status;
mod step;
mod undo;
mod vanish;
mod working;

pub use apply::{Run, RunResult};
pub use fold::fold;
pub use options::{ApplyOptions, OnFailure, Probe, Stop};
pub use rollback::can_go_back;
pub use settle::{Settlement, Settling, settle};
pub use status::{Impossible, RunStatus, StepStatus};
