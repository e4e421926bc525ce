//! A state in a bucket: objects that a service keeps, which many machines read and write.
//!
//! * `objects`: what the service has to offer; `wire`: calls until they are answered;
//! * `envelope`: how an object is written; `clock`: time that goes on while a machine sleeps;
//! * `lease`: the lock; `chain`: the journal, which keeps dead holders out;
//! * `probe`: whether a service means its conditions; `backend`: the port.
//!
//! ARCHITECTURE.md has the protocol under "A lock that many machines share".

mod backend;
mod chain;
mod clock;
#[cfg(test)]
mod contention_tests;
mod envelope;
mod lease;
#[cfg(test)]
mod model_tests;
mod objects;
mod probe;
#[cfg(test)]
mod tests;
mod wire;

pub use backend::{Bucket, LEASE};
pub use clock::{SinceBoot, Ticks};
pub use objects::{Objects, Stored, Trouble, When};
