//! What a service has to offer for a state to be kept there: whole objects, written and deleted
//! under a condition. Amazon S3 does, and what speaks like it.

use std::fmt;
use std::time::Duration;

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its bytes, or the first of them.
    pub body: Vec<u8>,
    /// Its entity tag: other bytes have another one, equal bytes may have the same.
    pub tag: String,
    /// How long ago it was written, both times by the service's own clock.
    pub age: Option<Duration>,
}

/// What must be there for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Absent,
    /// An object with this entity tag.
    Tag(String),
}

/// Why a single attempt failed, and whether it may have had an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The condition does not hold: nothing was done.
    Unmet,
    /// Nothing was done, and the same may succeed a moment later.
    Busy(String),
    /// It may have been done: the answer is missing, or says nothing.
    Lost(String),
    /// Nothing was done, and the same would be answered again. With what to do about it.
    Refused {
        /// What was answered.
        why: String,
        /// What to do, if that is known.
        help: Option<String>,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmet => f.write_str("its condition does not hold"),
            Self::Busy(why) | Self::Lost(why) | Self::Refused { why, .. } => f.write_str(why),
        }
    }
}

/// A service that keeps objects. Each call is one attempt, with a deadline of its own; it blocks
/// the thread that makes it.
pub trait Objects: fmt::Debug + Send + Sync {
    /// Where an object is, for people; the empty key stands for the whole.
    fn place(&self, key: &str) -> String;

    /// Reads an object, or its first `at_most` bytes; `None` if there is none.
    fn get(&self, key: &str, at_most: Option<u64>) -> Result<Option<Stored>, Trouble>;

    /// Writes an object if the condition holds, and gives its entity tag. Of several writers under
    /// the same condition one succeeds.
    fn put(&self, key: &str, body: &[u8], when: &When) -> Result<String, Trouble>;

    /// Deletes an object if it has this entity tag. What is not there is [`Trouble::Unmet`].
    fn delete(&self, key: &str, tag: &str) -> Result<(), Trouble>;

    /// The keys that begin with `prefix`, all of them, sorted. What was written or deleted before
    /// this call is seen.
    fn list(&self, prefix: &str) -> Result<Vec<String>, Trouble>;
}
