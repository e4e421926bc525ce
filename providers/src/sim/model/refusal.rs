//! What the simulated services answer when they refuse.

use subako_world::Failure;

use crate::sim::names::Ms;

/// A refused call: the world is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The service's error code.
    pub code: String,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// When asking again may help: a leader is being elected until then.
    pub retry_at: Option<Ms>,
}

impl Refusal {
    /// A refusal with a code.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            retry_at: None,
        }
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The refusal as the seam tells it.
    pub fn failure(self, doing: &str) -> Failure {
        let failure = Failure::not_applied(doing, self.message).with_code(self.code);
        match self.hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}
