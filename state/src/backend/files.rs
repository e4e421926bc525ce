//! A state in a directory of the local file system.
//!
//! The directory and what is below it are its owner's alone. Links are refused: a name of ours
//! that leads elsewhere would have something written that is not ours.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};

use super::file_lock;
use super::{Append, Backend, Expect, Held, Object, Repair, Version};
use crate::error::StateError;
use crate::files::{
    Inode, TEMPORARY, Temporary, inode, io_error, open_regular, parent, refuse_link, refuse_other,
    sync_directory,
};
use crate::lock::{Holder, LockError, Locked};
use crate::names::STATE;

/// How long others may be between the look at a version and the rename.
const EXCHANGE: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// Objects as files: `state.json` is `DIRECTORY/state.json`.
#[derive(Debug, Clone)]
pub struct Files {
    directory: PathBuf,
}

impl Files {
    /// In a directory, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Makes the directory in which an object goes, for the owner alone, and makes that durable.
    fn make_room(&self, path: &Path) -> Result<(), StateError> {
        make_directory(parent(path))
    }

    /// Between a look at what is there and the change that depends on it nobody else comes: the
    /// directory itself is locked meanwhile.
    fn exchange(&self) -> Result<Option<File>, StateError> {
        let directory = match File::open(&self.directory) {
            Ok(directory) => directory,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("open", &self.directory)(error)),
        };
        let started = Instant::now();
        loop {
            match directory.try_lock() {
                Ok(()) => return Ok(Some(directory)),
                Err(TryLockError::WouldBlock) if started.elapsed() < EXCHANGE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(io_error("lock", &self.directory)(ErrorKind::TimedOut.into()));
                }
                // Network file systems that cannot lock a directory can lock a file: the lock of
                // the run keeps the others out.
                Err(TryLockError::Error(_)) => return Ok(None),
            }
        }
    }

    fn found(&self, name: &str) -> Result<Option<Version>, StateError> {
        let path = self.path(name);
        match fs::symlink_metadata(&path) {
            Ok(found) => {
                refuse_other(&path)?;
                Ok(Some(version(&found)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    fn expected(&self, name: &str, expect: &Expect) -> Result<(), StateError> {
        if Expect::from(self.found(name)?) == *expect {
            Ok(())
        } else {
            Err(StateError::Conflict {
                place: self.place(name),
            })
        }
    }
}

impl Backend for Files {
    fn place(&self, name: &str) -> String {
        match name {
            "" => self.directory.display().to_string(),
            name => self.path(name).display().to_string(),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Object>, StateError> {
        let path = self.path(name);
        let Some(mut file) = open_regular(&path, OpenOptions::new().read(true))? else {
            return Ok(None);
        };
        let failed = || io_error("read", &path);
        let found = file.metadata().map_err(failed())?;
        let mut content = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
        file.read_to_end(&mut content).map_err(failed())?;
        Ok(Some(Object {
            content,
            version: version(&found),
        }))
    }

    fn version(&self, name: &str) -> Result<Option<Version>, StateError> {
        self.found(name)
    }

    fn write(&self, name: &str, content: &[u8], expect: &Expect) -> Result<Version, StateError> {
        let path = self.path(name);
        self.make_room(&path)?;
        self.expected(name, expect)?;
        let temporary = Temporary::write(&path, content)?;
        let exchange = self.exchange()?;
        self.expected(name, expect)?;
        temporary.rename(&path)?;
        let written = fs::symlink_metadata(&path).map_err(io_error("read", &path))?;
        drop(exchange);
        sync_directory(parent(&path))?;
        Ok(version(&written))
    }

    fn delete(&self, name: &str, version: &Version) -> Result<(), StateError> {
        let path = self.path(name);
        let exchange = self.exchange()?;
        self.expected(name, &Expect::Version(version.clone()))?;
        fs::remove_file(&path).map_err(io_error("remove", &path))?;
        drop(exchange);
        sync_directory(parent(&path))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StateError> {
        let (source, target) = (self.path(from), self.path(to));
        self.make_room(&target)?;
        let exchange = self.exchange()?;
        refuse_other(&source)?;
        self.expected(to, &Expect::Absent)?;
        fs::rename(&source, &target).map_err(io_error("move", &source))?;
        drop(exchange);
        // The new name first: between the two there are both, or the old one alone.
        sync_directory(parent(&target))?;
        sync_directory(parent(&source))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        let (folder, begins) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let directory = self.path(folder);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("read", &directory)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(io_error("read", &directory))?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.starts_with(begins)) else {
                continue;
            };
            let is_file = entry.file_type().map_err(io_error("read", &directory))?.is_file();
            if is_file && owner_of_temporary(name).is_none() {
                names.push(if folder.is_empty() {
                    name.to_owned()
                } else {
                    format!("{folder}/{name}")
                });
            }
        }
        names.sort();
        Ok(names)
    }

    fn append(&self, name: &str, whole: u64) -> Result<Box<dyn Append>, StateError> {
        let path = self.path(name);
        let failed = |doing| io_error(doing, &path);
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        let file = match open_regular(&path, &mut options)? {
            Some(file) => file,
            None if whole == 0 => {
                self.make_room(&path)?;
                let file = open_regular(&path, options.create_new(true))?
                    .ok_or_else(|| failed("create")(ErrorKind::NotFound.into()))?;
                sync_directory(parent(&path))?;
                file
            }
            None => return Err(failed("open")(ErrorKind::NotFound.into())),
        };
        let found = file.metadata().map_err(failed("read"))?;
        if found.len() < whole {
            return Err(StateError::Conflict {
                place: self.place(name),
            });
        }
        if found.len() > whole {
            file.set_len(whole).map_err(failed("cut"))?;
        }
        Ok(Box::new(Appending {
            inode: inode(&found),
            path,
            file,
            length: whole,
        }))
    }

    fn lock(&self, holder: &Holder) -> Result<(Box<dyn Held>, Option<Holder>), LockError> {
        let path = self.path(LOCK);
        self.make_room(&path)?;
        file_lock::acquire(path, holder)
    }

    fn locked(&self) -> Result<Option<Locked>, StateError> {
        file_lock::look(&self.path(LOCK))
    }

    /// The other directories of the one that this is in.
    fn beside(&self) -> Result<Vec<Arc<dyn Backend>>, StateError> {
        let above = parent(&self.directory);
        let failed = || io_error("read", above);
        let entries = match fs::read_dir(above) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed()(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed())?;
            // A link leads to somebody else's.
            if entry.file_type().map_err(failed())?.is_dir()
                && Some(&*entry.file_name()) != self.directory.file_name()
            {
                names.push(entry.file_name());
            }
        }
        names.sort();
        let others = names.into_iter().map(|name| Self::new(above.join(name)));
        let mut found: Vec<Arc<dyn Backend>> = Vec::new();
        for other in others {
            if fs::symlink_metadata(other.path(STATE)).is_ok() {
                found.push(Arc::new(other));
            }
        }
        Ok(found)
    }

    fn tidy(&self) -> Result<Vec<Repair>, StateError> {
        let mut repairs = Vec::new();
        refuse_link(&self.path("history"))?;
        restrict(&self.directory, 0o700, &mut repairs)?;
        restrict(&self.path("history"), 0o700, &mut repairs)?;
        for folder in ["", "history/"] {
            for name in self.list(folder)? {
                restrict(&self.path(&name), 0o600, &mut repairs)?;
            }
            collect(&self.path(folder), &mut repairs)?;
        }
        Ok(repairs)
    }
}

const LOCK: &str = "lock";

/// Makes a directory and those above it that are missing, for the owner alone; each new name is
/// made durable in the directory above it.
pub(super) fn make_directory(directory: &Path) -> Result<(), StateError> {
    if directory.is_dir() {
        return Ok(());
    }
    let above = parent(directory);
    make_directory(above)?;
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => sync_directory(above),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(io_error("create", directory)(error)),
    }
}

fn version(found: &Metadata) -> Version {
    Version::new(format!(
        "{}-{}-{}.{}",
        found.ino(),
        found.len(),
        found.mtime(),
        found.mtime_nsec()
    ))
}

struct Appending {
    path: PathBuf,
    file: File,
    inode: Inode,
    length: u64,
}

impl Append for Appending {
    fn append(&mut self, segment: &[u8]) -> Result<(), StateError> {
        let here = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| inode(&found) == self.inode && found.len() == self.length);
        if !here {
            return Err(StateError::Conflict {
                place: self.path.display().to_string(),
            });
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(segment))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Best effort: a torn tail is dropped by whoever reads it.
            let _ = self.file.set_len(self.length);
            return Err(io_error("write", &self.path)(error));
        }
        self.length += segment.len() as u64;
        Ok(())
    }
}

/// Takes from others, and from the group, what they may do with a path.
fn restrict(path: &Path, to: u32, repairs: &mut Vec<Repair>) -> Result<(), StateError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error("read", path)(error)),
    };
    let from = found.permissions().mode() & 0o7777;
    if from & 0o077 == 0 || found.is_symlink() {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(to)).map_err(io_error("protect", path))?;
    repairs.push(Repair::Mode {
        place: path.display().to_string(),
        from,
        to,
    });
    Ok(())
}

/// The process that wrote a temporary file, by the file's name.
fn owner_of_temporary(name: &str) -> Option<i32> {
    let (_, end) = name.rsplit_once('.')?;
    end.strip_prefix(TEMPORARY)?.split('-').next()?.parse().ok()
}

/// Removes what killed writes have left in a directory.
fn collect(directory: &Path, repairs: &mut Vec<Repair>) -> Result<(), StateError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error("read", directory)(error)),
    };
    for entry in entries {
        let path = entry.map_err(io_error("read", directory))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let Some(owner) = owner_of_temporary(name) else {
            continue;
        };
        // A key may be in the making by somebody who needs no lock for it.
        let lives = owner != std::process::id().cast_signed()
            && Pid::from_raw(owner).is_some_and(|pid| test_kill_process(pid).is_ok());
        if !lives {
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
            repairs.push(Repair::Leftover {
                place: path.display().to_string(),
            });
        }
    }
    Ok(())
}
