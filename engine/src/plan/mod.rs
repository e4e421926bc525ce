//! (state, observed, desired) → plan: pure, synchronous, linear.
//!
//! 1. `decide`: what becomes of each resource, by comparing specs;
//! 2. `select`: `--target`, `--exclude`;
//! 3. `steps`: decisions become steps and edges, deletions that need no call are found (`vanish`);
//! 4. `order`: the line of no return, one-at-a-time chains, the final numbers;
//! 5. the checks look at the result; the digest seals it.

mod decide;
mod diff;
mod make;
mod order;
mod select;
mod steps;
mod types;
mod vanish;

pub use make::{PlanError, Planning, plan};
pub use types::{Action, Change, Drift, Gate, PLAN_FORMAT, Plan, Refreshed, Selection, Step, Summary, Value};
pub(crate) use vanish::{Object, vanishing};
