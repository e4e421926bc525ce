//! `[checks.ID]`.

use crate::finding::Severity;
use crate::manifest::decode::{keywords, plain_schema, section};
use crate::manifest::formats::PlainText;

/// How much a finding is to matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matters(pub Severity);

impl Default for Matters {
    fn default() -> Self {
        Self(Severity::Note)
    }
}

plain_schema! {
    Matters => "Severity" { "type": "string", "enum": ["error", "warning", "note"] },
}

keywords!(Matters, "\"error\", \"warning\" or \"note\"", {
    "error" => Matters(Severity::Error),
    "warning" => Matters(Severity::Warning),
    "note" => Matters(Severity::Note),
} tried {
    "off" => "nothing is hidden: \"note\" is the least",
    "ignore" => "nothing is hidden: \"note\" is the least",
    "info" => "did you mean \"note\"?",
    "warn" => "did you mean \"warning\"?",
    "deny" => "did you mean \"error\"?",
});

section! {
    /// What a finding matters here, by its id: what stands in brackets, as in `warning[zones]`.
    pub struct CheckSetting = "a check" {
        /// "error" refuses the plan, "warning", or "note" (the default: it is acknowledged). An
        /// error of Subako's own stays one: such a plan would not work.
        optional severity: Matters,
        /// Why; it is shown with the finding.
        required reason: PlainText,
    }
    elsewhere {
        "level" => "did you mean `severity`?",
        "because" => "did you mean `reason`?",
        "acknowledged" => "a `reason` alone acknowledges it",
    }
}
