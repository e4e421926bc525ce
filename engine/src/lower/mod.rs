//! Manifest → desired resources.
//!
//! [`needs`] says what has to be looked up first, [`lower`] makes the resources from the
//! manifest, the state and the answer, and [`lower_offline`] makes them without either, for
//! drawing and checking. All of it is pure: the same input gives the same resources.
//!
//! `images` decides what each instance boots, `placement` where it is, `addr_pool` which
//! ranges overlay networks are cut from, `rules` which traffic is let in, `secrets` what those are
//! called whose contents are missing, `daemon` what engines are told, and `resources` puts
//! it together. What was decided once (an image, a subnet, the pool) is kept as the state has it for as
//! long as the manifest allows it: `records` reads it there.

mod addr_pool;
mod cidr;
mod daemon;
mod error;
mod image_query;
mod images;
mod offered;
mod placement;
mod prepare;
mod records;
mod resources;
mod rules;
mod secrets;
#[cfg(test)]
pub(crate) mod testing;

pub use error::LowerError;
pub(crate) use image_query::is_arm;
pub use offered::offered_first;
pub use prepare::{lower, lower_offline, needs};
