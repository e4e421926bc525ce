//! Published ports.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::world::{Endpoint, PublishMode};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "ports",
        category: Category::Network,
        documentation: "A port published through the routing mesh belongs to one service of the swarm.",
    },
    look,
};

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    ports: Vec<Endpoint>,
}

/// A port published through the routing mesh belongs to one service of the swarm.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let mut claimed: BTreeMap<(u16, String), &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for wanted in checked
        .desired
        .resources
        .iter()
        .filter(|w| w.address.kind() == "service")
    {
        let Ok(service) = wanted.spec.decode::<Service>() else {
            continue;
        };
        for port in service
            .ports
            .into_iter()
            .filter(|p| p.mode == PublishMode::Ingress)
        {
            let key = (port.published, port.protocol);
            if let Some(other) = claimed.get(&key) {
                findings.push(
                    Finding::new(
                        Severity::Error,
                        &CHECK.about,
                        format!("port {}/{} is published by service.{other} already", key.0, key.1),
                    )
                    .about(wanted.address.clone())
                    .with_remedy("publish one of them on another port, or with mode = \"host\""),
                );
            } else {
                claimed.insert(key, wanted.address.name());
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::check::testing::among;

    #[test]
    fn a_port_of_the_mesh_is_one_services() {
        let with = |published: u16, protocol: &str, mode: &str| {
            let port = json!({"mode": mode, "protocol": protocol, "published": published, "target": 80});
            json!({ "ports": [port] })
        };
        let said = |second: serde_json::Value| {
            among(
                &CHECK,
                &[
                    ("service.a", with(80, "tcp", "ingress")),
                    ("service.b", second.clone()),
                    ("service.none", json!({})),
                    ("toy.c", with(80, "tcp", "ingress")),
                ],
                Vec::new(),
            )
        };
        assert_eq!(
            said(with(80, "tcp", "ingress")),
            ["Error service.b: port 80/tcp is published by service.a already"]
        );
        for fine in [
            with(81, "tcp", "ingress"),
            with(80, "udp", "ingress"),
            with(80, "tcp", "host"),
        ] {
            assert_eq!(said(fine.clone()), [""; 0], "{fine}");
        }
    }
}
