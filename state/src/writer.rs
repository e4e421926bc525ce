//! Appends entries to the journal. Those that wait at the same time share one flush.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::oneshot;

use crate::backend::{Append, Held};
use crate::error::StateError;
use crate::journal::{Entry, Journal, chain};

/// Called with the number of entries that are durable, after each flush.
pub type Probe = Box<dyn Fn(u64) + Send + Sync>;

/// A journal open for appending. Cheap to share.
#[derive(Clone)]
pub struct JournalWriter(Arc<Inner>);

struct Inner {
    place: String,
    queue: Mutex<Queue>,
    sink: Mutex<Sink>,
    probe: Option<Probe>,
    /// Whether appending never waits for anything.
    immediate: bool,
}

/// Tells the one who waits whether its entry is durable.
type Acknowledge = oneshot::Sender<Result<(), Arc<StateError>>>;

#[derive(Default)]
struct Queue {
    waiting: Vec<(String, Acknowledge)>,
    flushing: bool,
}

struct Sink {
    append: Box<dyn Append>,
    /// The lock under which the run was begun.
    lock: Option<Weak<dyn Held>>,
    sum: String,
    entries: u64,
    failed: Option<Arc<StateError>>,
}

/// What a journal is written with.
pub(crate) struct Opened {
    /// Where its bytes go.
    pub append: Box<dyn Append>,
    /// Where that is, for people.
    pub place: String,
    /// The lock under which it is written.
    pub lock: Option<Weak<dyn Held>>,
    /// Whether appending never waits for anything.
    pub immediate: bool,
    /// Told of each flush.
    pub probe: Option<Probe>,
}

impl JournalWriter {
    /// Goes on after what was read, or begins.
    pub(crate) fn new(opened: Opened, after: Option<&Journal>) -> Self {
        Self(Arc::new(Inner {
            place: opened.place,
            queue: Mutex::default(),
            sink: Mutex::new(Sink {
                append: opened.append,
                lock: opened.lock,
                sum: after.map_or_else(String::new, |journal| journal.sum.clone()),
                entries: after.map_or(0, |journal| journal.entries.len() as u64),
                failed: None,
            }),
            probe: opened.probe,
            immediate: opened.immediate,
        }))
    }

    /// Appends an entry and returns when it is durable. After one failure every further append
    /// fails: what the journal says must stay a prefix of what happened. If the lock was lost
    /// nothing is appended, so that nothing that an entry announces is done.
    pub async fn append(&self, entry: &Entry) -> Result<(), StateError> {
        let text = serde_json::to_string(entry)
            .map_err(|error| StateError::io("write", &self.0.place)(std::io::Error::other(error)))?;
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
            if self.0.immediate {
                inner.flush();
            } else {
                // A blocking task, because it keeps a paused tokio clock from running ahead of the disk.
                tokio::task::spawn_blocking(move || inner.flush());
            }
        }
        match receiver.await {
            Ok(result) => result.map_err(|error| error.again()),
            Err(_) => Err(StateError::io("write", &self.0.place)(std::io::Error::other(
                "the writer of the journal is gone",
            ))),
        }
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
                // With a probe every entry gets a flush of its own, so that each can be stopped at.
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
    fn write<'a>(&mut self, entries: impl Iterator<Item = &'a str>) -> Result<(), StateError> {
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
        if count == 0 {
            return Ok(());
        }
        check(self.lock.as_ref())?;
        self.append.append(text.as_bytes())?;
        self.sum = sum;
        self.entries += count;
        Ok(())
    }
}

/// Whether the lock under which something is written is still held; fine where there is none.
pub(crate) fn check(lock: Option<&Weak<dyn Held>>) -> Result<(), StateError> {
    match lock.map(Weak::upgrade) {
        None => Ok(()),
        Some(Some(held)) => held.check(),
        Some(None) => Err(StateError::LockLost {
            place: "of this run".to_owned(),
        }),
    }
}
