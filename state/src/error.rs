//! What can be wrong with what is kept.

/// How a state file is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file is not there, although other files say that it was.
    #[error("it is missing, but {0} says that this cluster has been applied before")]
    Missing(String),
    /// The file has no content.
    #[error("it is empty")]
    Empty,
    /// The file is not what was written, so its digest differs.
    #[error(
        "its digest is {found}, but it says {written}: it was changed or cut short by something other than Subako"
    )]
    Digest {
        /// The digest in the file.
        written: String,
        /// The digest of the file.
        found: String,
    },
    /// The first line is not that of a state file.
    #[error("its first line is not that of a state file: {0}")]
    Header(String),
    /// A newer program wrote it.
    #[error("it has format {0}, and this program knows format {known} only", known = crate::version::FORMAT)]
    Format(u32),
    /// The digest is right, the content is not.
    #[error("its content cannot be read: {0}")]
    Content(String),
}

/// A failure to read or write what is kept. `place` says where, for people: a path or an address.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The state is damaged.
    #[error("{place} cannot be trusted: {damage}")]
    Damaged {
        /// The state.
        place: String,
        /// What is wrong.
        damage: Damage,
        /// The serial of the newest whole snapshot in the history.
        newest: Option<u64>,
    },
    /// The journal is damaged before its last line.
    #[error("{place} cannot be trusted: line {line} is not what was written ({why})")]
    Journal {
        /// The journal.
        place: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is an unfinished run, but not one that began from the state that is there.
    #[error("{place} is of an unfinished run that began from serial {began}, but the state is serial {found}: one of the two was put there by something other than Subako", found = .found.map_or_else(|| "none".to_owned(), |serial| serial.to_string()))]
    OtherBase {
        /// The journal.
        place: String,
        /// The serial that the run began from.
        began: u64,
        /// The serial of the state; `None` if there is no state.
        found: Option<u64>,
    },
    /// A run cannot begin while another one has not ended.
    #[error("{place} is of a run that did not end")]
    Unfinished {
        /// The journal.
        place: String,
    },
    /// A newer program began the journal.
    #[error(
        "{place} was written by subako {written_by} in format {format}, and this program reads formats up to {known}",
        known = crate::version::JOURNAL_FORMAT
    )]
    JournalFormat {
        /// The journal.
        place: String,
        /// Its format.
        format: u32,
        /// The version of the program that wrote it.
        written_by: String,
    },
    /// The key of the secrets is not a key.
    #[error(
        "failed to use {place}: it is not the key of 32 bytes that was written (remove it to have another made: every secret is then recreated)"
    )]
    SealKey {
        /// The key.
        place: String,
    },
    /// What is pinned of the bastion is not a host key.
    #[error("failed to use {place}: it is not the bastion's host key that was written")]
    BastionKey {
        /// The pin.
        place: String,
    },
    /// The state is kept somewhere else now.
    #[error("the state of {place} was moved to {to}")]
    MovedAway {
        /// Where it was.
        place: String,
        /// Where it went, as it was called there.
        to: String,
    },
    /// A state is being moved here, and is not all here yet.
    #[error("a move of the state from {from} to {place} did not end")]
    HalfMoved {
        /// Where it is to go.
        place: String,
        /// Where it comes from, as it was called there.
        from: String,
    },
    /// The state moved since it was read.
    #[error("{place} is now at serial {found}, but serial {expected} was read")]
    Moved {
        /// The state.
        place: String,
        /// The serial read before.
        expected: u64,
        /// The serial found now.
        found: u64,
    },
    /// Somebody else wrote there since it was read.
    #[error("{place} was changed by something else at the same time")]
    Conflict {
        /// What.
        place: String,
    },
    /// There is something else where a file or a directory of the state is kept.
    #[error("{place} is {what}, not {wanted}")]
    NotAFile {
        /// The path.
        place: String,
        /// What it is, for example `a symbolic link`.
        what: &'static str,
        /// What it has to be: `a regular file` or `a directory`.
        wanted: &'static str,
    },
    /// The lock is not held any more.
    #[error("the lock {place} was deleted or replaced while it was held")]
    LockLost {
        /// The lock.
        place: String,
    },
    /// The service that keeps it did not do it, or did not say that it has.
    #[error("failed to {doing} {place}: {why}{}", if *.unsure { "; it may have happened all the same" } else { "" })]
    Remote {
        /// What was tried.
        doing: &'static str,
        /// On what.
        place: String,
        /// What was answered, or went wrong.
        why: String,
        /// Whether it may have happened, or may yet happen.
        unsure: bool,
        /// What to do about it, if that is known.
        help: Option<String>,
    },
    /// The operating system or the network refused.
    #[error("failed to {doing} {place}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        place: String,
        /// Why not.
        source: std::io::Error,
    },
}

impl StateError {
    /// The failure to do something to something.
    pub fn io(doing: &'static str, place: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let place = place.into();
        move |source| Self::Io { doing, place, source }
    }

    /// The same failure, told once more: one write that failed fails everybody who waits for it.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Conflict { place } => Self::Conflict { place: place.clone() },
            Self::LockLost { place } => Self::LockLost { place: place.clone() },
            Self::NotAFile { place, what, wanted } => Self::NotAFile {
                place: place.clone(),
                what,
                wanted,
            },
            Self::Remote {
                doing,
                place,
                why,
                unsure,
                help,
            } => Self::Remote {
                doing,
                place: place.clone(),
                why: why.clone(),
                unsure: *unsure,
                help: help.clone(),
            },
            Self::Io { doing, place, source } => Self::Io {
                doing,
                place: place.clone(),
                source: match source.raw_os_error() {
                    Some(code) => std::io::Error::from_raw_os_error(code),
                    None => std::io::Error::new(source.kind(), source.to_string()),
                },
            },
            other => Self::Io {
                doing: "write",
                place: String::new(),
                source: std::io::Error::other(other.to_string()),
            },
        }
    }
}
