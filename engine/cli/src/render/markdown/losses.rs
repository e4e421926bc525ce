//! What is destroyed and replaced: a line each, with its reason.

use subako_engine::display::Display;
use subako_engine::plan::{Action, Operation, Plan, Step};
use unicode_width::UnicodeWidthStr as _;

use super::section::{Rank, Section};
use crate::plain::plain;
use crate::render::changes::field;
use crate::render::{fold, plan_text, value};

/// More than this many bytes, and steps alike stand on one line.
const LONG: usize = 40_000;
/// Labels longer than this do not push the reasons to the right.
const WIDEST: usize = 40;

/// What is lost, if anything is.
pub fn section(plan: &Plan, kinds: &Display) -> Option<Section> {
    let mut lines = lines(plan, kinds, true);
    if lines.iter().map(String::len).sum::<usize>() > LONG {
        lines = self::lines(plan, kinds, false);
    }
    if lines.is_empty() {
        return None;
    }
    let summary = &plan.summary;
    let counts = [(summary.delete, "to destroy"), (summary.replace, "to replace")];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    let past = plan.steps.iter().filter(|step| step.past_the_line).count();
    let undone = match past {
        0 => String::new(),
        past => format!(" ({past} of {} steps cannot be undone)", plan.steps.len()),
    };
    let title = format!("**{}**{undone}", counts.join(", "));
    Some(
        Section::of(Rank::Losses, "what is destroyed and replaced", lines)
            .fenced("diff")
            .titled(&title),
    )
}

/// What goes by itself, then what is replaced, then what goes with something else; of each the
/// machines first.
fn lines(plan: &Plan, kinds: &Display, full: bool) -> Vec<String> {
    let mut entries: Vec<(u8, fold::Entry)> = fold::entries(&plan.steps, full)
        .into_iter()
        .filter_map(|entry| Some((rank(&plan.steps[entry[0]])?, entry)))
        .collect();
    entries.sort_by_key(|(rank, entry)| {
        let address = &plan.steps[entry[0]].address;
        (*rank, kinds.phase(address.kind()), fold::natural(address))
    });
    let labels: Vec<String> = entries
        .iter()
        .map(|(_, entry)| fold::label(&plan.steps, entry))
        .collect();
    let widths = labels.iter().map(|label| label.width());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let lines = entries.iter().zip(labels).map(|((_, entry), label)| {
        let step = &plan.steps[entry[0]];
        let sign = if step.replaces() { "-/+" } else { "-  " };
        let gap = width.saturating_sub(label.width());
        format!("{sign} {label}{:gap$}  {}", "", why(plan, entry, kinds))
            .trim_end()
            .to_owned()
    });
    lines.collect()
}

/// Which come first; `None` for what is no loss.
fn rank(step: &Step) -> Option<u8> {
    match (step.action(), step.replaces()) {
        (Action::Delete, false) => Some(0),
        (Action::Create, true) => Some(1),
        (Action::Forget, false) if step.gone_with().is_some() => Some(2),
        _ => None,
    }
}

fn why(plan: &Plan, entry: &[usize], kinds: &Display) -> String {
    let step = &plan.steps[entry[0]];
    if let Some(kind) = plan_text::whose_own(&plan.steps, entry) {
        return format!("each goes with its {kind}");
    }
    let units = kinds.units(step.address.kind());
    let forced: Vec<String> = step
        .changes
        .iter()
        .filter_map(|change| {
            let why = change.forces_replacement.as_ref()?;
            let side = |side| value::side(units, field(&change.path), side);
            let (before, after) = (side(&change.before), side(&change.after));
            Some(format!(
                "{}: {before} → {after} ({})",
                plain(&change.path),
                plain(why)
            ))
        })
        .collect();
    match (&step.operation, forced.is_empty()) {
        (Operation::Create, false) => forced.join("; "),
        _ => plan_text::why(step),
    }
}
