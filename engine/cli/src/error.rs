//! What a command says when it cannot do its work: `error: …`, `help: …`, and an exit code.

use std::fmt;

use subako_engine::check::CheckError;
use subako_engine::plan::PlanError;
use subako_engine::session::{ExpectError, RenameError, SavedPlanError, SessionError, UnknownCheck};
use subako_engine::world::{Failure, NextCommand};
use subako_state::{Damage, LockError, StateError};

use crate::exit::Exit;
use crate::hint::Hint;

/// Why a command ended early.
#[derive(Debug, Clone)]
pub struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong, without `error:`. Empty where `report` says it all.
    pub message: String,
    /// More about it, one entry a line.
    pub details: Vec<String>,
    /// What to do next, one entry a thing.
    pub help: Vec<Hint>,
    /// A rendered report to print before the message (with colour where it is on).
    pub report: Option<String>,
}

/// What commands return.
pub type Result<T> = std::result::Result<T, CliError>;

impl CliError {
    /// An error before anything changed.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Error,
            message: message.into(),
            details: Vec::new(),
            help: Vec::new(),
            report: None,
        }
    }

    /// A refusal: nothing was called that changes anything.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(message).exit(Exit::Refused)
    }

    /// Ends with another code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<Hint>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Says more about it, on a line of its own.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.details.push(text.into());
        self
    }

    /// Something could not be read or written: `failed to {doing} {what}: {error}`.
    pub fn io(doing: &str, what: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(format!("failed to {doing} {what}: {error}"))
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        let mut error = Self::new(failure.to_string());
        for line in &failure.output {
            error = error.detail(format!("| {line}"));
        }
        error.help.extend(failure.hint.map(Hint::from));
        error
            .help
            .extend(failure.next.map(|next| Hint::from("run ").then(next)));
        error
    }
}

impl From<CheckError> for CliError {
    fn from(error: CheckError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<StateError> for CliError {
    fn from(error: StateError) -> Self {
        let mut out = Self::new(error.to_string());
        match &error {
            StateError::Damaged {
                damage: Damage::Format(_),
                ..
            }
            | StateError::JournalFormat { .. } => {
                out = out
                    .exit(Exit::Refused)
                    .help("use the version of Subako that wrote it, or a newer one");
            }
            StateError::Damaged { place, newest, .. } => {
                out = out.exit(Exit::Refused);
                if let Some(serial) = newest {
                    out = out.help(Hint::run(
                        NextCommand::StateRestore(*serial),
                        " puts the newest whole snapshot of the history in its place",
                    ));
                }
                out = out
                    .help(Hint::run(
                        NextCommand::StateRebuild,
                        " rebuilds the state from the world's tags",
                    ))
                    .help(format!("nothing was changed, and {place} was left as it is"));
            }
            StateError::Journal { place, .. } => {
                out = out.exit(Exit::Refused).help(
                    Hint::from("the journal of an unfinished run was changed by something other than Subako: put the file back from a backup, or run ")
                        .then(NextCommand::StateRebuild)
                        .and(format!(", which keeps {place} aside and finds every resource by its tags")),
                );
            }
            StateError::OtherBase { began, .. } => {
                out = out
                    .exit(Exit::Refused)
                    .help(
                        Hint::run(
                            NextCommand::StateRestore(*began),
                            " puts the state back that the run began from; then ",
                        )
                        .then(NextCommand::RecoverForward)
                        .and(" goes on with it"),
                    )
                    .help(Hint::run(
                        NextCommand::StateRebuild,
                        " keeps both aside and finds every resource by its tags",
                    ));
            }
            StateError::Unfinished { .. } => {
                out = out
                    .exit(Exit::Refused)
                    .help(Hint::run(NextCommand::RecoverForward, " finishes it"))
                    .help(Hint::run(NextCommand::RecoverBack, " undoes it"));
            }
            StateError::NotAFile { .. } => {
                out = out
                    .exit(Exit::Refused)
                    .help("nothing was changed; move it away, or choose another directory with --state-dir");
            }
            StateError::MovedAway { .. } => {
                out = out.exit(Exit::Refused).help(
                    "nothing was changed: say under [state] in the manifest where it is now; a move that did not end is finished by the same `state migrate` again",
                );
            }
            StateError::HalfMoved { .. } => {
                out = out
                    .exit(Exit::Refused)
                    .help("nothing was changed: the same `state migrate` again finishes it");
            }
            StateError::Conflict { .. } | StateError::LockLost { .. } => {
                out = out.exit(Exit::Refused).help(
                    "something other than this command writes there: find out what, then run the command again",
                );
            }
            StateError::BastionKey { .. } => {
                out = out.exit(Exit::Refused).help(Hint::run(
                    NextCommand::StateUnpin,
                    " forgets it: the next apply pins the key that is shown then",
                ));
            }
            StateError::SealKey { .. } => out = out.exit(Exit::Refused),
            StateError::Moved { .. } => {
                out = out
                    .exit(Exit::Refused)
                    .help("another run has changed the state meanwhile: plan again");
            }
            StateError::Remote { help, .. } => out.help.extend(help.clone().map(Hint::from)),
            StateError::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull => {
                    out = out.help("free some space, then run the command again");
                }
                std::io::ErrorKind::PermissionDenied => {
                    out = out.help("the directory has to belong to the user who runs Subako (or choose another with --state-dir)");
                }
                _ => {}
            },
        }
        out
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::State(error) => error.into(),
            LockError::Held { .. } => Self::refused(error.to_string()).help(
                Hint::from("wait until it is done, or end that process; ")
                    .then(NextCommand::LockShow)
                    .and(" tells more"),
            ),
        }
    }
}

impl From<UnknownCheck> for CliError {
    fn from(error: UnknownCheck) -> Self {
        Self::new(error.to_string()).help(format!("`--deny` takes one of {}", error.known.join(", ")))
    }
}

impl From<SessionError> for CliError {
    fn from(error: SessionError) -> Self {
        let text = error.to_string();
        match error {
            SessionError::State(error) => error.into(),
            SessionError::World(failure) => failure.into(),
            SessionError::Plan(PlanError::NoMatch { .. }) => Self::new(text).help(
                Hint::from("addresses are `kind.name`; ")
                    .then(NextCommand::Graph)
                    .and(" shows those that the manifest wants, ")
                    .then(NextCommand::StateList)
                    .and(" those that exist"),
            ),
            SessionError::NeverApplied { .. } => {
                Self::new(text).help(Hint::run(NextCommand::Apply, " makes it"))
            }
            SessionError::Unknown(_) => {
                Self::new(text).help(Hint::run(NextCommand::StateList, " lists what it knows"))
            }
            SessionError::NoEndpoint(_) => Self::new(text).help(Hint::run(
                NextCommand::Output,
                " lists those that do: instances, and services that publish a port",
            )),
            SessionError::UnknownSerial(_) => {
                Self::new(text).help(Hint::run(NextCommand::StateHistory, " lists what it has"))
            }
            SessionError::Unfinished { can_go_back } => Self {
                help: Hint::ways_on(can_go_back),
                ..Self::refused(text)
            },
            SessionError::Rename(error) => error.into(),
            SessionError::NothingToRebuild(_) => Self::new(text),
            SessionError::WrongAccount { .. } => Self::refused(text)
                .help("use the credentials and region of that account, or another cluster name"),
            SessionError::PinnedAccount { .. } => Self::refused(text).help(
                "use the credentials of that account (AWS_PROFILE), or correct `account` under [aws]",
            ),
            SessionError::WrongCluster { .. } => Self::refused(text)
                .help("each cluster has a state directory of its own: choose another with --state-dir"),
            SessionError::Late(failed) => Self::from(*failed).exit(Exit::Remains).help(Hint::run(
                NextCommand::StateList,
                " shows what the state is now: a part of the change was made before this failed; run the command again to finish it",
            )),
            SessionError::Parked { .. } => Self::refused(text)
                .help(Hint::run(NextCommand::Resume, " starts it again"))
                .help(Hint::run(NextCommand::Destroy, " deletes it as it is")),
            SessionError::QuorumHeld { .. } => {
                Self::refused(text).help(Hint::run(NextCommand::Apply, " repairs what is not as it should be"))
            }
            SessionError::QuorumUnknown { .. } => Self::refused(text)
                .help("run the command where the managers can be reached")
                .help(Hint::run(NextCommand::Status, " says how they are")),
            SessionError::NoManagerLeft { .. } => Self::refused(text).help(Hint::run(
                NextCommand::Apply,
                " brings back those that are stopped or hang, or makes another swarm where none is left",
            )),
            SessionError::NothingToRecover => Self::new(text),
            SessionError::PastTheLine(_) => {
                Self::refused(text).help(Hint::run(NextCommand::RecoverForward, " finishes it"))
            }
            SessionError::Journal(_) | SessionError::JournalPlan(_) => Self::new(text).help(
                Hint::from("the journal was written by another version of Subako, or changed: ")
                    .then(NextCommand::StateRebuild)
                    .and(" finds every resource by its tags"),
            ),
            SessionError::NoContent(_) => Self::new(text).help("nothing was changed: give it, and run the command again"),
            SessionError::Connection { .. } => Self::new(text)
                .help("run this with the manifest (`-f FILE`): an apply records it again"),
            SessionError::Plan(_) | SessionError::Lower(_) => Self::new(text),
        }
    }
}

impl From<RenameError> for CliError {
    fn from(error: RenameError) -> Self {
        let out = Self::new(error.to_string());
        match error {
            RenameError::LivesOn { machine, .. } => out.help(format!("move {machine}")),
            RenameError::NotAMachine(_) => out.help(
                Hint::from("rename it in the manifest and let ")
                    .then(NextCommand::Plan)
                    .and(" show what that means"),
            ),
            RenameError::NotWanted(_) | RenameError::StillWanted(_) => {
                out.help("rename its pool in the manifest first, then the machines one by one")
            }
            RenameError::Taken(_) => out,
        }
    }
}

impl From<SavedPlanError> for CliError {
    fn from(error: SavedPlanError) -> Self {
        let text = error.to_string();
        let look = Hint::from("nothing was changed; look at the plan with ").then(NextCommand::Plan);
        match error {
            SavedPlanError::Write(error) => error.into(),
            SavedPlanError::Read { .. } | SavedPlanError::Render(_) => Self::new(text),
            SavedPlanError::Edited { .. } => Self::refused(text).help(
                Hint::from("nothing was changed; make a new plan with ")
                    .then(NextCommand::PlanOut("review.plan".to_owned())),
            ),
            SavedPlanError::Stale { moved, .. } => {
                let error = Self::refused(text).help(look);
                let moved = moved.iter();
                moved.fold(error, |error, moved| error.detail(moved.to_string()))
            }
        }
    }
}

impl From<ExpectError> for CliError {
    fn from(error: ExpectError) -> Self {
        let out = Self::refused(error.to_string());
        let out = match &error {
            ExpectError::Differs { moved, .. } => {
                moved.iter().fold(out, |out, moved| out.detail(moved.to_string()))
            }
            ExpectError::TooShort(_) | ExpectError::Marker(_) | ExpectError::OtherCluster { .. } => out,
        };
        out.help(Hint::from("nothing was changed; look at the plan with ").then(NextCommand::Plan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Invocation;

    #[test]
    fn a_damaged_state_names_the_ways_out() {
        let error = CliError::from(StateError::Damaged {
            place: "x/state.json".into(),
            damage: Damage::Empty,
            newest: Some(7),
        });
        assert_eq!(error.exit, Exit::Refused);
        assert_eq!(error.message, "x/state.json cannot be trusted: it is empty");
        assert!(
            error.help[0]
                .text(&Invocation::default())
                .contains("subako state restore 7"),
            "{:?}",
            error.help
        );
    }

    #[test]
    fn what_fails_after_a_part_of_the_change_ends_with_4() {
        let io = || StateError::io("write", "x/state.json")(std::io::Error::from_raw_os_error(28));
        assert_eq!(CliError::from(SessionError::State(io())).exit, Exit::Error);
        let late = CliError::from(SessionError::State(io()).late());
        assert_eq!(late.exit, Exit::Remains);
        assert!(late.message.contains("No space left"), "{}", late.message);
        assert!(!late.help.is_empty());
    }

    #[test]
    fn a_held_lock_is_a_refusal() {
        assert_eq!(
            CliError::from(LockError::Held { holder: None }).exit,
            Exit::Refused
        );
    }
}
