//! The durable record of a run: what was about to be done, and what came of it.
//!
//! One JSON object a line: `{"sum":"…","entry":{…}}`, where `sum` is the first sixteen digits
//! of the SHA-256 over the sum before it and the entry, so that lines can be neither changed
//! nor left out. A last line without its newline was never acknowledged and is dropped.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::StateError;
use crate::json::Json;
use crate::lock::Holder;
use crate::version::JOURNAL_FORMAT;

fn first_format() -> u32 {
    1
}

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
        /// [`JOURNAL_FORMAT`] of the program that began it; 1 where it does not say.
        #[serde(default = "first_format")]
        format: u32,
        /// The version of the program that began it; empty in format 1.
        #[serde(default)]
        written_by: String,
        /// Identifies the run: no two runs of a lineage share it, so that tokens made from it are new.
        run: String,
        /// The command, for people.
        command: String,
        /// Who began it; `None` where an earlier version did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Box<Holder>>,
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
        /// The last lines of what a program wrote that failed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        output: Vec<String>,
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

/// The sum of an entry that follows a line with the sum `previous`.
pub(crate) fn chain(previous: &str, entry: &str) -> String {
    Digest::of_parts([previous, entry]).hex()[..16].to_owned()
}

/// What every format says of itself, in its first entry.
#[derive(Deserialize)]
struct Head {
    begin: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(default = "first_format")]
    format: u32,
    #[serde(default)]
    written_by: String,
}

/// Refuses a journal that a newer program began, before anything else of it is read.
fn check_format(place: &str, entry: &str) -> Result<(), StateError> {
    match serde_json::from_str::<Head>(entry) {
        Ok(Head {
            begin: Some(Format { format, written_by }),
        }) if format > JOURNAL_FORMAT => Err(StateError::JournalFormat {
            place: place.to_owned(),
            format,
            written_by,
        }),
        // What cannot be read at all is found by reading the entry.
        _ => Ok(()),
    }
}

/// How a run began, and from which state.
pub(crate) struct Begin<'a> {
    pub run: &'a str,
    pub lineage: &'a str,
    pub serial: u64,
    pub base: Option<&'a Digest>,
}

/// A journal as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// The entries, oldest first; never empty.
    pub entries: Vec<Entry>,
    /// How many bytes of it are whole lines.
    pub(crate) whole: u64,
    /// The sum of the last line.
    pub(crate) sum: String,
}

impl Journal {
    /// Reads a journal from its bytes; `None` if nothing in it was ever acknowledged. `place` is
    /// where it is, for people.
    pub fn parse(bytes: &[u8], place: &str) -> Result<Option<Self>, StateError> {
        let mut journal = Self {
            entries: Vec::new(),
            whole: 0,
            sum: String::new(),
        };
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let Some(text) = line.strip_suffix(b"\n") else {
                break;
            };
            let damaged = |why: String| StateError::Journal {
                place: place.to_owned(),
                line: index + 1,
                why,
            };
            let line_read: Line<&serde_json::value::RawValue> =
                serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
            let sum = chain(&journal.sum, line_read.entry.get());
            if sum != line_read.sum {
                return Err(damaged("its sum differs".to_owned()));
            }
            if index == 0 {
                check_format(place, line_read.entry.get())?;
            }
            let entry =
                serde_json::from_str(line_read.entry.get()).map_err(|error| damaged(error.to_string()))?;
            journal.entries.push(entry);
            journal.whole += line.len() as u64;
            journal.sum = sum;
        }
        Ok((!journal.entries.is_empty()).then_some(journal))
    }

    /// How the run began; `None` if the first entry does not say it.
    pub(crate) fn begin(&self) -> Option<Begin<'_>> {
        match self.entries.first() {
            Some(Entry::Begin {
                run,
                lineage,
                serial,
                base,
                ..
            }) => Some(Begin {
                run,
                lineage,
                serial: *serial,
                base: base.as_ref(),
            }),
            _ => None,
        }
    }

    /// Whether the run is over.
    pub fn has_ended(&self) -> bool {
        matches!(self.entries.last(), Some(Entry::End { .. }))
    }
}
