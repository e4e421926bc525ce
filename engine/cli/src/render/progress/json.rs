//! One event a line, for machines.

use std::io::Write as _;

use serde::Serialize;
use subako_engine::event::Event;

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
    /// The reader has gone away: the run goes on without it.
    closed: bool,
}

impl JsonLines {
    /// Writes one event.
    pub fn write(&mut self, event: &Event) {
        if self.closed {
            return;
        }
        let line = if self.begun {
            serde_json::to_string(event)
        } else {
            serde_json::to_string(&First {
                format_version: FORMAT,
                event,
            })
        };
        self.begun = true;
        let Ok(mut line) = line else {
            return;
        };
        line.push('\n');
        let mut stdout = std::io::stdout().lock();
        self.closed = stdout
            .write_all(line.as_bytes())
            .and_then(|()| stdout.flush())
            .is_err();
    }
}
