//! A plan for pull requests: what matters first, the details folded away.

use std::fmt::Write as _;

use subako_engine::check::{Finding, Severity};
use subako_engine::display::{Display, Units};
use subako_engine::plan::{Change, Plan, Step};
use subako_engine::world::NextCommand;

use super::{changes, findings, fold, headline, plan_text, rehearsal};
use crate::hint::Invocation;
use crate::plain::plain;
use crate::style::Paint;

/// GitHub takes comments of 65,536 characters; this leaves room for what stands around it.
const MOST: usize = 60_000;

/// The whole document.
pub fn plan(plan: &Plan, kinds: &Display, full: bool, typed: &Invocation) -> String {
    let mut out = String::with_capacity(4096);
    let _ = writeln!(
        out,
        "### Subako plan for `{}` on {}\n",
        plain(&plan.cluster),
        plain(plan_text::provider(&plan.provider))
    );
    let _ = writeln!(out, "**{}**\n", plan_text::summary(plan, Paint::PLAIN));
    if let Some(found) = &plan.rehearsal {
        let _ = writeln!(out, "{}\n", one_line(&rehearsal::sentence(found)));
        if let Some(assumed) = rehearsal::assumed(found) {
            let _ = writeln!(out, "{}\n", one_line(&assumed));
        }
    }
    for finding in &plan.findings {
        write_finding(&mut out, finding, typed);
    }
    if !plan.drift.is_empty() {
        let mut body = String::new();
        for moved in &plan.drift {
            if moved.gone {
                let _ = writeln!(body, "- {} is gone", plain(&moved.address));
            } else {
                let _ = writeln!(body, "! {}", plain(&moved.address));
                write_changes(&mut body, kinds.units(moved.address.kind()), &moved.changes);
            }
        }
        details(
            &mut out,
            &format!("Changed outside of Subako ({})", plan.drift.len()),
            &body,
        );
    }
    if !plan.steps.is_empty() {
        let body = steps(plan, kinds, full, typed);
        details(&mut out, &format!("Steps ({})", plan.steps.len()), &body);
    }
    let _ = writeln!(out, "Digest: `{}`", plan.digest);
    let _ = writeln!(
        out,
        "\n{} applies this plan and nothing else.",
        code(&typed.line(&NextCommand::ApplyExpecting(plan.digest.short().to_owned())))
    );
    out
}

fn write_finding(out: &mut String, finding: &Finding, typed: &Invocation) {
    let kind = match finding.severity {
        Severity::Error => "CAUTION",
        Severity::Warning => "WARNING",
        Severity::Note => "NOTE",
    };
    let _ = writeln!(out, "> [!{kind}]");
    let about = finding
        .address
        .as_ref()
        .map_or_else(String::new, |address| format!("{}: ", code(address.as_str())));
    let id = code(&finding.id);
    let _ = writeln!(out, "> {id} {about}{}", one_line(&finding.message));
    if let Some(place) = &finding.place {
        let _ = writeln!(out, ">\n> Manifest: {}", one_line(&findings::place(place)));
    }
    if let Some(help) = findings::help(finding) {
        let _ = writeln!(out, ">\n> {}", one_line(&help.text(typed)));
    }
    out.push('\n');
}

fn steps(plan: &Plan, kinds: &Display, full: bool, typed: &Invocation) -> String {
    let mut body = String::new();
    let entries = fold::entries(plan, full);
    let mut past = false;
    for (shown, entry) in entries.iter().enumerate() {
        if body.len() > MOST {
            let _ = writeln!(
                body,
                "# … and {} more: see `{}`",
                entries.len() - shown,
                typed.line(&NextCommand::Plan)
            );
            break;
        }
        let step = &plan.steps[entry[0]];
        if step.past_the_line && !past {
            past = true;
            let _ = writeln!(body, "# {}", plan_text::LINE);
        }
        let label = fold::label(plan, entry);
        let words = match plan_text::whose_own(plan, entry) {
            Some(kind) => format!("each goes with its {kind}"),
            None => words(step, kinds),
        };
        let gap = if words.is_empty() { "" } else { "  # " };
        let _ = writeln!(body, "{} {label}{gap}{words}", sign(step));
        write_changes(&mut body, kinds.units(step.address.kind()), &step.changes);
    }
    body
}

/// What colours the line in a diff block.
fn sign(step: &Step) -> &'static str {
    match plan_text::symbol(step).0 {
        "~" => "!",
        "-/+" => "-/+",
        "↻" => "+ ↻",
        other => other,
    }
}

fn words(step: &Step, kinds: &Display) -> String {
    let mut words = plan_text::why(step);
    if words.is_empty()
        && let (None, Some(spec)) = (step.spec_before(), step.spec_after())
    {
        words = headline::headline(kinds, &step.address, spec);
    }
    words
}

fn write_changes(body: &mut String, units: Units, found: &[Change]) {
    let mut text = String::new();
    changes::write(&mut text, Paint::PLAIN, units, 4, found);
    for line in text.lines() {
        // In a diff block only the first character counts.
        let sign = line
            .trim_start()
            .chars()
            .next()
            .filter(|sign| matches!(sign, '-' | '+'));
        match (sign, line.trim_start().get(1..)) {
            (Some(sign), Some(rest)) if rest.starts_with(' ') => {
                let gap = line.len() - line.trim_start().len();
                let _ = writeln!(body, "{sign}{:gap$}{}", "", rest.trim_start());
            }
            _ => {
                let _ = writeln!(body, "{line}");
            }
        }
    }
}

fn details(out: &mut String, title: &str, body: &str) {
    // Longer than any run of backticks in the body, so that nothing in it can end the block.
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(
        out,
        "<details><summary>{title}</summary>\n\n{fence}diff\n{body}{fence}\n\n</details>\n"
    );
}

/// A code span that nothing in the text can end.
fn code(text: &str) -> String {
    let text = plain(text).to_string();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let gap = if longest > 0 { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// A sentence on one line, in which nothing from outside is markup.
fn one_line(text: &str) -> String {
    plain(text).to_string().replace('<', "&lt;")
}
