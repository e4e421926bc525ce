//! What moved outside of Subako.

use subako_engine::display::Display;
use subako_engine::plan::{Drift, Plan};

use super::changes::write_changes;
use super::section::{Rank, Section};
use crate::plain::plain;

/// What moved outside, folded away.
pub fn section(plan: &Plan, kinds: &Display) -> Section {
    let title = format!("Changed outside of Subako ({})", plan.drift.len());
    Section::of(Rank::Drift, "what changed outside", lines(&plan.drift, kinds))
        .fenced("diff")
        .folded(&title)
}

/// A line for each resource that moved, and one for each field.
pub fn lines(drift: &[Drift], kinds: &Display) -> Vec<String> {
    let mut lines = Vec::new();
    for moved in drift {
        if moved.gone {
            lines.push(format!("- {} is gone", plain(&moved.address)));
        } else {
            lines.push(format!("! {}", plain(&moved.address)));
            write_changes(&mut lines, kinds.units(moved.address.kind()), &moved.changes);
        }
    }
    lines
}
