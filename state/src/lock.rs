//! One writer at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::StateError;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The host's name.
    pub host: String,
    /// What it is doing, for example `apply`.
    pub command: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`subako {}` (pid {} on {}, since {})",
            self.command, self.pid, self.host, self.since
        )
    }
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A living process has it.
    #[error("the state is locked by {}", holder.as_ref().map_or_else(|| "another process".to_owned(), Holder::to_string))]
    Held {
        /// Who, if the file says so.
        holder: Option<Holder>,
    },
    /// The operating system refused.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The lock, held until dropped. The kernel gives it back when the process dies, however it
/// dies, so that a dead holder never blocks anyone; the holder's name stays in the file until
/// the lock is given back in order.
#[derive(Debug)]
pub struct Lock {
    file: File,
    left_by: Option<Holder>,
}

impl Lock {
    /// Takes the lock at once or says who has it.
    pub fn acquire(path: &Path, holder: &Holder) -> Result<Self, LockError> {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    holder: read_holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(StateError::io("lock", path)(error).into()),
        }
        let left_by = read_holder(&mut file);
        let text = serde_json::to_string(holder).unwrap_or_default();
        replace(&mut file, text.as_bytes()).map_err(StateError::io("write", path))?;
        Ok(Self { file, left_by })
    }

    /// The holder that died without giving the lock back, if there was one.
    pub fn left_by(&self) -> Option<&Holder> {
        self.left_by.as_ref()
    }

    /// Who holds the lock now, and whether that process still lives; `None` when nobody does.
    pub fn inspect(path: &Path) -> Result<Option<(Option<Holder>, bool)>, StateError> {
        if !path.exists() {
            return Ok(None);
        }
        let mut file = open(path)?;
        let alive = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => return Err(StateError::io("lock", path)(error)),
        };
        let holder = read_holder(&mut file);
        Ok((alive || holder.is_some()).then_some((holder, alive)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Failing to clear the name only makes the next holder say a word about us.
        let _ = replace(&mut self.file, b"");
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> Result<File, StateError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(StateError::io("create", parent))?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(StateError::io("open", path))
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn replace(file: &mut File, content: &[u8]) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(content)?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(command: &str) -> Holder {
        Holder {
            pid: 1,
            host: "h".into(),
            command: command.into(),
            since: "2026-01-01T00:00:00Z".into(),
        }
    }

    #[test]
    fn a_second_holder_is_refused_and_told_who_has_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lock");
        let first = Lock::acquire(&path, &holder("apply")).expect("free");
        match Lock::acquire(&path, &holder("destroy")) {
            Err(LockError::Held { holder: Some(found) }) => assert_eq!(found, holder("apply")),
            other => panic!("expected it to be held, got {other:?}"),
        }
        drop(first);
        let again = Lock::acquire(&path, &holder("destroy")).expect("free again");
        assert_eq!(again.left_by(), None, "given back in order");
    }

    #[test]
    fn a_dead_holders_name_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lock");
        fs::write(&path, serde_json::to_string(&holder("apply")).expect("json")).expect("written");
        assert_eq!(
            Lock::inspect(&path).expect("readable"),
            Some((Some(holder("apply")), false))
        );
        let lock = Lock::acquire(&path, &holder("plan")).expect("a dead process holds nothing");
        assert_eq!(lock.left_by(), Some(&holder("apply")));
    }
}
