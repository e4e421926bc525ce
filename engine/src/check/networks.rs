//! The networks that services name.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Checked, Finding, Severity};
use crate::world::ServiceNetwork;

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    networks: Vec<ServiceNetwork>,
}

/// A service can only be on a network that exists.
pub(super) fn check(checked: &Checked<'_>) -> Vec<Finding> {
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
                    "networks",
                    format!("it is on the network `{}`, which does not exist", network.name),
                )
                .about(wanted.address.clone())
                .with_help("add a [[network]] of that name to the manifest"),
            );
        }
    }
    findings
}
