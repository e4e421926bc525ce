//! What a manifest is read from.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::variable_file::VariableFile;

/// A manifest's text and where it came from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as the user gave it; reports show it.
    pub name: String,
    /// The text.
    pub text: Arc<str>,
    /// The directory that relative paths in the manifest start from.
    pub dir: PathBuf,
}

/// Values for `${env:NAME}` and `${var:key}`. `HOME` of the environment is what `~` stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variables {
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// From `--var key=value`.
    pub vars: BTreeMap<String, String>,
    /// From `--var-file`, in the order given.
    #[serde(default, skip_serializing)]
    pub files: Vec<VariableFile>,
}

impl Variables {
    /// These, and for what they do not say those: what was given on the command line, in a file too,
    /// counts more than what was kept, and that more than the environment as it is now.
    #[must_use]
    pub fn over(mut self, kept: &Self) -> Self {
        self.env.extend(kept.env.clone());
        let in_file = |name: &str| self.files.iter().any(|file| file.values.contains_key(name));
        let kept: Vec<_> = kept.vars.iter().filter(|(name, _)| !in_file(name)).collect();
        for (name, value) in kept {
            self.vars.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }
}

/// Reads the files that a manifest names (public keys, secrets, configs).
pub trait Files {
    /// The file's text; fails as [`std::fs`] does.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The file's bytes, at most one more than `most`.
    fn bytes(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;
}

/// The file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

/// More than any public key has; keeps a path to an endless file from filling the memory.
const LONGEST_FILE: u64 = 64 * 1024;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        let bytes = subako_state::read_file(path, LONGEST_FILE)?;
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn bytes(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        subako_state::read_file(path, most + 1)
    }
}

/// A path of the manifest as one to open: `~` is the home directory, a relative path starts
/// from the manifest's directory.
pub(super) fn resolve(path: &str, source: &Source, variables: &Variables) -> PathBuf {
    let home = variables.env.get("HOME").filter(|home| !home.is_empty());
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => PathBuf::from(home),
        (Some(rest), Some(home)) if rest.starts_with('/') => Path::new(home).join(&rest[1..]),
        _ => source.dir.join(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_counts_less_than_what_is_typed_and_more_than_the_environment() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let kept = Variables {
            env: map(&[("A", "1")]),
            vars: map(&[("v", "1"), ("w", "1"), ("x", "1")]),
            files: Vec::new(),
        };
        let typed = Variables {
            env: map(&[("A", "now"), ("B", "b")]),
            vars: map(&[("v", "typed")]),
            files: vec![VariableFile {
                name: "f".into(),
                values: map(&[("w", "typed")]),
            }],
        };
        let over = typed.over(&kept);
        assert_eq!(over.env, map(&[("A", "1"), ("B", "b")]));
        assert_eq!(over.vars, map(&[("v", "typed"), ("x", "1")]));
    }

    #[test]
    fn a_path_starts_from_the_manifest_the_root_or_the_home_directory() {
        let source = Source {
            name: "c.toml".into(),
            text: "".into(),
            dir: "/srv".into(),
        };
        let variables = Variables {
            env: BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned())]),
            ..Variables::default()
        };
        assert_eq!(resolve("a/b.pub", &source, &variables), Path::new("/srv/a/b.pub"));
        assert_eq!(resolve("/k.pub", &source, &variables), Path::new("/k.pub"));
        assert_eq!(
            resolve("~/.ssh/k.pub", &source, &variables),
            Path::new("/home/me/.ssh/k.pub")
        );
        assert_eq!(resolve("~x", &source, &variables), Path::new("/srv/~x"));
    }
}
