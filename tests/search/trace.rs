//! What the commands of a case that is tried again do, line by line.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use subako_engine::event::{Event, Events};
use subako_engine::plan::Plan;

static TRACED: AtomicBool = AtomicBool::new(false);

/// While it lives what commands do is told on standard error.
pub struct Trace(());

impl Trace {
    /// Begins to tell.
    pub fn begin() -> Self {
        TRACED.store(true, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        TRACED.store(false, Ordering::Relaxed);
    }
}

/// Tells something.
pub fn say(line: impl FnOnce() -> String) {
    if TRACED.load(Ordering::Relaxed) {
        // Where nobody reads it, nobody misses it.
        let _told = writeln!(std::io::stderr(), "{}", line());
    }
}

/// Tells a plan.
pub fn plan(plan: &Plan) {
    for (number, step) in plan.steps.iter().enumerate() {
        say(|| {
            let (action, address, generation) = (step.action(), &step.address, step.generation);
            let after: Vec<String> = step.after_nodes.iter().map(ToString::to_string).collect();
            let reason = step
                .reason
                .as_ref()
                .map(|why| format!(" ({why})"))
                .unwrap_or_default();
            let line = if step.past_the_line { "|" } else { " " };
            format!(
                "  {line}{number:3} {action} {address}@{generation} after {}{reason}",
                after.join(",")
            )
        });
    }
}

/// Events, told as they come.
pub fn events() -> Events {
    if !TRACED.load(Ordering::Relaxed) {
        return Events::silent();
    }
    Events::new(|event| match event {
        Event::StepDone {
            address,
            action,
            undo,
            elapsed_ms,
            ..
        } => {
            let way = if undo { "undone" } else { "done" };
            say(|| format!("    {elapsed_ms:7} {way}: {action} {address}"));
        }
        Event::StepFailed {
            address,
            action,
            undo,
            failure,
            elapsed_ms,
            ..
        } => {
            let way = if undo { "undoing failed" } else { "failed" };
            say(|| format!("    {elapsed_ms:7} {way}: {action} {address}: {failure}"));
        }
        Event::StepProgress {
            address,
            note,
            elapsed_ms,
            ..
        } => {
            say(|| format!("    {elapsed_ms:7}   {address}: {note}"));
        }
        _ => {}
    })
}
