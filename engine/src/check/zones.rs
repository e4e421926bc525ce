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

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    #[test]
    fn a_zone_that_takes_the_quorum_with_it_is_named() {
        for (managers, zones, expected) in [
            (1, "a", None),
            (2, "a", None),
            (3, "a", Some("3 of 3 managers are in us-east-1a")),
            (3, "ab", Some("2 of 3 managers are in us-east-1a")),
            (3, "abc", None),
            (4, "ab", Some("2 of 4 managers are in us-east-1b")),
            (4, "abc", Some("2 of 4 managers are in us-east-1a")),
            (4, "abcd", None),
            (5, "ab", Some("3 of 5 managers are in us-east-1a")),
            (5, "abc", None),
            (7, "abc", None),
            (7, "ab", Some("4 of 7 managers are in us-east-1a")),
        ] {
            let names: Vec<String> = zones.chars().map(|zone| format!("\"us-east-1{zone}\"")).collect();
            let text = manifest(&format!("[aws]\navailability_zones = [{}]\n", names.join(", ")))
                .replace("count = 2", "count = 9")
                .replace("count = 1", &format!("count = {managers}"));
            let found = Case::of(&text).findings("zones");
            match expected {
                None => assert_eq!(found, [], "{managers} in {zones}"),
                Some(expected) => assert_eq!(
                    only(&found),
                    format!(
                        "Note 20 aws availability_zones: {expected}: if that zone fails, the swarm has no quorum"
                    )
                ),
            }
        }
    }
}
