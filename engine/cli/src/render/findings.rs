//! What the checks say: `warning[quorum] member.x: …`, where the manifest speaks of it, and
//! `help: …`.

use std::fmt::Write as _;

use subako_engine::check::{Finding, Place, Severity};

use crate::hint::{Hint, Invocation};
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// The word and meaning of a severity.
pub fn severity(severity: Severity) -> (&'static str, Meaning) {
    match severity {
        Severity::Error => ("error", Meaning::Error),
        Severity::Warning => ("warning", Meaning::Warning),
        Severity::Note => ("note", Meaning::Note),
    }
}

/// Writes findings, one paragraph.
pub fn write(out: &mut String, typed: &Invocation, paint: Paint, findings: &[Finding]) {
    for finding in findings {
        let (word, meaning) = severity(finding.severity);
        let head = format!("{word}[{}]", plain(&finding.id));
        let _ = write!(out, "{}", paint.of(meaning, head));
        if let Some(address) = &finding.address {
            let _ = write!(out, " {}", paint.of(Meaning::Strong, address));
        }
        let _ = writeln!(out, ": {}", plain(&finding.message));
        if let Some(place) = &finding.place {
            let at = paint.of(Meaning::Note, "at");
            let _ = writeln!(out, "  {at}: {}", self::place(place));
        }
        if let Some(help) = help(finding) {
            let help = plain(help.text(typed));
            let _ = writeln!(out, "  {}: {help}", paint.of(Meaning::Note, "help"));
        }
        for line in &finding.paste {
            let _ = writeln!(out, "    {}", plain(line));
        }
    }
}

/// What to do about a finding: its remedy, then what to run for it.
pub fn help(finding: &Finding) -> Option<Hint> {
    let mut hint = finding.remedy.clone().map(Hint::from);
    for (index, command) in finding.next.iter().enumerate() {
        let words = match (index, &hint) {
            (0, None) => "run ",
            (0, Some(_)) => ": ",
            _ => ", then ",
        };
        hint = Some(hint.unwrap_or_default().and(words).then(command.clone()));
    }
    hint
}

/// `line 12 (service web constraints)`.
pub fn place(place: &Place) -> String {
    format!("line {} ({})", place.line, plain(&place.path))
}

/// Whether the plan is refused.
pub fn refuse(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}
