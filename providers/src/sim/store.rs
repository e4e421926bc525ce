//! The world's files: a snapshot, and a log of the changes since.
//!
//! A change is one line, appended with one `write` before its call returns: a killed process
//! loses nothing, and the cost of a call does not grow with the world. The log is not synced:
//! a power cut may cost a simulated world its last changes, which no real one would mind.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::model::{Effect, Model, Place};
use super::names::Ms;
use super::options::SimError;

/// The format of the files; another one is refused.
const FORMAT: u32 = 1;

/// `world.json`.
#[derive(Serialize, Deserialize)]
struct Snapshot<M> {
    format: u32,
    /// The last change that it contains.
    sequence: u64,
    world: M,
}

/// A line of the log.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Its number, from 1, over the world's whole life.
    #[serde(rename = "n")]
    pub sequence: u64,
    /// When it happened, in the world's own time.
    pub t: Ms,
    /// What changed.
    #[serde(rename = "do")]
    pub effect: Effect,
}

/// Where changes go.
#[derive(Debug)]
pub(crate) struct Store {
    snapshot: Option<PathBuf>,
    log: Option<File>,
    sequence: u64,
    /// The length of the log's whole lines.
    length: u64,
    /// Whether this process has changed anything.
    changed: bool,
}

impl Store {
    /// Nowhere.
    pub fn none() -> Self {
        Self {
            snapshot: None,
            log: None,
            sequence: 0,
            length: 0,
            changed: false,
        }
    }

    /// Reads a world, or starts an empty one where there is none. Writes nothing.
    pub fn open(path: Option<PathBuf>, place: Place) -> Result<(Self, Model), SimError> {
        let mut store = Self {
            snapshot: path,
            ..Self::none()
        };
        let Some(path) = store.snapshot.clone() else {
            return Ok((store, Model::new(place)));
        };
        let mut model = match read(&path)? {
            Some(bytes) => {
                let read: Snapshot<Model> =
                    serde_json::from_slice(&bytes).map_err(|error| corrupt(&path, error.line(), &error))?;
                if read.format != FORMAT {
                    let what = format!("its format is {}, and this program knows {FORMAT}", read.format);
                    return Err(corrupt(&path, 1, what));
                }
                store.sequence = read.sequence;
                read.world.opened(place)
            }
            None => Model::new(place),
        };
        let log = log_path(&path);
        if let Some(bytes) = read(&log)? {
            store.replay(&log, &bytes, &mut model)?;
        }
        Ok((store, model))
    }

    /// Applies the log's lines; a last line that is not whole is as if it had never been.
    fn replay(&mut self, log: &Path, bytes: &[u8], model: &mut Model) -> Result<(), SimError> {
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let Some(text) = line.strip_suffix(b"\n") else {
                break;
            };
            let line_of = |what: &dyn ToString| corrupt(log, index + 1, what.to_string());
            let read: Line = serde_json::from_slice(text).map_err(|error| line_of(&error))?;
            self.length += line.len() as u64;
            // A crash between the snapshot and the removal of the log leaves lines that count twice.
            if read.sequence <= self.sequence {
                continue;
            }
            if read.sequence != self.sequence + 1 {
                return Err(line_of(&format!("change {} is missing", self.sequence + 1)));
            }
            self.sequence = read.sequence;
            model.advance(read.t);
            model.apply(read.t, read.effect);
        }
        Ok(())
    }

    /// Writes a change down. After an error the log is as before.
    pub fn append(&mut self, t: Ms, effect: &Effect) -> Result<(), SimError> {
        self.changed = true;
        let Some(path) = self.snapshot.clone() else {
            return Ok(());
        };
        let path = log_path(&path);
        let failed = |source| SimError::Write {
            path: path.clone(),
            source,
        };
        if self.log.is_none() {
            self.log = Some(open_log(&path, self.length).map_err(failed)?);
        }
        let Some(log) = self.log.as_mut() else {
            return Ok(());
        };
        let line = LineRef {
            sequence: self.sequence + 1,
            t,
            effect,
        };
        let mut bytes = serde_json::to_vec(&line).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        if let Err(source) = log.write_all(&bytes) {
            // A torn line in the middle of the log would make it unreadable.
            log.set_len(self.length).map_err(failed)?;
            return Err(failed(source));
        }
        self.length += bytes.len() as u64;
        self.sequence += 1;
        Ok(())
    }

    /// Whether this process has changed anything since the last snapshot.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// Rewrites the snapshot and removes the log, if this process has changed anything.
    pub fn compact(&mut self, model: &Model) -> Result<(), SimError> {
        let Some(path) = self.snapshot.clone().filter(|_| self.changed) else {
            return Ok(());
        };
        let failed = |source| SimError::Write {
            path: path.clone(),
            source,
        };
        let snapshot = Snapshot {
            format: FORMAT,
            sequence: self.sequence,
            world: model,
        };
        replace(&path, &snapshot).map_err(failed)?;
        self.log = None;
        self.length = 0;
        self.changed = false;
        match std::fs::remove_file(log_path(&path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }
}

/// A line about to be written.
#[derive(Serialize)]
struct LineRef<'a> {
    #[serde(rename = "n")]
    sequence: u64,
    t: Ms,
    #[serde(rename = "do")]
    effect: &'a Effect,
}

/// The log beside a snapshot.
fn log_path(snapshot: &Path) -> PathBuf {
    snapshot.with_extension("log")
}

fn corrupt(path: &Path, line: usize, what: impl ToString) -> SimError {
    SimError::Corrupt {
        path: path.to_owned(),
        line,
        what: what.to_string(),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, SimError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SimError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Options for a file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn open_log(path: &Path, whole: u64) -> std::io::Result<File> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    let log = private().append(true).create(true).open(path)?;
    log.set_len(whole)?;
    Ok(log)
}

/// Replaces a file as a whole: whoever reads it sees the old one or the new one.
fn replace<M: Serialize>(path: &Path, snapshot: &Snapshot<M>) -> std::io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let temporary = path.with_extension("json.new");
    let file = private()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)?;
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    serde_json::to_writer(&mut writer, snapshot)?;
    writer.write_all(b"\n")?;
    let file = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    File::open(parent)?.sync_all()
}
