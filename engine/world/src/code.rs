//! What a failure means, whatever the service calls it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a failure means. Decisions hang on this, never on a message or on the code that a
/// service has for it. Adapters give it, and the conformance suite demands the same of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Nothing that has a code here.
    #[default]
    Other,
    /// Another object has that name.
    AlreadyExists,
    /// There is no such object.
    NotFound,
    /// Something still uses the object.
    InUse,
    /// Something else holds what only one can hold: a port, an address, a range.
    Taken,
    /// The caller may not do that.
    Denied,
    /// There are no credentials, or they are not accepted.
    Credentials,
    /// Too many calls: later, the same call may pass.
    Throttled,
    /// The service has none left of what was asked for.
    NoCapacity,
    /// The account may have no more of it.
    Quota,
    /// The service itself is in trouble.
    Unavailable,
    /// The machine's engine is no manager of a swarm.
    NotAManager,
    /// The swarm has no leader: one is being elected, or too few managers are left to elect one.
    NoLeader,
    /// It would leave the managers without a quorum.
    NoQuorum,
    /// The engine is in a swarm already.
    AlreadyInSwarm,
    /// Nothing answers at that machine.
    Unreachable,
    /// What answers at that machine is not what it should be.
    Untrusted,
    /// The connection broke after the call was sent, or before the answer.
    ConnectionLost,
    /// The machine has no Docker Engine that answers.
    NoEngine,
    /// It took longer than it may.
    Timeout,
    /// The step was asked to stop.
    Stopped,
    /// Somebody changed the object first.
    OutOfSequence,
    /// The request itself is wrong.
    Invalid,
    /// What was asked for does not exist in this place: a type, a distribution, a change.
    Unsupported,
    /// The object is protected.
    Protected,
    /// The object is in a state in which that cannot be done.
    WrongState,
    /// The idempotency token belongs to another call, or to an object that is gone.
    TokenSpent,
}

impl Code {
    /// Whether it says that nobody answers: another says that somebody is up there.
    #[must_use]
    pub fn is_silence(self) -> bool {
        matches!(self, Self::Unreachable | Self::ConnectionLost | Self::Timeout)
    }

    /// Every code, in the order of their declaration.
    pub const ALL: [Self; 27] = [
        Self::Other,
        Self::AlreadyExists,
        Self::NotFound,
        Self::InUse,
        Self::Taken,
        Self::Denied,
        Self::Credentials,
        Self::Throttled,
        Self::NoCapacity,
        Self::Quota,
        Self::Unavailable,
        Self::NotAManager,
        Self::NoLeader,
        Self::NoQuorum,
        Self::AlreadyInSwarm,
        Self::Unreachable,
        Self::Untrusted,
        Self::ConnectionLost,
        Self::NoEngine,
        Self::Timeout,
        Self::Stopped,
        Self::OutOfSequence,
        Self::Invalid,
        Self::Unsupported,
        Self::Protected,
        Self::WrongState,
        Self::TokenSpent,
    ];

    /// The code as JSON has it, for example `in_use`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::AlreadyExists => "already_exists",
            Self::NotFound => "not_found",
            Self::InUse => "in_use",
            Self::Taken => "taken",
            Self::Denied => "denied",
            Self::Credentials => "credentials",
            Self::Throttled => "throttled",
            Self::NoCapacity => "no_capacity",
            Self::Quota => "quota",
            Self::Unavailable => "unavailable",
            Self::NotAManager => "not_a_manager",
            Self::NoLeader => "no_leader",
            Self::NoQuorum => "no_quorum",
            Self::AlreadyInSwarm => "already_in_swarm",
            Self::Unreachable => "unreachable",
            Self::Untrusted => "untrusted",
            Self::ConnectionLost => "connection_lost",
            Self::NoEngine => "no_engine",
            Self::Timeout => "timeout",
            Self::Stopped => "stopped",
            Self::OutOfSequence => "out_of_sequence",
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::Protected => "protected",
            Self::WrongState => "wrong_state",
            Self::TokenSpent => "token_spent",
        }
    }

    /// The code of that text, `None` if there is none.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_from_its_text_and_its_json() {
        for code in Code::ALL {
            assert_eq!(Code::of(code.as_str()), Some(code));
            let json = serde_json::to_value(code).expect("json");
            assert_eq!(json, code.as_str());
        }
        assert_eq!(Code::of("InsufficientInstanceCapacity"), None);
    }
}
