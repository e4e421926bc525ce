//! Why a plan would not be applied.

use subako_engine::check::Severity;
use subako_engine::plan::Plan;

use super::findings::line;
use super::section::{Rank, Section};
use crate::hint::Invocation;
use crate::render::findings;

/// The refusal with every error behind it, if the plan is refused.
pub fn section(plan: &Plan, typed: &Invocation) -> Option<Section> {
    if !findings::refuse(&plan.findings) {
        return None;
    }
    let mut lines = vec![
        "> [!CAUTION]".to_owned(),
        "> **REFUSED**: `apply` exits with 5 and changes nothing.".to_owned(),
        ">".to_owned(),
    ];
    let errors = plan.findings.iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    lines.extend(errors.map(|finding| format!("> {}", line(finding, typed).replace('\n', "\n> "))));
    Some(Section::of(Rank::Losses, "the refusal", lines))
}
