//! A backend that fails where a test wants it to.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::{Append, Backend, Expect, Held, Object, Repair, Version};
use crate::error::StateError;
use crate::lock::{Holder, LockError, Locked};

/// What happens at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before it: it does not happen, and nothing does after it.
    Kill,
    /// It fails with an I/O error and does nothing. The next one works.
    Error,
    /// From here on there is no space: nothing can be written, but all can be read and renamed.
    NoSpace,
    /// Half of what is appended arrives, then the process is killed. As [`Self::Kill`] elsewhere:
    /// other objects are written as a whole or not at all.
    ShortKill,
    /// Half of what is appended arrives, then it fails. As [`Self::Error`] elsewhere.
    ShortError,
    /// It does its work, but an I/O error is answered.
    Lost,
    /// It works, but from here on somebody else could have the lock.
    LoseLock,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Kill,
        Self::Error,
        Self::NoSpace,
        Self::ShortKill,
        Self::ShortError,
        Self::Lost,
        Self::LoseLock,
    ];
}

/// A backend around another one, which counts operations and fails at one of them. Clones share
/// the count. To go on after a kill, use the backend inside: what was written is there, and the
/// lock is one of a dead holder as soon as everything made here is dropped.
#[derive(Debug, Clone)]
pub struct Faulty {
    inner: Arc<dyn Backend>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    plan: Mutex<Plan>,
    killed: AtomicBool,
    lock_lost: AtomicBool,
    on_kill: Hook,
}

/// Called when the process is killed.
#[derive(Default)]
struct Hook(Option<Box<dyn Fn() + Send + Sync>>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

#[derive(Debug, Default)]
struct Plan {
    fault: Option<(u64, Fault)>,
    full: bool,
    operations: Vec<String>,
}

/// What an operation is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Work,
    Half,
    WorkThenFail,
}

impl Faulty {
    /// Around a backend, without a fault: it only counts.
    pub fn around(inner: impl Backend + 'static) -> Self {
        Self {
            inner: Arc::new(inner),
            shared: Arc::default(),
        }
    }

    /// Around a backend; `hook` is called at a kill, so that the world sees no more of the process
    /// either.
    pub fn with_kill(inner: impl Backend + 'static, hook: impl Fn() + Send + Sync + 'static) -> Self {
        let shared = Shared {
            on_kill: Hook(Some(Box::new(hook))),
            ..Shared::default()
        };
        Self {
            inner: Arc::new(inner),
            shared: Arc::new(shared),
        }
    }

    /// With a fault at an operation, counted from 1.
    #[must_use]
    pub fn at(self, operation: u64, fault: Fault) -> Self {
        self.shared.plan().fault = Some((operation, fault));
        self
    }

    /// What was done so far: `verb name`, in order, the faulty one included.
    pub fn operations(&self) -> Vec<String> {
        self.shared.plan().operations.clone()
    }

    /// Whether the process is dead: whoever drives it stops.
    pub fn is_killed(&self) -> bool {
        self.shared.killed.load(Ordering::SeqCst)
    }

    fn operation(&self, verb: &'static str, name: &str, writes: bool) -> Result<Order, StateError> {
        self.shared.operation(verb, &self.inner.place(name), name, writes)
    }

    /// Does a whole operation.
    fn whole<T>(
        &self,
        verb: &'static str,
        name: &str,
        writes: bool,
        work: impl FnOnce() -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let order = self.operation(verb, name, writes)?;
        let done = work()?;
        match order {
            Order::WorkThenFail => Err(failure(verb, &self.inner.place(name), 5)),
            _ => Ok(done),
        }
    }
}

/// The failure with a code of the operating system: 5 is an I/O error, 28 a full disk.
fn failure(verb: &'static str, place: &str, code: i32) -> StateError {
    StateError::io(verb, place)(io::Error::from_raw_os_error(code))
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        if let Some(hook) = &self.on_kill.0 {
            hook();
        }
    }

    fn alive(&self, verb: &'static str, place: &str) -> Result<(), StateError> {
        if self.killed.load(Ordering::SeqCst) {
            return Err(StateError::io(verb, place)(io::Error::other(
                "the process was killed",
            )));
        }
        Ok(())
    }

    fn operation(
        &self,
        verb: &'static str,
        place: &str,
        name: &str,
        writes: bool,
    ) -> Result<Order, StateError> {
        self.alive(verb, place)?;
        let mut plan = self.plan();
        plan.operations
            .push(format!("{verb} {name}").trim_end().to_owned());
        let number = plan.operations.len() as u64;
        let fault = plan.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match fault {
            Some(Fault::NoSpace) => plan.full = true,
            Some(Fault::Kill) => self.kill(),
            Some(Fault::ShortKill) if verb != APPEND => self.kill(),
            Some(Fault::Error) => return Err(failure(verb, place, 5)),
            Some(Fault::ShortError) if verb != APPEND => return Err(failure(verb, place, 5)),
            Some(Fault::ShortKill | Fault::ShortError) => return Ok(Order::Half),
            Some(Fault::Lost) => return Ok(Order::WorkThenFail),
            Some(Fault::LoseLock) => self.lock_lost.store(true, Ordering::SeqCst),
            None => {}
        }
        if plan.full && writes {
            return Err(failure(verb, place, 28));
        }
        self.alive(verb, place)?;
        Ok(Order::Work)
    }
}

const APPEND: &str = "append to";

impl Backend for Faulty {
    fn place(&self, name: &str) -> String {
        self.inner.place(name)
    }

    fn read(&self, name: &str) -> Result<Option<Object>, StateError> {
        self.whole("read", name, false, || self.inner.read(name))
    }

    fn version(&self, name: &str) -> Result<Option<Version>, StateError> {
        self.whole("look at", name, false, || self.inner.version(name))
    }

    fn write(&self, name: &str, content: &[u8], expect: &Expect) -> Result<Version, StateError> {
        self.whole("write", name, true, || self.inner.write(name, content, expect))
    }

    fn delete(&self, name: &str, version: &Version) -> Result<(), StateError> {
        self.whole("delete", name, false, || self.inner.delete(name, version))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StateError> {
        self.whole("rename", from, false, || self.inner.rename(from, to))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        self.whole("list", prefix, false, || self.inner.list(prefix))
    }

    fn append(&self, name: &str, whole: u64) -> Result<Box<dyn Append>, StateError> {
        let opened = self.whole("open", name, true, || self.inner.append(name, whole))?;
        Ok(Box::new(Appending {
            inner: opened,
            place: self.inner.place(name),
            name: name.to_owned(),
            shared: Arc::clone(&self.shared),
        }))
    }

    fn lock(&self, holder: &Holder) -> Result<(Box<dyn Held>, Option<Holder>), LockError> {
        let order = self.operation("lock", "", true)?;
        let (held, left_by) = self.inner.lock(holder)?;
        if order == Order::WorkThenFail {
            return Err(failure("lock", &self.inner.place(""), 5).into());
        }
        let held = Holding {
            inner: held,
            place: self.inner.place("lock"),
            shared: Arc::clone(&self.shared),
        };
        Ok((Box::new(held), left_by))
    }

    fn locked(&self) -> Result<Option<Locked>, StateError> {
        self.whole("look at", "lock", false, || self.inner.locked())
    }

    fn tidy(&self) -> Result<Vec<Repair>, StateError> {
        self.whole("tidy", "", false, || self.inner.tidy())
    }

    fn beside(&self) -> Result<Vec<Arc<dyn Backend>>, StateError> {
        self.whole("list", "others", false, || self.inner.beside())
    }

    fn lease(&self) -> Option<Duration> {
        self.inner.lease()
    }

    fn look_every(&self) -> Duration {
        self.inner.look_every()
    }

    fn is_immediate(&self) -> bool {
        self.inner.is_immediate()
    }
}

struct Appending {
    inner: Box<dyn Append>,
    place: String,
    name: String,
    shared: Arc<Shared>,
}

impl Append for Appending {
    fn append(&mut self, segment: &[u8]) -> Result<(), StateError> {
        let order = self.shared.operation(APPEND, &self.place, &self.name, true)?;
        let arrives = match order {
            Order::Half => &segment[..segment.len() / 2],
            _ => segment,
        };
        self.inner.append(arrives)?;
        if order == Order::Half
            && self
                .shared
                .plan()
                .fault
                .is_some_and(|(_, fault)| fault == Fault::ShortKill)
        {
            self.shared.kill();
        }
        match order {
            Order::Work => Ok(()),
            Order::Half | Order::WorkThenFail => Err(failure(APPEND, &self.place, 5)),
        }
    }
}

struct Holding {
    inner: Box<dyn Held>,
    place: String,
    shared: Arc<Shared>,
}

impl Held for Holding {
    fn check(&self) -> Result<(), StateError> {
        self.shared.alive("look at", &self.place)?;
        if self.shared.lock_lost.load(Ordering::SeqCst) {
            return Err(StateError::LockLost {
                place: self.place.clone(),
            });
        }
        self.inner.check()
    }

    fn release(&self) {
        // The dead give nothing back in order.
        if !self.shared.killed.load(Ordering::SeqCst) {
            self.inner.release();
        }
    }
}

#[cfg(test)]
#[path = "faulty_tests.rs"]
mod tests;
