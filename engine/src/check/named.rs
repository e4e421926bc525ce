//! Services that name each other and share no network.

use std::collections::{BTreeMap, BTreeSet};

use subako_state::Address;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::manifest::Service;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "named",
        category: Category::Network,
        documentation: "A service is found by its name only on a network that both are on (Docker: \"Manage swarm service networks\").",
    },
    look,
};

/// Services that speak of another one as of a host, in their environment or command, and are on no
/// network with it.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    // Names and aliases, each with the networks on which it is found.
    let mut found_on: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for service in &manifest.services {
        let networks = || service.spec.networks.iter();
        found_on
            .entry(&service.spec.name)
            .or_default()
            .extend(networks().map(|network| network.name.as_str()));
        for network in networks() {
            for alias in &network.aliases {
                found_on.entry(alias).or_default().insert(&network.name);
            }
        }
    }
    let mut findings = Vec::new();
    for service in &manifest.services {
        let own: BTreeSet<&str> = service
            .spec
            .networks
            .iter()
            .map(|network| network.name.as_str())
            .collect();
        for (host, place) in hosts(service) {
            let lost = found_on
                .get(host)
                .is_some_and(|networks| host != service.spec.name && own.is_disjoint(networks));
            if lost {
                let name = &service.spec.name;
                let message = format!("{name} speaks of {host} in its {place}, and is on no network with it");
                findings.push(
                    Finding::new(Severity::Warning, &CHECK.about, message)
                        .about(Address::new("service", name))
                        .with_remedy(format!("put {name} and {host} on one [[network]]"))
                        .at("service", name, place),
                );
            }
        }
    }
    findings
}

/// What a service speaks of as hosts, each once, with the key that it stands in.
fn hosts(service: &Service) -> BTreeSet<(&str, &'static str)> {
    let spec = &service.spec;
    let mut hosts = BTreeSet::new();
    for (name, value) in &spec.environment {
        hosts.extend(hosts_in(value).map(|host| (host, "environment")));
        // DB_HOST=db
        let says_host = name
            .split('_')
            .any(|word| matches!(word, "HOST" | "HOSTNAME" | "SERVER"));
        hosts.extend(says_host.then_some((value.as_str(), "environment")));
    }
    for word in &spec.command {
        hosts.extend(hosts_in(word).map(|host| (host, "command")));
    }
    for word in &spec.entrypoint {
        hosts.extend(hosts_in(word).map(|host| (host, "entrypoint")));
    }
    hosts
}

/// The hosts in a text: what stands before a colon and a port, or after `//` or `@`.
fn hosts_in(text: &str) -> impl Iterator<Item = &str> {
    let is_no_authority = |c: char| c == '/' || c == ',' || c.is_whitespace();
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut rest = 0;
    std::iter::from_fn(move || {
        loop {
            let start = rest + text[rest..].find(is_in_name)?;
            let end = text[start..]
                .find(|c| !is_in_name(c))
                .map_or(text.len(), |length| start + length);
            rest = end;
            let (before, after) = (&text[..start], &text[end..]);
            let port = after
                .strip_prefix(':')
                .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
            // Who logs in stands before the host.
            let is_user = before.ends_with("//")
                && after
                    .split(is_no_authority)
                    .next()
                    .unwrap_or_default()
                    .contains('@');
            if !is_user && (port || before.ends_with("//") || before.ends_with('@')) {
                return Some(&text[start..end]);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::hosts_in;
    use crate::check::testing::{Case, manifest, only};

    fn found(web: &str, db: &str) -> Vec<crate::check::Finding> {
        let services = format!(
            "[[network]]\nname = \"back\"\n[[network]]\nname = \"front\"\n\
             [[service]]\nname = \"db\"\nimage = \"postgres:17\"\n{db}\n\
             [[service]]\nname = \"web\"\nimage = \"nginx:1\"\n{web}\n"
        );
        Case::of(&manifest(&services)).findings("named")
    }

    #[test]
    fn hosts_stand_before_ports_and_after_slashes_and_ats() {
        for (text, hosts) in [
            ("postgres://user:secret@db:5432/app", vec!["db"]),
            ("http://api/v1", vec!["api"]),
            ("a:1,b-c:22, d.e:3", vec!["a", "b-c", "d.e"]),
            ("just words, key:value and db", vec![]),
            ("ü//db", vec!["db"]),
            ("", vec![]),
        ] {
            assert_eq!(hosts_in(text).collect::<Vec<_>>(), hosts, "{text}");
        }
    }

    #[test]
    fn a_service_that_is_named_where_it_cannot_be_found_is_said_once() {
        for web in [
            "environment = { A = \"postgres://u@db:5432/x\", B = \"tcp://db:5432\" }",
            "environment = { DB_HOST = \"db\" }\nnetworks = [\"front\"]",
        ] {
            assert_eq!(
                only(&found(web, "networks = [\"back\"]")),
                "Warning 30 service web environment: web speaks of db in its environment, and is on no network with it",
                "{web}"
            );
        }
        let command = only(&found("command = [\"wait-for\", \"db:5432\"]", ""));
        assert!(command.contains("in its command"), "{command}");
    }

    #[test]
    fn a_shared_network_an_alias_and_words_that_are_no_hosts_are_fine() {
        let back = "networks = [\"back\"]";
        assert_eq!(
            found(&format!("environment = {{ A = \"db:5432\" }}\n{back}"), back),
            []
        );
        assert_eq!(found("environment = { A = \"db\", MODE = \"db\" }", back), []);
        assert_eq!(found("environment = { A = \"web:80\" }", back), []);
        assert_eq!(found("environment = { A = \"elsewhere:80\" }", back), []);
    }
}
