//! Secrets and configs: small files that the swarm keeps and hands to services.
//!
//! Both are the same to Swarm, but that nobody can read a secret back. Neither can be changed:
//! another content is another object, under another name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// Encrypted at rest, only in the memory of those who use it.
    Secret,
    /// Everything else.
    Config,
}

impl FileKind {
    /// The word for one of them.
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Config => "config",
        }
    }
}

/// What a secret or config contains. It can be neither printed nor serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(Arc<[u8]>);

impl Content {
    /// Takes a content into custody.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The content itself, to be handed to the one call that needs it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(…)")
    }
}

/// The contents that a run may need, by kind and name in the swarm. Specs, plans and journals
/// have the names only, which are made from the contents: what is found here is what was planned.
#[derive(Debug, Clone, Default)]
pub struct Vault(Arc<BTreeMap<(FileKind, String), Content>>);

impl Vault {
    /// A vault of these contents.
    pub fn new(contents: impl IntoIterator<Item = (FileKind, String, Content)>) -> Self {
        let contents = contents.into_iter();
        Self(Arc::new(
            contents
                .map(|(kind, name, content)| ((kind, name), content))
                .collect(),
        ))
    }

    /// What the object of that name contains; `None` if the manifest has no such content.
    pub fn content(&self, kind: FileKind, name: &str) -> Option<&Content> {
        self.0.get(&(kind, name.to_owned()))
    }
}

/// Shorter contents, and lines of them, occur by chance: hiding them would tell more than it hides.
const SHORTEST_HIDDEN: usize = 6;

impl Vault {
    /// A text without what the secrets contain: each content, and each line of one, is replaced by its
    /// secret's name.
    pub fn hide(&self, text: &str) -> String {
        let secrets = self.0.iter().filter(|((kind, _), _)| *kind == FileKind::Secret);
        secrets.fold(text.to_owned(), |text, ((_, name), content)| {
            let Ok(content) = std::str::from_utf8(content.expose()) else {
                return text;
            };
            let lines = std::iter::once(content).chain(content.lines());
            let lines = lines.map(str::trim).filter(|line| line.len() >= SHORTEST_HIDDEN);
            lines.fold(text, |text, line| text.replace(line, &format!("(secret {name})")))
        })
    }
}

/// A secret or config wanted, but for its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The name.
    pub name: String,
}

/// A secret or config as the engine has it; its content is not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmFile {
    /// The id.
    pub id: String,
    /// What it is.
    pub spec: FileSpec,
}

/// Permissions as text in octal digits.
mod octal {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{mode:04o}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let digits = String::deserialize(deserializer)?;
        u32::from_str_radix(&digits, 8).map_err(D::Error::custom)
    }
}

/// A secret or config in a service's containers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileMount {
    /// The group it belongs to there, a number.
    pub gid: String,
    /// Its permissions there; written as people write them, `0444`.
    #[serde(with = "octal")]
    pub mode: u32,
    /// Its name in the swarm.
    pub name: String,
    /// Its file there: a secret's is below `/run/secrets` unless it is absolute, a config's
    /// below `/`.
    pub target: String,
    /// The user it belongs to there, a number.
    pub uid: String,
}

impl FileMount {
    /// Sorts by where they are in the container: their names change with their contents.
    pub fn sort(mounts: &mut [Self]) {
        mounts.sort_by(|a, b| (&a.target, a).cmp(&(&b.target, b)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_without_what_secrets_contain() {
        let vault = Vault::new([
            (FileKind::Secret, "pw-1".to_owned(), Content::new(*b"hunter2!\n")),
            (
                FileKind::Secret,
                "key-1".to_owned(),
                Content::new(*b"BEGIN KEY\nabcdefgh\nEND KEY"),
            ),
            (FileKind::Secret, "pin-1".to_owned(), Content::new(*b"1234")),
            (
                FileKind::Config,
                "conf-1".to_owned(),
                Content::new(*b"verbose = 1"),
            ),
        ]);
        for (text, shown) in [
            ("login with hunter2! failed", "login with (secret pw-1) failed"),
            ("abcdefgh is no key", "(secret key-1) is no key"),
            ("in 1234 ms: verbose = 1", "in 1234 ms: verbose = 1"),
        ] {
            assert_eq!(vault.hide(text), shown);
        }
    }

    #[test]
    fn a_content_shows_itself_to_nobody() {
        let vault = Vault::new([(FileKind::Secret, "pw-1".to_owned(), Content::new(*b"hunter2"))]);
        assert!(!format!("{vault:?}").contains("hunter2") && !format!("{vault:?}").contains("104"));
        let content = vault.content(FileKind::Secret, "pw-1").expect("a content");
        assert_eq!(content.expose(), b"hunter2");
        assert_eq!(vault.content(FileKind::Config, "pw-1"), None);
    }
}
