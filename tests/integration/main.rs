//! Subako from outside: the built binary, as a user runs it, on the simulator.

mod aftermath;
mod apply;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "s3")]
mod bucket;
mod change;
mod commands;
mod contention;
mod crash;
mod drift;
mod exits;
mod faults;
mod files;
mod formats;
mod guards;
mod hints;
mod history;
mod images;
#[cfg(all(feature = "aws", feature = "ssh"))]
mod lab;
mod layers;
#[cfg(feature = "aws")]
mod live_kit;
mod locking;
mod manifests;
mod migrate;
mod newcomer;
mod park;
mod plan;
mod prices;
mod quorum;
mod recorded;
mod rehearsal;
mod review;
mod saved_plans;
mod schemas;
mod state_files;
mod storage;
mod support;
mod unfinished;
mod variables;
mod verify;
mod workflows;
