//! (state, observed, desired) → plan: pure, synchronous, linear.
//!
//! 1. `decide`: what becomes of each resource, by comparing specs;
//! 2. `select`: `--target`, `--exclude`;
//! 3. `steps`: decisions become steps and edges, deletions that need no call are found (`vanish`);
//! 4. `order`: the line of no return, one-at-a-time chains, the final numbers;
//! 5. `cost`: what is billed before and after;
//! 6. the checks look at the result; the digest seals it.

mod change;
mod circle;
mod cost;
#[cfg(test)]
mod cost_tests;
mod decide;
mod diff;
mod digest;
mod direct;
mod drift;
mod gate;
mod generations;
mod ignore;
mod known;
mod make;
mod marker;
mod moved;
mod order;
mod power;
mod precede;
mod purpose;
mod read;
mod reason;
mod reform;
mod rehearsal;
mod select;
mod spread;
mod step;
mod steps;
mod strays;
#[cfg(test)]
mod tests;
mod types;
mod v1;
mod vanish;

pub use change::{Change, Value};
pub(crate) use cost::Ledger;
pub(crate) use diff::{changes, differences};
pub(crate) use drift::{counted, drifted};
pub use gate::{Gate, GateKind};
pub use make::{PlanError, Planning, draft};
pub use marker::{Marker, MarkerError};
pub use moved::{Move, Renaming};
pub(crate) use moved::{moved, moved_back, renamed};
pub use power::{Parked, Powering};
pub(crate) use precede::is_repair;
pub use purpose::Purpose;
pub use read::ReadError;
pub use reason::{OldFirst, Reason};
pub use reform::Reforming;
pub use rehearsal::{Because, FailedStep, LowestQuorum, LowestService, PortAway, Rehearsal, Rehearsed};
pub use spread::Spreading;
pub use step::{Action, Operation, Record, Replacement, Step};
pub use types::{Components, Drift, PLAN_FORMAT, Plan, Refreshed, Selection, Summary, WRITTEN_BY};
pub(crate) use vanish::{Departure, Going, Object, departures};
