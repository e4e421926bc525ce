//! The region at the bottom of a terminal that is redrawn while a run goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use subako_engine::event::Event;
use subako_engine::plan::Plan;
use subako_engine::world::Clock;

use super::lines::{Lines, present};
use crate::plain::plain;
use crate::render::duration;
use crate::render::eta::{Eta, Left};
use crate::style::{Meaning, Paint};

/// So many steps in flight are shown at most.
const SHOWN: usize = 12;
/// The estimate is recreated at most so often.
const ESTIMATE_EVERY: Duration = Duration::from_millis(500);

struct InFlight {
    label: String,
    since_ms: u64,
    note: String,
}

/// The region.
pub struct Live {
    bar: ProgressBar,
    lines: Lines,
    paint: Paint,
    clock: Option<Arc<dyn Clock>>,
    /// The run's time at the last event, and the clock's then.
    synced: (u64, Duration),
    in_flight: BTreeMap<u32, InFlight>,
    count: (u32, u32),
    undoing: bool,
    eta: Option<Eta>,
    estimate: Option<(Instant, Option<Left>)>,
    width: usize,
    /// Lines that wait for the next drawing.
    pending: String,
}

impl Live {
    /// An empty region. Without a clock time stands still between events (virtual time).
    pub fn new(
        plan: Option<&Plan>,
        parallelism: usize,
        paint: Paint,
        verbose: bool,
        width: usize,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            lines: Lines::new(paint, verbose),
            paint,
            synced: (0, clock.as_ref().map_or(Duration::ZERO, |clock| clock.now())),
            clock,
            in_flight: BTreeMap::new(),
            count: (0, plan.map_or(0, |plan| plan.steps.len() as u32)),
            undoing: false,
            eta: plan.map(|plan| Eta::new(plan, parallelism)),
            estimate: None,
            width,
            pending: String::new(),
        }
    }

    /// Takes an event in.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { .. } => self.sync(0),
            Event::StepStarted {
                step,
                address,
                action,
                undo,
                elapsed_ms,
            } => {
                self.sync(*elapsed_ms);
                if let (false, Some(eta)) = (*undo, &mut self.eta) {
                    eta.started(*step, *elapsed_ms);
                }
                self.in_flight.insert(
                    *step,
                    InFlight {
                        label: format!("{address}: {}", present(*action, *undo)),
                        since_ms: *elapsed_ms,
                        note: String::new(),
                    },
                );
            }
            Event::StepProgress {
                step,
                note,
                elapsed_ms,
                ..
            } => {
                self.sync(*elapsed_ms);
                if let Some(entry) = self.in_flight.get_mut(step) {
                    entry.note = plain(note).to_string();
                }
            }
            Event::StepDone {
                step,
                undo,
                elapsed_ms,
                took_ms,
                done,
                of,
                ..
            } => {
                self.sync(*elapsed_ms);
                self.in_flight.remove(step);
                self.count = (*done, *of);
                if let (false, Some(eta)) = (*undo, &mut self.eta) {
                    eta.done(*step, *took_ms);
                }
            }
            Event::StepFailed { step, elapsed_ms, .. } => {
                self.sync(*elapsed_ms);
                self.in_flight.remove(step);
            }
            Event::Turned { direction, undo, .. } => {
                self.undoing = *direction == subako_state::Direction::Back;
                if self.undoing {
                    self.count = (0, *undo);
                }
            }
            Event::RunFinished { elapsed_ms, .. } => self.sync(*elapsed_ms),
            // What is left now is another matter than the plan.
            Event::Interrupted { .. } => self.eta = None,
            Event::LockTakenOver { .. } | Event::RollbackChecked(_) => {}
        }
        if let Some(line) = self.lines.line(event, true) {
            self.say(&line);
        }
    }

    /// Puts a line above the region, with the next drawing: a fast run has thousands a second.
    pub fn say(&mut self, text: &str) {
        if !self.pending.is_empty() {
            self.pending.push('\n');
        }
        self.pending.push_str(text);
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.bar.println(std::mem::take(&mut self.pending));
        }
    }

    /// Draws the region again.
    pub fn tick(&mut self) {
        self.flush();
        let now = self.now();
        let text = self.region(now);
        self.bar.set_message(text);
    }

    /// Removes the region.
    pub fn finish(&mut self) {
        self.flush();
        self.bar.finish_and_clear();
    }

    fn sync(&mut self, elapsed_ms: u64) {
        if let Some(clock) = &self.clock {
            self.synced = (elapsed_ms, clock.now());
        } else {
            self.synced.0 = elapsed_ms;
        }
    }

    fn now(&self) -> u64 {
        let (elapsed_ms, then) = self.synced;
        let since = self
            .clock
            .as_ref()
            .map_or(Duration::ZERO, |clock| clock.now().saturating_sub(then));
        elapsed_ms + since.as_millis() as u64
    }

    fn region(&mut self, now: u64) -> String {
        let (done, of) = self.count;
        let verb = if self.undoing { "undone" } else { "done" };
        let mut head = format!(
            "{done} of {of} steps {verb}, {} in flight, {}",
            self.in_flight.len(),
            duration::short(now)
        );
        if !self.undoing
            && let Some(left) = self.left(now)
        {
            let word = if left.complete { "about" } else { "at least" };
            head.push_str(&format!(", {word} {} left", duration::short(left.ms)));
        }
        let mut out = self.paint.of(Meaning::Strong, cut(&head, self.width)).to_string();
        for entry in self.in_flight.values().take(SHOWN) {
            let since = duration::short(now.saturating_sub(entry.since_ms));
            let mut text = format!("  {} {since}", entry.label);
            if !entry.note.is_empty() {
                text.push_str(", ");
                text.push_str(&entry.note);
            }
            out.push('\n');
            out.push_str(&self.paint.of(Meaning::Dim, cut(&text, self.width)).to_string());
        }
        if let Some(more) = self.in_flight.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            out.push_str(&format!("\n  and {more} more"));
        }
        out
    }

    fn left(&mut self, now: u64) -> Option<Left> {
        if let Some((at, left)) = self.estimate
            && at.elapsed() < ESTIMATE_EVERY
        {
            return left;
        }
        let left = self.eta.as_ref()?.left(now);
        self.estimate = Some((Instant::now(), left));
        left
    }
}

/// The text, no wider than the terminal.
fn cut(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthChar as _;
    let mut room = width.saturating_sub(2);
    let mut out = String::new();
    for c in text.chars() {
        let own = c.width().unwrap_or(0);
        if own > room {
            out.push('…');
            break;
        }
        room -= own;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use subako_engine::plan::Action;

    use super::super::super::samples;
    use super::*;

    #[test]
    fn the_region_says_what_is_in_flight_since_when_and_what_it_waits_for() {
        let plan = samples::plan(vec![
            samples::create("instance.a", &[]),
            samples::create("instance.b", &[0]),
        ]);
        let mut live = Live::new(Some(&plan), 4, Paint::PLAIN, false, 60, None);
        live.bar.set_draw_target(ProgressDrawTarget::hidden());
        let started = |step, name: &str, elapsed_ms| Event::StepStarted {
            step,
            address: format!("instance.{name}").parse().expect("an address"),
            action: Action::Create,
            undo: false,
            elapsed_ms,
        };
        live.event(&started(0, "a", 0));
        assert_eq!(
            live.region(4_000),
            "0 of 2 steps done, 1 in flight, 4.0 s\n  instance.a: creating 4.0 s"
        );
        live.event(&Event::StepDone {
            step: 0,
            address: "instance.a".parse().expect("an address"),
            action: Action::Create,
            undo: false,
            elapsed_ms: 10_000,
            took_ms: 10_000,
            done: 1,
            of: 2,
        });
        live.event(&started(1, "b", 10_000));
        live.event(&Event::StepProgress {
            step: 1,
            address: "instance.b".parse().expect("an address"),
            note: "waiting for it to boot and to answer".into(),
            elapsed_ms: 11_000,
        });
        live.estimate = None;
        assert_eq!(
            live.region(12_000),
            "1 of 2 steps done, 1 in flight, 12 s, about 8.0 s left\n  instance.b: creating 2.0 s, waiting for it to boot and t…"
        );
    }
}
