//! What people and machines read. Everything here makes text; `ui` writes it.
//!
//! * `mistakes`: what is wrong with a manifest;
//! * `value`, `changes`, `headline`, `fold`, `table`, `duration`, `date`, `count`: the pieces;
//! * `plan_text`, `plan_json`, `markdown`, `findings`: a plan;
//! * `cost`: what a plan costs;
//! * `progress`, `eta`, `report`, `aftermath`: a run;
//! * `status`, `resources`, `parked`, `uneven`: the cluster and the state;
//! * `reach`: the path from one end to another;
//! * `drawing`: what depends on what;
//! * `document`: what every JSON document has.

mod aftermath;
mod changes;
pub mod cost;
mod count;
pub mod date;
pub mod document;
pub mod drawing;
pub mod drift;
pub mod duration;
pub mod eta;
pub mod findings;
mod fold;
mod headline;
#[cfg(test)]
mod hostile;
pub mod markdown;
pub mod mistakes;
mod moved;
pub mod parked;
pub mod plan_json;
#[cfg(test)]
mod plan_tests;
pub mod plan_text;
pub mod progress;
pub mod reach;
pub mod rehearsal;
pub mod report;
pub mod resources;
#[cfg(test)]
pub mod samples;
pub mod status;
mod table;
#[cfg(test)]
mod toy_kind_tests;
pub mod uneven;
pub mod value;

pub use count::count;
pub use table::Table;
