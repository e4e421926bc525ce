//! Files that are read with care and written whole or not at all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::OFlags;

use crate::error::StateError;

/// How long a pipe or a device may take to give all it has.
const DEADLINE: Duration = Duration::from_secs(10);

/// Device and number of a file.
pub(crate) type Inode = (u64, u64);

pub(crate) fn inode(found: &Metadata) -> Inode {
    (found.dev(), found.ino())
}

/// Replaces a file: temporary file in the same directory (mode 0600), fsync, rename, fsync of
/// the directory. After a crash at any point the file is the old one or the new one. A link, a
/// directory or a device is not replaced.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), StateError> {
    refuse_other(path)?;
    let temporary = Temporary::write(path, content)?;
    temporary.rename(path)?;
    sync_directory(parent(path))
}

/// Reads the first `most` bytes of a file. What is no regular file (a pipe, a terminal) has ten
/// seconds to come to its end.
///
/// # Errors
/// Those of the operating system; [`ErrorKind::TimedOut`] when the time is over.
pub fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let read = move |path: &Path| {
        let mut bytes = Vec::new();
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() || kind.is_dir() {
        return read(path);
    }
    let (sender, receiver) = mpsc::channel();
    let owned = path.to_owned();
    // Nothing can end a thread that waits for a pipe: it ends with the process.
    std::thread::spawn(move || sender.send(read(&owned)));
    receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        let what = describe(kind);
        Err(io::Error::new(
            ErrorKind::TimedOut,
            format!(
                "it is {what}, and did not come to its end within {} s",
                DEADLINE.as_secs()
            ),
        ))
    })
}

/// A new file with its content flushed, which has yet to get its name. Removed if it never does.
pub(crate) struct Temporary(Option<PathBuf>);

impl Temporary {
    /// Writes a file beside `path`.
    pub fn write(path: &Path, content: &[u8]) -> Result<Self, StateError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{TEMPORARY}{}-{number}", std::process::id()));
        let mut open = OpenOptions::new();
        open.write(true).create_new(true).mode(0o600);
        let mut opened = open.open(&temporary);
        if matches!(&opened, Err(error) if error.kind() == ErrorKind::AlreadyExists) {
            // Left by a process of the same number, which was killed.
            fs::remove_file(&temporary).map_err(io_error("remove", &temporary))?;
            opened = open.open(&temporary);
        }
        let mut file = opened.map_err(io_error("create", &temporary))?;
        let this = Self(Some(temporary.clone()));
        file.write_all(content).map_err(io_error("write", &temporary))?;
        file.sync_all().map_err(io_error("flush", &temporary))?;
        Ok(this)
    }

    /// Gives it its name. The directory is not flushed.
    pub fn rename(mut self, path: &Path) -> Result<(), StateError> {
        if let Some(temporary) = &self.0 {
            fs::rename(temporary, path).map_err(io_error("replace", path))?;
        }
        self.0 = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // The error that matters was the first one; what is left is never read, and collected.
            let _ = fs::remove_file(path);
        }
    }
}

/// What temporary files have after their last dot, before the number of their process and their own.
pub(crate) const TEMPORARY: &str = "tmp-";

/// Opens a file that must be a regular one: links are not followed, and nothing is waited for.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> Result<Option<File>, StateError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_else(|_| unreachable!("flags of open are an int"));
    let file = match options.custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            refuse_other(path)?;
            return Err(io_error("open", path)(error));
        }
    };
    let kind = file.metadata().map_err(io_error("read", path))?.file_type();
    if kind.is_file() {
        Ok(Some(file))
    } else {
        Err(not_a_file(path, kind, "a regular file"))
    }
}

/// Refuses what is there if it is not a regular file; nothing is fine.
pub(crate) fn refuse_other(path: &Path) -> Result<(), StateError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(not_a_file(path, found.file_type(), "a regular file")),
        // What keeps it from being looked at keeps it from being used, with a better message.
        _ => Ok(()),
    }
}

/// Refuses a link in place of a directory: what is written below it would be somewhere else.
pub(crate) fn refuse_link(directory: &Path) -> Result<(), StateError> {
    match fs::symlink_metadata(directory) {
        Ok(found) if found.is_symlink() => Err(not_a_file(directory, found.file_type(), "a directory")),
        _ => Ok(()),
    }
}

fn not_a_file(path: &Path, kind: fs::FileType, wanted: &'static str) -> StateError {
    StateError::NotAFile {
        place: path.display().to_string(),
        what: describe(kind),
        wanted,
    }
}

fn describe(kind: fs::FileType) -> &'static str {
    if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "something else"
    }
}

/// The failure to do something to a path.
pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    StateError::io(doing, path.display().to_string())
}

/// The directory that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes renames and new names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StateError> {
    File::open(directory)
        .and_then(|d| d.sync_all())
        .map_err(io_error("flush", directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().expect("a directory")
    }

    fn pipe(path: &Path) {
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RWXU).expect("a pipe");
    }

    /// One of each kind of thing that is no regular file, with what it is called.
    fn others(directory: &Path) -> Vec<(PathBuf, &'static str)> {
        let at = |name: &str| directory.join(name);
        fs::write(at("target"), "ours").expect("written");
        std::os::unix::fs::symlink(at("target"), at("link")).expect("a link");
        std::os::unix::fs::symlink(at("nowhere"), at("dangling")).expect("a link");
        fs::create_dir(at("folder")).expect("a directory");
        pipe(&at("pipe"));
        // Bound, it stays when its owner closes it.
        drop(std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket"));
        vec![
            (at("link"), "a symbolic link"),
            (at("dangling"), "a symbolic link"),
            (at("folder"), "a directory"),
            (at("pipe"), "a named pipe"),
            (at("socket"), "a socket"),
            (PathBuf::from("/dev/null"), "a device"),
        ]
    }

    #[track_caller]
    fn refused<T>(result: Result<T, StateError>, path: &Path, expected: &str) {
        match result {
            Err(StateError::NotAFile { place, what, .. }) => {
                assert_eq!((place.as_str(), what), (path.to_str().expect("UTF-8"), expected));
            }
            Err(other) => panic!("{}: {other}", path.display()),
            Ok(_) => panic!("{} was taken for a file", path.display()),
        }
    }

    #[test]
    fn what_is_no_regular_file_is_neither_opened_nor_replaced_and_is_called_by_its_name() {
        let directory = directory();
        for (path, what) in others(directory.path()) {
            refused(refuse_other(&path), &path, what);
            refused(write_atomically(&path, b"theirs"), &path, what);
            refused(open_regular(&path, OpenOptions::new().read(true)), &path, what);
            refused(open_regular(&path, OpenOptions::new().write(true)), &path, what);
        }
        assert_eq!(fs::read(directory.path().join("target")).expect("read"), b"ours");
    }

    #[test]
    fn what_is_not_there_is_none_and_what_cannot_be_reached_is_an_error() {
        let directory = directory();
        let missing = directory.path().join("missing");
        assert!(
            open_regular(&missing, OpenOptions::new().read(true))
                .expect("fine")
                .is_none()
        );
        refuse_other(&missing).expect("nothing is fine");
        fs::write(&missing, "").expect("written");
        // A file is in the way.
        let below = missing.join("below");
        assert!(matches!(
            open_regular(&below, OpenOptions::new().read(true)),
            Err(StateError::Io { doing: "open", .. })
        ));
    }

    #[test]
    fn a_file_is_replaced_whole_for_its_owner_alone_and_nothing_is_left_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = directory();
        let path = directory.path().join("state.json");
        for content in ["one", "", "a longer one"] {
            write_atomically(&path, content.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("read"), content);
        }
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(Temporary::write(&path, b"never named").expect("written"));
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1);
        let there = fs::metadata(&path).expect("there");
        assert_eq!(inode(&there), (there.dev(), there.ino()));
        let another = directory.path().join("another");
        write_atomically(&another, b"").expect("written");
        assert_ne!(inode(&there), inode(&fs::metadata(another).expect("there")));
    }

    #[test]
    fn at_most_as_much_is_read_as_is_asked_for_of_a_file_and_of_a_pipe() {
        let directory = directory();
        let path = directory.path().join("manifest");
        fs::write(&path, "0123456789").expect("written");
        assert_eq!(read_file(&path, 100).expect("read"), b"0123456789");
        assert_eq!(read_file(&path, 4).expect("read"), b"0123");
        let folder = read_file(directory.path(), 4).expect_err("a directory");
        assert_eq!(folder.kind(), ErrorKind::IsADirectory);
        let missing = read_file(&directory.path().join("missing"), 4).expect_err("missing");
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let fifo = directory.path().join("pipe");
        pipe(&fifo);
        let writer = {
            let fifo = fifo.clone();
            std::thread::spawn(move || fs::write(fifo, "from a pipe"))
        };
        assert_eq!(read_file(&fifo, 100).expect("read"), b"from a pipe");
        writer.join().expect("joined").expect("written");
    }

    #[test]
    fn a_path_without_a_folder_is_in_the_current_one() {
        for (path, above) in [
            ("state.json", "."),
            ("a/state.json", "a"),
            ("/state.json", "/"),
            ("/", "."),
        ] {
            assert_eq!(parent(Path::new(path)), Path::new(above), "{path}");
        }
    }
}
