//! Whether what is kept can be trusted: read whole, and compared with itself. Changes nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use subako_state::{Digest, Entry, HistoryItem, Journal, Outcome, Ran, Resource, Snapshot, StateError};

use super::history::number_of;
use super::{Session, SessionError, recorded_connection};
use crate::plan::Plan;
use crate::run::{RunStatus, fold};

/// What was looked at, and what does not hold.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verified {
    /// The serial of the state; `None` if there is none, or it cannot be read.
    pub serial: Option<u64>,
    /// Its digest.
    pub digest: Option<Digest>,
    /// How many states of the history were read.
    pub states: usize,
    /// How many journals of the history were read.
    pub journals: usize,
    /// How many of them lead to the state that says it came of them.
    pub led: usize,
    /// What does not hold.
    pub problems: Vec<Problem>,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// The state cannot be read, is damaged, or is not this cluster's.
    State {
        /// Why.
        why: String,
    },
    /// The state is not the one of its serial in the history.
    NotInHistory {
        /// The serial.
        serial: u64,
        /// The digest of the state.
        state: Digest,
        /// The digest in the history; `None` if that serial is not there.
        history: Option<Digest>,
    },
    /// The history goes on from the state, and nobody restored it.
    Older {
        /// The serial of the state.
        serial: u64,
        /// The newest one that follows from it.
        newest: u64,
    },
    /// A state of the history is damaged.
    Damaged {
        /// Its serial.
        serial: u64,
        /// Why.
        why: String,
    },
    /// A state of the history is under the name of another serial.
    Misnamed {
        /// The serial in its name.
        serial: u64,
        /// The serial in it.
        found: u64,
    },
    /// A state does not name the one before it as its predecessor.
    Chain {
        /// Its serial.
        serial: u64,
    },
    /// A state of the history is missing between others.
    Missing {
        /// Its serial.
        serial: u64,
    },
    /// The journal of a run is damaged, or contradicts itself.
    Journal {
        /// Where it is.
        place: String,
        /// Why.
        why: String,
    },
    /// The journal of the run that a state came of is missing.
    NoJournal {
        /// The serial of that state.
        serial: u64,
        /// The run.
        run: String,
    },
    /// What a journal says was done does not lead to the state that came of it.
    Leads {
        /// The serial of that state.
        serial: u64,
        /// Where the journal is.
        place: String,
        /// What differs.
        what: String,
    },
    /// What is recorded of how the cluster is reached cannot be read.
    Connection {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { why } | Self::Connection { why } => f.write_str(why),
            Self::NotInHistory {
                serial,
                state,
                history: None,
            } => write!(
                f,
                "the state has serial {serial} and digest {}, and the history has no serial {serial}",
                state.short()
            ),
            Self::NotInHistory {
                serial,
                state,
                history: Some(history),
            } => write!(
                f,
                "the state has serial {serial} and digest {}, but serial {serial} in the history has digest {}",
                state.short(),
                history.short()
            ),
            Self::Older { serial, newest } => write!(
                f,
                "the state is serial {serial}, but serial {newest} follows from it and nobody restored it: an older state was put back by something other than Subako, or a command was killed while it wrote serial {newest}"
            ),
            Self::Damaged { serial, why } => {
                write!(f, "serial {serial} in the history cannot be trusted: {why}")
            }
            Self::Misnamed { serial, found } => {
                write!(f, "what the history has as serial {serial} is serial {found}")
            }
            Self::Chain { serial } => {
                write!(f, "serial {serial} does not follow from the one before it")
            }
            Self::Missing { serial } => write!(f, "serial {serial} is missing in the history"),
            Self::Journal { place, why } => write!(f, "{place} cannot be trusted: {why}"),
            Self::NoJournal { serial, run } => {
                write!(
                    f,
                    "the journal of run {run}, which serial {serial} came of, is missing"
                )
            }
            Self::Leads { serial, place, what } => {
                write!(
                    f,
                    "what {place} says was done does not lead to serial {serial}: {what}"
                )
            }
        }
    }
}

/// A state of the history that is whole.
struct Whole {
    snapshot: Snapshot,
    digest: Digest,
    ran: Option<Ran>,
    restored: bool,
    /// The newest serial that was there when this one was written, and has not been part of its history
    /// since.
    abandoned: u64,
}

impl<W> Session<W> {
    /// Reads everything that is kept, and compares it with itself: digests, the chain, and whether each
    /// journal leads to the state that came of it.
    ///
    /// # Errors
    /// It could not be read, or is kept somewhere else. What is read and does not hold is a [`Problem`].
    pub fn verify(&self) -> Result<Verified, SessionError> {
        let mut seen = Verified::default();
        let items = self.store.history()?;
        let states = self.whole(&items, &mut seen)?;
        let current = self.current(&mut seen)?;
        if let Some((snapshot, digest)) = &current {
            placed(snapshot, digest, &states, &mut seen);
        }
        chained(
            &states,
            current.as_ref().map(|(snapshot, _)| snapshot.serial),
            &mut seen,
        );
        self.journals(&states, &mut seen)?;
        if let Err(error) = recorded_connection(&self.store) {
            seen.problems.push(Problem::Connection {
                why: error.to_string(),
            });
        }
        Ok(seen)
    }

    /// The state, if it can be trusted; the journal beside it is read with it.
    fn current(&self, seen: &mut Verified) -> Result<Option<(Snapshot, Digest)>, SessionError> {
        let known = match self.load() {
            Ok(known) => known,
            Err(
                error @ SessionError::State(
                    StateError::Io { .. }
                    | StateError::Remote { .. }
                    | StateError::MovedAway { .. }
                    | StateError::HalfMoved { .. },
                ),
            ) => {
                return Err(error);
            }
            Err(error) => {
                seen.problems.push(Problem::State {
                    why: error.to_string(),
                });
                return Ok(None);
            }
        };
        let Some(digest) = known.base else {
            return Ok(None);
        };
        seen.serial = Some(known.snapshot.serial);
        seen.digest = Some(digest.clone());
        Ok(Some((known.snapshot, digest)))
    }

    /// The states of the history that are whole, by serial.
    fn whole(
        &self,
        items: &[HistoryItem],
        seen: &mut Verified,
    ) -> Result<BTreeMap<u64, Whole>, SessionError> {
        let mut whole = BTreeMap::new();
        for item in items {
            seen.states += 1;
            let serial = item.serial;
            match &item.digest {
                Err(damage) => seen.problems.push(Problem::Damaged {
                    serial,
                    why: damage.to_string(),
                }),
                Ok(_) => {
                    let Some((snapshot, digest)) = self.store.past(serial)? else {
                        continue;
                    };
                    if snapshot.serial != serial {
                        let found = snapshot.serial;
                        seen.problems.push(Problem::Misnamed { serial, found });
                    }
                    let origin = item.origin.as_ref();
                    whole.insert(
                        serial,
                        Whole {
                            snapshot,
                            digest,
                            ran: origin.and_then(|origin| origin.ran.clone()),
                            restored: origin.is_some_and(|origin| origin.restored_by.is_some()),
                            abandoned: origin.and_then(|origin| origin.abandons).unwrap_or(0),
                        },
                    );
                }
            }
        }
        Ok(whole)
    }

    /// Every journal of the history by itself, and those that a state came of against that state.
    fn journals(&self, states: &BTreeMap<u64, Whole>, seen: &mut Verified) -> Result<(), SessionError> {
        let came_of: BTreeMap<(u64, u32), u64> = states
            .iter()
            .filter_map(|(serial, state)| {
                let ran = state.ran.as_ref().filter(|ran| ran.outcome != Outcome::Remains)?;
                Some((number_of(&ran.run)?, *serial))
            })
            .collect();
        let mut missing = came_of.clone();
        for (serial, number) in self.store.past_run_numbers()? {
            seen.journals += 1;
            let led_to = missing.remove(&(serial, number));
            let (place, journal) = self.store.past_journal(serial, number)?;
            let why = match journal {
                Ok(Some(journal)) => match replayed(&journal) {
                    Ok((plan, progress)) => {
                        if let Some(to) = led_to {
                            led(states, to, (&plan, &progress), &place, seen);
                        }
                        continue;
                    }
                    Err(why) => why,
                },
                Ok(None) => "nothing in it was ever acknowledged".to_owned(),
                Err(error) => error.to_string(),
            };
            seen.problems.push(Problem::Journal { place, why });
        }
        for ((base, _), serial) in missing {
            let ran = states.get(&serial).and_then(|state| state.ran.as_ref());
            let run = ran.map_or_else(String::new, |ran| ran.run.clone());
            // The journals of what is too old go with the state that they began from.
            if base == 0 || states.contains_key(&base) {
                seen.problems.push(Problem::NoJournal { serial, run });
            }
        }
        Ok(())
    }
}

/// Whether the state is the one of its serial in the history, and the newest that follows.
fn placed(snapshot: &Snapshot, digest: &Digest, states: &BTreeMap<u64, Whole>, seen: &mut Verified) {
    let serial = snapshot.serial;
    let here = states.get(&serial);
    if here.is_none_or(|here| here.digest != *digest) && !damaged(serial, seen) {
        seen.problems.push(Problem::NotInHistory {
            serial,
            state: digest.clone(),
            history: here.map(|here| here.digest.clone()),
        });
    }
    let mut newest = (serial, digest);
    while let Some(next) = states.get(&(newest.0 + 1)) {
        if next.snapshot.previous.as_ref() != Some(newest.1) {
            break;
        }
        newest = (newest.0 + 1, &next.digest);
    }
    let is_known = |here: &Whole| here.restored || here.abandoned >= newest.0;
    if newest.0 > serial && !here.is_some_and(is_known) {
        seen.problems.push(Problem::Older {
            serial,
            newest: newest.0,
        });
    }
}

fn damaged(serial: u64, seen: &Verified) -> bool {
    let damaged =
        |problem: &Problem| matches!(problem, Problem::Damaged { serial: other, .. } if *other == serial);
    seen.problems.iter().any(damaged)
}

/// Whether each state names the one before it. What is later than the state was left by a restore, and
/// need not follow from what was written over it since.
fn chained(states: &BTreeMap<u64, Whole>, current: Option<u64>, seen: &mut Verified) {
    let last = states.keys().next_back().copied();
    let Some(end) = current.or(last) else {
        return;
    };
    let mut before: Option<(u64, &Whole)> = None;
    for (serial, state) in states.range(..=end) {
        if let Some((earlier, previous)) = before {
            for serial in earlier + 1..*serial {
                if !damaged(serial, seen) {
                    seen.problems.push(Problem::Missing { serial });
                }
            }
            // A state that was rebuilt from the world names none.
            let follows = state
                .snapshot
                .previous
                .as_ref()
                .is_none_or(|named| *named == previous.digest);
            if earlier + 1 == *serial && !follows {
                seen.problems.push(Problem::Chain { serial: *serial });
            }
        }
        before = Some((*serial, state));
    }
}

/// The plan of a journal, and what is known of each step at its end.
fn replayed(journal: &Journal) -> Result<(Plan, RunStatus), String> {
    let Some(Entry::Begin { plan, .. }) = journal.entries.first() else {
        return Err("it does not begin with a plan".to_owned());
    };
    let plan = Plan::read(plan).map_err(|error| error.to_string())?;
    let progress =
        RunStatus::replay(plan.steps.len(), &journal.entries).map_err(|error| error.to_string())?;
    if !journal.has_ended() {
        return Err("it has no end".to_owned());
    }
    Ok((plan, progress))
}

/// Whether what a run did leads from the state before to the one that came of it.
fn led(
    states: &BTreeMap<u64, Whole>,
    to: u64,
    (plan, progress): (&Plan, &RunStatus),
    place: &str,
    seen: &mut Verified,
) {
    let Some(state) = states.get(&to) else {
        return;
    };
    let said = state.ran.as_ref().map(|ran| &ran.plan);
    let before: &[Resource] = match (states.get(&(to - 1)), &state.snapshot.previous) {
        (Some(before), Some(named)) if before.digest == *named => &before.snapshot.resources,
        (_, None) => &[],
        // What it began from is not there any more, or not what it was: that is told by the chain.
        _ => return,
    };
    let mut snapshot = state.snapshot.clone();
    snapshot.resources = fold(before, plan, progress);
    snapshot.sort();
    let what = match snapshot.resources == state.snapshot.resources {
        true if said == Some(&plan.digest) => {
            seen.led += 1;
            return;
        }
        true => "its plan is another one".to_owned(),
        false => differing(&snapshot.resources, &state.snapshot.resources),
    };
    seen.problems.push(Problem::Leads {
        serial: to,
        place: place.to_owned(),
        what,
    });
}

/// The addresses whose records differ.
fn differing(led_to: &[Resource], found: &[Resource]) -> String {
    let lacks = |all: &[Resource], one: &Resource| !all.contains(one);
    let mut addresses: Vec<_> = led_to
        .iter()
        .filter(|one| lacks(found, one))
        .chain(found.iter().filter(|one| lacks(led_to, one)))
        .map(|one| one.address.clone())
        .collect();
    addresses.sort();
    addresses.dedup();
    format!("it differs in {}", super::list(&addresses))
}
