//! Where a cluster stands between two commands, as far as their exit codes say.

use super::driver::Exit;
use super::trouble::Verb;

/// Where it stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// As before the edits.
    Before,
    /// As the edits want it.
    After,
    /// On the way from before to after, in one run that did not end.
    Between,
    /// A plan was refused, and why.
    Refused(String),
    /// Nobody has promised anything.
    Unknown,
}

/// What an exit code promises of the world, and by what right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    Before(&'static str),
    After(&'static str),
}

impl Promise {
    /// The promise in words.
    pub fn property(self) -> &'static str {
        match self {
            Self::Before(property) | Self::After(property) => property,
        }
    }
}

impl Standing {
    /// Takes a command's end into account; what that promises.
    pub fn go_on(&mut self, verb: Verb, exit: &Exit) -> Option<Promise> {
        let was = std::mem::replace(self, Self::Unknown);
        let (is, promise) = match (verb, exit, was) {
            (_, _, Self::Refused(why)) => (Self::Refused(why), None),
            (_, Exit::Refused(why), _) => (Self::Refused(why.clone()), None),
            (Verb::Destroy | Verb::Park | Verb::Resume | Verb::Rebalance, ..) | (_, _, Self::Unknown) => {
                (Self::Unknown, None)
            }
            (Verb::Apply, Exit::Done, _) => (Self::After, Some(Promise::After("exit 0 is the manifest"))),
            (Verb::Apply, Exit::RolledBack(_), Self::Before) => {
                (Self::Before, Some(Promise::Before("exit 3 is exactly before")))
            }
            (Verb::Forward, Exit::Done, Self::Between) => (
                Self::After,
                Some(Promise::After("a recovery forward is the manifest")),
            ),
            (Verb::Back, Exit::Done, Self::Between) => (
                Self::Before,
                Some(Promise::Before("a recovery back is exactly before")),
            ),
            (_, Exit::Nothing | Exit::Early(_) | Exit::Unfit(_) | Exit::Circular(_), was) => (was, None),
            // Killed between before and after; a second run would begin from the middle.
            (Verb::Apply, Exit::Killed, Self::Before) => (Self::Between, None),
            (Verb::Forward | Verb::Back, Exit::Killed, Self::Between) => (Self::Between, None),
            _ => (Self::Unknown, None),
        };
        *self = is;
        promise
    }
}
