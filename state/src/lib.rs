//! What Subako knows, and how it is kept.
//!
//! * [`Address`]: `kind.name`, the name of a resource everywhere.
//! * [`Json`]: canonical JSON text, cheap to clone and compare; [`Digest`]: its SHA-256.
//! * [`Snapshot`]: the resources that the last run left; [`render`] and [`parse`] are its file form.
//! * [`Journal`]: the durable record of the run in progress, appended to and fsynced.
//! * [`Store`]: the directory `.subako/<cluster>.<provider>/`: `state.json`, `journal.jsonl`,
//!   `history/`, `seal.key`, all written atomically; [`Lock`]: who may write there.
//!
//! Nothing here knows the network, TOML, or what the resources mean.

mod address;
mod atomic;
mod digest;
mod error;
mod format;
mod journal;
mod json;
mod lock;
mod seal;
mod snapshot;
mod store;

pub use address::{Address, AddressError};
pub use atomic::write_atomically;
pub use digest::{Digest, DigestWriter};
pub use error::{Damage, StateError};
pub use format::{parse, render};
pub use journal::{Direction, Effect, Entry, Journal, JournalFile, Outcome, read_journal};
pub use json::Json;
pub use lock::{Holder, Lock, LockError};
pub use seal::SealKey;
pub use snapshot::{AccountId, FORMAT, Resource, Snapshot};
pub use store::{HistoryItem, Loaded, Store};
