//! The journal in a bucket: a chain of objects with consecutive numbers, each created only where
//! nothing is yet.
//!
//! There is one chain, through all runs: whoever writes needs the next number. A holder that takes
//! the lock from a dead one first puts a fence there. If the other one lives after all, its next
//! write is answered by that fence: the conditional create of an entry is the look at the lock.
//! Fences stay for ever, because nobody knows how long a process can be paused.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::envelope::{Does, Head, Link};
use super::objects::When;
use super::wire::{Found, Put, Wire, version};
use crate::backend::Version;
use crate::error::StateError;

/// What the keys of the chain begin with.
pub(super) const CHAIN: &str = "journal/";
/// How many objects are read at the same time.
const READERS: usize = 8;

/// The key of an object of the chain.
fn key(number: u64) -> String {
    format!("{CHAIN}{number:012}")
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tail {
    /// The number of its last object; 0 if there is none.
    pub number: u64,
    /// The first object of the journal that is there; `None` if there is none.
    pub start: Option<u64>,
    /// The epoch of the last object.
    pub epoch: u64,
    version: Version,
}

impl Tail {
    /// The version of the journal that ends there.
    pub fn version(&self) -> &Version {
        &self.version
    }
}

/// What a journal consists of.
pub(super) struct Whole {
    pub content: Vec<u8>,
    pub tail: Tail,
    /// The objects that hold its content: those that may be deleted once it is kept elsewhere.
    parts: Vec<(u64, String)>,
}

/// Objects of the chain by number, in order, and the number of one that is not there.
struct Parts {
    there: Vec<(u64, Found)>,
    missing: Option<u64>,
}

/// Why an object could not be put at the end of the chain.
pub(super) enum NotAppended {
    /// Somebody else has put one there; the epoch of it, if it is still there.
    Other(Option<u64>),
    /// It failed.
    Failed(StateError),
}

impl From<StateError> for NotAppended {
    fn from(error: StateError) -> Self {
        Self::Failed(error)
    }
}

/// The chain, as one process sees it.
#[derive(Debug, Clone)]
pub(super) struct Chain(pub Wire);

impl Chain {
    /// The end of the chain.
    pub fn tail(&self) -> Result<Tail, StateError> {
        let mut last = self.last()?;
        while let Some(number) = last {
            if let Some(found) = self.0.peek(&key(number))? {
                return Ok(Tail {
                    number,
                    start: self.link(number, &found)?.start,
                    epoch: found.head.epoch,
                    version: found.version(),
                });
            }
            // Whoever put it away has put something after it first: each look finds a longer chain.
            let later = self.last()?;
            if later <= last {
                return Err(self.0.amiss(&key(number), "it went away while it was read"));
            }
            last = later;
        }
        Ok(Tail {
            number: 0,
            start: None,
            epoch: 0,
            version: version(0, ""),
        })
    }

    /// The number of its last object; `None` if there is none.
    fn last(&self) -> Result<Option<u64>, StateError> {
        let keys = self.0.list(CHAIN)?;
        let mut numbers = keys.iter().rev();
        Ok(numbers.find_map(|key| key.strip_prefix(CHAIN)?.parse::<u64>().ok()))
    }

    fn link(&self, number: u64, found: &Found) -> Result<Link, StateError> {
        let link = found.head.link;
        link.ok_or_else(|| self.0.amiss(&key(number), "it is no part of a journal"))
    }

    /// The version of the journal that is there; `None` if there is none.
    pub fn version(&self) -> Result<Option<Version>, StateError> {
        let tail = self.tail()?;
        Ok(tail.start.is_some().then_some(tail.version))
    }

    /// The journal that is there; `None` if there is none.
    pub fn read(&self) -> Result<Option<(Whole, Version)>, StateError> {
        loop {
            let tail = self.tail()?;
            let Some(start) = tail.start else {
                return Ok(None);
            };
            let parts = self.objects(start, tail.number)?;
            let Some(missing) = parts.missing else {
                return self.whole(tail, parts.there).map(Some);
            };
            // Whoever put the journal away meanwhile has made the chain longer: this ends.
            if self.tail()?.number == tail.number {
                return Err(self.0.amiss(&key(missing), "it is missing from the journal"));
            }
        }
    }

    /// The journal that ends there, of its objects in order.
    fn whole(&self, tail: Tail, objects: Vec<(u64, Found)>) -> Result<(Whole, Version), StateError> {
        let version = tail.version.clone();
        let mut whole = Whole {
            content: Vec::new(),
            tail,
            parts: Vec::new(),
        };
        for (number, found) in objects {
            match self.link(number, &found)?.does {
                Does::Open(keep) => {
                    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
                    if keep > whole.content.len() {
                        return Err(self.0.amiss(&key(number), "what it goes on from is not there"));
                    }
                    whole.content.truncate(keep);
                }
                Does::Append => {}
                Does::Fence => continue,
                Does::Remove => whole.content.clear(),
            }
            whole.content.extend_from_slice(&found.content);
            whole.parts.push((number, found.tag));
        }
        Ok((whole, version))
    }

    /// The objects from one number to another; some are read at the same time.
    fn objects(&self, from: u64, to: u64) -> Result<Parts, StateError> {
        let wanted = Mutex::new((from..=to).collect::<VecDeque<_>>());
        let read = Mutex::new(Vec::new());
        let next = || wanted.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let work = || -> Result<(), StateError> {
            while let Some(number) = next() {
                let found = self.0.get(&key(number))?;
                read.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((number, found));
            }
            Ok(())
        };
        let readers = usize::try_from(to - from + 1).map_or(READERS, |count| count.min(READERS));
        if readers == 1 {
            work()?;
        } else {
            std::thread::scope(|scope| {
                let readers: Vec<_> = (0..readers).map(|_| scope.spawn(work)).collect();
                let mut all = Ok(());
                for reader in readers {
                    let done = reader
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                    all = all.and(done);
                }
                all
            })?;
        }
        let mut read = read.into_inner().unwrap_or_else(PoisonError::into_inner);
        read.sort_by_key(|(number, _)| *number);
        let missing = read.iter().find(|(_, found)| found.is_none());
        let missing = missing.map(|(number, _)| *number);
        let there = read.into_iter();
        let there = there.filter_map(|(number, found)| Some((number, found?)));
        Ok(Parts {
            there: there.collect(),
            missing,
        })
    }

    /// Puts an object at the end of the chain, after the one with this number.
    pub fn append(&self, after: u64, epoch: u64, link: Link, content: &[u8]) -> Result<Tail, NotAppended> {
        let number = after + 1;
        let key = key(number);
        let head = Head {
            link: Some(link),
            ..self.0.head(&key, epoch)?
        };
        match self.0.put(&key, &head, content, &When::Absent)? {
            Put::Done { tag, again } => {
                // What an earlier attempt wrote may have been read, and cleaned away, by somebody who
                // has the lock by now: then this one stands in a gap.
                if again {
                    let tail = self.tail().map_err(|error| self.0.doubtful(error))?;
                    if tail.number != number {
                        return Err(NotAppended::Other(Some(tail.epoch)));
                    }
                }
                Ok(Tail {
                    number,
                    start: link.start,
                    epoch,
                    version: version(epoch, &tag),
                })
            }
            Put::Unmet(found) => Err(NotAppended::Other(found.map(|found| found.head.epoch))),
        }
    }

    /// Keeps whoever held the lock before `epoch` from writing anything more here. Says `false` if
    /// a later holder has been here already.
    pub fn fence(&self, epoch: u64) -> Result<bool, StateError> {
        loop {
            let tail = self.tail()?;
            if tail.epoch > epoch {
                return Ok(false);
            }
            let link = Link {
                does: Does::Fence,
                start: tail.start,
            };
            match self.append(tail.number, epoch, link, b"") {
                // Between the look and the write the other one may have written and cleaned up there:
                // then it stands in a gap, and keeps nobody out.
                Ok(fence) if self.tail()?.number == fence.number => return Ok(true),
                Ok(_) => {}
                // The other one lives, and was quicker once more. It has one write under way at a
                // time, and each of them makes the chain longer: this ends.
                Err(NotAppended::Other(_)) => {}
                Err(NotAppended::Failed(error)) => return Err(error),
            }
        }
    }

    /// Deletes the objects of a journal that was taken away, but for fences. They only cost space:
    /// what cannot be deleted stays.
    pub fn clean(&self, whole: &Whole) {
        let first = whole.tail.start.unwrap_or(1);
        // What took the one before it away.
        if let Ok(Some(before)) = self.0.peek(&key(first - 1))
            && before.head.link.is_some_and(|link| link.does == Does::Remove)
        {
            let _ = self.0.delete(&key(first - 1), &before.tag);
        }
        for (number, tag) in &whole.parts {
            // The chain goes on after the last one, whatever is before it.
            let _ = self.0.delete(&key(*number), tag);
        }
    }
}
