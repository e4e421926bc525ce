//! Findings, one line each: which check, about what, what was found, where, and what to do.

use subako_engine::check::{Finding, Severity};
use subako_engine::plan::Plan;

use super::escape::{code, fence, prose};
use super::section::{Rank, Section};
use crate::hint::Invocation;
use crate::plain::plain;
use crate::render::count;
use crate::render::findings;

/// A finding as an item of a list; what is to be pasted stands in a fence below it.
pub fn line(finding: &Finding, typed: &Invocation) -> String {
    let mut line = format!("- **{}**", prose(&finding.id));
    if let Some(address) = &finding.address {
        line.push_str(&format!(" {}", code(address)));
    }
    line.push_str(&format!(": {}", prose(&finding.message)));
    if let Some(place) = &finding.place {
        line.push_str(&format!(" (line {}, {})", place.line, prose(&place.path)));
    }
    if let Some(help) = findings::help(finding) {
        let help = help.render(|words| prose(words), |command| code(typed.line(command)));
        line.push_str(&format!(". Help: {help}"));
    }
    if !finding.paste.is_empty() {
        let lines: Vec<String> = finding.paste.iter().map(|line| plain(line).to_string()).collect();
        let fence = fence(&lines);
        let lines: Vec<String> = lines.iter().map(|line| format!("  {line}\n")).collect();
        line.push_str(&format!(":\n\n  {fence}toml\n{}  {fence}\n", lines.concat()));
    }
    line
}

/// Warnings, in sight.
pub fn warnings(plan: &Plan, typed: &Invocation) -> Section {
    let lines = of(plan, Severity::Warning, typed);
    let title = format!("**{}**", count(lines.len(), "warning"));
    Section::of(Rank::Warnings, "warnings", lines).titled(&title)
}

/// Notes, folded away.
pub fn notes(plan: &Plan, typed: &Invocation) -> Section {
    let lines = of(plan, Severity::Note, typed);
    let title = count(lines.len(), "note");
    Section::of(Rank::Notes, "notes", lines).folded(&title)
}

fn of(plan: &Plan, severity: Severity, typed: &Invocation) -> Vec<String> {
    let found = plan.findings.iter();
    let found = found.filter(|finding| finding.severity == severity);
    found.map(|finding| line(finding, typed)).collect()
}
