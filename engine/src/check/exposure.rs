//! Who can reach the hosts.

use serde::Deserialize;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::world::{Protocol, Rule, Source};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "exposure",
        category: Category::Security,
        documentation: "Port 22 is for those who administer the hosts, and 2377 for the nodes alone (Docker: \"Open protocols and ports between the hosts\").",
    },
    look,
};

#[derive(Deserialize)]
struct SecurityGroup {
    #[serde(default)]
    rules: Vec<Rule>,
}

/// SSH open to everyone, and swarm management open to anyone but the group itself.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for wanted in checked
        .desired
        .resources
        .iter()
        .filter(|w| w.address.kind() == "security_group")
    {
        let Ok(group) = wanted.spec.decode::<SecurityGroup>() else {
            continue;
        };
        for rule in &group.rules {
            let Source::Cidr(cidr) = &rule.source else {
                continue;
            };
            let tcp = matches!(rule.protocol, Protocol::Tcp | Protocol::All);
            let holds = |port: u16| rule.ports.from <= port && port <= rule.ports.to;
            if tcp && holds(22) && cidr.ends_with("/0") {
                findings.push(
                    Finding::new(
                        Severity::Warning,
                        &CHECK.about,
                        format!("SSH is open to the whole world ({cidr})"),
                    )
                    .about(wanted.address.clone())
                    .with_remedy("set ssh_from to your own address, for example [\"203.0.113.7/32\"]"),
                );
            }
            if tcp && holds(2377) {
                findings.push(
                    Finding::new(
                        Severity::Warning,
                        &CHECK.about,
                        format!("swarm management (2377/tcp) is open to {cidr}"),
                    )
                    .about(wanted.address.clone())
                    .with_remedy(
                        "nodes reach it through the group itself; leave 2377 out of the extra rules",
                    ),
                );
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest};

    const FROM: &str = "ssh_from = \"198.51.100.7/32\"";

    fn said(group: &str) -> Vec<String> {
        let found = Case::of(&manifest("").replace(FROM, group)).findings("exposure");
        assert!(found.iter().all(|finding| finding.remedy.is_some()), "{found:#?}");
        let said = found.into_iter().map(|finding| {
            let place = finding.place.expect("a place");
            format!(
                "{:?} {} {}: {}",
                finding.severity, place.line, place.path, finding.message
            )
        });
        said.collect()
    }

    #[test]
    fn a_port_for_few_that_many_can_reach_is_said() {
        let ssh = "Warning 5 security_group: SSH is open to the whole world (0.0.0.0/0)";
        let swarm =
            |from: &str| format!("Warning 5 security_group: swarm management (2377/tcp) is open to {from}");
        assert_eq!(said(FROM), [""; 0]);
        assert_eq!(said("ssh_from = \"0.0.0.0/0\""), [ssh]);
        let rule = |protocol: &str, ports: &str, from: &str| {
            let ports = if ports.is_empty() {
                String::new()
            } else {
                format!(", ports = {ports}")
            };
            said(&format!(
                "{FROM}\ningress = [{{ protocol = \"{protocol}\"{ports}, from = \"{from}\" }}]"
            ))
        };
        let (all, few) = ("0.0.0.0/0", "10.0.0.0/8");
        for ports in ["22", "\"20-22\"", "\"22-30\"", "\"20-30\""] {
            assert_eq!(rule("tcp", ports, all), [ssh], "{ports}");
            assert_eq!(rule("tcp", ports, few), [""; 0], "{ports}");
            assert_eq!(rule("udp", ports, all), [""; 0], "{ports}");
        }
        for ports in ["\"10-21\"", "\"23-2376\"", "\"2378-65535\""] {
            assert_eq!(rule("tcp", ports, all), [""; 0], "{ports}");
        }
        for ports in ["2377", "\"2300-2377\"", "\"2377-2400\""] {
            assert_eq!(rule("tcp", ports, few), [swarm(few)], "{ports}");
            assert_eq!(rule("udp", ports, few), [""; 0], "{ports}");
        }
        assert_eq!(rule("all", "", few), [swarm(few)]);
        assert_eq!(rule("all", "", all), [ssh.to_owned(), swarm(all)]);
        assert_eq!(rule("icmp", "", all), [""; 0]);
    }
}
