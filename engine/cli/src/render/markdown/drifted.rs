//! A look for drift as a comment, or as the summary of a job.

use subako_engine::display::Display;
use subako_engine::session::{DriftVerdict, Drifted};
use subako_engine::world::NextCommand;

use super::escape::{code, prose};
use super::section::{Rank, Section, together};
use crate::hint::Invocation;
use crate::plain::plain;
use crate::render::{drift, plan_text};

/// What a bot looks for that edits its comment in place.
const MARKER: &str = "<!-- subako-drift -->";

/// The comment; one line where nothing differs.
pub fn drifted(found: &Drifted, kinds: &Display, typed: &Invocation) -> String {
    let verdict = found.verdict();
    if verdict == DriftVerdict::None {
        return format!("{} {MARKER}\n", prose(drift::summary(found)));
    }
    let what = match verdict {
        DriftVerdict::Drifted => format!("drift: {}", drift::counts(found).join(", ")),
        _ => format!(
            "cannot tell whether it drifted: {}",
            drift::counts(found).join(", ")
        ),
    };
    let (cluster, provider) = (code(&found.cluster), prose(plan_text::provider(&found.provider)));
    let list = |what, title: &str, lines: Vec<String>| {
        Section::of(Rank::Drift, what, lines)
            .fenced("diff")
            .titled(&format!("**{title}**"))
    };
    let waiting = found.waiting.iter();
    let waiting = waiting.map(|each| format!("! {}: {}", plain(&each.address), each.unconverged));
    let strays = found.strays.iter();
    let strays = strays.map(|stray| format!("+ {}", plain(drift::stray(stray))));
    let unread = found.unread.iter();
    let unread = unread.map(|unread| format!("? {}", plain(drift::unread(unread))));
    let sections = vec![
        Section::paragraph(format!("### Subako: {cluster} on {provider}: {what}")),
        list(
            "what changed outside",
            "Changed outside of Subako since the last run",
            super::drift::lines(&found.drift, kinds),
        ),
        list("what has not converged", "Not converged", waiting.collect()),
        list(
            "what is not in the state",
            "Carries the cluster's tags, and is not in the state",
            strays.collect(),
        ),
        list("what cannot be read", "Cannot be read now", unread.collect()),
    ];
    let end = format!(
        "{} shows what an apply would do about it.\n\n{MARKER}\n",
        code(typed.line(&NextCommand::Plan))
    );
    let all = format!("{} shows all of it.", code(typed.line(&NextCommand::PlanDrift)));
    together(sections, &end, &all)
}
