//! A state in memory: for tests, simulations and rehearsals.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Append, Backend, Expect, Held, Object, Version};
use crate::error::StateError;
use crate::lock::{Holder, LockError, Locked};

/// Objects in memory. Clones share them, as processes share a disk.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    objects: BTreeMap<String, Entry>,
    /// Counts writes and locks: each gets a number of its own.
    count: u64,
    lock: Option<Lock>,
}

#[derive(Debug)]
struct Entry {
    content: Vec<u8>,
    version: u64,
}

#[derive(Debug)]
struct Lock {
    number: u64,
    holder: Holder,
    alive: bool,
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every object, by name: what would be on a disk.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let kept = self.kept();
        let objects = kept.objects.iter();
        objects
            .map(|(name, entry)| (name.clone(), entry.content.clone()))
            .collect()
    }

    /// A copy that shares nothing with this one, and that nobody has locked.
    #[must_use]
    pub fn fork(&self) -> Self {
        let fork = Self::new();
        for (name, content) in self.objects() {
            fork.put(&name, content);
        }
        fork
    }

    /// Puts an object there, whatever was there: what a backup or an accident does.
    pub fn put(&self, name: &str, content: impl Into<Vec<u8>>) {
        self.kept().set(name, content.into());
    }

    /// Takes an object away: what an accident does.
    pub fn remove(&self, name: &str) {
        self.kept().objects.remove(name);
    }

    /// Takes the lock away from whoever has it: what an accident does.
    pub fn break_lock(&self) {
        self.kept().lock = None;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(name: &str) -> String {
    format!("memory:{name}")
}

fn conflict<T>(name: &str) -> Result<T, StateError> {
    Err(StateError::Conflict { place: place(name) })
}

fn missing(doing: &'static str, name: &str) -> StateError {
    StateError::io(doing, place(name))(std::io::ErrorKind::NotFound.into())
}

impl Kept {
    fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn set(&mut self, name: &str, content: Vec<u8>) -> Version {
        let version = self.number();
        self.objects.insert(name.to_owned(), Entry { content, version });
        Version::new(version.to_string())
    }

    fn version(&self, name: &str) -> Option<Version> {
        let entry = self.objects.get(name)?;
        Some(Version::new(entry.version.to_string()))
    }
}

impl Backend for Memory {
    fn place(&self, name: &str) -> String {
        place(name)
    }

    fn read(&self, name: &str) -> Result<Option<Object>, StateError> {
        let kept = self.kept();
        Ok(kept.objects.get(name).map(|entry| Object {
            content: entry.content.clone(),
            version: Version::new(entry.version.to_string()),
        }))
    }

    fn version(&self, name: &str) -> Result<Option<Version>, StateError> {
        Ok(self.kept().version(name))
    }

    fn write(&self, name: &str, content: &[u8], expect: &Expect) -> Result<Version, StateError> {
        let mut kept = self.kept();
        if Expect::from(kept.version(name)) != *expect {
            return conflict(name);
        }
        Ok(kept.set(name, content.to_vec()))
    }

    fn delete(&self, name: &str, version: &Version) -> Result<(), StateError> {
        let mut kept = self.kept();
        if kept.version(name).as_ref() != Some(version) {
            return conflict(name);
        }
        kept.objects.remove(name);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StateError> {
        let mut kept = self.kept();
        if kept.objects.contains_key(to) {
            return conflict(to);
        }
        let entry = kept.objects.remove(from).ok_or_else(|| missing("move", from))?;
        kept.set(to, entry.content);
        Ok(())
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        let kept = self.kept();
        let names = kept.objects.keys().filter(|name| name.starts_with(prefix));
        Ok(names.cloned().collect())
    }

    fn append(&self, name: &str, whole: u64) -> Result<Box<dyn Append>, StateError> {
        let mut kept = self.kept();
        let mut content = match kept.objects.remove(name) {
            Some(entry) => entry.content,
            None if whole == 0 => Vec::new(),
            None => return Err(missing("open", name)),
        };
        if (content.len() as u64) < whole {
            kept.set(name, content);
            return conflict(name);
        }
        content.truncate(usize::try_from(whole).unwrap_or(usize::MAX));
        kept.set(name, content);
        Ok(Box::new(Appending {
            memory: self.clone(),
            name: name.to_owned(),
            version: kept.version(name),
        }))
    }

    fn lock(&self, holder: &Holder) -> Result<(Box<dyn Held>, Option<Holder>), LockError> {
        let mut kept = self.kept();
        let left_by = match kept.lock.take() {
            Some(lock) if lock.alive => {
                let holder = Some(lock.holder.clone());
                kept.lock = Some(lock);
                return Err(LockError::Held { holder });
            }
            lock => lock.map(|lock| lock.holder),
        };
        let number = kept.number();
        kept.lock = Some(Lock {
            number,
            holder: holder.clone(),
            alive: true,
        });
        let held = Holding {
            memory: self.clone(),
            number,
        };
        Ok((Box::new(held), left_by))
    }

    fn locked(&self) -> Result<Option<Locked>, StateError> {
        let kept = self.kept();
        Ok(kept.lock.as_ref().map(|lock| Locked {
            holder: Some(lock.holder.clone()),
            alive: lock.alive,
            renewed: None,
        }))
    }

    fn is_immediate(&self) -> bool {
        true
    }
}

struct Appending {
    memory: Memory,
    name: String,
    version: Option<Version>,
}

impl Append for Appending {
    fn append(&mut self, segment: &[u8]) -> Result<(), StateError> {
        let mut kept = self.memory.kept();
        if kept.version(&self.name) != self.version {
            return conflict(&self.name);
        }
        let version = kept.number();
        let Some(entry) = kept.objects.get_mut(&self.name) else {
            return conflict(&self.name);
        };
        entry.content.extend_from_slice(segment);
        entry.version = version;
        self.version = kept.version(&self.name);
        Ok(())
    }
}

struct Holding {
    memory: Memory,
    number: u64,
}

impl Held for Holding {
    fn check(&self) -> Result<(), StateError> {
        match &self.memory.kept().lock {
            Some(lock) if lock.number == self.number => Ok(()),
            _ => Err(StateError::LockLost { place: place("lock") }),
        }
    }

    fn release(&self) {
        let mut kept = self.memory.kept();
        if kept.lock.as_ref().is_some_and(|lock| lock.number == self.number) {
            kept.lock = None;
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut kept = self.memory.kept();
        if let Some(lock) = kept.lock.as_mut().filter(|lock| lock.number == self.number) {
            lock.alive = false;
        }
    }
}
