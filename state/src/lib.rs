//! What Subako knows, and how it is kept.
//!
//! * [`Address`]: `kind.name`, the name of a resource everywhere.
//! * [`Json`]: canonical JSON text, cheap to clone and compare; [`Digest`]: its SHA-256.
//! * [`Snapshot`]: the resources that the last run left; [`render`] and [`parse`] are its file form.
//! * [`Journal`]: the durable record of the run in progress; [`JournalWriter`] appends to it.
//! * [`Store`]: what is kept of a cluster: the state, the journal, their history, the key of its
//!   secrets; [`Lock`]: who may write there.
//! * [`Backend`]: the port behind which all of it is kept, in [`Files`] or in [`Memory`].
//!
//! Nothing here knows the network, TOML, or what the resources mean.

mod address;
mod aside;
mod backend;
mod belonging;
mod digest;
mod error;
mod files;
mod format;
mod history;
mod journal;
mod json;
mod lock;
mod seal;
mod snapshot;
mod store;
pub mod testing;
mod writer;

#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod writer_tests;

pub use address::{Address, AddressError};
pub use aside::Superseded;
pub use backend::{Append, Backend, Expect, Files, Held, Memory, Object, Repair, Version};
pub use digest::{Digest, DigestWriter};
pub use error::{Damage, StateError};
pub use files::{read_file, write_atomically};
pub use format::{parse, render};
pub use history::HistoryItem;
pub use journal::{Direction, Effect, Entry, JOURNAL_FORMAT, Journal, Outcome};
pub use json::Json;
pub use lock::{Holder, Lock, LockError, Locked};
pub use seal::SealKey;
pub use snapshot::{AccountId, FORMAT, Resource, Snapshot};
pub use store::{Loaded, Store};
pub use writer::{JournalWriter, Probe};
