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
