//! What is kept of a cluster, in memory, behind one run of the program: once the run is dead,
//! nothing that it writes arrives any more.

use std::sync::{Arc, Mutex, PoisonError};

use subako_providers::sim::Simulator;
use subako_state::{
    Append, Backend, Expect, Held, Holder, LockError, Locked, Memory, Object, StateError, Version,
};

/// One run's life as the store sees it.
#[derive(Clone)]
pub struct Life(Arc<Mutex<Written>>);

struct Written {
    sim: Simulator,
    writes: u64,
    /// The write at which it dies, and whether that one still arrives.
    kill: Option<(u64, bool)>,
    dead: bool,
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Life")
    }
}

impl Life {
    /// A run that dies before or after (`true`) the write of that number, from 1.
    pub fn new(sim: &Simulator, kill: Option<(u64, bool)>) -> Self {
        Self(Arc::new(Mutex::new(Written {
            sim: sim.clone(),
            writes: 0,
            kill,
            dead: false,
        })))
    }

    /// Ends it: neither store nor world sees any more of it.
    pub fn end(&self) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.dead = true;
        written.sim.kill_run();
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).dead
    }

    /// Makes a write, unless the run is dead by then.
    fn write<T>(&self, write: impl FnOnce() -> Result<T, StateError>) -> Result<T, StateError> {
        let dies = {
            let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            written.writes += 1;
            written.kill.filter(|(number, _)| *number == written.writes)
        };
        if let Some((_, false)) = dies {
            self.end();
        }
        if self.has_ended() {
            return Err(dead());
        }
        let done = write();
        if let Some((_, true)) = dies {
            self.end();
        }
        done
    }
}

/// What a dead run would be told, if it could hear.
fn dead() -> StateError {
    StateError::io("write", "memory")(std::io::Error::other("the run is dead"))
}

/// A store in memory that outlives its runs.
#[derive(Debug)]
pub struct Shelf {
    pub memory: Memory,
    pub life: Life,
}

impl Backend for Shelf {
    fn place(&self, name: &str) -> String {
        self.memory.place(name)
    }

    fn read(&self, name: &str) -> Result<Option<Object>, StateError> {
        self.memory.read(name)
    }

    fn version(&self, name: &str) -> Result<Option<Version>, StateError> {
        self.memory.version(name)
    }

    fn write(&self, name: &str, content: &[u8], expect: &Expect) -> Result<Version, StateError> {
        self.life.write(|| self.memory.write(name, content, expect))
    }

    fn delete(&self, name: &str, version: &Version) -> Result<(), StateError> {
        self.life.write(|| self.memory.delete(name, version))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StateError> {
        self.life.write(|| self.memory.rename(from, to))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        self.memory.list(prefix)
    }

    fn append(&self, name: &str, whole: u64) -> Result<Box<dyn Append>, StateError> {
        let append = self.life.write(|| self.memory.append(name, whole))?;
        Ok(Box::new(Appending {
            append,
            life: self.life.clone(),
        }))
    }

    fn lock(&self, holder: &Holder) -> Result<(Box<dyn Held>, Option<Holder>), LockError> {
        self.memory.lock(holder)
    }

    fn locked(&self) -> Result<Option<Locked>, StateError> {
        self.memory.locked()
    }

    fn is_immediate(&self) -> bool {
        true
    }
}

struct Appending {
    append: Box<dyn Append>,
    life: Life,
}

impl Append for Appending {
    fn append(&mut self, segment: &[u8]) -> Result<(), StateError> {
        let Self { append, life } = self;
        life.write(|| append.append(segment))
    }
}
