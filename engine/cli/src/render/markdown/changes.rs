//! What changes, by kind, and which fields.

use subako_engine::display::{Display, Units};
use subako_engine::plan::{Action, Change, Operation, Plan, Step};

use super::escape::{code_cell, prose};
use super::section::{Rank, Section};
use crate::render::{changes, fold, headline, plan_text, value};
use crate::style::Paint;

/// So many fields are named in a table; all of them stand below it.
const NAMED: usize = 4;

/// A table of each kind, in the order in which they first change.
pub fn by_kind(plan: &Plan, kinds: &Display, entries: &[fold::Entry]) -> Section {
    let mut names: Vec<&str> = Vec::new();
    for entry in entries {
        let kind = plan.steps[entry[0]].address.kind();
        if !names.contains(&kind) {
            names.push(kind);
        }
    }
    let mut lines = Vec::new();
    for kind in names {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("**{}**", prose(kind)));
        lines.push(String::new());
        lines.push("| | resource | |".to_owned());
        lines.push("|---|---|---|".to_owned());
        let of_kind = entries
            .iter()
            .filter(|entry| plan.steps[entry[0]].address.kind() == kind);
        lines.extend(of_kind.map(|entry| row(plan, kinds, entry)));
    }
    let title = format!(
        "Changes by kind ({})",
        crate::render::count(plan.steps.len(), "step")
    );
    Section::of(Rank::Changes, "changes by kind", lines).folded(&title)
}

fn row(plan: &Plan, kinds: &Display, entry: &[usize]) -> String {
    let step = &plan.steps[entry[0]];
    let words = match plan_text::whose_own(&plan.steps, entry) {
        Some(kind) => format!("each goes with its {kind}"),
        None => words(step, kinds),
    };
    let symbol = plan_text::symbol(step).0;
    let label = code_cell(fold::label(&plan.steps, entry));
    format!("| `{symbol}` | {label} | {} |", prose(words))
}

fn words(step: &Step, kinds: &Display) -> String {
    let words = plan_text::why(step);
    match (step.spec_before(), step.spec_after()) {
        (None, Some(spec)) if step.operation == Operation::Create && words.is_empty() => {
            headline::headline(kinds, &step.address, spec)
        }
        _ if words.is_empty() => paths(step),
        _ => words,
    }
}

/// Which fields change, the first few of them.
fn paths(step: &Step) -> String {
    let paths = step.changes.iter().take(NAMED).map(|change| change.path.as_str());
    let mut words = paths.collect::<Vec<_>>().join(", ");
    if let more @ 1.. = step.changes.len().saturating_sub(NAMED) {
        words.push_str(&format!(" and {more} more"));
    }
    words
}

/// Which fields change, and what a created resource opens to others.
pub fn fields(plan: &Plan, kinds: &Display, entries: &[fold::Entry]) -> Section {
    let mut lines = Vec::new();
    let mut resources = 0;
    for entry in entries {
        let step = &plan.steps[entry[0]];
        let units = kinds.units(step.address.kind());
        let opened = opened(step, units);
        if step.changes.is_empty() && opened.is_empty() {
            continue;
        }
        resources += entry.len();
        let sign = match plan_text::symbol(step).0 {
            "~" => "!",
            "↻" => "+ ↻",
            other => other,
        };
        lines.push(format!("{sign} {}", fold::label(&plan.steps, entry)));
        write_changes(&mut lines, units, &step.changes);
        lines.extend(opened);
    }
    let title = format!("Fields ({})", crate::render::count(resources, "resource"));
    Section::of(Rank::Fields, "fields", lines)
        .fenced("diff")
        .folded(&title)
}

/// The rules of a group that is created: nobody should have to ask for them.
fn opened(step: &Step, units: Units) -> Vec<String> {
    if step.action() != Action::Create || step.replaces() {
        return Vec::new();
    }
    let rules = step
        .spec_after()
        .and_then(|spec| spec.value().get("rules").cloned());
    let rules = rules.map_or_else(Vec::new, |rules| value::lines(units, "rules", &rules));
    rules.into_iter().map(|rule| format!("+     {rule}")).collect()
}

/// The changes of fields as lines of a diff, in which only the first character counts.
pub fn write_changes(lines: &mut Vec<String>, units: Units, found: &[Change]) {
    let mut text = String::new();
    changes::write(&mut text, Paint::PLAIN, units, 4, found);
    for line in text.lines() {
        let bare = line.trim_start();
        let gap = line.len() - bare.len();
        let sign = bare.chars().next().filter(|sign| matches!(sign, '-' | '+'));
        lines.push(match (sign, bare.get(1..)) {
            (Some(sign), Some(rest)) if rest.starts_with(' ') => {
                format!("{sign}{:gap$}{}", "", rest.trim_start())
            }
            _ => line.to_owned(),
        });
    }
}
