//! The port behind which a state is kept.
//!
//! A backend keeps objects under names (`state.json`, `history/00000001.state.json`), knows one
//! journal that grows at its end, and one lock. What the objects mean, and in which order they
//! are written, is [`Store`](crate::Store)'s, and the same for all backends.
//!
//! Every call is synchronous: what waits for a network waits on a thread of its own, so that a
//! paused clock of the caller's runtime does not run ahead of it.

mod file_lock;
mod files;
#[cfg(test)]
mod files_tests;
mod memory;

pub use files::Files;
pub use memory::Memory;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::StateError;
use crate::lock::{Holder, LockError, Locked};

/// Identifies one content of an object: another write is another version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// The version that a backend calls so.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the backend calls it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its content, whole.
    pub content: Vec<u8>,
    /// Its version.
    pub version: Version,
}

/// What must be there for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Absent,
    /// This version.
    Version(Version),
}

impl From<Option<Version>> for Expect {
    fn from(version: Option<Version>) -> Self {
        version.map_or(Self::Absent, Self::Version)
    }
}

/// Where a state is kept. Names are relative, with `/` between their parts.
///
/// A condition that does not hold is [`StateError::Conflict`], and nothing is written. An object
/// is written as a whole or not at all; what a call has written when it returns is durable.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Where an object is, for people; the empty name stands for the whole.
    fn place(&self, name: &str) -> String;

    /// The whole object; `None` if there is none.
    fn read(&self, name: &str) -> Result<Option<Object>, StateError>;

    /// The version of an object; `None` if there is none.
    fn version(&self, name: &str) -> Result<Option<Version>, StateError>;

    /// Writes a whole object if what is there is as expected. Of several writers that expect
    /// the same, one succeeds.
    fn write(&self, name: &str, content: &[u8], expect: &Expect) -> Result<Version, StateError>;

    /// Deletes an object if it still has that version.
    fn delete(&self, name: &str, version: &Version) -> Result<(), StateError>;

    /// Gives an object another name, under which there must be nothing.
    fn rename(&self, from: &str, to: &str) -> Result<(), StateError>;

    /// The names that begin with `prefix`, sorted. Only finished objects are listed.
    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError>;

    /// Opens an object for appending after its first `whole` bytes, which it must have; what
    /// follows them is cut off. With 0 an object that is not there is created.
    fn append(&self, name: &str, whole: u64) -> Result<Box<dyn Append>, StateError>;

    /// Takes the lock at once, or says who has it; with the holder that died with it, if one did.
    fn lock(&self, holder: &Holder) -> Result<(Box<dyn Held>, Option<Holder>), LockError>;

    /// Who has the lock; `None` if nobody has. Changes nothing.
    fn locked(&self) -> Result<Option<Locked>, StateError>;

    /// Repairs what is wrong about how objects are kept, but not about what they hold: modes that
    /// are too loose, leftovers of writes that were killed. Only called under the lock.
    fn tidy(&self) -> Result<Vec<Repair>, StateError> {
        Ok(Vec::new())
    }

    /// The places of other clusters that are kept beside this one and have a state, sorted by where
    /// they are. None where a backend keeps one cluster only.
    fn beside(&self) -> Result<Vec<Arc<dyn Backend>>, StateError> {
        Ok(Vec::new())
    }

    /// Fails if what keeps the objects does not do what the store counts on, where that can be in doubt.
    /// Leaves nothing behind. Only called under the lock.
    fn probe(&self) -> Result<(), StateError> {
        Ok(())
    }

    /// How long a holder that is not heard of keeps the lock; `None` where it ends with its holder.
    fn lease(&self) -> Option<Duration> {
        None
    }

    /// How often it is worth looking at a lock that is waited for.
    fn look_every(&self) -> Duration {
        Duration::from_millis(100)
    }

    /// Whether no call ever waits for a device or a network, so that none needs a thread of its own.
    fn is_immediate(&self) -> bool {
        false
    }
}

/// An object that grows at its end.
pub trait Append: Send {
    /// Appends a segment; it is durable when this returns. If somebody else has appended, renamed
    /// or deleted the object since, it is a [`StateError::Conflict`]. After a failure any part of
    /// the segment, from its beginning, may be there.
    fn append(&mut self, segment: &[u8]) -> Result<(), StateError>;
}

/// A lock that is held. Dropped without [`Self::release`] it is free too, as after the death of
/// its holder: the holder's name stays, for the next one to be told.
pub trait Held: Send + Sync {
    /// Fails with [`StateError::LockLost`] if somebody else could have the lock by now. Cheap:
    /// it is called before each change.
    fn check(&self) -> Result<(), StateError>;

    /// Gives the lock back in order.
    fn release(&self);
}

/// Something that was repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// A file that others could use is its owner's alone again.
    Mode {
        /// The file.
        place: String,
        /// The mode it had.
        from: u32,
        /// The mode it has.
        to: u32,
    },
    /// What a killed write had left was removed.
    Leftover {
        /// The file.
        place: String,
    },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode { place, from, to } => {
                write!(
                    f,
                    "{place} had mode {from:04o}: it is {to:04o} again, for its owner alone"
                )
            }
            Self::Leftover { place } => {
                write!(f, "removed {place}, which a killed run had left unfinished")
            }
        }
    }
}
