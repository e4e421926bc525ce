//! How an object is written: a first line that says who wrote it, then its content.
//!
//! Two writes of the same content differ by their nonce, and so do their entity tags: a condition
//! on a tag never holds again once something else was written, and a writer whose answer was lost
//! knows its own write.

use serde::{Deserialize, Serialize};

/// The version of this line.
const FORMAT: u32 = 1;
/// More than the first line ever has, bytes.
pub(super) const LONGEST: u64 = 1024;

/// The first line of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// [`FORMAT`] of the program that wrote it.
    pub object: u32,
    /// Which holder of the lock wrote it; 0 for nobody who held it.
    pub epoch: u64,
    /// This write, and no other.
    pub nonce: String,
    /// There is no such object: this one only keeps the place from those who held the lock before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
    /// Where it stands in the chain of the journal, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}

/// What an object of the journal's chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// What it does.
    pub does: Does,
    /// The first object of the journal that is there after this one; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
}

/// What an object of the chain does to the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Does {
    /// Cuts the journal after so many bytes, and appends its content.
    Open(u64),
    /// Appends its content.
    Append,
    /// Nothing: whoever held the lock before can write nothing here.
    Fence,
    /// Takes the journal away.
    Remove,
}

impl Head {
    pub fn new(epoch: u64, nonce: String) -> Self {
        Self {
            object: FORMAT,
            epoch,
            nonce,
            absent: false,
            link: None,
        }
    }

    /// The bytes of an object with this content.
    pub fn with(&self, content: &[u8]) -> Result<Vec<u8>, String> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        bytes.extend_from_slice(content);
        Ok(bytes)
    }

    /// The first line of some bytes, and how many bytes it has.
    pub fn of(bytes: &[u8]) -> Result<(Self, usize), String> {
        let line = bytes.iter().position(|byte| *byte == b'\n');
        let line = line.ok_or("it has no first line")?;
        let head: Self = serde_json::from_slice(&bytes[..line])
            .map_err(|error| format!("its first line is not Subako's: {error}"))?;
        if head.object > FORMAT {
            return Err(format!(
                "it has format {}, and this program knows format {FORMAT} only",
                head.object
            ));
        }
        Ok((head, line + 1))
    }
}

/// A nonce: 128 bits that no other write has.
pub(super) fn nonce() -> std::io::Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_back_as_it_was_written() {
        let plain = Head::new(3, "n".to_owned());
        let linked = Head {
            absent: true,
            link: Some(Link {
                does: Does::Open(7),
                start: Some(2),
            }),
            ..plain.clone()
        };
        for head in [plain, linked] {
            for content in [&b""[..], b"a\nb", b"\n"] {
                let bytes = head.with(content).expect("JSON");
                let (read, begins) = Head::of(&bytes).expect("a head");
                assert_eq!((&read, &bytes[begins..]), (&head, content));
                assert!((begins as u64) < LONGEST);
            }
        }
    }

    #[test]
    fn what_is_not_ours_and_what_is_newer_is_refused() {
        for bytes in [&b""[..], b"{}", b"{}\n", b"\xff\n"] {
            assert!(Head::of(bytes).is_err(), "{bytes:?}");
        }
        let newer = Head {
            object: FORMAT + 1,
            ..Head::new(0, String::new())
        };
        let why = Head::of(&newer.with(b"").expect("JSON")).expect_err("refused");
        assert!(why.contains("knows format 1 only"), "{why}");
    }

    #[test]
    fn no_two_nonces_are_the_same() {
        let one = nonce().expect("random");
        assert_eq!(one.len(), 32);
        assert_ne!(one, nonce().expect("random"));
    }
}
