//! The built binary on an EC2 API that nobody here wrote: moto, behind a proxy that breaks calls.
//!
//! `SUBAKO_MOTO` is moto's URL. Without it these tests skip, and fail where CI is set. Every test
//! works under a cluster's name that no other run has.

mod apply;
pub mod bench;
mod counts;
mod crash;
mod drift;
mod faults;
mod like_ec2;
mod live;
mod pace;
mod permissions;
#[path = "../../../providers/tests/aws/proxy.rs"]
#[allow(dead_code, reason = "the adapter's own tests use the rest")]
pub mod proxy;
mod refusals;
#[path = "../../../providers/tests/aws/strict/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the adapter's own tests use the rest")]
pub mod strict;
