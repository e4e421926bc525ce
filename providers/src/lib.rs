//! Adapters behind the engine's seams.

#[cfg(feature = "aws")]
pub mod aws;
