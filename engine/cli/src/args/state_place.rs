//! Where states are, on the command line: a directory, or a bucket.

use std::path::PathBuf;
use std::str::FromStr;

use subako_engine::manifest::{BadStateUrl, StateBucket};

/// Where states are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatePlace {
    /// The directory that `--state-dir` takes.
    Directory(PathBuf),
    /// A bucket.
    Bucket(StateBucket),
}

impl FromStr for StatePlace {
    type Err = BadStateUrl;

    fn from_str(text: &str) -> Result<Self, BadStateUrl> {
        match text.contains("://") {
            true => text.parse().map(Self::Bucket),
            false => Ok(Self::Directory(text.into())),
        }
    }
}
