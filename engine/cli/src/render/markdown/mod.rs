//! A plan as the comment of a pull request.
//!
//! * `comment`: the whole of it, in the order in which people have to look at it;
//! * `refused`, `losses`, `money`, `findings`, `changes`, `drift`, `graph`: its sections;
//! * `drifted`: the comment of a look for drift alone;
//! * `section`: one of them, and which are cut where all of them are too long;
//! * `escape`: nothing from outside is markup.

mod changes;
mod comment;
mod drift;
mod drifted;
mod escape;
mod findings;
mod graph;
mod losses;
mod money;
mod refused;
mod section;
#[cfg(test)]
mod tests;

pub use comment::{Next, plan};
pub use drifted::drifted;
