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
