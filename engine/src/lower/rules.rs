//! Which traffic the security group lets in: the least that the manifest needs.

use crate::kinds::sort_rules;
use crate::manifest::Manifest;
use crate::world::{Endpoint, Port, Protocol, Rule, Source};

/// What EC2 allows in a description, beside letters and digits (API reference, IpRange).
const PUNCTUATION: &str = " ._-:/()#,@[]+=&;{}!$*";
/// The longest description, characters.
const LONGEST: usize = 255;

fn rule(description: &str, protocol: Protocol, ports: (u16, u16), source: Source) -> Rule {
    let description = description
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || PUNCTUATION.contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(LONGEST)
        .collect();
    Rule {
        description,
        ports: Port {
            from: ports.0,
            to: ports.1,
        },
        protocol,
        source,
    }
}

/// The rules, in the order of [`sort_rules`]. Of two with the same traffic the first of these
/// gives the description: SSH, the swarm's own, published ports, further ones.
pub(super) fn rules(manifest: &Manifest) -> Vec<Rule> {
    let group = &manifest.security_group;
    let mut rules = Vec::new();
    for cidr in &group.ssh_from {
        let port = (manifest.ssh.port, manifest.ssh.port);
        rules.push(rule("ssh", Protocol::Tcp, port, Source::Cidr(cidr.clone())));
    }
    // docs.docker.com, "Open protocols and ports between the hosts".
    for (description, protocol, port) in [
        ("swarm management", Protocol::Tcp, 2377),
        ("swarm gossip", Protocol::Tcp, 7946),
        ("swarm gossip", Protocol::Udp, 7946),
        ("overlay networks", Protocol::Udp, 4789),
    ] {
        rules.push(rule(description, protocol, (port, port), Source::SelfGroup));
    }
    if manifest.networks.iter().any(|network| network.encrypted) {
        let every = (u16::MIN, u16::MAX);
        rules.push(rule(
            "encrypted overlay networks",
            Protocol::Esp,
            every,
            Source::SelfGroup,
        ));
    }
    for service in &manifest.services {
        for (protocol, ports) in runs(&service.spec.ports) {
            let description = format!("service {}", service.spec.name);
            for cidr in &group.publish_to {
                rules.push(rule(&description, protocol, ports, Source::Cidr(cidr.clone())));
            }
        }
    }
    for extra in &group.ingress {
        let ports = (extra.ports.from, extra.ports.to);
        rules.push(rule(
            &extra.description,
            extra.protocol,
            ports,
            extra.source.clone(),
        ));
    }
    sort_rules(&mut rules);
    rules
}

/// The published ports of a service, each run of neighbours as one range.
fn runs(endpoints: &[Endpoint]) -> Vec<(Protocol, (u16, u16))> {
    let mut ports: Vec<(Protocol, u16)> = endpoints
        .iter()
        .map(|endpoint| match endpoint.protocol.as_str() {
            "udp" => (Protocol::Udp, endpoint.published),
            _ => (Protocol::Tcp, endpoint.published),
        })
        .collect();
    ports.sort_unstable();
    let mut runs: Vec<(Protocol, (u16, u16))> = Vec::new();
    for (protocol, port) in ports {
        match runs.last_mut() {
            Some((of, (_, last))) if *of == protocol && port.saturating_sub(*last) <= 1 => *last = port,
            _ => runs.push((protocol, (port, port))),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::testing;

    fn shown(manifest: &Manifest) -> Vec<String> {
        rules(manifest)
            .iter()
            .map(|r| {
                format!(
                    "{} {}-{} {}: {}",
                    r.protocol, r.ports.from, r.ports.to, r.source, r.description
                )
            })
            .collect()
    }

    #[test]
    fn the_rules_are_the_least_that_the_manifest_needs() {
        assert_eq!(
            shown(&testing::sandbox()),
            [
                "tcp 22-22 203.0.113.7/32: ssh",
                "tcp 80-80 0.0.0.0/0: service reply",
                "tcp 2377-2377 the group itself: swarm management",
                "tcp 7946-7946 the group itself: swarm gossip",
                "tcp 8080-8080 0.0.0.0/0: service reply2",
                "udp 4789-4789 the group itself: overlay networks",
                "udp 7946-7946 the group itself: swarm gossip",
            ]
        );
    }

    #[test]
    fn ssh_is_let_in_on_the_port_that_is_dialled() {
        let mut manifest = testing::sandbox();
        manifest.ssh.port = 2222;
        assert!(shown(&manifest).contains(&"tcp 2222-2222 203.0.113.7/32: ssh".to_owned()));
        assert!(!shown(&manifest).iter().any(|rule| rule.starts_with("tcp 22-22")));
    }

    #[test]
    fn a_range_of_published_ports_is_one_rule() {
        let mut manifest = testing::sandbox();
        let first = manifest.services[0].spec.ports[0].clone();
        let more = (81..=99).map(|published| Endpoint {
            published,
            target: published,
            ..first.clone()
        });
        manifest.services[0].spec.ports.extend(more);
        assert!(shown(&manifest).contains(&"tcp 80-99 0.0.0.0/0: service reply".to_owned()));
        assert_eq!(shown(&manifest).len(), 7);
    }

    #[test]
    fn esp_is_let_in_only_where_a_network_is_encrypted() {
        let mut manifest = testing::sandbox();
        manifest.networks[0].encrypted = true;
        assert!(
            shown(&manifest).contains(&"esp 0-65535 the group itself: encrypted overlay networks".to_owned())
        );
    }

    #[test]
    fn a_further_rule_for_the_same_traffic_is_no_second_rule() {
        let mut manifest = testing::sandbox();
        manifest.security_group.ingress = vec![
            rule(
                "a “second” web",
                Protocol::Tcp,
                (80, 80),
                Source::Cidr("0.0.0.0/0".into()),
            ),
            rule(
                "naïve",
                Protocol::Tcp,
                (8000, 8010),
                Source::Cidr("10.0.0.0/8".into()),
            ),
        ];
        let shown = shown(&manifest);
        assert_eq!(shown.len(), 8);
        assert!(shown.contains(&"tcp 8000-8010 10.0.0.0/8: na-ve".to_owned()));
        assert!(shown.contains(&"tcp 80-80 0.0.0.0/0: service reply".to_owned()));
    }
}
