//! What a comment says of the plan in it, for programs: its digest, and those of what it starts from.

use std::fmt;
use std::str::FromStr;

use subako_state::Digest;

use super::types::{Components, Plan};

/// What every marker begins with, for a bot that looks for its comment.
const NAME: &str = "subako-plan";
/// Stands for the digest of a state that there is not.
const NONE: &str = "none";

/// The marker of a plan. Written as an HTML comment on one line, which nobody sees in Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The cluster.
    pub cluster: String,
    /// `aws` or `sim`.
    pub provider: String,
    /// The plan's digest.
    pub digest: Digest,
    /// The digests of what it starts from.
    pub components: Components,
}

/// Why a text is no marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkerError {
    /// It does not begin as one.
    #[error("it does not begin with `{NAME}`")]
    Name,
    /// Something is missing in it, or is not what it has to be.
    #[error("its `{0}` is missing or not valid")]
    Field(&'static str),
}

impl Plan {
    /// Its marker.
    pub fn marker(&self) -> Marker {
        Marker {
            cluster: self.cluster.clone(),
            provider: self.provider.clone(),
            digest: self.digest.clone(),
            components: self.components.clone(),
        }
    }
}

impl Marker {
    /// Whether a text is meant as a marker, and not as a digest.
    pub fn is_meant_by(text: &str) -> bool {
        bare(text).starts_with(NAME)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cluster, provider) = (word(&self.cluster), word(&self.provider));
        let Components {
            manifest,
            state,
            world,
            format,
        } = &self.components;
        let state = state.as_ref().map_or(NONE, Digest::as_str);
        let digest = &self.digest;
        write!(
            f,
            "<!-- {NAME} cluster={cluster} provider={provider} digest={digest} manifest={manifest} state={state} world={world} format={format} -->"
        )
    }
}

impl FromStr for Marker {
    type Err = MarkerError;

    fn from_str(text: &str) -> Result<Self, MarkerError> {
        let rest = bare(text).strip_prefix(NAME).ok_or(MarkerError::Name)?;
        let field = |name: &'static str| {
            let mut fields = rest.split_whitespace().filter_map(|field| field.split_once('='));
            let found = fields.find(|(key, _)| *key == name);
            found.map(|(_, value)| value).ok_or(MarkerError::Field(name))
        };
        let digest = |name| -> Result<Digest, MarkerError> {
            let found = field(name)?;
            found.parse().map_err(|_| MarkerError::Field(name))
        };
        let text = |name| unword(field(name)?).ok_or(MarkerError::Field(name));
        Ok(Self {
            cluster: text("cluster")?,
            provider: text("provider")?,
            digest: digest("digest")?,
            components: Components {
                manifest: digest("manifest")?,
                state: match field("state")? {
                    NONE => None,
                    _ => Some(digest("state")?),
                },
                world: digest("world")?,
                format: digest("format")?,
            },
        })
    }
}

/// Without what makes it a comment.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix("<!--").unwrap_or(text);
    text.strip_suffix("-->").unwrap_or(text).trim()
}

/// One word in which nothing ends a comment: other characters than these by their bytes (`%2d`).
fn word(text: &str) -> String {
    let mut out = String::new();
    let mut before = b'-';
    for byte in text.bytes() {
        match byte {
            b'-' if before != b'-' => out.push('-'),
            byte if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' => {
                out.push(char::from(byte))
            }
            byte => out.push_str(&format!("%{byte:02x}")),
        }
        before = byte;
    }
    out
}

fn unword(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(cluster: &str, state: Option<Digest>) -> Marker {
        Marker {
            cluster: cluster.to_owned(),
            provider: "sim".to_owned(),
            digest: Digest::of("plan"),
            components: Components {
                manifest: Digest::of("manifest"),
                state,
                world: Digest::of("world"),
                format: Digest::of("format"),
            },
        }
    }

    #[test]
    fn a_marker_is_read_as_it_was_written_and_ends_no_comment() {
        for cluster in ["web", "a--b", "-->", "x y=z %", "巣\n箱", ""] {
            for state in [None, Some(Digest::of("state"))] {
                let marker = marker(cluster, state);
                let text = marker.to_string();
                assert!(!text.contains('\n'), "{text}");
                assert_eq!(text.matches("--").count(), 2, "{text}");
                assert!(Marker::is_meant_by(&text));
                assert_eq!(text.parse(), Ok(marker.clone()));
                assert_eq!(bare(&text).parse(), Ok(marker));
            }
        }
    }

    #[test]
    fn what_is_no_marker_says_what_is_wrong_with_it() {
        let whole = marker("web", None).to_string();
        assert_eq!(Digest::of("x").as_str().parse::<Marker>(), Err(MarkerError::Name));
        for name in ["cluster", "digest", "manifest", "state", "world", "format"] {
            let without = whole.replace(&format!(" {name}="), " other=");
            assert_eq!(
                without.parse::<Marker>(),
                Err(MarkerError::Field(name)),
                "{without}"
            );
        }
        let cut = whole.replace(&whole[whole.len() - 12..], "");
        assert_eq!(cut.parse::<Marker>(), Err(MarkerError::Field("format")));
    }
}
