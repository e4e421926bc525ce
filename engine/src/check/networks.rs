//! The networks that services name.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::world::ServiceNetwork;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "networks",
        category: Category::Network,
        documentation: "A service can only be on a network that exists.",
    },
    look,
};

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    networks: Vec<ServiceNetwork>,
}

/// A service can only be on a network that exists.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let of_kind = |kind: &'static str| {
        checked
            .desired
            .resources
            .iter()
            .filter(move |wanted| wanted.address.kind() == kind)
    };
    let known: BTreeSet<&str> = of_kind("network").map(|wanted| wanted.address.name()).collect();
    let mut findings = Vec::new();
    for wanted in of_kind("service") {
        let Ok(service) = wanted.spec.decode::<Service>() else {
            continue;
        };
        for network in service
            .networks
            .iter()
            .filter(|n| !known.contains(n.name.as_str()))
        {
            findings.push(
                Finding::new(
                    Severity::Error,
                    &CHECK.about,
                    format!("it is on the network `{}`, which does not exist", network.name),
                )
                .about(wanted.address.clone())
                .with_remedy("add a [[network]] of that name to the manifest"),
            );
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
    fn a_network_that_does_not_exist_is_said_of_each_service_on_it() {
        let on = |names: &[&str]| {
            let networks: Vec<_> = names
                .iter()
                .map(|name| json!({"name": name, "aliases": []}))
                .collect();
            json!({ "networks": networks })
        };
        let said = among(
            &CHECK,
            &[
                ("network.front", json!({})),
                ("service.a", on(&["front"])),
                ("service.b", on(&["front", "back"])),
                ("service.c", json!({})),
                ("toy.back", json!({})),
                ("toy.d", on(&["back"])),
                ("service.front", on(&["service"])),
            ],
            Vec::new(),
        );
        assert_eq!(
            said,
            [
                "Error service.b: it is on the network `back`, which does not exist",
                "Error service.front: it is on the network `service`, which does not exist",
            ]
        );
    }
}
