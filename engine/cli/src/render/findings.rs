//! What the checks say: `warning[quorum] member.x: …`, then `help: …`.

use std::fmt::Write as _;

use subako_engine::check::{Finding, Severity};

use super::plain::plain;
use super::style::{Meaning, Paint};

/// The word and meaning of a severity.
pub fn severity(severity: Severity) -> (&'static str, Meaning) {
    match severity {
        Severity::Error => ("error", Meaning::Error),
        Severity::Warning => ("warning", Meaning::Warning),
        Severity::Note => ("note", Meaning::Note),
    }
}

/// Writes findings, one paragraph.
pub fn write(out: &mut String, paint: Paint, findings: &[Finding]) {
    for finding in findings {
        let (word, meaning) = severity(finding.severity);
        let head = format!("{word}[{}]", finding.check);
        let _ = write!(out, "{}", paint.of(meaning, head));
        if let Some(address) = &finding.address {
            let _ = write!(out, " {}", paint.of(Meaning::Strong, address));
        }
        let _ = writeln!(out, ": {}", plain(&finding.message));
        if let Some(help) = &finding.help {
            let _ = writeln!(out, "  {}: {}", paint.of(Meaning::Note, "help"), plain(help));
        }
    }
}

/// Whether the plan is refused.
pub fn refuse(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}
