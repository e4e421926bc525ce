//! What the simulated services answer when they refuse.

use subako_world::{Code, Failure};

use crate::codes;
use crate::sim::names::Ms;

/// A refused call: the world is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What it means.
    pub code: Code,
    /// EC2's own code for it; Docker has none.
    pub service_code: Option<String>,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// When asking again may help: a leader is being elected until then.
    pub retry_at: Option<Ms>,
}

impl Refusal {
    /// A refusal as EC2 gives it.
    pub fn ec2(code: &str, message: impl Into<String>) -> Self {
        Self {
            service_code: Some(code.to_owned()),
            ..Self::new(codes::of(code), message)
        }
    }

    /// A refusal that means this.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            service_code: None,
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
        let mut failure = Failure::not_applied(doing, self.message).with_code(self.code);
        failure.service_code = self.service_code;
        failure.hint = self.hint;
        failure
    }
}
