//! What is not as it was before a run that was undone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use subako_engine::display::Display;
use subako_engine::event::{Aftermath, Differs};
use subako_engine::plan::Change;
use subako_engine::session::list;
use subako_engine::world::NextCommand;
use subako_state::Address;

use super::{changes, value};
use crate::hint::Hint;
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// How a report's first line goes on after "everything it did was undone"; `None` where all is as
/// it was.
pub fn but(found: &Aftermath) -> Option<&'static str> {
    if !found.differs.is_empty() {
        Some("but not everything is as it was before")
    } else if !found.unchecked.is_empty() {
        Some("but it could not be checked that everything is as it was before")
    } else {
        None
    }
}

/// A line for each resource that differs, and for each reason why some could not be read.
pub fn write(out: &mut String, kinds: &Display, paint: Paint, found: &Aftermath) {
    for difference in &found.differs {
        let address = &difference.address;
        let how = match &difference.how {
            Differs::Gone => "is gone".to_owned(),
            Differs::Left => "is still there".to_owned(),
            Differs::Taken { by } => format!("is gone, and its name is taken by {by}"),
            Differs::Changed { changes } => changed(kinds, address, changes),
        };
        let label = paint.of(Meaning::Strong, "differs:");
        let _ = writeln!(out, "  {label} {}: {}", plain(address), plain(how));
    }
    let mut reasons: BTreeMap<&str, Vec<Address>> = BTreeMap::new();
    for unchecked in &found.unchecked {
        let addresses = reasons.entry(&unchecked.why).or_default();
        addresses.push(unchecked.address.clone());
    }
    for (why, addresses) in reasons {
        let label = paint.of(Meaning::Strong, "could not be checked:");
        let _ = writeln!(out, "  {label} {}: {}", plain(list(&addresses)), plain(why));
    }
}

fn changed(kinds: &Display, address: &Address, found: &[Change]) -> String {
    let units = kinds.units(address.kind());
    let side = |change: &Change, side| value::side(units, changes::field(&change.path), side);
    let fields = found.iter().map(|change| {
        let (before, now) = (side(change, &change.before), side(change, &change.after));
        format!("{} was {before} and is {now}", change.path)
    });
    fields.collect::<Vec<_>>().join(", ")
}

/// What to do about it.
pub fn next(found: &Aftermath) -> Vec<Hint> {
    let mut ways = Vec::new();
    if !found.unchecked.is_empty() {
        ways.push(Hint::run(
            NextCommand::Status,
            " says whether the cluster answers again",
        ));
    }
    if !found.differs.is_empty() || !found.unchecked.is_empty() {
        ways.push(
            Hint::run(
                NextCommand::Plan,
                " reads it again and shows what differs from the manifest; ",
            )
            .then(NextCommand::Apply)
            .and(" repairs it"),
        );
    }
    ways
}
