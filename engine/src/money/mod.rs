//! What a cluster costs, before a plan and after it: offline, from list prices.
//!
//! Each kind says what of a resource is billed ([`Usage`](crate::kind::Usage)), and the planner gathers
//! that from state and plan; `bill` is the sum, line by line; `given` is what AWS gives an account,
//! and `free_tier` says how long that lasts. What has no price is unknown: never nothing, and never a saving.

mod bill;
mod free_tier;
mod given;
mod prices;

pub use bill::{Amount, Bill, Line, Sort, Unit};
pub use free_tier::Lasts;
pub use given::{BadFreeTier, FreeTier};
pub use prices::Prices;
