//! A cluster's state, wherever it is kept: names, history, digests, and which journal counts.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use crate::backend::{Backend, Expect, Files, Held, Memory, Version};
use crate::digest::Digest;
use crate::error::{Damage, StateError};
use crate::format;
use crate::guard::{Lock, Slot};
use crate::journal::Journal;
use crate::lock::{Holder, LockError, Locked};
use crate::mark::{Mark, Way};
use crate::names::{JOURNAL, PAST, STATE, past_state};
use crate::origin::Ran;
use crate::snapshot::Snapshot;
use crate::writer::{self, JournalWriter, Opened, Probe};

/// What is kept of a cluster: its state, its journal, their history, the key of its secrets and
/// its lock. Cheap to clone; clones share the lock that one of them has taken.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    /// The lock that was taken last, to be checked before each write.
    lock: Slot,
}

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The snapshot; `None` if this cluster was never applied.
    pub snapshot: Option<(Snapshot, Digest)>,
    /// The journal of a run that did not end.
    pub journal: Option<Journal>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.backend).finish()
    }
}

impl Store {
    /// The store on a backend.
    pub fn on(backend: impl Backend + 'static) -> Self {
        Self {
            backend: Arc::new(backend),
            lock: Arc::default(),
        }
    }

    /// The store in a directory, which need not exist yet.
    pub fn in_directory(directory: impl Into<std::path::PathBuf>) -> Self {
        Self::on(Files::new(directory))
    }

    /// An empty store in memory.
    pub fn in_memory() -> Self {
        Self::on(Memory::new())
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        self.backend.place("")
    }

    /// Where the state is, for people.
    pub fn state_place(&self) -> String {
        self.place_of(STATE)
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    pub(crate) fn place_of(&self, name: &str) -> String {
        self.backend.place(name)
    }

    /// Fails if somebody else could have the lock by now, for whoever is about to change the world.
    pub fn check_lock(&self) -> Result<(), StateError> {
        writer::check(self.held().as_ref())
    }

    /// The version of the state as it is kept, whole or not; `None` if there is none.
    pub fn state_version(&self) -> Result<Option<Version>, StateError> {
        self.backend.version(STATE)
    }

    /// The stores of other clusters that are kept beside this one and have a state, in the order of
    /// where they are.
    pub fn beside(&self) -> Result<Vec<Self>, StateError> {
        let backends = self.backend.beside()?.into_iter();
        let on = |backend| Self {
            backend,
            lock: Arc::default(),
        };
        Ok(backends.map(on).collect())
    }

    /// Takes the lock at once or says who has it; then repairs how things are kept, and puts the
    /// journal of a run that has ended into the history.
    pub fn lock(&self, holder: &Holder) -> Result<Lock, LockError> {
        let (held, left_by) = self.backend.lock(holder)?;
        // From here on the lock is given back if anything fails.
        let mut lock = Lock::new(Arc::from(held), holder, Arc::clone(&self.lock), left_by);
        lock.repaired(self.backend.tidy()?);
        // A damaged one is told of when it is read.
        if let Ok(Some(journal)) = self.journal()
            && journal.has_ended()
        {
            self.retire(&journal)?;
        }
        Ok(lock)
    }

    /// Who has the lock; `None` if nobody has. Changes nothing.
    pub fn locked(&self) -> Result<Option<Locked>, StateError> {
        self.backend.locked()
    }

    /// Fails if what keeps the state does not do what is counted on, where that can be in doubt: a
    /// service that ignores conditions, for example. The lock must be held.
    pub fn probe(&self) -> Result<(), StateError> {
        self.backend.probe()
    }

    /// How long a holder that is not heard of keeps the lock; `None` where it ends with its holder.
    pub fn lease(&self) -> Option<Duration> {
        self.backend.lease()
    }

    /// How often it is worth looking at a lock that is waited for.
    pub fn look_every(&self) -> Duration {
        self.backend.look_every()
    }

    pub(crate) fn held(&self) -> Option<Weak<dyn Held>> {
        let writer = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_ref().map(|writer| Weak::clone(&writer.held))
    }

    /// Who writes here: whoever has taken the lock; `None` without it.
    pub fn writer(&self) -> Option<Holder> {
        let writer = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_ref().map(|writer| writer.holder.clone())
    }

    /// Reads everything. A missing, empty, cut or changed state is an error, unless nothing at all
    /// says that there ever was one. A journal counts if its run began from this state, or has
    /// led to it, and has not ended.
    pub fn load(&self) -> Result<Loaded, StateError> {
        let journal = self.journal()?.filter(|journal| !journal.has_ended());
        let snapshot = match self.backend.read(STATE)? {
            Some(object) => Some(self.parse(STATE, &object.content)?),
            None => None,
        };
        match snapshot {
            Some((snapshot, digest)) => {
                let journal = match journal {
                    Some(journal) if self.counts(&journal, Some((&snapshot, &digest)))? => Some(journal),
                    _ => None,
                };
                Ok(Loaded {
                    snapshot: Some((snapshot, digest)),
                    journal,
                })
            }
            None => self.load_first(journal),
        }
    }

    /// Without a state: nothing was ever applied, or the first run did not come to write it.
    fn load_first(&self, journal: Option<Journal>) -> Result<Loaded, StateError> {
        let missing = |trace: String| {
            Err(StateError::Damaged {
                place: self.place_of(STATE),
                damage: Damage::Missing(trace),
                newest: self.newest_whole(),
            })
        };
        let history = self.history_names()?;
        if let Some(journal) = journal {
            return if journal.begin().is_some_and(|begin| begin.base.is_none())
                && self.counts(&journal, None)?
            {
                Ok(Loaded {
                    snapshot: None,
                    journal: Some(journal),
                })
            } else {
                missing(self.place_of(JOURNAL))
            };
        }
        if history.is_empty() {
            return Ok(Loaded {
                snapshot: None,
                journal: None,
            });
        }
        missing(self.place_of(PAST))
    }

    /// The journal as it is, ended or not; `None` if there is none, or none with a whole first line.
    pub(crate) fn journal(&self) -> Result<Option<Journal>, StateError> {
        match self.backend.read(JOURNAL)? {
            Some(object) => Journal::parse(&object.content, &self.place_of(JOURNAL)),
            None => Ok(None),
        }
    }

    pub(crate) fn parse(&self, name: &str, content: &[u8]) -> Result<(Snapshot, Digest), StateError> {
        self.refuse_mark(content)?;
        format::parse_bytes(content).map_err(|damage| StateError::Damaged {
            place: self.place_of(name),
            damage,
            newest: self.newest_whole(),
        })
    }

    /// Fails if what stands in the place of the state says that it is somewhere else.
    fn refuse_mark(&self, content: &[u8]) -> Result<(), StateError> {
        let place = self.place();
        match Mark::parse(content) {
            None => Ok(()),
            Some(mark) if mark.way == Way::MovedTo => Err(StateError::MovedAway {
                place,
                to: mark.place,
            }),
            Some(mark) => Err(StateError::HalfMoved {
                place,
                from: mark.place,
            }),
        }
    }

    /// Writes a snapshot as the successor of the state: into the history first, with who wrote it,
    /// then in its place. The serial must be one more than that of the state replaced.
    pub fn save(&self, snapshot: &Snapshot) -> Result<Digest, StateError> {
        self.save_after(snapshot, None)
    }

    /// As [`Self::save`], of a snapshot that came of a run.
    pub fn save_after(&self, snapshot: &Snapshot, ran: Option<&Ran>) -> Result<Digest, StateError> {
        writer::check(self.held().as_ref())?;
        let current = self.backend.read(STATE)?;
        if let Some(object) = &current {
            self.refuse_mark(&object.content)?;
        }
        if let Some(object) = &current
            && let Ok((current, _)) = format::parse_bytes(&object.content)
            && current.serial + 1 != snapshot.serial
        {
            return Err(StateError::Moved {
                place: self.place_of(STATE),
                expected: snapshot.serial.saturating_sub(1),
                found: current.serial,
            });
        }
        let (text, digest) = format::render(snapshot)
            .map_err(|error| StateError::io("write", self.place_of(STATE))(std::io::Error::other(error)))?;
        self.replace(&past_state(snapshot.serial), text.as_bytes())?;
        let history = self.history_names()?;
        self.note_origin(snapshot.serial, &digest, ran, &history)?;
        let expect = Expect::from(current.map(|object| object.version));
        self.backend.write(STATE, text.as_bytes(), &expect)?;
        // The state is saved: what is too old and cannot be removed goes with a later one.
        let _ = self.prune(&history);
        Ok(digest)
    }

    /// Puts the snapshot of the history with that serial in place of the state, byte for byte.
    pub fn restore(&self, serial: u64) -> Result<Digest, StateError> {
        writer::check(self.held().as_ref())?;
        let from = past_state(serial);
        let object = self.backend.read(&from)?.ok_or_else(|| {
            StateError::io("read", self.place_of(&from))(std::io::ErrorKind::NotFound.into())
        })?;
        let (_, digest) = self.parse(&from, &object.content)?;
        if let Some(there) = self.backend.read(STATE)? {
            self.refuse_mark(&there.content)?;
        }
        self.note_restored(serial, &digest)?;
        self.replace(STATE, &object.content)?;
        Ok(digest)
    }

    /// Writes an object over whatever is there.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let expect = Expect::from(self.backend.version(name)?);
        self.backend.write(name, content, &expect).map(drop)
    }

    /// Starts the journal of a new run; refused while another one of this state has not ended.
    pub fn begin_journal(&self, probe: Option<Probe>) -> Result<JournalWriter, StateError> {
        match self.journal()? {
            None => {}
            Some(ended) if ended.has_ended() => self.retire(&ended)?,
            // Of another state, or of a run that is over: it is kept, and nobody needs it.
            Some(other) if !self.belongs(&other)? => drop(self.put_journal_aside()?),
            Some(_) => {
                return Err(StateError::Unfinished {
                    place: self.place_of(JOURNAL),
                });
            }
        }
        self.journal_writer(None, probe)
    }

    /// Goes on with a journal that was read before, cutting off a torn last line.
    pub fn continue_journal(
        &self,
        journal: &Journal,
        probe: Option<Probe>,
    ) -> Result<JournalWriter, StateError> {
        self.journal_writer(Some(journal), probe)
    }

    fn journal_writer(
        &self,
        after: Option<&Journal>,
        probe: Option<Probe>,
    ) -> Result<JournalWriter, StateError> {
        let lock = self.held();
        writer::check(lock.as_ref())?;
        let opened = Opened {
            append: self
                .backend
                .append(JOURNAL, after.map_or(0, |journal| journal.whole))?,
            place: self.place_of(JOURNAL),
            lock,
            immediate: self.backend.is_immediate(),
            probe,
        };
        Ok(JournalWriter::new(opened, after))
    }
}
