//! For tests, of this crate and of others.
//!
//! * [`CASES`]: what every backend must do, as named cases;
//! * [`Faulty`]: any backend, with a fault at an operation of one's choice.

#[cfg(test)]
mod amiss_tests;
mod conformance;
mod faulty;

pub use conformance::{CASES, Case};
pub use faulty::{Fault, Faulty};
