//! For tests, of this crate and of others: what every backend must do, as named cases.

mod conformance;

pub use conformance::{CASES, Case};
