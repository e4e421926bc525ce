//! The lock of a state in files: an advisory lock on the file `lock`, which says who has it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Held;
use crate::error::StateError;
use crate::files::{Inode, inode, io_error, open_regular};
use crate::lock::{Holder, LockError, Locked};

/// How long a look at the lock by somebody else may keep it from being taken.
const GLANCE: Duration = Duration::from_millis(100);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// Takes the lock, or says who has it; with the holder that died with it.
pub(super) fn acquire(path: PathBuf, holder: &Holder) -> Result<(Box<dyn Held>, Option<Holder>), LockError> {
    let started = Instant::now();
    loop {
        match take(&path)? {
            Some((mut file, inode)) => {
                let left_by = read_holder(&mut file);
                let text = serde_json::to_string(holder)
                    .map_err(std::io::Error::other)
                    .map_err(io_error("write", &path))?;
                replace(&file, text.as_bytes()).map_err(io_error("write", &path))?;
                return Ok((Box::new(Holding { path, file, inode }), left_by));
            }
            None if started.elapsed() < GLANCE => std::thread::sleep(PAUSE),
            None => {
                let holder = look(&path)?.and_then(|locked| locked.holder);
                return Err(LockError::Held { holder });
            }
        }
    }
}

/// Who has the lock. Changes nothing.
pub(super) fn look(path: &Path) -> Result<Option<Locked>, StateError> {
    let Some(mut file) = open_regular(path, OpenOptions::new().read(true))? else {
        return Ok(None);
    };
    let alive = match file.try_lock_shared() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(error)) => return Err(io_error("lock", path)(error)),
    };
    let holder = read_holder(&mut file);
    Ok((alive || holder.is_some()).then_some(Locked {
        holder,
        alive,
        renewed: None,
    }))
}

struct Holding {
    path: PathBuf,
    file: File,
    inode: Inode,
}

impl Held for Holding {
    fn check(&self) -> Result<(), StateError> {
        match fs::symlink_metadata(&self.path) {
            Ok(found) if inode(&found) == self.inode => Ok(()),
            _ => Err(StateError::LockLost {
                place: self.path.display().to_string(),
            }),
        }
    }

    fn release(&self) {
        // Failing to clear the name only makes the next holder say a word about us.
        let _ = replace(&self.file, b"");
        let _ = self.file.unlock();
    }
}

/// The lock's file, locked; `None` if somebody else has it.
fn take(path: &Path) -> Result<Option<(File, Inode)>, StateError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let file = open_regular(path, &mut options)?
        .ok_or_else(|| io_error("open", path)(ErrorKind::NotFound.into()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(io_error("lock", path)(error)),
    }
    let ours = inode(&file.metadata().map_err(io_error("read", path))?);
    // Deleted between opening and locking it, it locks nobody out.
    let there = fs::symlink_metadata(path).is_ok_and(|found| inode(&found) == ours);
    Ok(there.then_some((file, ours)))
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(1 << 16).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn replace(mut file: &File, content: &[u8]) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(content)
}
