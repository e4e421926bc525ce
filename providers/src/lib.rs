//! Adapters behind the engine's seams: what Subako acts on.

#[cfg(feature = "ssh")]
pub mod ssh;
