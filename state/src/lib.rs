//! What Subako knows, and how it is kept.
//!
//! * [`Address`]: `kind.name`, the name of a resource everywhere.
//! * [`Json`]: canonical JSON text, cheap to clone and compare; [`Digest`]: its SHA-256.
//! * [`Snapshot`]: the resources that the last run left; [`render`] and [`parse`] are its file form.
//! * [`Journal`]: the durable record of the run in progress; [`JournalWriter`] appends to it.
//! * [`Store`]: what is kept of a cluster: the state, the journal, their history, the key of its
//!   secrets, the key of its bastion, since when it is parked; [`Lock`]: who may write there.
//! * [`Backend`]: the port behind which all of it is kept, in [`Files`], in [`Memory`] or, on
//!   whatever offers [`Objects`], in a [`Bucket`].
//!
//! Nothing here knows the network, TOML, or what the resources mean.

mod address;
mod aside;
mod attribution;
mod backend;
mod bastion;
mod belonging;
mod bucket;
mod connection;
mod digest;
mod error;
mod files;
mod format;
mod guard;
mod history;
mod journal;
mod json;
mod lock;
mod mark;
mod migrate;
mod names;
mod origin;
mod parked;
mod seal;
mod snapshot;
mod store;
pub mod testing;
mod version;
mod writer;

#[cfg(test)]
mod belonging_tests;
#[cfg(test)]
mod migrate_tests;
#[cfg(test)]
mod origin_tests;
#[cfg(test)]
mod store_cut_tests;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod writer_tests;

pub use address::{Address, AddressError};
pub use aside::Superseded;
pub use backend::{Append, Backend, Expect, Files, Held, Memory, Object, Repair, Version};
pub use bucket::{Bucket, LEASE, Objects, SinceBoot, Stored, Ticks, Trouble, When};
pub use digest::{Digest, DigestWriter};
pub use error::{Damage, StateError};
pub use files::{read_file, write_atomically};
pub use format::{parse, render};
pub use guard::Lock;
pub use history::{HistoryItem, PastJournal, PastRun, Told};
pub use journal::{Direction, Effect, Entry, Journal, Outcome};
pub use json::Json;
pub use lock::{Holder, LockError, Locked};
pub use mark::{Mark, Way};
pub use migrate::{MigrateError, Migrated};
pub use origin::{Origin, Ran};
pub use parked::ParkedNote;
pub use seal::SealKey;
pub use snapshot::{AccountId, Resource, Snapshot};
pub use store::{Loaded, Store};
pub use version::{FORMAT, JOURNAL_FORMAT};
pub use writer::{JournalWriter, Probe};
