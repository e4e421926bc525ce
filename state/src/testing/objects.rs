//! A service that keeps objects, in memory, whose answers get lost as a test wants it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::bucket::{Objects, Stored, Ticks, Trouble, When};

/// What happens to one attempt at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is done and answered.
    Told,
    /// It is done, but the answer is lost.
    Lost,
    /// It never arrives, and nobody says so.
    Never,
    /// It arrives after one of the next calls, and nobody says so.
    Late,
    /// The service has no time: nothing is done.
    Busy,
    /// It is done, and its answer has no entity tag.
    Untagged,
    /// It is refused.
    Refused,
}

impl Answer {
    /// All that can befall a call.
    pub const TROUBLES: [Self; 6] = [
        Self::Lost,
        Self::Never,
        Self::Late,
        Self::Busy,
        Self::Untagged,
        Self::Refused,
    ];
}

/// Decides what happens to a call: its number from 1, its verb (`get`, `put`, `delete`, `list`) and key.
type Fate = Box<dyn Fn(u64, &str, &str) -> Answer + Send + Sync>;

/// Objects in memory. Clones share them, as machines share a bucket.
#[derive(Clone, Default)]
pub struct MemoryObjects {
    kept: Arc<Mutex<Kept>>,
    /// What happens to the calls of this one, as of one machine.
    fate: Option<Arc<Fate>>,
}

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Vec<u8>>,
    calls: Vec<String>,
    late: Vec<(u64, Call)>,
}

#[derive(Clone)]
enum Call {
    Put(String, Vec<u8>, When),
    Delete(String, String),
}

/// As S3 does for objects of one part: equal bytes have equal entity tags.
fn tag(body: &[u8]) -> String {
    format!("\"{}\"", &crate::Digest::of(body).hex()[..32])
}

impl std::fmt::Debug for MemoryObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryObjects")
    }
}

impl MemoryObjects {
    /// The same objects, seen by a machine whose calls end as `fate` says.
    #[must_use]
    pub fn with(&self, fate: impl Fn(u64, &str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            kept: Arc::clone(&self.kept),
            fate: Some(Arc::new(Box::new(fate))),
        }
    }

    /// Every call that arrived, or was to: `verb key`, in order.
    pub fn calls(&self) -> Vec<String> {
        self.kept().calls.clone()
    }

    /// What is there, by key.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.kept().objects.clone()
    }

    /// Takes an object away, as an accident does.
    pub fn lose(&self, key: &str) {
        self.kept().objects.remove(key);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everything that is late arrive.
    pub fn settle(&self) {
        self.kept().arrive(u64::MAX);
    }

    /// Makes a call as it is fated to end. Its fate is decided before it arrives, while others may
    /// make calls of their own.
    fn make<T>(
        &self,
        verb: &str,
        key: &str,
        late: Option<Call>,
        work: impl FnOnce(&mut Kept) -> Result<T, Trouble>,
    ) -> Result<(T, Answer), Trouble> {
        let number = {
            let mut kept = self.kept();
            kept.calls.push(format!("{verb} {key}").trim_end().to_owned());
            kept.calls.len() as u64
        };
        let answer = self
            .fate
            .as_ref()
            .map_or(Answer::Told, |fate| fate(number, verb, key));
        let lost = || Trouble::Lost("the answer is lost".to_owned());
        let mut kept = self.kept();
        let done = match answer {
            Answer::Told | Answer::Untagged => work(&mut kept).map(|done| (done, answer)),
            Answer::Lost => work(&mut kept).and_then(|_| Err(lost())),
            Answer::Never => Err(lost()),
            Answer::Late => {
                kept.late.extend(late.map(|call| (number + 3, call)));
                Err(lost())
            }
            Answer::Busy => Err(Trouble::Busy("slow down".to_owned())),
            Answer::Refused => Err(Trouble::Refused {
                why: "access denied".to_owned(),
                help: None,
            }),
        };
        kept.arrive(number);
        done
    }
}

impl Kept {
    /// What was late arrives.
    fn arrive(&mut self, now: u64) {
        let (due, late) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.late = late;
        for (_, call) in due {
            // Nobody hears what comes of it.
            let _ = match call {
                Call::Put(key, body, when) => self.put(&key, &body, &when).map(drop),
                Call::Delete(key, tag) => self.delete(&key, &tag),
            };
        }
    }

    fn put(&mut self, key: &str, body: &[u8], when: &When) -> Result<String, Trouble> {
        let there = self.objects.get(key).map(|body| tag(body));
        let met = match when {
            When::Absent => there.is_none(),
            When::Tag(wanted) => there.as_ref() == Some(wanted),
        };
        if !met {
            return Err(Trouble::Unmet);
        }
        self.objects.insert(key.to_owned(), body.to_vec());
        Ok(tag(body))
    }

    fn delete(&mut self, key: &str, wanted: &str) -> Result<(), Trouble> {
        match self.objects.get(key).map(|body| tag(body)) {
            Some(there) if there == wanted => {
                self.objects.remove(key);
                Ok(())
            }
            _ => Err(Trouble::Unmet),
        }
    }
}

impl Objects for MemoryObjects {
    fn place(&self, key: &str) -> String {
        format!("memory://{key}")
    }

    fn get(&self, key: &str, at_most: Option<u64>) -> Result<Option<Stored>, Trouble> {
        let most = usize::try_from(at_most.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let work = |kept: &mut Kept| {
            Ok(kept.objects.get(key).map(|body| Stored {
                body: body[..body.len().min(most)].to_vec(),
                tag: tag(body),
                age: None,
            }))
        };
        self.make("get", key, None, work).map(|(stored, _)| stored)
    }

    fn put(&self, key: &str, body: &[u8], when: &When) -> Result<String, Trouble> {
        let late = Call::Put(key.to_owned(), body.to_vec(), when.clone());
        let work = |kept: &mut Kept| kept.put(key, body, when);
        let (tag, answer) = self.make("put", key, Some(late), work)?;
        Ok(if answer == Answer::Untagged {
            String::new()
        } else {
            tag
        })
    }

    fn delete(&self, key: &str, tag: &str) -> Result<(), Trouble> {
        let late = Call::Delete(key.to_owned(), tag.to_owned());
        let work = |kept: &mut Kept| kept.delete(key, tag);
        self.make("delete", key, Some(late), work).map(drop)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Trouble> {
        let work = |kept: &mut Kept| {
            let keys = kept.objects.keys().filter(|key| key.starts_with(prefix));
            Ok(keys.cloned().collect())
        };
        self.make("list", prefix, None, work).map(|(keys, _)| keys)
    }
}

/// A clock that only goes on when somebody waits. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Patient(Arc<Mutex<Duration>>);

impl Ticks for Patient {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }
}
