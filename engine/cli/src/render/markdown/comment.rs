//! The whole comment: what has to be seen before a yes comes first, and is never folded.

use subako_engine::check::{Severity, planner};
use subako_engine::display::Display;
use subako_engine::plan::Plan;
use subako_engine::world::NextCommand;

use super::escape::{code, prose};
use super::section::{Rank, Section, together};
use super::{changes, drift, findings, graph, losses, money, refused};
use crate::hint::Invocation;
use crate::render::count;
use crate::render::findings::refuse;
use crate::render::{fold, moved, plan_text, rehearsal};
use crate::style::Paint;

/// What can be run next.
#[derive(Debug, Clone)]
pub struct Next {
    /// What applies exactly this plan.
    pub apply: NextCommand,
    /// What shows and saves all of it.
    pub all: NextCommand,
}

/// The comment. The same plan gives the same text.
pub fn plan(plan: &Plan, kinds: &Display, full: bool, typed: &Invocation, next: &Next) -> String {
    let unseen = plan
        .findings
        .iter()
        .any(|finding| finding.id == planner::REFRESH.id);
    let refused = refuse(&plan.findings);
    if plan.is_empty() && plan.drift.is_empty() && !refused && !unseen {
        return nothing(plan);
    }
    let entries = fold::entries(&plan.steps, full);
    let mut sections = vec![Section::paragraph(headline(plan, refused))];
    sections.extend(refused::section(plan, typed));
    sections.extend(losses::section(plan, kinds));
    sections.extend(rehearsed(plan));
    sections.extend(plan.cost.iter().flat_map(money::sections));
    sections.push(findings::warnings(plan, typed));
    sections.push(drift::section(plan, kinds));
    sections.push(renamed(plan));
    sections.push(changes::by_kind(plan, kinds, &entries));
    sections.push(changes::fields(plan, kinds, &entries));
    sections.extend(graph::section(plan, &entries));
    sections.push(findings::notes(plan, typed));
    together(
        sections,
        &end(plan, refused, typed, next),
        &format!("{} shows and saves all of it.", code(typed.line(&next.all))),
    )
}

/// One line in all, the marker included, so that a bot edits its comment here as well.
fn nothing(plan: &Plan) -> String {
    let mut said = prose(plan_text::summary(plan, Paint::PLAIN));
    for (severity, word) in [(Severity::Warning, "warning"), (Severity::Note, "note")] {
        let found = plan
            .findings
            .iter()
            .filter(|finding| finding.severity == severity);
        match found.count() {
            0 => {}
            number => said.push_str(&format!(" {}.", count(number, word))),
        }
    }
    format!("{said} {}\n", plan.marker())
}

fn headline(plan: &Plan, refused: bool) -> String {
    let refused = if refused { "REFUSED: " } else { "" };
    let account = match &plan.account {
        Some(account) if plan.provider != "sim" => {
            format!(" (account {}, {})", prose(&account.id), prose(&account.region))
        }
        _ => String::new(),
    };
    let counts: Vec<String> = plan_text::counts(plan)
        .iter()
        .filter(|(_, words, _)| *words != "unchanged")
        .map(|(count, words, _)| format!("{count} {words}"))
        .collect();
    let what = match plan.is_empty() {
        true => "no changes".to_owned(),
        false => counts.join(", "),
    };
    let cluster = code(&plan.cluster);
    let provider = prose(plan_text::provider(&plan.provider));
    format!(
        "### {refused}Subako: {cluster} on {provider}{account}: {what}{}",
        part(plan)
    )
}

/// Says that only a part is planned.
fn part(plan: &Plan) -> String {
    let selection = &plan.selection;
    match selection.target.is_empty() && selection.exclude.is_empty() {
        true => String::new(),
        false => " (only a part of it)".to_owned(),
    }
}

/// What goes by another name, a line each.
fn renamed(plan: &Plan) -> Section {
    Section::of(Rank::Losses, "what is renamed", moved::lines(plan))
        .fenced("")
        .titled("**Renamed, nothing is recreated**")
}

fn rehearsed(plan: &Plan) -> Option<Section> {
    let found = plan.rehearsal.as_ref()?;
    let mut said = prose(rehearsal::sentence(found));
    if let Some(assumed) = rehearsal::assumed(found) {
        said.push_str(&format!(" ({})", prose(assumed)));
    }
    Some(Section::paragraph(said))
}

/// The digest, the command that applies exactly this, and the marker.
fn end(plan: &Plan, refused: bool, typed: &Invocation, next: &Next) -> String {
    let mut end = format!("Digest: {}\n\n", code(&plan.digest));
    if !refused && !plan.is_empty() {
        end.push_str(&format!(
            "{} applies this plan and nothing else.\n\n",
            code(typed.line(&next.apply))
        ));
    }
    end.push_str(&format!("{}\n", plan.marker()));
    end
}
