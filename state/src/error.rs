//! What can be wrong with what is kept.

use std::path::PathBuf;

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
    #[error("it has format {0}, and this program knows format {known} only", known = crate::snapshot::FORMAT)]
    Format(u32),
    /// The digest is right, the content is not.
    #[error("its content cannot be read: {0}")]
    Content(String),
}

/// A failure to read or write what is kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The state file is damaged.
    #[error("{path} cannot be trusted: {damage}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
        /// The serial of the newest whole snapshot in the history.
        newest: Option<u64>,
    },
    /// The journal is damaged before its last line.
    #[error("{path} cannot be trusted: line {line} is not what was written ({why})", path = .path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The key of the secrets is not a key.
    #[error("failed to use {path}: it is not the key of 32 bytes that was written (remove it to have another made: every secret is then made anew)", path = .path.display())]
    SealKey {
        /// The file.
        path: PathBuf,
    },
    /// The state moved since it was read.
    #[error("{path} is now at serial {found}, but serial {expected} was read", path = .path.display())]
    Moved {
        /// The file.
        path: PathBuf,
        /// The serial read before.
        expected: u64,
        /// The serial found now.
        found: u64,
    },
    /// The operating system refused.
    #[error("failed to {doing} {path}: {source}", path = .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl StateError {
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
