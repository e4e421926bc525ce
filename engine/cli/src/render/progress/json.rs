//! One event a line, for machines.

use std::io::Write as _;

use serde::Serialize;
use subako_engine::event::Event;

use crate::plain;

/// The version of the stream: the first line carries it.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct First<'a> {
    format_version: u32,
    #[serde(flatten)]
    event: &'a Event,
}

/// Writes events to stdout, each as soon as it happens.
#[derive(Debug, Default)]
pub struct JsonLines {
    begun: bool,
    /// Nothing can be written any more: the run goes on without it.
    closed: bool,
    /// Why not, unless the reader has gone away.
    pub failed: Option<std::io::Error>,
}

impl JsonLines {
    /// Writes one event.
    pub fn write(&mut self, event: &Event) {
        if self.closed {
            return;
        }
        let Some(line) = line(event, !self.begun) else {
            return;
        };
        self.begun = true;
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) {
            self.closed = true;
            self.failed = (error.kind() != std::io::ErrorKind::BrokenPipe).then_some(error);
        }
    }
}

/// The line of an event; the first carries the version.
pub(super) fn line(event: &Event, first: bool) -> Option<String> {
    let line = if first {
        serde_json::to_string(&First {
            format_version: FORMAT,
            event,
        })
    } else {
        serde_json::to_string(event)
    };
    Some(plain::json(line.ok()? + "\n"))
}
