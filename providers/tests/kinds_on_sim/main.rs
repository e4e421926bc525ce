//! The engine's kinds against the simulator, on virtual time, through planner and executor.

mod again;
mod bench;
mod changes;
mod convergence;
mod demoted;
mod drift;
mod engine_api;
mod engine_versions;
mod every_key;
mod exclusive;
mod foreign;
mod lifecycle;
mod manifest;
mod order;
mod other_machines;
mod quorum;
mod respelled;
mod selections;
mod silent;
mod undo;

#[path = "../../../tests/search/calls.rs"]
mod calls;
#[path = "../shared/service_keys.rs"]
mod service_keys;
