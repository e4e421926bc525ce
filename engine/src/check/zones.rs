//! How managers are spread over zones.

use std::collections::BTreeMap;

use super::{Checked, Finding, Severity};
use crate::kinds::is_manager;

/// Three or more managers in one zone fall together.
pub(super) fn check(checked: &Checked<'_>) -> Vec<Finding> {
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
            "zones",
            format!(
                "{count} of {} managers are in {zone}: if that zone fails, the swarm has no quorum",
                managers.len()
            ),
        )
        .with_help("name three zones in [aws] availability_zones to survive the loss of one"),
    ]
}
