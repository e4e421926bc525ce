//! Who reaches what: paths proven from rules, subnets, routes and published ports, without sending
//! a packet and without a call that is billed.
//!
//! `ends` are the two ends of a path as people name them; `ground` is what the manifest and what was
//! looked up say of the cluster; `prove` goes from end to end and notes each hop, or what stops it;
//! `path` is what it found. Not read, and so not part of any proof: network ACLs (a VPC's own let
//! everything through), firewalls on hosts, and whether something listens.

mod ends;
mod ground;
mod path;
mod prove;
#[cfg(test)]
mod tests;

pub use ends::{BadEnd, Origin, Target};
pub use ground::{Ground, NoSuchEnd};
pub use path::{Hop, Path, Stop};
