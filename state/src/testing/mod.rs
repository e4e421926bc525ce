//! For tests, of this crate and of others.
//!
//! * [`CASES`]: what every backend must do, as named cases;
//! * [`Faulty`]: any backend, with a fault at an operation of one's choice;
//! * [`MemoryObjects`]: what a bucket needs, in memory, with answers that get lost; [`Patient`]: its clock.

#[cfg(test)]
mod amiss_tests;
mod conformance;
mod faulty;
mod objects;

pub use conformance::{CASES, Case};
pub use faulty::{Fault, Faulty};
pub use objects::{Answer, MemoryObjects, Patient};
