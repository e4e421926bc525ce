//! What every implementation of the seams must do, as named cases.
//!
//! The same cases run on the simulator (in this crate's tests) and on the real adapters, so that
//! the model stays honest. They know nothing of either: names, images, types and what a
//! counterpart cannot do come from a fixture. Every case makes what it needs under the
//! fixture's cluster name and [`CloudBench::sweep`] removes it.

mod case;
mod cloud;
mod cloud_bench;
mod elastic_ips;
mod groups;
mod host_bench;
mod hosts;
mod instances;
mod membership;
mod services;
#[cfg(test)]
mod simulated;
mod tasks;
mod tasks_failing;

pub use case::{Case, CaseError, CaseReport, Outcome, Verdict, run};
pub use cloud::cloud_cases;
pub use cloud_bench::{CloudBench, CloudFixture, Counterpart};
pub use host_bench::{HostBench, HostFixture};
pub use hosts::host_cases;
