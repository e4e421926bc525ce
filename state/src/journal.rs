//! The durable record of a run: what was about to be done, and what came of it.
//!
//! One JSON object a line: `{"sum":"…","entry":{…}}`, where `sum` is the first sixteen digits
//! of the SHA-256 over the sum before it and the entry, so that lines can be neither changed
//! nor left out. A last line without its newline was never acknowledged and is dropped.
//! Entries that wait at the same time share one fsync.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::atomic::sync_directory;
use crate::digest::Digest;
use crate::error::StateError;
use crate::json::Json;

/// What a failed or interrupted step is known to have done to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing.
    None,
    /// All of it, or enough that it has to be undone.
    Applied,
    /// Nobody knows, even after reading.
    Unresolved,
}

/// Which way a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards the plan.
    Forward,
    /// Back to what was before.
    Back,
    /// Nowhere: what was done is kept.
    Keep,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step of the plan is done.
    Applied,
    /// Everything it did is undone.
    RolledBack,
    /// Something it did remains.
    Remains,
}

/// One line of the journal. Steps are named by their number in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A run begins.
    Begin {
        /// Identifies the run: no two runs of a lineage share it, so that tokens made from it are new.
        run: String,
        /// The command, for people.
        command: String,
        /// The digest of the plan.
        plan_digest: Digest,
        /// The lineage of the state it starts from.
        lineage: String,
        /// The serial of the state it starts from.
        serial: u64,
        /// The digest of the state it starts from; `None` if there was none.
        base: Option<Digest>,
        /// The plan itself.
        plan: Json,
    },
    /// A step is about to be made.
    Intent {
        /// The step.
        step: u32,
        /// The token that makes its call idempotent.
        token: String,
    },
    /// A step was made.
    Done {
        /// The step.
        step: u32,
        /// What the world answered.
        outputs: Json,
    },
    /// A step failed, or was found unfinished and settled by reading.
    Failed {
        /// The step.
        step: u32,
        /// What it did nevertheless.
        effect: Effect,
        /// What the world answers about what it did.
        outputs: Option<Json>,
        /// Why, for people.
        why: String,
    },
    /// The run turns.
    Turn {
        /// Which way it goes from here.
        direction: Direction,
        /// Why, for people.
        why: String,
    },
    /// A step is about to be undone.
    UndoIntent {
        /// The step.
        step: u32,
        /// The token that makes its call idempotent.
        token: String,
    },
    /// A step was undone.
    Undone {
        /// The step.
        step: u32,
        /// What the world answered.
        outputs: Json,
    },
    /// Undoing a step failed.
    UndoFailed {
        /// The step.
        step: u32,
        /// Why, for people.
        why: String,
    },
    /// The run is over, and the state that came of it is written.
    End {
        /// How.
        outcome: Outcome,
    },
}

#[derive(Serialize, Deserialize)]
struct Line<E> {
    sum: String,
    entry: E,
}

fn chain(previous: &str, entry: &str) -> String {
    Digest::of_parts([previous, entry]).hex()[..16].to_owned()
}

/// A journal read from its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// How many bytes of the file are whole lines.
    whole: u64,
    /// The sum of the last line.
    sum: String,
}

/// Reads a journal; `None` if there is no such file or nothing in it was ever acknowledged.
pub fn read_journal(path: &Path) -> Result<Option<Journal>, StateError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::io("read", path)(error)),
    };
    let mut journal = Journal {
        entries: Vec::new(),
        whole: 0,
        sum: String::new(),
    };
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(text) = line.strip_suffix(b"\n") else {
            break;
        };
        let damaged = |why: String| StateError::Journal {
            path: path.to_owned(),
            line: index + 1,
            why,
        };
        let line_read: Line<&serde_json::value::RawValue> =
            serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
        let sum = chain(&journal.sum, line_read.entry.get());
        if sum != line_read.sum {
            return Err(damaged("its sum differs".to_owned()));
        }
        let entry =
            serde_json::from_str(line_read.entry.get()).map_err(|error| damaged(error.to_string()))?;
        journal.entries.push(entry);
        journal.whole += line.len() as u64;
        journal.sum = sum;
    }
    Ok((!journal.entries.is_empty()).then_some(journal))
}

/// Called with the number of entries that are durable, after each fsync.
type Probe = Box<dyn Fn(u64) + Send + Sync>;

/// A journal open for appending. Cheap to share.
#[derive(Clone)]
pub struct JournalFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    queue: Mutex<Queue>,
    sink: Mutex<Sink>,
    probe: Option<Probe>,
}

/// Tells the one who waits whether its entry is durable.
type Acknowledge = oneshot::Sender<Result<(), Arc<std::io::Error>>>;

#[derive(Default)]
struct Queue {
    waiting: Vec<(String, Acknowledge)>,
    flushing: bool,
}

struct Sink {
    file: File,
    sum: String,
    entries: u64,
    failed: Option<Arc<std::io::Error>>,
}

impl JournalFile {
    /// Starts a new journal; fails if the file exists.
    pub fn create(path: &Path, probe: Option<Probe>) -> Result<Self, StateError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(StateError::io("create", path))?;
        sync_directory(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self::with(path, file, String::new(), 0, probe))
    }

    /// Goes on with a journal that was read before, cutting off a torn last line.
    pub fn reopen(path: &Path, journal: &Journal, probe: Option<Probe>) -> Result<Self, StateError> {
        let mut file = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(StateError::io("open", path))?;
        file.set_len(journal.whole).map_err(StateError::io("cut", path))?;
        file.seek(SeekFrom::End(0))
            .map_err(StateError::io("write", path))?;
        Ok(Self::with(
            path,
            file,
            journal.sum.clone(),
            journal.entries.len() as u64,
            probe,
        ))
    }

    fn with(path: &Path, file: File, sum: String, entries: u64, probe: Option<Probe>) -> Self {
        Self(Arc::new(Inner {
            path: path.to_owned(),
            queue: Mutex::default(),
            sink: Mutex::new(Sink {
                file,
                sum,
                entries,
                failed: None,
            }),
            probe,
        }))
    }

    /// Appends an entry and returns when it is durable. After one failure every further append
    /// fails: what the file says must stay a prefix of what happened.
    pub async fn append(&self, entry: &Entry) -> Result<(), StateError> {
        let text = serde_json::to_string(entry)
            .map_err(|error| StateError::io("write", &self.0.path)(std::io::Error::other(error)))?;
        self.push(text).await
    }

    /// Returns when everything appended so far, awaited or not, is durable.
    pub async fn settle(&self) -> Result<(), StateError> {
        self.push(String::new()).await
    }

    /// Queues the text of an entry; an empty one only waits its turn.
    async fn push(&self, text: String) -> Result<(), StateError> {
        let (sender, receiver) = oneshot::channel();
        let start = {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.waiting.push((text, sender));
            !std::mem::replace(&mut queue.flushing, true)
        };
        if start {
            let inner = Arc::clone(&self.0);
            // A blocking task, because it keeps a paused tokio clock from running ahead of the disk.
            tokio::task::spawn_blocking(move || inner.flush());
        }
        let lost = || Arc::new(std::io::Error::other("the writer of the journal is gone"));
        receiver.await.unwrap_or_else(|_| Err(lost())).map_err(|error| {
            StateError::io("write", &self.0.path)(std::io::Error::new(error.kind(), error.to_string()))
        })
    }
}

impl Inner {
    fn flush(&self) {
        loop {
            let mut batch = {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                if queue.waiting.is_empty() {
                    queue.flushing = false;
                    return;
                }
                // With a probe every entry gets a sync of its own, so that each can be stopped at.
                let most = if self.probe.is_some() {
                    1
                } else {
                    queue.waiting.len()
                };
                queue.waiting.drain(..most).collect::<Vec<_>>()
            };
            let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
            let result = match &sink.failed {
                Some(error) => Err(Arc::clone(error)),
                None => sink
                    .write(batch.iter().map(|(text, _)| text.as_str()))
                    .map_err(Arc::new),
            };
            if let Err(error) = &result {
                sink.failed = Some(Arc::clone(error));
            } else if let Some(probe) = &self.probe {
                probe(sink.entries);
            }
            drop(sink);
            for (_, sender) in batch.drain(..) {
                // Nobody waits any more only when the run was dropped; the entry is durable all the same.
                let _ = sender.send(result.clone());
            }
        }
    }
}

impl Sink {
    fn write<'a>(&mut self, entries: impl Iterator<Item = &'a str>) -> std::io::Result<()> {
        let mut text = String::new();
        let mut sum = self.sum.clone();
        let mut count = 0;
        for entry in entries.filter(|entry| !entry.is_empty()) {
            sum = chain(&sum, entry);
            text.push_str("{\"sum\":\"");
            text.push_str(&sum);
            text.push_str("\",\"entry\":");
            text.push_str(entry);
            text.push_str("}\n");
            count += 1;
        }
        let before = self.file.stream_position()?;
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Best effort: a torn tail is dropped by the reader anyway.
            let _ = self.file.set_len(before);
            return Err(error);
        }
        self.sum = sum;
        self.entries += count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(step: u32) -> Entry {
        Entry::Intent {
            step,
            token: format!("t{step}"),
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
    }

    fn written(path: &Path, count: u32) {
        runtime().block_on(async {
            let file = JournalFile::create(path, None).expect("created");
            for step in 0..count {
                file.append(&intent(step)).await.expect("appended");
            }
        });
    }

    #[test]
    fn a_journal_cut_anywhere_is_a_prefix_of_what_was_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal.jsonl");
        written(&path, 5);
        let whole = fs::read(&path).expect("readable");
        let cut_path = directory.path().join("cut.jsonl");
        for cut in 0..=whole.len() {
            fs::write(&cut_path, &whole[..cut]).expect("written");
            let entries = read_journal(&cut_path)
                .expect("a torn tail is fine")
                .map_or(vec![], |j| j.entries);
            let expected = whole[..cut].iter().filter(|b| **b == b'\n').count();
            assert_eq!(
                entries,
                (0..5).map(intent).take(expected).collect::<Vec<_>>(),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_changed_or_missing_line_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal.jsonl");
        written(&path, 3);
        let text = fs::read_to_string(&path).expect("readable");
        fs::write(&path, text.replacen("t1", "t9", 1)).expect("written");
        assert!(matches!(
            read_journal(&path),
            Err(StateError::Journal { line: 2, .. })
        ));
        let without: Vec<_> = text
            .lines()
            .enumerate()
            .filter(|(i, _)| *i != 1)
            .map(|(_, l)| l)
            .collect();
        fs::write(&path, without.join("\n") + "\n").expect("written");
        assert!(matches!(
            read_journal(&path),
            Err(StateError::Journal { line: 2, .. })
        ));
    }

    #[test]
    fn a_torn_journal_is_gone_on_with_after_its_last_whole_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal.jsonl");
        written(&path, 2);
        let mut bytes = fs::read(&path).expect("readable");
        bytes.extend_from_slice(b"{\"sum\":\"torn");
        fs::write(&path, bytes).expect("written");
        let journal = read_journal(&path).expect("readable").expect("not empty");
        runtime().block_on(async {
            let file = JournalFile::reopen(&path, &journal, None).expect("opened");
            file.append(&intent(2)).await.expect("appended");
        });
        let entries = read_journal(&path).expect("readable").expect("not empty").entries;
        assert_eq!(entries, (0..3).map(intent).collect::<Vec<_>>());
    }

    #[test]
    fn entries_that_wait_together_share_a_sync_and_keep_their_order() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal.jsonl");
        runtime().block_on(async {
            let file = JournalFile::create(&path, None).expect("created");
            let entries: Vec<_> = (0..50).map(intent).collect();
            let mut waiting = Vec::new();
            for entry in entries {
                let file = file.clone();
                waiting.push(tokio::spawn(async move { file.append(&entry).await }));
            }
            for wait in waiting {
                wait.await.expect("joined").expect("appended");
            }
        });
        assert_eq!(
            read_journal(&path)
                .expect("readable")
                .expect("entries")
                .entries
                .len(),
            50
        );
    }
}
