//! What should be and how to get there.

pub mod manifest;
pub mod world;
