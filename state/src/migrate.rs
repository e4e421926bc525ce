//! A state moves from one store into another, with its history and its keys.
//!
//! 1. The new store gets a mark that the state is coming: from here on it refuses everything else.
//! 2. All objects are copied, then read back and compared.
//! 3. The old store's state is replaced by a mark that says where it went: from here on it refuses too.
//! 4. The new store's mark is replaced by the state.
//!
//! Both locks are held throughout. Before 3 the old state is the one that counts, after 4 the new one;
//! killed in between, both stores refuse and say so, and repeating the move finishes it. At no moment do
//! both count.

use std::collections::BTreeSet;

use crate::backend::{Expect, Object, Version};
use crate::digest::Digest;
use crate::error::StateError;
use crate::format;
use crate::mark::{Mark, Way};
use crate::names::{ASIDE, KEYS, PAST, STATE};
use crate::snapshot::Snapshot;
use crate::store::Store;

/// The state on its way, whole, until it is in its place.
const COMING: &str = "state.coming";

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The serial of the state.
    pub serial: u64,
    /// Its digest.
    pub digest: Digest,
    /// How many objects were copied or were there already, the state included.
    pub objects: usize,
    /// Whether an earlier move that was cut had left nothing to do but the end.
    pub finished: bool,
}

/// Why a state was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is none.
    #[error("there is no state in {place}")]
    Nothing {
        /// The old store.
        place: String,
    },
    /// A run did not end there.
    #[error("a run did not end in {place}: its journal does not move")]
    Unfinished {
        /// The old store.
        place: String,
    },
    /// The new store has something already.
    #[error("{place} has {what} already")]
    Occupied {
        /// The new store.
        place: String,
        /// What, for people.
        what: String,
    },
    /// The old store's state went somewhere else.
    #[error("the state of {place} was moved to {to} before")]
    Elsewhere {
        /// The old store.
        place: String,
        /// Where it went.
        to: String,
    },
    /// What was copied is not what is there when it is read back.
    #[error("{place} is not what was copied there")]
    Differs {
        /// The copy.
        place: String,
    },
    /// The stores cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What stands in the place of a state.
enum Kept {
    Nothing,
    State(Box<(Object, Snapshot, Digest)>),
    Mark(Mark, Version),
}

impl Store {
    /// What stands in the place of the state instead of one, if anything does.
    pub fn mark(&self) -> Result<Option<Mark>, StateError> {
        let found = self.backend().read(STATE)?;
        Ok(found.and_then(|object| Mark::parse(&object.content)))
    }

    /// Moves the state, its history and its keys into another store. Both locks must be held. Cut at
    /// any moment, it is finished by doing the same again.
    pub fn migrate_to(&self, to: &Self) -> Result<Migrated, MigrateError> {
        self.check_lock()?;
        to.check_lock()?;
        match self.kept()? {
            Kept::Nothing => Err(MigrateError::Nothing { place: self.place() }),
            Kept::Mark(mark, _) => self.finish(to, mark),
            Kept::State(state) => {
                if self.journal()?.is_some() {
                    return Err(MigrateError::Unfinished { place: self.place() });
                }
                self.migrate(to, *state)
            }
        }
    }

    fn kept(&self) -> Result<Kept, StateError> {
        let Some(object) = self.backend().read(STATE)? else {
            return Ok(Kept::Nothing);
        };
        if let Some(mark) = Mark::parse(&object.content) {
            return Ok(Kept::Mark(mark, object.version));
        }
        let (snapshot, digest) = self.parse(STATE, &object.content)?;
        Ok(Kept::State(Box::new((object, snapshot, digest))))
    }

    fn migrate(
        &self,
        to: &Self,
        (object, snapshot, digest): (Object, Snapshot, Digest),
    ) -> Result<Migrated, MigrateError> {
        let there = to.room_for(&snapshot)?;
        let mark = |way, place| Mark {
            way,
            place,
            lineage: snapshot.lineage.clone(),
            serial: snapshot.serial,
            state: digest.clone(),
        };
        let coming = to.put_mark(&mark(Way::ComingFrom, self.place()), &Expect::from(there))?;
        let names = self.moving()?;
        to.copy(COMING, &object.content)?;
        for name in &names {
            if let Some(found) = self.backend().read(name)? {
                to.copy(name, &found.content)?;
            }
        }
        // What an earlier stay there has left is not of this history.
        for name in to.moving()?.difference(&names) {
            to.check_lock()?;
            if let Some(version) = to.backend().version(name)? {
                to.backend().delete(name, &version)?;
            }
        }
        self.compare(to, &names, &object.content)?;
        self.check_lock()?;
        to.check_lock()?;
        self.put_mark(&mark(Way::MovedTo, to.place()), &Expect::Version(object.version))?;
        to.arrive(&object.content, coming)?;
        Ok(Migrated {
            serial: snapshot.serial,
            digest,
            objects: names.len() + 1,
            finished: false,
        })
    }

    /// The version of the mark in the place of the state, where there is room for this one; `None`
    /// where there is nothing.
    fn room_for(&self, snapshot: &Snapshot) -> Result<Option<Version>, MigrateError> {
        let occupied = |what: String| MigrateError::Occupied {
            place: self.place(),
            what,
        };
        match self.kept()? {
            Kept::State(there) => Err(occupied(format!("a state (serial {})", there.1.serial))),
            Kept::Mark(mark, version) if mark.lineage == snapshot.lineage => Ok(Some(version)),
            Kept::Mark(mark, _) => Err(occupied(format!(
                "the mark of another state (serial {}, {})",
                mark.serial, mark.place
            ))),
            Kept::Nothing if self.journal()?.is_some() => Err(occupied("an unfinished run".to_owned())),
            Kept::Nothing if !self.history_names()?.is_empty() => Err(occupied("a history".to_owned())),
            Kept::Nothing => Ok(None),
        }
    }

    fn put_mark(&self, mark: &Mark, expect: &Expect) -> Result<Version, StateError> {
        let text = mark
            .render()
            .map_err(|error| StateError::io("write", self.state_place())(std::io::Error::other(error)))?;
        self.backend().write(STATE, text.as_bytes(), expect)
    }

    /// What moves beside the state, by name.
    fn moving(&self) -> Result<BTreeSet<String>, StateError> {
        let mut names: BTreeSet<String> = self.backend().list(PAST)?.into_iter().collect();
        for prefix in ASIDE {
            names.extend(self.backend().list(prefix)?);
        }
        for name in KEYS {
            if self.backend().version(name)?.is_some() {
                names.insert(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Has these bytes under that name, whatever was there.
    fn copy(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let there = self.backend().read(name)?;
        if there.as_ref().is_some_and(|there| there.content == content) {
            return Ok(());
        }
        self.check_lock()?;
        let expect = Expect::from(there.map(|there| there.version));
        self.backend().write(name, content, &expect).map(drop)
    }

    /// Reads all of it back.
    fn compare(&self, to: &Self, names: &BTreeSet<String>, state: &[u8]) -> Result<(), MigrateError> {
        let is_there = |name: &str, content: &[u8]| -> Result<(), MigrateError> {
            match to.backend().read(name)? {
                Some(copy) if copy.content == content => Ok(()),
                _ => Err(MigrateError::Differs {
                    place: to.place_of(name),
                }),
            }
        };
        for name in names {
            if let Some(found) = self.backend().read(name)? {
                is_there(name, &found.content)?;
            }
        }
        is_there(COMING, state)
    }

    /// Puts the state in place of the mark.
    fn arrive(&self, state: &[u8], mark: Version) -> Result<(), StateError> {
        self.backend().write(STATE, state, &Expect::Version(mark))?;
        self.forget_coming();
        Ok(())
    }

    /// The state is in its place: a copy on its way that cannot be removed does no harm.
    fn forget_coming(&self) {
        if let Ok(Some(version)) = self.backend().version(COMING) {
            let _ = self.backend().delete(COMING, &version);
        }
    }

    /// Ends a move that was cut after the old state was marked.
    fn finish(&self, to: &Self, mark: Mark) -> Result<Migrated, MigrateError> {
        let elsewhere = || MigrateError::Elsewhere {
            place: self.place(),
            to: mark.place.clone(),
        };
        if mark.way == Way::ComingFrom {
            return Err(MigrateError::Occupied {
                place: self.place(),
                what: format!("a move from {} that did not end", mark.place),
            });
        }
        let done = Migrated {
            serial: mark.serial,
            digest: mark.state.clone(),
            objects: 1,
            finished: true,
        };
        match to.kept()? {
            // It has arrived, and may have gone on since.
            Kept::State(there) if there.1.lineage == mark.lineage && there.1.serial >= mark.serial => {
                to.forget_coming();
                Ok(done)
            }
            Kept::Mark(coming, version)
                if coming.way == Way::ComingFrom
                    && (&coming.lineage, &coming.state) == (&mark.lineage, &mark.state) =>
            {
                let found = to.backend().read(COMING)?.ok_or_else(elsewhere)?;
                match format::parse_bytes(&found.content) {
                    Ok((_, digest)) if digest == mark.state => to.arrive(&found.content, version)?,
                    _ => {
                        return Err(MigrateError::Differs {
                            place: to.place_of(COMING),
                        });
                    }
                }
                Ok(done)
            }
            _ => Err(elsewhere()),
        }
    }
}
