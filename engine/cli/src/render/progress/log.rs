//! What the report at the end needs to know of a run.

use subako_engine::display::Display;
use subako_engine::event::Event;
use subako_engine::world::NextCommand;
use subako_state::{Address, Direction};

use super::phases::Phases;
use crate::error::{CliError, Result};
use crate::hint::Hint;

/// Gathered while the run goes on.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    /// What was undone, in the order it happened.
    pub undone: Vec<Address>,
    /// Why the run turned, and which way.
    pub turned: Option<(Direction, String)>,
    /// How long it took, in the world's time, milliseconds.
    pub elapsed_ms: u64,
    /// What was done going forward, in the order it happened.
    pub done: Vec<Address>,
    /// How long each phase of going forward took.
    pub phases: Phases,
    /// Why not all of it could be written to standard output.
    pub unwritten: Option<String>,
}

impl RunLog {
    /// Of a run with these kinds.
    pub fn of(kinds: &Display) -> Self {
        Self {
            phases: Phases::of(kinds),
            ..Self::default()
        }
    }

    /// Fails if not everything could be told.
    pub fn heard(&self) -> Result<()> {
        match &self.unwritten {
            None => Ok(()),
            Some(why) => Err(
                CliError::new(format!("failed to write to standard output: {why}")).help(
                    Hint::from("what was done is done; ")
                        .then(NextCommand::StateList)
                        .and(" shows what there is now, ")
                        .then(NextCommand::Plan)
                        .and(" what is left to do"),
                ),
            ),
        }
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: &Event) {
        self.phases.note(event);
        match event {
            Event::StepDone {
                address, undo: true, ..
            } => self.undone.push(address.clone()),
            Event::StepDone { address, .. } => self.done.push(address.clone()),
            Event::Turned { direction, why, .. } => self.turned = Some((*direction, why.clone())),
            Event::RunFinished { elapsed_ms, .. } => self.elapsed_ms = *elapsed_ms,
            _ => {}
        }
    }
}
