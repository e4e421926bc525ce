//! What should be and how to get there.
//!
//! ```text
//! manifest ──lower──▶ desired ─┐
//! state ───────────────────────┼──plan──▶ Plan ──run──▶ journal ──fold──▶ state
//! world ──refresh──▶ observed ─┘              └──▶ events ──▶ renderers
//! ```
//! `session` is the only place where all of them meet; `world` holds the seams that providers
//! implement; `kinds` is what a cluster is made of; `check` is what a plan must not do; `display`
//! is what renderers have to know of kinds.

pub mod check;
pub mod desired;
pub mod display;
pub mod event;
mod fast;
pub mod finding;
pub mod graph;
pub mod in_flight;
pub mod kind;
pub mod kinds;
pub mod lower;
pub mod machine;
pub mod manifest;
pub mod money;
pub mod plan;
pub mod reach;
pub mod reference;
pub mod refresh;
pub mod rehearsal;
pub mod run;
pub mod session;
mod spread;
mod stop;
mod survey;
#[cfg(test)]
mod testing;
mod value;
mod walk;
pub use subako_world as world;
