//! Events as lines for people.

use std::collections::BTreeMap;

use subako_engine::event::Event;
use subako_engine::plan::Action;
use subako_state::Direction;

use crate::plain::plain;
use crate::render::duration;
use crate::style::{Meaning, Paint};

/// A step in flight says in a log what it waits for at most so often, milliseconds of the run.
const SAY_EVERY_MS: u64 = 30_000;

/// Turns events into lines.
#[derive(Debug)]
pub struct Lines {
    paint: Paint,
    verbose: bool,
    /// When each step in flight last said something.
    said: BTreeMap<u32, u64>,
    /// Whether a failure was told, so that the turn needs no reason.
    failed: bool,
}

impl Lines {
    /// Lines in these colours; `verbose` says every beginning and every note.
    pub fn new(paint: Paint, verbose: bool) -> Self {
        Self {
            paint,
            verbose,
            said: BTreeMap::new(),
            failed: false,
        }
    }

    /// The line for an event, if it deserves one. On a terminal (`live`) the region shows what
    /// is in flight, so that beginnings and notes need no lines.
    pub fn line(&mut self, event: &Event, live: bool) -> Option<String> {
        match event {
            Event::LockTakenOver { holder } => Some(format!(
                "{}: took over the lock of {}, which died without releasing it",
                self.paint.of(Meaning::Note, "note"),
                plain(&holder.0)
            )),
            Event::StepStarted {
                step,
                address,
                action,
                undo,
                elapsed_ms,
            } => {
                self.said.insert(*step, *elapsed_ms);
                (self.verbose && !live).then(|| format!("{}: {}", plain(address), present(*action, *undo)))
            }
            Event::StepProgress {
                step,
                address,
                note,
                elapsed_ms,
            } => {
                let last = self.said.get(step).copied().unwrap_or(0);
                let due = self.verbose || elapsed_ms.saturating_sub(last) >= SAY_EVERY_MS;
                (due && !live).then(|| {
                    self.said.insert(*step, *elapsed_ms);
                    format!("{}: {}", plain(address), plain(note))
                })
            }
            Event::StepDone {
                step,
                address,
                action,
                undo,
                took_ms,
                done,
                of,
                ..
            } => {
                self.said.remove(step);
                let meaning = if *undo { Meaning::Warning } else { Meaning::Good };
                let count = if *undo {
                    format!("[undo {done}/{of}]")
                } else {
                    format!("[{done}/{of}]")
                };
                // What makes no call takes no time.
                let took = match action {
                    Action::Adopt | Action::Forget => String::new(),
                    _ => format!(" ({})", duration::short(*took_ms)),
                };
                Some(format!(
                    "{} {}: {}{took}",
                    self.paint.of(Meaning::Dim, count),
                    plain(address),
                    self.paint.of(meaning, past(*action, *undo)),
                ))
            }
            Event::StepFailed {
                step,
                address,
                undo,
                failure,
                ..
            } => {
                self.said.remove(step);
                self.failed = true;
                let word = if *undo { "it cannot be undone: " } else { "" };
                Some(format!(
                    "{}: {}: {word}{}",
                    self.paint.of(Meaning::Error, "error"),
                    plain(address),
                    plain(failure)
                ))
            }
            Event::Turned { direction, why, undo } => {
                let head = match direction {
                    Direction::Back => format!("Turning back: {} to undo", steps(*undo)),
                    Direction::Keep => "Stopping here, keeping what was done".to_owned(),
                    Direction::Forward => "Going on".to_owned(),
                };
                let why = if self.failed {
                    String::new()
                } else {
                    format!(" ({})", plain(why))
                };
                Some(format!("{}{why}", self.paint.of(Meaning::Warning, head)))
            }
            Event::Interrupted { signal, in_flight } => Some(format!(
                "{}: nothing new is started; waiting for {} in flight (once more stops at once)",
                self.paint.of(Meaning::Warning, signal),
                steps(*in_flight)
            )),
            Event::RunStarted { .. } | Event::RunFinished { .. } | Event::RollbackChecked(_) => None,
        }
    }
}

/// `1 step`, `3 steps`.
pub fn steps(count: u32) -> String {
    if count == 1 {
        "1 step".to_owned()
    } else {
        format!("{count} steps")
    }
}

/// What is being done.
pub fn present(action: Action, undo: bool) -> &'static str {
    match (action, undo) {
        (Action::Create, false) => "creating",
        (Action::Update, false) => "changing",
        (Action::Delete, false) => "deleting",
        (Action::Adopt, false) => "adopting",
        (Action::Forget, false) => "forgetting",
        (Action::Create, true) => "deleting again",
        (Action::Update, true) => "changing back",
        (Action::Delete, true) => "creating again",
        (Action::Adopt | Action::Forget, true) => "taking back",
    }
}

/// What was done.
fn past(action: Action, undo: bool) -> &'static str {
    match (action, undo) {
        (Action::Create, false) => "created",
        (Action::Update, false) => "changed",
        (Action::Delete, false) => "deleted",
        (Action::Adopt, false) => "adopted",
        (Action::Forget, false) => "gone",
        (Action::Create, true) => "deleted again",
        (Action::Update, true) => "changed back",
        (Action::Delete, true) => "created again",
        (Action::Adopt | Action::Forget, true) => "taken back",
    }
}

#[cfg(test)]
mod tests {
    use subako_state::Address;

    use super::*;

    fn lines(events: &[Event]) -> Vec<String> {
        let mut lines = Lines::new(Paint::PLAIN, false);
        events
            .iter()
            .filter_map(|event| lines.line(event, false))
            .collect()
    }

    fn address() -> Address {
        Address::new("instance", "manager-0")
    }

    #[test]
    fn a_step_done_is_one_line_with_its_number_and_time() {
        let done = |undo| Event::StepDone {
            step: 0,
            address: address(),
            action: Action::Create,
            undo,
            elapsed_ms: 20_000,
            took_ms: 14_000,
            done: 12,
            of: 47,
        };
        assert_eq!(
            lines(&[done(false), done(true)]),
            [
                "[12/47] instance.manager-0: created (14 s)",
                "[undo 12/47] instance.manager-0: deleted again (14 s)"
            ]
        );
    }

    #[test]
    fn a_failure_is_told_once_and_the_turn_after_it_needs_no_reason() {
        let failed = Event::StepFailed {
            step: 0,
            address: address(),
            action: Action::Create,
            undo: false,
            failure: subako_engine::world::Failure::not_applied("run instance manager-0", "no room"),
            elapsed_ms: 1,
        };
        let turned = Event::Turned {
            direction: Direction::Back,
            why: "instance.manager-0: no room".into(),
            undo: 1,
        };
        assert_eq!(
            lines(&[failed, turned.clone()]),
            [
                "error: instance.manager-0: failed to run instance manager-0: no room",
                "Turning back: 1 step to undo"
            ]
        );
        assert_eq!(
            lines(&[turned]),
            ["Turning back: 1 step to undo (instance.manager-0: no room)"]
        );
    }

    #[test]
    fn a_long_wait_is_told_in_a_log_but_not_too_often() {
        let note = |elapsed_ms| Event::StepProgress {
            step: 0,
            address: address(),
            note: "waiting for ssh\u{1b}[2J".into(),
            elapsed_ms,
        };
        let started = Event::StepStarted {
            step: 0,
            address: address(),
            action: Action::Create,
            undo: false,
            elapsed_ms: 10_000,
        };
        assert_eq!(
            lines(&[started, note(11_000), note(41_000), note(42_000), note(71_000)]),
            vec!["instance.manager-0: waiting for ssh\\u{1b}[2J"; 2]
        );
    }
}
