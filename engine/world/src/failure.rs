//! Failures of external calls, and how certain they are.

use std::fmt;

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether the world may have changed.
    pub certainty: Certainty,
    /// What was tried, to fit "failed to {doing}", for example `run instance manager-0`.
    pub doing: String,
    /// The service's own error code, for example `InsufficientInstanceCapacity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was answered, as one sentence without a full stop.
    pub message: String,
    /// What to do next, if there is something to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The last lines of a remote command's output, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
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
            code: None,
            message: message.into(),
            hint: None,
            output: Vec::new(),
        }
    }

    /// Adds the service's own error code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
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
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
