//! A plan is played in a model of the world before anybody agrees to it.
//!
//! * `scene`: what a refresh has read, for a model to be made of it; `recorded`: the swarm of a parked
//!   cluster, which no manager answers for;
//! * `play`: the plan is run in that model, and what was seen becomes a report;
//! * `refusal`: a plan that fails there is refused.
//!
//! The model is somebody else's ([`crate::world::Rehearse`]): here it is a world as any other.

mod play;
mod recorded;
mod refusal;
mod scene;

pub use play::{Begins, Playing, play};
pub use refusal::refusal;
pub(crate) use scene::unread;
pub use scene::{Setting, scene};
