//! What came of a case.

use std::fmt::Write as _;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub property: &'static str,
    /// What kind of breach: the same for like causes, so without names and numbers.
    pub cause: String,
    /// What happened, in full.
    pub detail: String,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every promise was kept.
    Kept,
    /// The manifest is not one, as the edits left it.
    Invalid,
    /// The plan was refused, and why.
    Refused(String),
    /// A promise was broken.
    Broken(Violation),
}

impl Violation {
    /// Of a property; the cause is the detail without what differs between like ones.
    pub fn new(property: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            property,
            cause: plain(&detail),
            detail,
        }
    }

    /// Of a property and a cause.
    pub fn of(property: &'static str, cause: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            property,
            cause: cause.into(),
            detail: detail.into(),
        }
    }
}

/// A text without the names and numbers that differ between like ones: words with digits in them
/// and what is quoted become `…`, and an address keeps its kind.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        let bare = word
            .trim_end_matches([',', ':', ';', ')'])
            .trim_start_matches('(');
        let kind = bare.split_once('.').map_or("", |(kind, _)| kind);
        let address = matches!(
            kind,
            "instance"
                | "docker"
                | "member"
                | "network"
                | "service"
                | "secret"
                | "config"
                | "swarm"
                | "key_pair"
                | "security_group"
        );
        let exit = matches!(word, "3:" | "4:");
        let shown = match address || exit {
            true if exit => word.to_owned(),
            true => format!("{kind}.…"),
            false
                if super::generate::POOLS
                    .iter()
                    .any(|pool| bare.starts_with(pool) && bare.contains('-')) =>
            {
                "NODE".to_owned()
            }
            false if super::generate::SERVICES.contains(&bare) => "SERVICE".to_owned(),
            false if super::generate::NETWORKS.contains(&bare) => "NETWORK".to_owned(),
            false if bare.contains(|c: char| c.is_ascii_digit() || matches!(c, '"' | '\'' | '`')) => {
                "…".to_owned()
            }
            false => bare.to_owned(),
        };
        if !out.is_empty() {
            out.push(' ');
        }
        let _ = write!(out, "{shown}");
    }
    out.chars().take(160).collect()
}
