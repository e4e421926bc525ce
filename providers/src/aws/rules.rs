//! Rules between the seam and EC2's `IpPermission`.
//!
//! What the seam has no word for still has to show as drift and to be revocable: a prefix list
//! stands as its id in [`Source::Cidr`], an IP protocol without a name as [`Protocol::All`] with its
//! number in both ports.

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use subako_world::{Port, Protocol, Rule, Source};

/// EC2 ignores the ports of a protocol that has none, others that speak its API want some.
const NO_PORTS: Option<(i32, i32)> = Some((-1, -1));
const EVERY_PORT: Port = Port { from: 0, to: 65535 };

/// A rule as EC2 wants it. Without `describe` it only says which traffic, as a revoke does.
pub(super) fn permission(rule: &Rule, group_id: &str, describe: bool) -> IpPermission {
    let (protocol, ports) = match rule.protocol {
        Protocol::Tcp => (
            "tcp".to_owned(),
            Some((rule.ports.from.into(), rule.ports.to.into())),
        ),
        Protocol::Udp => (
            "udp".to_owned(),
            Some((rule.ports.from.into(), rule.ports.to.into())),
        ),
        Protocol::Icmp => ("icmp".to_owned(), Some(icmp_numbers(rule.ports))),
        Protocol::Esp => ("50".to_owned(), NO_PORTS),
        Protocol::All if rule.ports.from == rule.ports.to => (rule.ports.from.to_string(), NO_PORTS),
        Protocol::All => ("-1".to_owned(), None),
    };
    let text = (describe && !rule.description.is_empty()).then(|| rule.description.clone());
    let permission = IpPermission::builder()
        .ip_protocol(protocol)
        .set_from_port(ports.map(|(from, _)| from))
        .set_to_port(ports.map(|(_, to)| to));
    let group = |id: &str| {
        UserIdGroupPair::builder()
            .group_id(id)
            .set_description(text.clone())
            .build()
    };
    match &rule.source {
        Source::SelfGroup => permission.user_id_group_pairs(group(group_id)),
        Source::Group(id) => permission.user_id_group_pairs(group(id)),
        Source::Cidr(id) if id.starts_with("pl-") => permission.prefix_list_ids(
            PrefixListId::builder()
                .prefix_list_id(id)
                .set_description(text)
                .build(),
        ),
        Source::Cidr(range) if range.contains(':') => permission.ipv6_ranges(
            Ipv6Range::builder()
                .cidr_ipv6(range)
                .set_description(text)
                .build(),
        ),
        Source::Cidr(range) => {
            permission.ip_ranges(IpRange::builder().cidr_ip(range).set_description(text).build())
        }
    }
    .build()
}

/// A group's rules, one a source, sorted.
pub(super) fn rules(permissions: &[IpPermission], group_id: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = permissions
        .iter()
        .flat_map(|permission| {
            let (protocol, ports) = traffic(permission);
            sources(permission, group_id)
                .into_iter()
                .map(move |(source, description)| Rule {
                    description,
                    ports,
                    protocol,
                    source,
                })
        })
        .collect();
    rules.sort();
    rules
}

fn traffic(permission: &IpPermission) -> (Protocol, Port) {
    let from = permission.from_port();
    let to = permission.to_port();
    let ports = Port {
        from: port(from, 0),
        to: port(to, u16::MAX),
    };
    match permission.ip_protocol().unwrap_or("-1") {
        "tcp" | "6" => (Protocol::Tcp, ports),
        "udp" | "17" => (Protocol::Udp, ports),
        "icmp" | "1" => (Protocol::Icmp, ports),
        "esp" | "50" => (Protocol::Esp, EVERY_PORT),
        "-1" => (Protocol::All, EVERY_PORT),
        other => {
            let number = match other {
                "icmpv6" => 58,
                number => number.parse().unwrap_or(u16::MAX),
            };
            (
                Protocol::All,
                Port {
                    from: number,
                    to: number,
                },
            )
        }
    }
}

/// A port, or a type or code of ICMP; -1 stands for all.
fn port(number: Option<i32>, all: u16) -> u16 {
    number.and_then(|n| u16::try_from(n).ok()).unwrap_or(all)
}

fn icmp_numbers(ports: Port) -> (i32, i32) {
    let kind = if ports == EVERY_PORT {
        -1
    } else {
        ports.from.into()
    };
    let code = if ports.to == u16::MAX { -1 } else { ports.to.into() };
    (kind, code)
}

fn sources(permission: &IpPermission, group_id: &str) -> Vec<(Source, String)> {
    let text = |description: Option<&str>| description.unwrap_or_default().to_owned();
    let mut sources = Vec::new();
    for range in permission.ip_ranges() {
        let cidr = range.cidr_ip().unwrap_or_default().to_owned();
        sources.push((Source::Cidr(cidr), text(range.description())));
    }
    for range in permission.ipv6_ranges() {
        let cidr = range.cidr_ipv6().unwrap_or_default().to_owned();
        sources.push((Source::Cidr(cidr), text(range.description())));
    }
    for list in permission.prefix_list_ids() {
        let id = list.prefix_list_id().unwrap_or_default().to_owned();
        sources.push((Source::Cidr(id), text(list.description())));
    }
    for pair in permission.user_id_group_pairs() {
        let id = pair.group_id().unwrap_or_default();
        let source = if id == group_id {
            Source::SelfGroup
        } else {
            Source::Group(id.to_owned())
        };
        sources.push((source, text(pair.description())));
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: Protocol, from: u16, to: u16, source: Source) -> Rule {
        Rule {
            description: "what for".to_owned(),
            ports: Port { from, to },
            protocol,
            source,
        }
    }

    #[test]
    fn every_kind_of_rule_comes_back_as_it_was_sent() {
        let cidr = |text: &str| Source::Cidr(text.to_owned());
        for rule in [
            rule(Protocol::Tcp, 22, 22, cidr("203.0.113.7/32")),
            rule(Protocol::Tcp, 2377, 2377, Source::SelfGroup),
            rule(Protocol::Udp, 8000, 8010, cidr("2001:db8::/32")),
            rule(Protocol::Icmp, 0, 65535, cidr("10.0.0.0/8")),
            rule(Protocol::Icmp, 8, 65535, cidr("10.0.0.0/8")),
            rule(Protocol::Icmp, 3, 4, cidr("10.0.0.0/8")),
            rule(Protocol::Esp, 0, 65535, Source::SelfGroup),
            rule(Protocol::All, 0, 65535, Source::Group("sg-0123".to_owned())),
            rule(Protocol::All, 47, 47, cidr("pl-0123")),
        ] {
            let sent = permission(&rule, "sg-own", true);
            assert_eq!(rules(&[sent], "sg-own"), [rule]);
        }
    }

    #[test]
    fn a_rule_with_several_sources_is_several_rules() {
        let both = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(80)
            .to_port(80)
            .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
            .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build())
            .build();
        let sources: Vec<String> = rules(&[both], "sg-own")
            .iter()
            .map(|rule| rule.source.to_string())
            .collect();
        assert_eq!(sources, ["0.0.0.0/0", "::/0"]);
    }
}
