//! What should be and how to get there.

pub mod check;
pub mod desired;
pub mod event;
pub mod kind;
pub mod manifest;
pub mod plan;
pub mod reference;
pub mod refresh;
pub mod world;
