//! Runs that are killed, whose hosts are lost, and that are gone on with: whole sessions in one
//! process, on the simulator, in memory and in virtual time.

mod account;
mod aftermath;
mod bastion;
mod bench;
mod daemon;
mod elastic;
mod groups;
mod lease;
mod logins;
#[path = "../kinds_on_sim/manifest.rs"]
mod manifest;
mod moved;
mod observed;
mod park;
mod quorum;
mod rebalance;
mod recovery;
mod rehearsed;
mod strays;
mod verbs;
