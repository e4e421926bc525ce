//! The built binary on real hosts: the lab of `tests/lab`, with a real swarm.
//!
//! `SUBAKO_LAB` names a file that holds what `tests/lab/lab up --json` printed. Without it these
//! tests are skipped, and say so; where `CI` is set they fail. There is one lab, so they take
//! turns, and each leaves it empty.

#![expect(
    clippy::print_stderr,
    reason = "what real hosts did, and how long it took, is wanted in the log"
)]

mod bench;
mod confided;
mod conformance;
mod failures;
mod kills;
mod life;
mod live;
mod load;
mod membership;
mod nodes;
mod plans;
mod published;
mod secrets;
