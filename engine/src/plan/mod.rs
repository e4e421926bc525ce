//! (state, observed, desired) → plan: pure and synchronous.

mod types;

pub use types::{Action, Change, Drift, Gate, PLAN_FORMAT, Plan, Selection, Step, Summary, Value};
