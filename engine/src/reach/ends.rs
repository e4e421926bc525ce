//! The two ends of a path, as people name them.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::world::Protocol;

/// Where a path begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Anybody on the internet.
    Internet,
    /// One address.
    Address(Ipv4Addr),
    /// A node.
    Node(String),
    /// The containers of a service.
    Service(String),
}

/// Where it is to lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A port of a node.
    Node {
        /// Its name.
        name: String,
        /// `tcp` or `udp`.
        protocol: Protocol,
        /// The port.
        port: u16,
    },
    /// A service.
    Service {
        /// Its name.
        name: String,
        /// The published port; `None` for the first.
        port: Option<u16>,
    },
}

/// A text that names no end of a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEnd {
    /// No beginning.
    #[error(
        "`{0}` is nothing to start from: give internet, an IPv4 address, a node such as manager-0, or service.NAME"
    )]
    Origin(String),
    /// No goal.
    #[error(
        "`{0}` is nothing to arrive at: give NODE:PORT, NODE:PORT/udp, service.NAME or service.NAME:PORT"
    )]
    Target(String),
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '/', ' '])
}

impl FromStr for Origin {
    type Err = BadEnd;

    fn from_str(text: &str) -> Result<Self, BadEnd> {
        if text == "internet" {
            return Ok(Self::Internet);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        match text.split_once('.') {
            Some(("service", name)) if is_name(name) => Ok(Self::Service(name.to_owned())),
            Some(("instance" | "member", name)) if is_name(name) => Ok(Self::Node(name.to_owned())),
            None if is_name(text) => Ok(Self::Node(text.to_owned())),
            _ => Err(BadEnd::Origin(text.to_owned())),
        }
    }
}

impl FromStr for Target {
    type Err = BadEnd;

    fn from_str(text: &str) -> Result<Self, BadEnd> {
        let bad = || BadEnd::Target(text.to_owned());
        let (end, port) = match text.rsplit_once(':') {
            Some((end, port)) => (end, Some(port)),
            None => (text, None),
        };
        if let Some(name) = end.strip_prefix("service.") {
            let port = port.map(|port| port.parse().map_err(|_| bad())).transpose()?;
            let name = name.to_owned();
            return if is_name(&name) {
                Ok(Self::Service { name, port })
            } else {
                Err(bad())
            };
        }
        let name = end
            .strip_prefix("instance.")
            .or_else(|| end.strip_prefix("member."))
            .unwrap_or(end);
        let port = port.ok_or_else(bad)?;
        let (port, protocol) = match port.split_once('/') {
            None => (port, Protocol::Tcp),
            Some((port, "tcp")) => (port, Protocol::Tcp),
            Some((port, "udp")) => (port, Protocol::Udp),
            Some(_) => return Err(bad()),
        };
        if !is_name(name) || name.contains('.') {
            return Err(bad());
        }
        Ok(Self::Node {
            name: name.to_owned(),
            protocol,
            port: port.parse().map_err(|_| bad())?,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internet => f.write_str("the internet"),
            Self::Address(address) => address.fmt(f),
            Self::Node(name) => f.write_str(name),
            Self::Service(name) => write!(f, "service.{name}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { name, protocol, port } => write!(f, "{name}:{port}/{protocol}"),
            Self::Service { name, port: None } => write!(f, "service.{name}"),
            Self::Service {
                name,
                port: Some(port),
            } => write!(f, "service.{name}:{port}"),
        }
    }
}
