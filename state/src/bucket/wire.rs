//! Calls that are repeated until they are answered, and that know their own write when the answer
//! to it was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::clock::Ticks;
use super::envelope::{Head, LONGEST, nonce};
use super::objects::{Objects, Stored, Trouble, When};
use crate::backend::Version;
use crate::error::StateError;

/// How long a call is repeated, besides the deadline of its last attempt.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between the first two attempts; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// It does not double for ever.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// An object of ours as it was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub head: Head,
    pub content: Vec<u8>,
    pub tag: String,
    pub age: Option<Duration>,
}

impl Found {
    /// Its version: no other write has the same.
    pub fn version(&self) -> Version {
        version(self.head.epoch, &self.tag)
    }
}

/// A version says which holder wrote it, and under which condition it is replaced.
pub(super) fn version(epoch: u64, tag: &str) -> Version {
    Version::new(format!("{epoch}/{tag}"))
}

/// The epoch and the entity tag in a version.
pub(super) fn parts(version: &Version) -> Option<(u64, &str)> {
    let (epoch, tag) = version.as_str().split_once('/')?;
    Some((epoch.parse().ok()?, tag))
}

/// What came of a write.
pub(super) enum Put {
    /// It is written.
    Done {
        /// Its entity tag.
        tag: String,
        /// It took more than one attempt, and an earlier one may have been done: what came of that
        /// may have been read, and taken away, meanwhile.
        again: bool,
    },
    /// Something else is there: what it is, unless it went away again.
    Unmet(Option<Found>),
}

/// The calls of one process. Clones share their count.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    objects: Arc<dyn Objects>,
    pub clock: Arc<dyn Ticks>,
    /// Writes that are under way: their answer is not known.
    under_way: Arc<AtomicUsize>,
    /// Writes that were given up, and may have happened or may yet happen.
    in_doubt: Arc<AtomicUsize>,
}

/// A write that is under way, for as long as it is.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Attempts at one call, and when they end.
struct Attempts<'a> {
    clock: &'a dyn Ticks,
    until: Duration,
    pause: Duration,
}

impl<'a> Attempts<'a> {
    fn new(clock: &'a dyn Ticks) -> Self {
        Self {
            until: clock.now() + PATIENCE,
            clock,
            pause: PAUSE,
        }
    }

    /// Waits before another one; `false` if there is no time for it.
    fn again(&mut self) -> bool {
        if self.clock.now() + self.pause >= self.until {
            return false;
        }
        self.clock.sleep(self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

impl Wire {
    pub fn new(objects: Arc<dyn Objects>, clock: Arc<dyn Ticks>) -> Self {
        Self {
            objects,
            clock,
            under_way: Arc::default(),
            in_doubt: Arc::default(),
        }
    }

    pub fn place(&self, key: &str) -> String {
        self.objects.place(key)
    }

    pub fn remote(&self, doing: &'static str, key: &str, trouble: &Trouble, unsure: bool) -> StateError {
        StateError::Remote {
            doing,
            place: self.place(key),
            why: trouble.to_string(),
            unsure,
            help: match trouble {
                Trouble::Refused { help, .. } => help.clone(),
                _ => None,
            },
        }
    }

    /// An object that is not what was written.
    pub fn amiss(&self, key: &str, why: impl Into<String>) -> StateError {
        StateError::Remote {
            doing: "use",
            place: self.place(key),
            why: why.into(),
            unsure: false,
            help: None,
        }
    }

    /// Repeats a read until it is answered.
    fn reading<T>(
        &self,
        doing: &'static str,
        key: &str,
        read: impl Fn() -> Result<T, Trouble>,
    ) -> Result<T, StateError> {
        let mut attempts = Attempts::new(&*self.clock);
        loop {
            match read() {
                Ok(read) => return Ok(read),
                Err(Trouble::Busy(_) | Trouble::Lost(_)) if attempts.again() => {}
                Err(trouble) => return Err(self.remote(doing, key, &trouble, false)),
            }
        }
    }

    fn found(&self, key: &str, stored: Option<Stored>) -> Result<Option<Found>, StateError> {
        let Some(mut stored) = stored else {
            return Ok(None);
        };
        let (head, begins) = Head::of(&stored.body).map_err(|why| self.amiss(key, why))?;
        stored.body.drain(..begins);
        Ok(Some(Found {
            head,
            content: stored.body,
            tag: stored.tag,
            age: stored.age,
        }))
    }

    /// The whole object; `None` if there is none.
    pub fn get(&self, key: &str) -> Result<Option<Found>, StateError> {
        let stored = self.reading("read", key, || self.objects.get(key, None))?;
        self.found(key, stored)
    }

    /// The object without its content; `None` if there is none.
    pub fn peek(&self, key: &str) -> Result<Option<Found>, StateError> {
        let stored = self.reading("read", key, || self.objects.get(key, Some(LONGEST)))?;
        self.found(key, stored)
    }

    /// The keys that begin with `prefix`, sorted.
    pub fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        self.reading("list", prefix, || self.objects.list(prefix))
    }

    /// Writes an object. `head` has a nonce of its own: if an answer is lost, what is there says
    /// whether this write happened.
    pub fn put(&self, key: &str, head: &Head, content: &[u8], when: &When) -> Result<Put, StateError> {
        let body = head.with(content).map_err(|why| self.amiss(key, why))?;
        let _under_way = UnderWay::begin(&self.under_way);
        let mut attempts = Attempts::new(&*self.clock);
        let mut unsure = false;
        loop {
            let trouble = match self.objects.put(key, &body, when) {
                // An answer without an entity tag does not say what was written.
                Ok(tag) if tag.is_empty() => Trouble::Lost("the answer has no entity tag".to_owned()),
                Ok(tag) => return Ok(Put::Done { tag, again: unsure }),
                Err(trouble) => trouble,
            };
            unsure |= matches!(trouble, Trouble::Lost(_));
            match &trouble {
                Trouble::Refused { .. } => return Err(self.given_up("write", key, &trouble, unsure)),
                Trouble::Busy(_) => {}
                Trouble::Unmet | Trouble::Lost(_) => match self.peek(key) {
                    Ok(Some(found)) if found.head.nonce == head.nonce => {
                        return Ok(Put::Done {
                            tag: found.tag,
                            again: true,
                        });
                    }
                    // Before the lost one happens, if it is yet to happen, its condition is no longer met.
                    Ok(found) if trouble == Trouble::Unmet || !holds(when, found.as_ref()) => {
                        return Ok(Put::Unmet(found));
                    }
                    // It did not happen yet: the same once more, whose condition holds for one of them.
                    Ok(_) => {}
                    Err(_) => return Err(self.given_up("write", key, &trouble, true)),
                },
            }
            if !attempts.again() {
                return Err(self.given_up("write", key, &trouble, unsure));
            }
        }
    }

    /// Deletes an object that has this entity tag; `false` if it has another one or is not there.
    pub fn delete(&self, key: &str, tag: &str) -> Result<bool, StateError> {
        let _under_way = UnderWay::begin(&self.under_way);
        let mut attempts = Attempts::new(&*self.clock);
        let mut unsure = false;
        loop {
            let trouble = match self.objects.delete(key, tag) {
                Ok(()) => return Ok(true),
                // What was deleted by an attempt whose answer was lost is gone.
                Err(Trouble::Unmet) => return Ok(unsure && self.peek(key)?.is_none()),
                Err(trouble) => trouble,
            };
            unsure |= matches!(trouble, Trouble::Lost(_));
            if matches!(trouble, Trouble::Refused { .. }) || !attempts.again() {
                return Err(self.given_up("delete", key, &trouble, unsure));
            }
        }
    }

    /// The failure to see whether a write happened.
    pub fn doubtful(&self, error: StateError) -> StateError {
        self.in_doubt.fetch_add(1, Ordering::SeqCst);
        match error {
            StateError::Remote {
                doing,
                place,
                why,
                help,
                ..
            } => StateError::Remote {
                doing,
                place,
                why,
                unsure: true,
                help,
            },
            other => other,
        }
    }

    fn given_up(&self, doing: &'static str, key: &str, trouble: &Trouble, unsure: bool) -> StateError {
        if unsure {
            self.in_doubt.fetch_add(1, Ordering::SeqCst);
        }
        self.remote(doing, key, trouble, unsure)
    }

    /// Whether anything that this process wrote may yet happen.
    pub fn is_in_doubt(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) + self.in_doubt.load(Ordering::SeqCst) > 0
    }

    /// A first line for a write of this epoch.
    pub fn head(&self, key: &str, epoch: u64) -> Result<Head, StateError> {
        let nonce = nonce().map_err(StateError::io("make a nonce for", self.place(key)))?;
        Ok(Head::new(epoch, nonce))
    }
}

/// Whether a condition holds for what is there.
fn holds(when: &When, found: Option<&Found>) -> bool {
    match (when, found) {
        (When::Absent, None) => true,
        (When::Tag(tag), Some(found)) => *tag == found.tag,
        _ => false,
    }
}
