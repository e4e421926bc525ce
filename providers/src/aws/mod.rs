//! The seam `Cloud` on Amazon EC2.
//!
//! [`connect`] finds credentials and a region, [`AwsCloud`] is the adapter. Every call goes
//! through one table ([`OPERATIONS`]) and one loop (`call`): it paces calls inside EC2's
//! published limits, retries what may be retried, counts, and says of every failure whether the
//! world may have changed. A create whose answer was lost is settled by looking for its token
//! before it is sent again.

mod account;
mod bucket;
mod call;
mod classify;
mod cloud;
mod connect;
mod convert;
mod elastic_ip;
mod errors;
mod images;
mod instance;
mod key_pair;
mod lookup;
mod modify;
mod operations;
mod policy;
mod preflight;
mod residue;
mod routes;
mod rules;
mod security_group;
mod survey;
mod terminate;
mod tuning;
mod types;
mod watch;

pub use call::CallRecord;
pub use cloud::AwsCloud;
pub use connect::{AwsOptions, connect, sdk_config};
pub use operations::{Effect, Family, OPERATIONS, Op, Operation, Optional, Scope};
pub use policy::{disk_key_statement, least_policy};
pub use tuning::Tuning;
