//! Which host key to expect, and what to say of another.

use std::borrow::Cow;
use std::path::Path;

use russh::Preferred;
use russh::keys::known_hosts::known_host_keys_path;
use russh::keys::{Algorithm, HashAlg, PublicKey};

/// Why a host key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HostKeyError {
    /// Another key was pinned.
    #[error(
        "the host key of {host} has changed: {expected} was pinned at first contact, {shown} is shown now"
    )]
    Changed {
        host: String,
        expected: String,
        shown: String,
    },
    /// known_hosts says nothing, and no key was pinned.
    #[error("{host} is not in {file}, and no key of it is pinned: it shows {shown}")]
    Unknown {
        host: String,
        file: String,
        shown: String,
    },
    /// known_hosts says otherwise.
    #[error("the host key of {host} is not the one in {file}: it shows {shown}")]
    Unlisted {
        host: String,
        file: String,
        shown: String,
    },
    /// known_hosts warns of this key.
    #[error("the host key of {host}, {shown}, is marked as revoked in {file}")]
    Revoked {
        host: String,
        file: String,
        shown: String,
    },
}

/// The key or keys that a host may show.
#[derive(Debug, Clone, Default)]
pub(super) struct Expectation {
    /// The host, for messages.
    host: String,
    /// The pinned key.
    pinned: Option<PublicKey>,
    /// known_hosts' file; empty where none is named. What it says of the host.
    file: String,
    listed: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
    /// Whether it is trusted though the file does not list it.
    is_new: bool,
}

impl Expectation {
    /// What is known of `host`, dialled as `address`. Fails when the pin or the file cannot be read.
    pub(super) fn new(
        host: &str,
        address: &str,
        port: u16,
        pinned: Option<&str>,
        known_hosts: Option<&Path>,
    ) -> Result<Self, String> {
        let mut expectation = Self {
            host: host.to_owned(),
            ..Self::default()
        };
        if let Some(line) = pinned {
            let key = PublicKey::from_openssh(line)
                .map_err(|error| format!("the pinned host key of {host} cannot be read: {error}"))?;
            expectation.pinned = Some(key);
        }
        if let Some(file) = known_hosts {
            let unreadable = |error: &dyn std::fmt::Display| {
                format!("the known_hosts file {} cannot be read: {error}", file.display())
            };
            let text = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
            expectation.file = file.display().to_string();
            expectation.listed = known_host_keys_path(address, port, file)
                .map_err(|error| unreadable(&error))?
                .into_iter()
                .map(|(_, key)| key)
                .collect();
            // A revoked key is refused whichever host shows it.
            expectation.revoked = text
                .lines()
                .filter_map(|line| line.strip_prefix("@revoked "))
                .filter_map(|line| line.trim_start().split_once(' '))
                .filter_map(|(_, key)| PublicKey::from_openssh(key.trim()).ok())
                .collect();
        }
        Ok(expectation)
    }

    /// Of a host that was just launched: nobody can have listed its key.
    #[must_use]
    pub(super) fn of_new(self, is_new: bool) -> Self {
        Self { is_new, ..self }
    }

    /// Whether the key shown is acceptable.
    pub(super) fn judge(&self, shown: &PublicKey) -> Result<(), HostKeyError> {
        // Comments are no part of a key, so `==` would not do.
        let same = |key: &PublicKey| key.key_data() == shown.key_data();
        if self.revoked.iter().any(same) {
            return Err(HostKeyError::Revoked {
                host: self.host.clone(),
                file: self.file.clone(),
                shown: print(shown),
            });
        }
        if let Some(pinned) = &self.pinned
            && !same(pinned)
        {
            return Err(HostKeyError::Changed {
                host: self.host.clone(),
                expected: print(pinned),
                shown: print(shown),
            });
        }
        // A file that is named is believed: a host that it does not list is not trusted on first use.
        let unknown = self.listed.is_empty() && self.pinned.is_none();
        if !self.file.is_empty() && unknown && !self.is_new {
            return Err(HostKeyError::Unknown {
                host: self.host.clone(),
                file: self.file.clone(),
                shown: print(shown),
            });
        }
        if !self.listed.is_empty() && !self.listed.iter().any(same) {
            return Err(HostKeyError::Unlisted {
                host: self.host.clone(),
                file: self.file.clone(),
                shown: print(shown),
            });
        }
        Ok(())
    }

    /// The algorithms to offer, those of the expected keys first: a host with several keys then
    /// shows the one we know. No SHA-1.
    pub(super) fn preferred(&self) -> Preferred {
        let expected: Vec<Algorithm> = self
            .pinned
            .iter()
            .chain(&self.listed)
            .map(PublicKey::algorithm)
            .collect();
        let sha1 = Algorithm::Rsa { hash: None };
        let mut order: Vec<Algorithm> = Preferred::DEFAULT
            .key
            .iter()
            .filter(|algorithm| **algorithm != sha1)
            .cloned()
            .collect();
        order.sort_by_key(|algorithm| !expected.iter().any(|key| family(key) == family(algorithm)));
        Preferred {
            key: Cow::Owned(order),
            ..Preferred::DEFAULT
        }
    }
}

/// An algorithm without its hash: `rsa-sha2-512` signs with an `ssh-rsa` key.
fn family(algorithm: &Algorithm) -> Algorithm {
    match algorithm {
        Algorithm::Rsa { .. } => Algorithm::Rsa { hash: None },
        other => other.clone(),
    }
}

/// A key as people compare it: its type and SHA-256 fingerprint.
fn print(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))
}

/// A key as it is pinned: one line `type base64`, without a comment.
pub(super) fn line(key: &PublicKey) -> Result<String, russh::Error> {
    Ok(PublicKey::new(key.key_data().clone(), "")
        .to_openssh()?
        .trim_end()
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOJyxEzUsQMYwmRbvN3SVM17DoxxA7PyIquJNt/zE5AG";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkjZF9B6weCQ2/PhOuYIXdoqqz0cga6PzG2Hia42TAS";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGH3ePsmVZRI2igUUwtzKu5bbq00V7r4IpoRDJ8r6i7c2lNDKYrkrRw8JlPk8mO7gXPikvmjbpDVtKPxdoYHKCE=";

    fn key(line: &str) -> PublicKey {
        PublicKey::from_openssh(line).unwrap()
    }

    fn known_hosts(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn any_key_is_accepted_at_first_contact() {
        let expectation = Expectation::new("manager-0", "10.0.0.5", 22, None, None).unwrap();
        assert_eq!(expectation.judge(&key(A)), Ok(()));
    }

    #[test]
    fn a_pinned_key_is_accepted_whatever_its_comment_and_any_other_refused() {
        let expectation = Expectation::new("manager-0", "10.0.0.5", 22, Some(A), None).unwrap();
        assert_eq!(expectation.judge(&key(&format!("{A} root@ip-10-0-0-5"))), Ok(()));
        let error = expectation.judge(&key(B)).unwrap_err().to_string();
        assert!(
            error.starts_with("the host key of manager-0 has changed: ssh-ed25519 SHA256:"),
            "{error}"
        );
    }

    #[test]
    fn known_hosts_is_matched_plain_with_a_port_and_hashed() {
        let plain = known_hosts(&format!("10.0.0.5 {A}\n"));
        let port = known_hosts(&format!("[10.0.0.5]:2222 {A}\n"));
        // HMAC-SHA1 of `example.com`, as `ssh-keygen -H` writes it.
        let hashed = known_hosts(&format!(
            "|1|Zy4vv7QVSgqz6qfmOxXy8aUVt4Y=|AWtWKf2AjcXnAiUarrZgfOT6uWg= {A}\n"
        ));
        for (file, address, number) in [
            (&plain, "10.0.0.5", 22),
            (&port, "10.0.0.5", 2222),
            (&hashed, "example.com", 22),
        ] {
            let expectation = Expectation::new("x", address, number, None, Some(file.path())).unwrap();
            assert_eq!(expectation.judge(&key(A)), Ok(()));
            assert!(matches!(
                expectation.judge(&key(B)),
                Err(HostKeyError::Unlisted { .. })
            ));
        }
    }

    #[test]
    fn a_host_that_a_named_file_does_not_list_is_refused_unless_its_key_is_pinned() {
        let file = known_hosts(&format!("10.0.0.5 {A}\n"));
        let other = |pinned| Expectation::new("x", "10.0.0.6", 22, pinned, Some(file.path())).unwrap();
        assert!(matches!(
            other(None).judge(&key(B)),
            Err(HostKeyError::Unknown { .. })
        ));
        assert_eq!(other(Some(B)).judge(&key(B)), Ok(()));
        assert!(matches!(
            other(Some(A)).judge(&key(B)),
            Err(HostKeyError::Changed { .. })
        ));
        let empty = known_hosts("");
        let expectation = Expectation::new("x", "10.0.0.5", 22, None, Some(empty.path())).unwrap();
        assert!(expectation.judge(&key(A)).is_err());
    }

    #[test]
    fn a_new_host_is_trusted_though_no_file_lists_it_but_not_as_another_that_is_listed() {
        let file = known_hosts(&format!("10.0.0.5 {A}\n@revoked * {ECDSA}\n"));
        let new = |address| {
            let expectation = Expectation::new("x", address, 22, None, Some(file.path())).unwrap();
            expectation.of_new(true)
        };
        assert_eq!(new("10.0.0.6").judge(&key(B)), Ok(()));
        assert!(matches!(
            new("10.0.0.5").judge(&key(B)),
            Err(HostKeyError::Unlisted { .. })
        ));
        assert!(matches!(
            new("10.0.0.6").judge(&key(ECDSA)),
            Err(HostKeyError::Revoked { .. })
        ));
    }

    #[test]
    fn a_revoked_key_is_refused_for_every_host() {
        let file = known_hosts(&format!("@revoked * {A}\n10.0.0.5 {B}\n"));
        let expectation = Expectation::new("x", "10.0.0.5", 22, None, Some(file.path())).unwrap();
        assert!(matches!(
            expectation.judge(&key(A)),
            Err(HostKeyError::Revoked { .. })
        ));
        assert_eq!(expectation.judge(&key(B)), Ok(()));
    }

    #[test]
    fn a_missing_known_hosts_file_and_a_torn_pin_are_errors() {
        assert!(Expectation::new("x", "h", 22, None, Some(Path::new("/nonexistent/known_hosts"))).is_err());
        assert!(Expectation::new("x", "h", 22, Some("ssh-ed25519 AAAA"), None).is_err());
    }

    #[test]
    fn the_algorithm_of_the_known_key_is_offered_first_and_sha1_never() {
        let expectation = Expectation::new("x", "h", 22, Some(ECDSA), None).unwrap();
        let order = expectation.preferred().key;
        assert_eq!(order[0], key(ECDSA).algorithm());
        assert_eq!(order[1], Algorithm::Ed25519);
        assert!(!order.contains(&Algorithm::Rsa { hash: None }));
    }

    #[test]
    fn a_pin_is_one_line_without_comment_that_reads_back() {
        let written = line(&key(&format!("{A} comment"))).unwrap();
        assert_eq!(written, A);
    }
}
