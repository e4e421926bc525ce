//! Ports: of security group rules, and published by services.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use crate::manifest::decode::{Context, Decode, FromText, Malformed, Node, keywords, plain_schema};
use crate::manifest::error::{Code, ManifestError};
use crate::world::Port;

/// The ports of a rule: `80`, `"80"` or `"8000-8010"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports(pub Port);

/// The protocol of a published port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

keywords!(Transport, "\"tcp\" or \"udp\"", { "tcp" => Transport::Tcp, "udp" => Transport::Udp, });

plain_schema! {
    Ports => "Ports" { "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 65535 },
        { "type": "string", "pattern": "^[0-9]+(-[0-9]+)?$" },
    ] },
    Transport => "Transport" { "enum": ["tcp", "udp"] },
    ShortPorts => "ShortPorts" { "type": "string", "pattern": "^[0-9]+(-[0-9]+)?:[0-9]+(-[0-9]+)?(/(tcp|udp))?$" },
}

impl Transport {
    /// As the Engine API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

fn port(text: &str, least: u16) -> Result<u16, Malformed> {
    text.parse::<u16>()
        .ok()
        .filter(|port| *port >= least && text.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| {
            if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
                Malformed::new(format!("ports are numbers from {least} to 65535"))
            } else {
                Malformed::new(format!("\"{text}\" is not a port"))
            }
        })
}

fn range(text: &str, least: u16) -> Result<RangeInclusive<u16>, Malformed> {
    let Some((from, to)) = text.split_once('-') else {
        let port = port(text, least)?;
        return Ok(port..=port);
    };
    let (first, last) = (port(from.trim(), least)?, port(to.trim(), least)?);
    if first > last {
        return Err(Malformed::new("the first port is above the last")
            .help(format!("did you mean \"{last}-{first}\"?")));
    }
    Ok(first..=last)
}

impl Decode for Ports {
    const EXPECTED: &'static str = "a port or a range of ports such as \"8000-8010\"";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let text = match node.get_ref() {
            DeValue::Integer(int) if int.radix() == 10 => int.as_str().to_owned(),
            DeValue::String(text) => cx.interpolate(text, node.span().into())?,
            _ => {
                cx.wrong_type::<Self>(key, node);
                return None;
            }
        };
        match range(&text, 0) {
            Ok(ports) => Some(Self(Port {
                from: *ports.start(),
                to: *ports.end(),
            })),
            Err(malformed) => {
                cx.report(
                    ManifestError::new(Code::BadFormat, format!("`{key}` must be {}", Self::EXPECTED))
                        .at(node.span().into(), malformed.reason)
                        .maybe_help(malformed.help),
                );
                None
            }
        }
    }
}

/// `published:target[/protocol]`, each a port or a range, of equal lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortPorts {
    /// The ports on the nodes.
    pub published: RangeInclusive<u16>,
    /// The ports in the container.
    pub target: RangeInclusive<u16>,
    /// The protocol.
    pub transport: Transport,
}

impl FromText for ShortPorts {
    const FORM: &'static str = "\"published:target\", for example \"8080:80\"";

    fn meant(written: &str) -> Option<String> {
        Some(format!("{written}:{written}"))
    }

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let (ports, transport) = match text.split_once('/') {
            None => (text, Transport::Tcp),
            Some((ports, word)) => {
                let transport = Transport::from_text(&word.to_ascii_lowercase()).map_err(|_| {
                    Malformed::new(format!("\"{word}\" is not a protocol that can be published"))
                        .help(format!("write \"{ports}/tcp\" or \"{ports}/udp\""))
                })?;
                (ports, transport)
            }
        };
        let parts: Vec<&str> = ports.split(':').collect();
        let (published, target) = match parts[..] {
            [published, target] => (range(published, 1)?, range(target, 1)?),
            [only] => {
                range(only, 1)?;
                return Err(
                    Malformed::new("the published port is missing").help(format!("write \"{only}:{text}\""))
                );
            }
            [published, target, word] if Transport::from_text(word).is_ok() => {
                return Err(Malformed::new("the protocol follows a slash")
                    .help(format!("write \"{published}:{target}/{word}\"")));
            }
            [_, _, _] => {
                return Err(
                    Malformed::new("Swarm publishes on every address of a node, not on one").help(
                        "to keep it inside the cluster, publish nothing: services on the same [[network]] reach every port of each other by name",
                    ),
                );
            }
            _ => return Err(Malformed::new("too many colons")),
        };
        if published.len() != target.len() {
            return Err(Malformed::new(format!(
                "{} published against {} in the container",
                published.len(),
                target.len()
            ))
            .help("make both ranges the same length"));
        }
        Ok(Self {
            published,
            target,
            transport,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_ports_are_read_as_compose_writes_them() {
        let read = |text: &str| ShortPorts::from_text(text).expect(text);
        assert_eq!(read("8080:80").published, 8080..=8080);
        assert_eq!(read("53:53/UDP").transport, Transport::Udp);
        assert_eq!(read("8000-8002:9000-9002").target, 9000..=9002);
    }

    #[test]
    fn what_swarm_cannot_publish_is_refused() {
        for text in [
            "",
            "80",
            ":80",
            "0:80",
            "80:0",
            "127.0.0.1:80:80",
            "1:2:3:4",
            "80:80/sctp",
            "1-2:5",
            "5-1:5-1",
            "+80:80",
            "65536:1",
        ] {
            assert!(ShortPorts::from_text(text).is_err(), "{text}");
        }
        let help = ShortPorts::from_text("80/udp").expect_err("bad").help;
        assert_eq!(help.as_deref(), Some("write \"80:80/udp\""));
    }
}
