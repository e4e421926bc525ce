//! What `[ssh]` and `[swarm]` name: users, bastions, versions.

use std::net::Ipv6Addr;

use crate::manifest::decode::{FromText, Malformed, plain_schema};

/// A login name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(pub String);

/// A bastion, `[user@]host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jump {
    /// The user; `None` for that of `[ssh]`.
    pub user: Option<String>,
    /// The host, and its port if one is given: `bastion.example.com:2222`.
    pub host: String,
}

/// A version of the Docker Engine, `25.0` or `25.0.8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion(pub String);

/// A text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainText(pub String);

plain_schema! {
    UserName => "UserName" { "type": "string", "pattern": "^[a-z_][a-z0-9_.-]*$", "maxLength": 32 },
    Jump => "Jump" { "type": "string", "pattern": "^([^@\\s]+@)?[^@\\s]+$" },
    EngineVersion => "EngineVersion" { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+){0,2}$" },
    PlainText => "PlainText" { "type": "string", "minLength": 1 },
}

impl FromText for UserName {
    const FORM: &'static str = "a login name such as \"ec2-user\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
        let first = |c: char| c.is_ascii_lowercase() || c == '_';
        if text.len() > 32 || !text.starts_with(first) || !text.chars().all(allowed) {
            return Err(Malformed::new("Linux has no such names").help(
                "a login name is lower-case letters, digits, `_`, `-` and `.`, and begins with a letter",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromText for Jump {
    const FORM: &'static str = "a bastion such as \"user@host\" or \"user@host:2222\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        if let Some(rest) = text.strip_prefix("ssh://") {
            return Err(Malformed::new("this is a URL").help(format!("write \"{rest}\"")));
        }
        let (user, host) = text
            .split_once('@')
            .map_or((None, text), |(user, host)| (Some(user), host));
        if let Some(user) = user {
            UserName::from_text(user).map_err(|m| Malformed {
                reason: format!("\"{user}\" is not a login name"),
                ..m
            })?;
        }
        let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((v6, rest)) => {
                v6.parse::<Ipv6Addr>()
                    .map_err(|_| Malformed::new(format!("\"{v6}\" is not an IPv6 address")))?;
                // Without a colon, what follows the bracket is no port and fails as one.
                (
                    "",
                    if rest.is_empty() {
                        None
                    } else {
                        Some(rest.strip_prefix(':').unwrap_or(""))
                    },
                )
            }
            None if host.parse::<Ipv6Addr>().is_ok() => {
                return Err(
                    Malformed::new("an IPv6 address needs brackets here").help(format!("write \"[{host}]\""))
                );
            }
            None => host
                .split_once(':')
                .map_or((host, None), |(name, port)| (name, Some(port))),
        };
        if !host.starts_with('[') {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if name.is_empty() || name.starts_with('-') || !name.chars().all(allowed) {
                return Err(Malformed::new(format!("\"{name}\" is not a host")));
            }
        }
        if port.is_some_and(|port| port.parse::<u16>().is_ok_and(|p| p > 0).eq(&false)) {
            return Err(Malformed::new("what follows the colon is not a port"));
        }
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
        })
    }
}

impl FromText for EngineVersion {
    const FORM: &'static str = "a version of the Docker Engine such as \"25.0\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let parts: Vec<_> = text.split('.').collect();
        let number =
            |part: &&str| !part.is_empty() && part.len() < 6 && part.bytes().all(|b| b.is_ascii_digit());
        if parts.len() > 3 || !parts.iter().all(number) {
            return Err(Malformed::new(
                "a version is up to three numbers with dots between them",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromText for PlainText {
    const FORM: &'static str = "a text";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        if text.trim().is_empty() {
            return Err(Malformed::new("this is empty").help("write something, or leave the key out"));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bastion_is_a_host_with_or_without_user_and_port() {
        for text in [
            "host",
            "me@host",
            "me@host:2222",
            "me@10.0.0.1",
            "me@[::1]:22",
            "[::1]",
        ] {
            assert!(Jump::from_text(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "@host",
            "me@",
            "me@host:",
            "me@host:0",
            "me@host:x",
            "a b@h",
            "me@ho st",
            "ssh://h",
            "::1",
            "me@-oProxyCommand=x",
            "[::1]22",
            "[x]:1",
        ] {
            assert!(Jump::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_version_is_up_to_three_numbers() {
        assert!(EngineVersion::from_text("25.0.8").is_ok());
        assert!(EngineVersion::from_text("v25").is_err());
        assert!(EngineVersion::from_text("25.").is_err());
    }
}
