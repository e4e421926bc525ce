//! SHA-256, written `sha256:<64 hexadecimal digits>`.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest in its written form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self::of_parts([bytes])
    }

    /// The digest of some parts, one after the other.
    pub fn of_parts(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut writer = DigestWriter::default();
        for part in parts {
            writer.0.update(part.as_ref());
        }
        writer.finish()
    }

    /// The keyed digest (HMAC-SHA-256, RFC 2104) of some parts, for what can be guessed: without
    /// the key nobody can try guesses. Each part's length is part of what is digested.
    pub fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> Self {
        const BLOCK: usize = 64;
        // RFC 2104 fills a shorter key up with zeros; a key of a whole block cannot be refused.
        let mut block = [0; BLOCK];
        block[..key.len()].copy_from_slice(key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Self::written(mac.finalize().into_bytes())
    }

    fn written(bytes: impl IntoIterator<Item = u8>) -> Self {
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        for byte in bytes {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        Self(text)
    }

    /// The whole written form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hexadecimal digits alone.
    pub fn hex(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        self.hex().get(..12).unwrap_or(self.hex())
    }

    /// Whether `text` names this digest: whole, or its digits from the front, at least twelve.
    pub fn is_named_by(&self, text: &str) -> bool {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        digits.len() >= 12 && self.hex().starts_with(digits)
    }
}

/// Takes the digest of what is written to it.
#[derive(Default)]
pub struct DigestWriter(Sha256);

impl DigestWriter {
    /// The digest of everything written.
    pub fn finish(self) -> Digest {
        Digest::written(self.0.finalize())
    }
}

impl std::io::Write for DigestWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sha256:") {
            Some(hex)
                if hex.len() == 64
                    && hex
                        .bytes()
                        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(format!(
                "`{text}` is not a digest: expected `sha256:` and 64 hexadecimal digits"
            )),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_sha256() {
        assert_eq!(
            Digest::of("abc").as_str(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(Digest::of_parts(["a", "bc"]), Digest::of("abc"));
    }

    #[test]
    fn a_digest_is_named_by_twelve_digits_or_more() {
        let digest = Digest::of("abc");
        assert!(digest.is_named_by("ba7816bf8f01"));
        assert!(digest.is_named_by(digest.as_str()));
        assert!(!digest.is_named_by("ba7816bf8f0"));
        assert!(!digest.is_named_by("ca7816bf8f01"));
        assert_eq!(digest.short(), "ba7816bf8f01");
        assert!(digest.is_named_by(digest.short()));
    }

    #[test]
    fn what_is_written_is_digested_whole() {
        use std::io::Write as _;
        let mut writer = DigestWriter::default();
        assert_eq!(writer.write(b"abc").expect("written"), 3);
        writer.write_all(b"def").expect("written");
        writer.flush().expect("flushed");
        assert_eq!(writer.finish(), Digest::of("abcdef"));
    }

    #[test]
    fn only_the_written_form_is_a_digest() {
        let digest = Digest::of("abc");
        assert_eq!(digest.to_string().parse(), Ok(digest.clone()));
        assert_eq!(format!("{digest:?}"), digest.as_str());
        let hex = digest.hex();
        let upper = hex.to_uppercase();
        for text in [
            hex.to_owned(),
            "sha256:".to_owned(),
            format!("sha256:{}", &hex[1..]),
            format!("sha256:{hex}0"),
            format!("sha256:{upper}"),
            format!("sha256:g{}", &hex[1..]),
            format!("sha1:{hex}"),
        ] {
            let refused = text.parse::<Digest>().expect_err("not a digest");
            assert!(
                refused.starts_with(&format!("`{text}` is not a digest")),
                "{refused}"
            );
        }
    }
}
