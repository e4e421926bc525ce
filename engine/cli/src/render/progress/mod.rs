//! A run while it goes on: a live region on a terminal, plain lines elsewhere, or one JSON
//! object a line.
//!
//! * `lines`: events as lines, for terminal and pipe alike;
//! * `live`: the region that is redrawn; `json`: for machines;
//! * `log`: what the report at the end needs to know; `phases`: how long each phase took.

mod json;
mod lines;
mod live;
mod log;
mod phases;
mod reporter;

pub use log::RunLog;
pub use reporter::{How, Reporter};

/// Every line that events make, for tests.
#[cfg(test)]
pub fn shown(events: &[subako_engine::event::Event]) -> Vec<(&'static str, String)> {
    let paint = crate::style::Paint::PLAIN;
    let mut lines = lines::Lines::new(paint, true);
    let text: Vec<String> = events
        .iter()
        .filter_map(|event| lines.line(event, false))
        .collect();
    let json: Vec<String> = events
        .iter()
        .filter_map(|event| json::line(event, true))
        .collect();
    vec![("progress", text.join("\n")), ("progress, JSON", json.join(""))]
}
