//! The lock in a bucket: one object that says who holds it, replaced only under a condition on what
//! is there, and never deleted.
//!
//! A holder renews it while it lives. Nobody compares clocks: whoever wants the lock measures on a
//! clock of its own how long the object has not changed, and the holder how long ago it began the
//! last renewal that succeeded. A holder counts from an earlier moment than anybody else can, and
//! [`MARGIN`] makes up for clocks that do not run equally fast. Each holder has a number, its epoch,
//! one more than the one before.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::objects::When;
use super::wire::{Found, Put, Wire};
use crate::backend::Held;
use crate::error::StateError;
use crate::lock::Holder;

/// The key of the lock.
pub(super) const LOCK: &str = "lock";
/// The part of a lease that its holder does not count on: a tenth.
const MARGIN: u32 = 10;
/// How often a lease is renewed while it lasts.
const BEATS: u32 = 4;

/// What stands in the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Whether it is held.
    pub is: Is,
    /// Counts renewals.
    pub beat: u64,
    /// How long it must not have changed before it is dead.
    pub lease_ms: u64,
    /// Who holds it, or held it last.
    pub holder: Holder,
}

/// Whether a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Is {
    /// Yes, for as long as it is renewed.
    Held,
    /// No: it was given back, and everything that its holder wrote was answered.
    Free,
    /// No: it was given back, but a write of its holder may yet happen.
    InDoubt,
}

impl Record {
    pub fn of(wire: &Wire, found: &Found) -> Result<Self, StateError> {
        serde_json::from_slice(&found.content).map_err(|error| wire.amiss(LOCK, error.to_string()))
    }

    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    fn bytes(&self, wire: &Wire) -> Result<Vec<u8>, StateError> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| wire.amiss(LOCK, error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// A lock that this process has taken. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Lease(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wire: Wire,
    epoch: u64,
    kept: Mutex<Kept>,
    /// Held while the lock is being replaced: one at a time, and nobody who only looks waits for it.
    replacing: Mutex<()>,
    /// Told when the lease ends.
    ended: Condvar,
}

#[derive(Debug)]
struct Kept {
    record: Record,
    tag: String,
    /// Until when nobody else can have it, on our clock.
    good_until: Duration,
    /// Somebody else has it.
    lost: bool,
    /// It was given back, or let go.
    over: bool,
}

/// What came of an attempt to take the lock.
pub(super) enum Taken {
    /// It is ours.
    Ours(Lease),
    /// Somebody else was quicker.
    Theirs(Option<Found>),
}

fn good_until(sent: Duration, lease: Duration) -> Duration {
    sent + lease - lease / MARGIN
}

impl Lease {
    /// Takes the lock as holder number `epoch` if what is there is as expected, and renews it in the
    /// background from then on.
    pub fn take(
        wire: &Wire,
        epoch: u64,
        holder: &Holder,
        lease: Duration,
        when: &When,
    ) -> Result<Taken, StateError> {
        let record = Record {
            is: Is::Held,
            beat: 0,
            lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
            holder: holder.clone(),
        };
        let sent = wire.clock.now();
        let head = wire.head(LOCK, epoch)?;
        let tag = match wire.put(LOCK, &head, &record.bytes(wire)?, when)? {
            Put::Unmet(found) => return Ok(Taken::Theirs(found)),
            Put::Done { tag, .. } => tag,
        };
        let taken = Self(Arc::new(Inner {
            wire: wire.clone(),
            epoch,
            kept: Mutex::new(Kept {
                record,
                tag,
                good_until: good_until(sent, lease),
                lost: false,
                over: false,
            }),
            replacing: Mutex::new(()),
            ended: Condvar::new(),
        }));
        let inner = Arc::clone(&taken.0);
        let thread = std::thread::Builder::new().name("lease".to_owned());
        if let Err(error) = thread.spawn(move || inner.keep_up()) {
            taken.give_up();
            return Err(StateError::io("start a thread to renew", wire.place(LOCK))(error));
        }
        Ok(Taken::Ours(taken))
    }

    /// Its holder's number.
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Whether it was given back, or let go.
    pub fn is_over(&self) -> bool {
        self.0.kept().over
    }

    /// Gives it back so that whoever is next keeps this holder's writes out.
    pub fn give_up(&self) {
        self.0.release(true);
    }
}

impl Inner {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_up(&self) {
        let mut kept = self.kept();
        let beat = kept.record.lease() / BEATS;
        while !kept.over && !kept.lost {
            let waited = self.ended.wait_timeout(kept, beat);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            // What fails is tried again: as long as nothing else is there, it is ours.
            let _ = self.renew(|_| true);
            kept = self.kept();
        }
    }

    /// Replaces the lock with itself, one beat later, if it still has to be: if that succeeds nobody
    /// has had it meanwhile.
    fn renew(&self, wanted: impl Fn(&Kept) -> bool) -> Result<(), StateError> {
        let _replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let (tag, record) = {
            let kept = self.kept();
            if kept.lost || kept.over {
                return Err(self.lost());
            }
            if !wanted(&kept) {
                return Ok(());
            }
            let record = Record {
                beat: kept.record.beat + 1,
                ..kept.record.clone()
            };
            (kept.tag.clone(), record)
        };
        let sent = self.wire.clock.now();
        let put = self.replace(&record, tag)?;
        let mut kept = self.kept();
        match put {
            Some(tag) => {
                kept.good_until = good_until(sent, record.lease());
                kept.record = record;
                kept.tag = tag;
                Ok(())
            }
            None => {
                kept.lost = true;
                Err(self.lost())
            }
        }
    }

    /// The entity tag of what is there then; `None` if somebody else has been there.
    fn replace(&self, record: &Record, tag: String) -> Result<Option<String>, StateError> {
        let head = self.wire.head(LOCK, self.epoch)?;
        let record = record.bytes(&self.wire)?;
        Ok(match self.wire.put(LOCK, &head, &record, &When::Tag(tag))? {
            Put::Done { tag, .. } => Some(tag),
            Put::Unmet(_) => None,
        })
    }

    fn lost(&self) -> StateError {
        StateError::LockLost {
            place: self.wire.place(LOCK),
        }
    }

    /// Whether it is ours: by our clock, and where that does not say it, by renewing it.
    fn check(&self) -> Result<(), StateError> {
        let has_run_out = |kept: &Kept| self.wire.clock.now() >= kept.good_until;
        {
            let kept = self.kept();
            if kept.lost || kept.over {
                return Err(self.lost());
            }
            if !has_run_out(&kept) {
                return Ok(());
            }
        }
        self.renew(has_run_out)
    }

    fn release(&self, in_doubt: bool) {
        if std::mem::replace(&mut self.kept().over, true) {
            return;
        }
        self.ended.notify_all();
        let _replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let in_doubt = in_doubt || self.wire.is_in_doubt();
        let (tag, record) = {
            let kept = self.kept();
            if kept.lost {
                return;
            }
            let record = Record {
                is: if in_doubt { Is::InDoubt } else { Is::Free },
                beat: kept.record.beat + 1,
                ..kept.record.clone()
            };
            (kept.tag.clone(), record)
        };
        // What cannot be given back ends by itself.
        let _ = self.replace(&record, tag);
    }

    fn let_go(&self) {
        self.kept().over = true;
        self.ended.notify_all();
    }
}

/// The lock for its holder: dropped without [`Held::release`] it is renewed no more.
pub(super) struct Holding(pub Lease);

impl Held for Holding {
    fn check(&self) -> Result<(), StateError> {
        self.0.0.check()
    }

    fn release(&self) {
        self.0.0.release(false);
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.0.let_go();
    }
}

/// How long the lock of somebody else has not changed, on our own clock.
#[derive(Debug, Default)]
pub(super) struct Watch(Option<(String, Duration)>);

impl Watch {
    /// Looks at what was found; whether it has not changed for as long as its lease.
    pub fn is_dead(&mut self, found: &Found, lease: Duration, now: Duration) -> bool {
        match &self.0 {
            Some((tag, since)) if *tag == found.tag => now.saturating_sub(*since) >= lease,
            _ => {
                self.0 = Some((found.tag.clone(), now));
                false
            }
        }
    }
}
