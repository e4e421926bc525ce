//! Every case of the conformance suite fails on a backend that gets wrong what it is about.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::conformance::CASES;
use crate::backend::{Append, Backend, Expect, Held, Memory, Object, Repair, Version};
use crate::error::StateError;
use crate::lock::{Holder, LockError, Locked};

/// What a backend gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    AbsentIsEmpty,
    CutsContent,
    IgnoresExpectation,
    DeletesAnyVersion,
    DeletesNothing,
    CopiesInsteadOfRenaming,
    RenamesOver,
    RenamesNothing,
    ListsUnsorted,
    ListsEverything,
    AppendsNothing,
    KeepsTornTail,
    AppendsAfterAnything,
    AnybodyAppends,
    LetsEverybodyIn,
    ForgetsHolder,
    KeepsLockGivenBack,
    DeadHoldOn,
    TakesHoldersForDead,
    LosesLockByWriting,
    RepairsWhatIsTidy,
}

/// The defects, each with the cases that must not pass with it.
const DEFECTS: &[(Defect, &[&str])] = {
    use Defect as D;
    &[
        (D::AbsentIsEmpty, &["what was never written is absent"]),
        (
            D::CutsContent,
            &[
                "what is written is read whole, with its version",
                "segments are appended in order",
            ],
        ),
        (
            D::IgnoresExpectation,
            &[
                "an object is created once",
                "of many who create at once one succeeds",
                "of many who replace the same version one succeeds",
                "a write by an old version changes nothing",
            ],
        ),
        (
            D::DeletesAnyVersion,
            &["a delete by an old version changes nothing"],
        ),
        (
            D::DeletesNothing,
            &["a deleted object is absent, and can be created again"],
        ),
        (
            D::CopiesInsteadOfRenaming,
            &["a renamed object has its content and another name"],
        ),
        (D::RenamesOver, &["a rename replaces nothing"]),
        (D::RenamesNothing, &["what is not there cannot be renamed"]),
        (D::ListsUnsorted, &["names are listed by their beginning, sorted"]),
        (
            D::ListsEverything,
            &["names are listed by their beginning, sorted"],
        ),
        (D::AppendsNothing, &["segments are appended in order"]),
        (D::KeepsTornTail, &["appending goes on after what is whole"]),
        (
            D::AppendsAfterAnything,
            &["nobody appends after bytes that are not there"],
        ),
        (
            D::AnybodyAppends,
            &[
                "of two who append the one who came first is refused",
                "nobody appends to what was renamed or deleted",
            ],
        ),
        (
            D::LetsEverybodyIn,
            &[
                "a lock is held by one, who is named",
                "a lock given back is free, and nobody is named",
            ],
        ),
        (
            D::ForgetsHolder,
            &[
                "a lock is held by one, who is named",
                "a dead holder blocks nobody, and is named",
            ],
        ),
        (
            D::KeepsLockGivenBack,
            &["a lock given back is free, and nobody is named"],
        ),
        (D::DeadHoldOn, &["a dead holder blocks nobody, and is named"]),
        (
            D::TakesHoldersForDead,
            &["looking at a lock takes it from nobody"],
        ),
        (D::LosesLockByWriting, &["a lock that is held is still held"]),
        (D::RepairsWhatIsTidy, &["tidying what is tidy repairs nothing"]),
    ]
};

#[derive(Debug, Clone)]
struct Amiss {
    memory: Memory,
    defect: Defect,
}

impl Amiss {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn length(&self, name: &str) -> u64 {
        self.memory
            .objects()
            .get(name)
            .map_or(0, |content| content.len() as u64)
    }
}

impl Backend for Amiss {
    fn place(&self, name: &str) -> String {
        self.memory.place(name)
    }

    fn read(&self, name: &str) -> Result<Option<Object>, StateError> {
        let mut found = self.memory.read(name)?;
        if let Some(object) = found.as_mut().filter(|_| self.is(Defect::CutsContent)) {
            object.content.pop();
        }
        let nothing = || Object {
            content: Vec::new(),
            version: Version::new("0"),
        };
        Ok(found.or_else(|| self.is(Defect::AbsentIsEmpty).then(nothing)))
    }

    fn version(&self, name: &str) -> Result<Option<Version>, StateError> {
        self.memory.version(name)
    }

    fn write(&self, name: &str, content: &[u8], expect: &Expect) -> Result<Version, StateError> {
        if self.is(Defect::LosesLockByWriting) {
            self.memory.break_lock();
        }
        if self.is(Defect::IgnoresExpectation) {
            self.memory.put(name, content);
            return Ok(self.memory.version(name)?.unwrap_or_else(|| Version::new("0")));
        }
        self.memory.write(name, content, expect)
    }

    fn delete(&self, name: &str, version: &Version) -> Result<(), StateError> {
        match self.defect {
            Defect::DeletesNothing => Ok(()),
            Defect::DeletesAnyVersion => {
                self.memory.remove(name);
                Ok(())
            }
            _ => self.memory.delete(name, version),
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StateError> {
        let content = self.memory.objects().remove(from);
        match (self.defect, content) {
            (Defect::RenamesNothing, None) => return Ok(()),
            (Defect::CopiesInsteadOfRenaming, Some(content)) => {
                self.memory.put(to, content);
                return Ok(());
            }
            (Defect::RenamesOver, _) => self.memory.remove(to),
            _ => {}
        }
        self.memory.rename(from, to)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        let prefix = if self.is(Defect::ListsEverything) {
            ""
        } else {
            prefix
        };
        let mut names = self.memory.list(prefix)?;
        if self.is(Defect::ListsUnsorted) {
            names.reverse();
        }
        Ok(names)
    }

    fn append(&self, name: &str, whole: u64) -> Result<Box<dyn Append>, StateError> {
        let whole = match self.defect {
            Defect::KeepsTornTail => whole.max(self.length(name)),
            Defect::AppendsAfterAnything => whole.min(self.length(name)),
            _ => whole,
        };
        Ok(Box::new(AmissAppend {
            inner: self.memory.append(name, whole)?,
            of: self.clone(),
            name: name.to_owned(),
        }))
    }

    fn lock(&self, holder: &Holder) -> Result<(Box<dyn Held>, Option<Holder>), LockError> {
        if self.is(Defect::LetsEverybodyIn) {
            self.memory.break_lock();
        }
        let forgets = self.is(Defect::ForgetsHolder);
        match self.memory.lock(holder) {
            Ok((held, left_by)) => {
                let held = AmissHeld {
                    inner: Some(held),
                    defect: self.defect,
                };
                Ok((Box::new(held), left_by.filter(|_| !forgets)))
            }
            Err(LockError::Held { .. }) if forgets => Err(LockError::Held { holder: None }),
            Err(error) => Err(error),
        }
    }

    fn locked(&self) -> Result<Option<Locked>, StateError> {
        let locked = self.memory.locked()?;
        let dead = self.is(Defect::TakesHoldersForDead);
        Ok(locked.map(|locked| Locked {
            alive: locked.alive && !dead,
            ..locked
        }))
    }

    fn tidy(&self) -> Result<Vec<Repair>, StateError> {
        let place = "state.json".to_owned();
        let repaired = self
            .is(Defect::RepairsWhatIsTidy)
            .then_some(Repair::Leftover { place });
        Ok(repaired.into_iter().collect())
    }
}

struct AmissAppend {
    inner: Box<dyn Append>,
    of: Amiss,
    name: String,
}

impl Append for AmissAppend {
    fn append(&mut self, segment: &[u8]) -> Result<(), StateError> {
        match self.of.defect {
            Defect::AppendsNothing => return Ok(()),
            Defect::AnybodyAppends => {
                self.inner = self.of.memory.append(&self.name, self.of.length(&self.name))?;
            }
            _ => {}
        }
        self.inner.append(segment)
    }
}

struct AmissHeld {
    inner: Option<Box<dyn Held>>,
    defect: Defect,
}

impl Held for AmissHeld {
    fn check(&self) -> Result<(), StateError> {
        self.inner.as_ref().map_or(Ok(()), |held| held.check())
    }

    fn release(&self) {
        if self.defect != Defect::KeepsLockGivenBack
            && let Some(held) = &self.inner
        {
            held.release();
        }
    }
}

impl Drop for AmissHeld {
    fn drop(&mut self) {
        if self.defect == Defect::DeadHoldOn {
            std::mem::forget(self.inner.take());
        }
    }
}

/// The cases that a backend with this defect does not pass.
fn failed(defect: Defect) -> Vec<&'static str> {
    let passes = |case: fn(&dyn Backend)| {
        let backend = Amiss {
            memory: Memory::new(),
            defect,
        };
        catch_unwind(AssertUnwindSafe(|| case(&backend))).is_ok()
    };
    let failed = CASES.iter().filter(|(_, case)| !passes(*case));
    failed.map(|(name, _)| *name).collect()
}

#[test]
fn a_backend_without_a_defect_passes_every_case() {
    assert_eq!(failed(Defect::None), [""; 0]);
}

#[test]
fn each_defect_fails_the_cases_that_are_about_it() {
    for (defect, cases) in DEFECTS {
        let failed = failed(*defect);
        for case in *cases {
            assert!(failed.contains(case), "{defect:?} passes: {case}");
        }
    }
}

#[test]
fn each_case_fails_on_some_defect() {
    for (case, _) in CASES {
        let shown = DEFECTS.iter().any(|(_, cases)| cases.contains(case));
        assert!(shown, "nothing shows that this can fail: {case}");
    }
}
