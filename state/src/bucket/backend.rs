//! The store's port on objects in a bucket.
//!
//! Whoever holds the lock has an epoch, and what it writes says so. A holder that takes the lock
//! from a dead one writes what is there once more under its own epoch, before it reads anything:
//! the chain of the journal ([`Chain`](super::chain)) and the state. From then on a write of the
//! other one meets a condition that does not hold, or an epoch that is later than its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::chain::{CHAIN, Chain, NotAppended, Tail, Whole};
use super::clock::{SinceBoot, Ticks};
use super::envelope::{Does, Head, Link};
use super::lease::{Holding, Is, LOCK, Lease, Record, Taken, Watch};
use super::objects::{Objects, When};
use super::probe::probe;
use super::wire::{Found, Put, Wire, parts, version};
use crate::backend::{Append, Backend, Expect, Held, Object, Version};
use crate::error::StateError;
use crate::lock::{Holder, LockError, Locked};
use crate::names::{JOURNAL, STATE};

/// How long a holder that is not heard of keeps the lock.
pub const LEASE: Duration = Duration::from_secs(60);
/// Between two looks at a lock that is waited for: each is a request that costs something.
const LOOK: Duration = Duration::from_secs(1);

/// More holders than ever follow one another without one that writes anything.
const GAP: u64 = 1_000_000;

/// A state as objects in a bucket. Clones share the lock that one of them has taken.
#[derive(Debug, Clone)]
pub struct Bucket {
    wire: Wire,
    lease: Duration,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    held: Option<Lease>,
    watch: Watch,
}

impl Bucket {
    /// A state in these objects, whose lock is dead when its holder is not heard of for [`LEASE`].
    pub fn new(objects: impl Objects + 'static) -> Self {
        Self::with(objects, SinceBoot, LEASE)
    }

    /// As [`Self::new`], on another clock and with another lease.
    pub fn with(objects: impl Objects + 'static, clock: impl Ticks + 'static, lease: Duration) -> Self {
        Self {
            wire: Wire::new(Arc::new(objects), Arc::new(clock)),
            lease,
            shared: Arc::default(),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chain(&self) -> Chain {
        Chain(self.wire.clone())
    }

    /// The epoch of what this process writes: 0 without the lock.
    fn epoch(&self) -> u64 {
        let shared = self.shared();
        let held = shared.held.as_ref().filter(|lease| !lease.is_over());
        held.map_or(0, Lease::epoch)
    }

    fn conflict(&self, name: &str) -> StateError {
        StateError::Conflict {
            place: self.place(name),
        }
    }

    /// Somebody with this epoch has written there: fails if that is later than ours.
    fn not_after(&self, name: &str, epoch: u64) -> Result<(), StateError> {
        let ours = self.epoch();
        match epoch > ours {
            false => Ok(()),
            true if ours > 0 => Err(StateError::LockLost {
                place: self.place(LOCK),
            }),
            true => Err(self.conflict(name)),
        }
    }

    /// The journal, which has to be there; `doing` is why it is read.
    fn journal(&self, doing: &'static str) -> Result<Whole, StateError> {
        match self.chain().read()? {
            Some((whole, _)) => Ok(whole),
            None => {
                // Whoever has the lock by now may have put it away.
                self.not_after(JOURNAL, self.chain().tail()?.epoch)?;
                Err(StateError::io(doing, self.place(JOURNAL))(
                    std::io::ErrorKind::NotFound.into(),
                ))
            }
        }
    }

    /// Writes an object, or says that something else is there.
    fn put(&self, name: &str, head: &Head, content: &[u8], when: &When) -> Result<Put, StateError> {
        match self.wire.put(name, head, content, when)? {
            Put::Unmet(found) => {
                if let Some(found) = &found {
                    self.not_after(name, found.head.epoch)?;
                }
                Ok(Put::Unmet(found))
            }
            done => Ok(done),
        }
    }

    /// Under which condition what is expected is there.
    fn when(&self, name: &str, expect: &Expect) -> Result<When, StateError> {
        match expect {
            Expect::Absent => Ok(When::Absent),
            Expect::Version(version) => {
                let (epoch, tag) = parts(version).ok_or_else(|| self.conflict(name))?;
                self.not_after(name, epoch)?;
                Ok(When::Tag(tag.to_owned()))
            }
        }
    }

    fn replace(
        &self,
        name: &str,
        content: &[u8],
        absent: bool,
        expect: &Expect,
    ) -> Result<Version, StateError> {
        let mut when = self.when(name, expect)?;
        loop {
            let epoch = self.epoch();
            let head = Head {
                absent,
                ..self.wire.head(name, epoch)?
            };
            match self.put(name, &head, content, &when)? {
                Put::Done { tag, .. } => return Ok(version(epoch, &tag)),
                // What only keeps the place is as good as nothing.
                Put::Unmet(Some(found)) if when == When::Absent && found.head.absent => {
                    when = When::Tag(found.tag);
                }
                Put::Unmet(_) => return Err(self.conflict(name)),
            }
        }
    }

    /// Puts an object at the end of the journal's chain.
    fn append_to(&self, tail: &Tail, link: Link, content: &[u8]) -> Result<Tail, StateError> {
        self.not_after(JOURNAL, tail.epoch)?;
        match self.chain().append(tail.number, self.epoch(), link, content) {
            Ok(tail) => Ok(tail),
            Err(NotAppended::Failed(error)) => Err(error),
            Err(NotAppended::Other(epoch)) => {
                self.not_after(JOURNAL, epoch.unwrap_or(0))?;
                Err(self.conflict(JOURNAL))
            }
        }
    }

    /// Opens the journal after its first `keep` bytes, with more of them.
    fn open(&self, tail: &Tail, keep: u64, content: &[u8]) -> Result<Tail, StateError> {
        let start = match tail.start {
            Some(start) if keep > 0 => start,
            _ => tail.number + 1,
        };
        let link = Link {
            does: Does::Open(keep),
            start: Some(start),
        };
        self.append_to(tail, link, content)
    }

    /// Takes the journal away.
    fn remove_journal(&self, tail: &Tail) -> Result<(), StateError> {
        let link = Link {
            does: Does::Remove,
            start: None,
        };
        self.append_to(tail, link, b"").map(drop)
    }

    /// An epoch later than that of anybody who may have held a lock that is not there any more.
    fn epoch_after_all(&self) -> Result<u64, StateError> {
        let state = self.wire.peek(STATE)?.map_or(0, |found| found.head.epoch);
        match state.max(self.chain().tail()?.epoch) {
            0 => Ok(0),
            // Somebody deleted it. Not every holder has written something by which it is known.
            latest => Ok(latest + GAP),
        }
    }

    /// Keeps whoever held the lock before from writing anything more. Says `false` if a later
    /// holder has been here already.
    fn fence(&self, epoch: u64) -> Result<bool, StateError> {
        Ok(self.chain().fence(epoch)? && self.fence_state(epoch)?)
    }

    /// Writes the state as it is, or that there is none, once more.
    fn fence_state(&self, epoch: u64) -> Result<bool, StateError> {
        loop {
            let found = self.wire.get(STATE)?;
            if found.as_ref().is_some_and(|found| found.head.epoch > epoch) {
                return Ok(false);
            }
            let (when, content) = match found {
                Some(found) if !found.head.absent => (When::Tag(found.tag), Some(found.content)),
                Some(found) => (When::Tag(found.tag), None),
                None => (When::Absent, None),
            };
            let head = Head {
                absent: content.is_none(),
                ..self.wire.head(STATE, epoch)?
            };
            let content = content.unwrap_or_default();
            match self.wire.put(STATE, &head, &content, &when)? {
                Put::Done { .. } => return Ok(true),
                // The other one lives, and was quicker once more.
                Put::Unmet(_) => {}
            }
        }
    }

    /// Takes the lock from what is there, if it may be taken.
    fn take(&self, holder: &Holder) -> Result<(Lease, Option<Holder>), LockError> {
        let found = self.wire.get(LOCK)?;
        let Some(found) = found else {
            // The lock that is there from now on says that this was asked.
            probe(&self.wire)?;
            let lease = self.take_from(self.epoch_after_all()?, holder, &When::Absent)?;
            return Ok((self.fenced(lease)?, None));
        };
        let record = Record::of(&self.wire, &found)?;
        let when = When::Tag(found.tag.clone());
        match record.is {
            Is::Free => Ok((self.take_from(found.head.epoch, holder, &when)?, None)),
            Is::InDoubt => {
                let lease = self.take_from(found.head.epoch, holder, &when)?;
                Ok((self.fenced(lease)?, Some(record.holder)))
            }
            Is::Held => {
                let now = self.wire.clock.now();
                if !self.shared().watch.is_dead(&found, record.lease(), now) {
                    return Err(LockError::Held {
                        holder: Some(record.holder),
                    });
                }
                let lease = self.take_from(found.head.epoch, holder, &when)?;
                Ok((self.fenced(lease)?, Some(record.holder)))
            }
        }
    }

    fn take_from(&self, epoch: u64, holder: &Holder, when: &When) -> Result<Lease, LockError> {
        match Lease::take(&self.wire, epoch + 1, holder, self.lease, when)? {
            Taken::Ours(lease) => Ok(lease),
            Taken::Theirs(found) => {
                let record = found.map(|found| Record::of(&self.wire, &found)).transpose()?;
                Err(LockError::Held {
                    holder: record.map(|record| record.holder),
                })
            }
        }
    }

    /// Nothing is read under a lock before those who had it can write no more.
    fn fenced(&self, lease: Lease) -> Result<Lease, LockError> {
        let place = self.place(LOCK);
        let fenced = match self.fence(lease.epoch()) {
            Ok(true) => return Ok(lease),
            Ok(false) => StateError::LockLost { place },
            Err(error) => error,
        };
        // Whoever comes next has to do it.
        lease.give_up();
        Err(fenced.into())
    }
}

impl Backend for Bucket {
    fn place(&self, name: &str) -> String {
        self.wire.place(match name {
            JOURNAL => CHAIN,
            name => name,
        })
    }

    fn read(&self, name: &str) -> Result<Option<Object>, StateError> {
        if name == JOURNAL {
            let read = self.chain().read()?;
            return Ok(read.map(|(whole, version)| Object {
                content: whole.content,
                version,
            }));
        }
        let found = self.wire.get(name)?.filter(|found| !found.head.absent);
        Ok(found.map(|found| Object {
            version: found.version(),
            content: found.content,
        }))
    }

    fn version(&self, name: &str) -> Result<Option<Version>, StateError> {
        if name == JOURNAL {
            return self.chain().version();
        }
        let found = self.wire.peek(name)?.filter(|found| !found.head.absent);
        Ok(found.as_ref().map(Found::version))
    }

    fn write(&self, name: &str, content: &[u8], expect: &Expect) -> Result<Version, StateError> {
        if name != JOURNAL {
            return self.replace(name, content, false, expect);
        }
        let tail = self.chain().tail()?;
        self.expect_journal(&tail, expect)?;
        Ok(self.open(&tail, 0, content)?.version().clone())
    }

    fn delete(&self, name: &str, version: &Version) -> Result<(), StateError> {
        let expect = Expect::Version(version.clone());
        match name {
            JOURNAL => {
                let Some((whole, _)) = self.chain().read()? else {
                    return Err(self.conflict(name));
                };
                self.expect_journal(&whole.tail, &expect)?;
                self.remove_journal(&whole.tail)?;
                self.chain().clean(&whole);
                Ok(())
            }
            // What was deleted could be created by whoever held the lock before: this cannot.
            STATE => self.replace(name, b"", true, &expect).map(drop),
            name => match self.when(name, &expect)? {
                When::Tag(tag) if self.wire.delete(name, &tag)? => Ok(()),
                _ => Err(self.conflict(name)),
            },
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StateError> {
        let missing = || StateError::io("move", self.place(from))(std::io::ErrorKind::NotFound.into());
        if from == JOURNAL {
            let whole = self.journal("move")?;
            self.not_after(from, whole.tail.epoch)?;
            self.write(to, &whole.content, &Expect::Absent)?;
            self.remove_journal(&whole.tail)?;
            self.chain().clean(&whole);
            return Ok(());
        }
        let object = self.read(from)?.ok_or_else(missing)?;
        self.write(to, &object.content, &Expect::Absent)?;
        self.delete(from, &object.version)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        let mut names = self.wire.list(prefix)?;
        names.retain(|name| name != LOCK && !name.starts_with(CHAIN));
        if names.iter().any(|name| name == STATE) && self.version(STATE)?.is_none() {
            names.retain(|name| name != STATE);
        }
        if JOURNAL.starts_with(prefix) && self.version(JOURNAL)?.is_some() {
            names.push(JOURNAL.to_owned());
            names.sort();
        }
        Ok(names)
    }

    fn append(&self, name: &str, whole: u64) -> Result<Box<dyn Append>, StateError> {
        if name != JOURNAL {
            return Err(StateError::io("append to", self.place(name))(
                std::io::ErrorKind::Unsupported.into(),
            ));
        }
        let tail = match whole {
            0 => self.chain().tail()?,
            whole => {
                let read = self.journal("open")?;
                if (read.content.len() as u64) < whole {
                    return Err(self.conflict(name));
                }
                read.tail
            }
        };
        let tail = self.open(&tail, whole, b"")?;
        Ok(Box::new(Appending {
            epoch: self.epoch(),
            bucket: self.clone(),
            tail,
        }))
    }

    fn lock(&self, holder: &Holder) -> Result<(Box<dyn Held>, Option<Holder>), LockError> {
        let (lease, left_by) = self.take(holder)?;
        self.shared().held = Some(lease.clone());
        Ok((Box::new(Holding(lease)), left_by))
    }

    fn locked(&self) -> Result<Option<Locked>, StateError> {
        let Some(found) = self.wire.get(LOCK)? else {
            return Ok(None);
        };
        let record = Record::of(&self.wire, &found)?;
        let alive = match record.is {
            Is::Free => return Ok(None),
            Is::InDoubt => false,
            Is::Held => {
                let mut shared = self.shared();
                let held = shared.held.as_ref().filter(|lease| !lease.is_over());
                let ours = held.is_some_and(|lease| lease.epoch() == found.head.epoch);
                let dead = shared
                    .watch
                    .is_dead(&found, record.lease(), self.wire.clock.now());
                // Whoever only looks once takes the service's word for how old it is.
                let old = found.age.is_some_and(|age| age >= record.lease());
                ours || !(dead || old)
            }
        };
        Ok(Some(Locked {
            holder: Some(record.holder),
            alive,
            renewed: found.age,
        }))
    }

    fn probe(&self) -> Result<(), StateError> {
        probe(&self.wire)
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.lease)
    }

    fn look_every(&self) -> Duration {
        LOOK.min(self.lease / 4)
    }
}

impl Bucket {
    fn expect_journal(&self, tail: &Tail, expect: &Expect) -> Result<(), StateError> {
        let found = tail.start.is_some().then(|| tail.version().clone());
        match Expect::from(found) == *expect {
            true => Ok(()),
            false => Err(self.conflict(JOURNAL)),
        }
    }
}

/// The journal of a run that is being written.
struct Appending {
    bucket: Bucket,
    tail: Tail,
    /// The epoch in which it was opened: another one is another holder.
    epoch: u64,
}

impl Append for Appending {
    fn append(&mut self, segment: &[u8]) -> Result<(), StateError> {
        if self.bucket.epoch() != self.epoch {
            return Err(self.bucket.conflict(JOURNAL));
        }
        let link = Link {
            does: Does::Append,
            start: self.tail.start,
        };
        self.tail = self.bucket.append_to(&self.tail, link, segment)?;
        Ok(())
    }
}
