//! Inputs that people tried, or would: a small cluster, what is edited, what happens to it outside,
//! what is selected, and what comes of it. Each is applied on the simulator without faults, with
//! every promise that the search holds a plan to. Like inputs stand together; `tests/README.md`
//! says which are where.

mod demo;
mod exclusive;
mod placement;
mod quorum;
mod reach;
mod row;
mod selected;
mod services;
mod strays;
mod unchanged;
