//! Failures of external calls, and how certain they are.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::code::Code;

use crate::command::NextCommand;

/// The result of an external call.
pub type Result<T> = std::result::Result<T, Failure>;

/// Whether the world may have changed although the call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The world is as it was before the call.
    NotApplied,
    /// The call may have taken effect, wholly or in part: read before doing anything else.
    Unknown,
}

/// A failed external call: what was tried, what was answered, and what it means for the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Whether the world may have changed.
    pub certainty: Certainty,
    /// What was tried, to fit "failed to {doing}", for example `run instance manager-0`.
    pub doing: String,
    /// What it means: what decisions hang on.
    #[serde(skip_serializing_if = "is_other")]
    pub code: Code,
    /// The service's own error code, for people, for example `InsufficientInstanceCapacity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// What was answered, as one sentence without a full stop.
    pub message: String,
    /// What to do next, if there is something to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The command that does it, if one of ours does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextCommand>,
    /// The last lines of a remote command's output, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_other(code: &Code) -> bool {
    *code == Code::Other
}

/// A failure as journals have it. Before there were typed codes, `code` was the service's own.
#[derive(Deserialize)]
struct Recorded {
    certainty: Certainty,
    doing: String,
    code: Option<String>,
    service_code: Option<String>,
    message: String,
    hint: Option<String>,
    next: Option<NextCommand>,
    #[serde(default)]
    output: Vec<String>,
}

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let recorded = Recorded::deserialize(deserializer)?;
        let code = recorded.code.as_deref().and_then(Code::of);
        Ok(Self {
            certainty: recorded.certainty,
            doing: recorded.doing,
            code: code.unwrap_or_default(),
            service_code: recorded.service_code.or(recorded.code.filter(|_| code.is_none())),
            message: recorded.message,
            hint: recorded.hint,
            next: recorded.next,
            output: recorded.output,
        })
    }
}

impl Failure {
    /// A failure after which the world is certainly as it was.
    pub fn not_applied(doing: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Certainty::NotApplied, doing, message)
    }

    /// A failure after which the world may have changed.
    pub fn unknown(doing: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Certainty::Unknown, doing, message)
    }

    fn new(certainty: Certainty, doing: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            certainty,
            doing: doing.into(),
            code: Code::Other,
            service_code: None,
            message: message.into(),
            hint: None,
            next: None,
            output: Vec::new(),
        }
    }

    /// Adds what it means.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// Adds the service's own error code.
    #[must_use]
    pub fn with_service_code(mut self, code: impl Into<String>) -> Self {
        self.service_code = Some(code.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the command to run next.
    #[must_use]
    pub fn with_next(mut self, next: NextCommand) -> Self {
        self.next = Some(next);
        self
    }

    /// Adds the last lines of a remote command's output.
    #[must_use]
    pub fn with_output(mut self, output: Vec<String>) -> Self {
        self.output = output;
        self
    }

    /// The same failure, when an earlier call of the same operation has already changed the
    /// world: whatever this call did, the operation as a whole is of unknown effect.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.certainty = Certainty::Unknown;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}: ", self.doing)?;
        if let Some(code) = &self.service_code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_read_back_as_it_was_written() {
        let plain = Failure::not_applied("do it", "no");
        let coded = Failure::unknown("do it", "no")
            .with_code(Code::NoCapacity)
            .with_service_code("InsufficientInstanceCapacity")
            .with_hint("wait")
            .with_output(vec!["line".into()]);
        for failure in [plain, coded] {
            let text = serde_json::to_string(&failure).expect("json");
            assert_eq!(
                serde_json::from_str::<Failure>(&text).expect("a failure"),
                failure
            );
        }
    }

    #[test]
    fn a_failure_recorded_before_there_were_typed_codes_keeps_the_services_own() {
        let old = r#"{"certainty":"not_applied","doing":"d","code":"InvalidGroup.Duplicate","message":"m"}"#;
        let failure: Failure = serde_json::from_str(old).expect("a failure");
        assert_eq!(failure.code, Code::Other);
        assert_eq!(failure.service_code.as_deref(), Some("InvalidGroup.Duplicate"));
        assert_eq!(failure.to_string(), "failed to d: InvalidGroup.Duplicate: m");
    }
}
