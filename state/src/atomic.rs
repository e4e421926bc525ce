//! Writes that are whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::StateError;

/// Replaces a file: temporary file in the same directory (mode 0600), fsync, rename, fsync of
/// the directory. After a crash at any point the file is the old one or the new one.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    let written = write_new(&temporary, content)
        .and_then(|()| fs::rename(&temporary, path).map_err(StateError::io("replace", path)));
    if written.is_err() {
        // The error that matters is the first one; a leftover temporary file is never read.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(StateError::io("create", path))?;
    file.write_all(content).map_err(StateError::io("write", path))?;
    file.sync_all().map_err(StateError::io("flush", path))
}

/// Makes renames and new names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StateError> {
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    File::open(directory)
        .and_then(|d| d.sync_all())
        .map_err(StateError::io("flush", directory))
}
