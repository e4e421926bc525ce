//! What should be and how to get there.

pub mod check;
pub mod desired;
pub mod event;
pub mod graph;
pub mod kind;
pub mod kinds;
pub mod lower;
pub mod manifest;
pub mod plan;
pub mod reference;
pub mod refresh;
pub mod run;
pub mod world;
