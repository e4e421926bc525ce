//! Adapters behind the engine's seams: what Subako acts on.

pub mod conformance;
pub mod sim;
#[cfg(feature = "ssh")]
pub mod ssh;
