//! The engine's kinds against the simulator, on virtual time, through planner and executor.

mod again;
mod bench;
mod changes;
mod convergence;
mod drift;
mod lifecycle;
mod manifest;
mod respelled;
mod silent;
mod undo;
