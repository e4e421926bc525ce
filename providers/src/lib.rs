//! Adapters behind the engine's seams: what Subako acts on.

#[cfg(feature = "aws")]
pub mod aws;
mod codes;
pub mod conformance;
pub mod sim;
#[cfg(feature = "ssh")]
pub mod ssh;
