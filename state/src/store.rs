//! The directory where a cluster's state is kept.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::atomic::{sync_directory, write_atomically};
use crate::digest::Digest;
use crate::error::{Damage, StateError};
use crate::format;
use crate::journal::{Journal, read_journal};
use crate::snapshot::Snapshot;

/// How many snapshots the history keeps.
const HISTORY: usize = 50;

/// A cluster's directory: `state.json`, `journal.jsonl`, `history/`, `lock`.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The snapshot; `None` if this cluster was never applied.
    pub snapshot: Option<(Snapshot, Digest)>,
    /// The journal of a run that did not end.
    pub journal: Option<Journal>,
}

/// A snapshot of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// Its serial.
    pub serial: u64,
    /// Its file.
    pub path: PathBuf,
    /// Its digest, or what is wrong with it.
    pub digest: Result<Digest, Damage>,
    /// The digest it names as the one before it.
    pub previous: Option<Digest>,
    /// How many resources it has.
    pub resources: usize,
}

impl Store {
    /// The store in a directory, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// `state.json`.
    pub fn state_path(&self) -> PathBuf {
        self.directory.join("state.json")
    }

    /// `journal.jsonl`.
    pub fn journal_path(&self) -> PathBuf {
        self.directory.join("journal.jsonl")
    }

    /// `lock`.
    pub fn lock_path(&self) -> PathBuf {
        self.directory.join("lock")
    }

    fn history_path(&self) -> PathBuf {
        self.directory.join("history")
    }

    /// Makes the directories, for the owner alone.
    pub fn prepare(&self) -> Result<(), StateError> {
        let history = self.history_path();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&history)
            .map_err(StateError::io("create", &history))?;
        fs::set_permissions(&self.directory, fs::Permissions::from_mode(0o700))
            .map_err(StateError::io("protect", &self.directory))
    }

    /// Reads everything. A missing, empty, cut or changed state file is an error, unless
    /// nothing at all says that there ever was one.
    pub fn load(&self) -> Result<Loaded, StateError> {
        let journal = read_journal(&self.journal_path())?;
        Ok(Loaded {
            snapshot: self.load_snapshot(journal.as_ref())?,
            journal,
        })
    }

    fn load_snapshot(&self, journal: Option<&Journal>) -> Result<Option<(Snapshot, Digest)>, StateError> {
        let path = self.state_path();
        let damaged = |damage| StateError::Damaged {
            path: path.clone(),
            damage,
            newest: self.newest_whole(),
        };
        match fs::read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes)
                    .map_err(|error| damaged(Damage::Header(format!("it is not UTF-8: {error}"))))?;
                format::parse(&text).map(Some).map_err(damaged)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match self.trace(journal)? {
                Some(trace) => Err(damaged(Damage::Missing(trace))),
                None => Ok(None),
            },
            Err(error) => Err(StateError::io("read", &path)(error)),
        }
    }

    /// What says that there was a state file once.
    fn trace(&self, journal: Option<&Journal>) -> Result<Option<String>, StateError> {
        use crate::journal::Entry;
        if let Some(Entry::Begin { base: Some(_), .. }) = journal.and_then(|j| j.entries.first()) {
            return Ok(Some(self.journal_path().display().to_string()));
        }
        Ok((!self.history_files()?.is_empty()).then(|| self.history_path().display().to_string()))
    }

    /// Writes a snapshot as the successor of the one with digest `previous`: into the history
    /// first, then in its place. The serial must be one more than that of the file replaced.
    pub fn save(&self, snapshot: &Snapshot) -> Result<Digest, StateError> {
        self.prepare()?;
        let path = self.state_path();
        if let Ok(text) = fs::read_to_string(&path)
            && let Ok((current, _)) = format::parse(&text)
            && current.serial + 1 != snapshot.serial
        {
            return Err(StateError::Moved {
                path,
                expected: snapshot.serial.saturating_sub(1),
                found: current.serial,
            });
        }
        let (text, digest) = format::render(snapshot)
            .map_err(|error| StateError::io("write", &path)(std::io::Error::other(error)))?;
        write_atomically(&self.history_file(snapshot.serial), text.as_bytes())?;
        write_atomically(&path, text.as_bytes())?;
        self.prune()?;
        Ok(digest)
    }

    /// Puts the snapshot of the history with that serial in place of the state file, byte for byte.
    pub fn restore(&self, serial: u64) -> Result<Digest, StateError> {
        let from = self.history_file(serial);
        let text = fs::read_to_string(&from).map_err(StateError::io("read", &from))?;
        let (_, digest) = format::parse(&text).map_err(|damage| StateError::Damaged {
            path: from.clone(),
            damage,
            newest: self.newest_whole(),
        })?;
        write_atomically(&self.state_path(), text.as_bytes())?;
        Ok(digest)
    }

    /// How many runs that started from the snapshot with that serial have been retired.
    pub fn runs_from(&self, serial: u64) -> u32 {
        (0..)
            .find(|run| !self.retired_path(serial, *run).exists())
            .unwrap_or(u32::MAX)
    }

    fn retired_path(&self, serial: u64, run: u32) -> PathBuf {
        self.history_path()
            .join(format!("{serial:08}.journal-{run}.jsonl"))
    }

    /// Moves the journal of a run that has ended into the history, beside the snapshot with
    /// serial `serial` that it started from.
    pub fn retire_journal(&self, serial: u64) -> Result<(), StateError> {
        self.prepare()?;
        let from = self.journal_path();
        let to = self.retired_path(serial, self.runs_from(serial));
        fs::rename(&from, &to).map_err(StateError::io("move", &from))?;
        sync_directory(&self.directory)?;
        sync_directory(&self.history_path())
    }

    /// The snapshots of the history, oldest first.
    pub fn history(&self) -> Result<Vec<HistoryItem>, StateError> {
        let mut items = Vec::new();
        for (serial, path) in self.history_files()? {
            let text = fs::read_to_string(&path).map_err(StateError::io("read", &path))?;
            items.push(match format::parse(&text) {
                Ok((snapshot, digest)) => HistoryItem {
                    serial,
                    path,
                    digest: Ok(digest),
                    previous: snapshot.previous,
                    resources: snapshot.resources.len(),
                },
                Err(damage) => HistoryItem {
                    serial,
                    path,
                    digest: Err(damage),
                    previous: None,
                    resources: 0,
                },
            });
        }
        Ok(items)
    }

    fn history_file(&self, serial: u64) -> PathBuf {
        self.history_path().join(format!("{serial:08}.state.json"))
    }

    fn history_files(&self) -> Result<Vec<(u64, PathBuf)>, StateError> {
        let directory = self.history_path();
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StateError::io("read", &directory)(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(StateError::io("read", &directory))?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if let Some(serial) = name
                .strip_suffix(".state.json")
                .and_then(|digits| digits.parse().ok())
            {
                files.push((serial, path));
            }
        }
        files.sort();
        Ok(files)
    }

    /// The newest snapshot of the history that is whole.
    fn newest_whole(&self) -> Option<u64> {
        let files = self.history_files().ok()?;
        files.into_iter().rev().find_map(|(serial, path)| {
            let text = fs::read_to_string(path).ok()?;
            format::parse(&text).is_ok().then_some(serial)
        })
    }

    fn prune(&self) -> Result<(), StateError> {
        let files = self.history_files()?;
        for (serial, path) in files.iter().take(files.len().saturating_sub(HISTORY)) {
            fs::remove_file(path).map_err(StateError::io("remove", path))?;
            for run in 0..self.runs_from(*serial) {
                let journal = self.retired_path(*serial, run);
                fs::remove_file(&journal).map_err(StateError::io("remove", &journal))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(store: &Store, serial: u64) {
        let mut snapshot = Snapshot::empty("l".into(), "c".into(), "sim".into());
        snapshot.serial = serial;
        store.save(&snapshot).expect("saved");
    }

    #[test]
    fn nothing_at_all_is_a_new_cluster() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path().join("s"));
        assert_eq!(
            store.load().expect("fine"),
            Loaded {
                snapshot: None,
                journal: None
            }
        );
    }

    #[test]
    fn a_state_file_that_vanished_is_not_a_new_cluster() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path().join("s"));
        saved(&store, 1);
        saved(&store, 2);
        fs::remove_file(store.state_path()).expect("removed");
        match store.load() {
            Err(StateError::Damaged {
                damage: Damage::Missing(_),
                newest: Some(2),
                ..
            }) => {}
            other => panic!("expected it to be missed, got {other:?}"),
        }
        store.restore(2).expect("restored");
        assert_eq!(
            store.load().expect("fine").snapshot.expect("a snapshot").0.serial,
            2
        );
    }

    #[test]
    fn a_serial_is_written_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path().join("s"));
        saved(&store, 1);
        let again = store.save(&Snapshot {
            serial: 1,
            ..Snapshot::empty("l".into(), "c".into(), "sim".into())
        });
        assert!(
            matches!(again, Err(StateError::Moved { found: 1, .. })),
            "{again:?}"
        );
    }

    #[test]
    fn files_are_for_the_owner_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path().join("s"));
        saved(&store, 1);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(store.directory()), 0o700);
        assert_eq!(mode(&store.state_path()), 0o600);
    }
}
