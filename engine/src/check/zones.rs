//! How managers are spread over zones.

use std::collections::BTreeMap;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::kinds::is_manager;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "zones",
        category: Category::Availability,
        documentation: "Managers in one zone fail together (Docker: \"Administer and maintain a swarm of Docker Engines\").",
    },
    look,
};

/// Three or more managers in one zone fall together.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let managers: Vec<&str> = checked
        .desired
        .resources
        .iter()
        .filter(|wanted| is_manager(&wanted.address, &wanted.spec))
        .map(|wanted| wanted.address.name())
        .collect();
    if managers.len() < 3 {
        return Vec::new();
    }
    let mut zones: BTreeMap<String, usize> = BTreeMap::new();
    for wanted in checked
        .desired
        .resources
        .iter()
        .filter(|w| w.address.kind() == "instance")
    {
        if managers.contains(&wanted.address.name())
            && let Some(zone) = wanted.spec.value().get("zone").and_then(|zone| zone.as_str())
        {
            *zones.entry(zone.to_owned()).or_default() += 1;
        }
    }
    let Some((zone, count)) = zones.iter().max_by_key(|(_, count)| **count) else {
        return Vec::new();
    };
    let quorum = managers.len() / 2 + 1;
    if managers.len() - count >= quorum {
        return Vec::new();
    }
    vec![
        Finding::new(
            Severity::Note,
            &CHECK.about,
            format!(
                "{count} of {} managers are in {zone}: if that zone fails, the swarm has no quorum",
                managers.len()
            ),
        )
        .with_remedy("name three zones in [aws] availability_zones to survive the loss of one")
        .at("aws", "", "availability_zones"),
    ]
}
