//! A state in a bucket of Amazon S3, or of whatever else speaks as it does.
//!
//! [`S3`] is [`Objects`](subako_state::Objects) for [`Bucket`](subako_state::Bucket). It makes
//! single attempts, each with a deadline, and says what came of them (`classify`); what is repeated
//! and what is believed is the bucket's. A crate of its own, so that nothing but the command line
//! has to be built after the SDK.

mod age;
mod classify;
mod s3;

pub use s3::{Connect, Refusal, S3, S3Options};
