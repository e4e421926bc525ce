//! Instance types in zones that do not offer them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;

use super::built_in::BuiltIn;
use super::place::pool_of;
use super::{About, Category, Checked, Finding};
use crate::manifest::{Manifest, nearest};
use crate::plan::Action;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "offered",
        category: Category::Capacity,
        documentation: "A zone does not offer every instance type of its region (EC2: DescribeInstanceTypeOfferings).",
    },
    look,
};

#[derive(Deserialize)]
struct Placed<'a> {
    #[serde(borrow)]
    instance_type: Cow<'a, str>,
    #[serde(borrow)]
    zone: Cow<'a, str>,
}

/// Types that do not exist, and zones that do not offer those that do.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let mut findings = missing(checked, manifest);
    findings.extend(not_offered(checked));
    findings
}

/// Sizes of instance types, from the smallest on (EC2 user guide, "Instance type naming
/// conventions"): what a mistyped one was probably meant to be.
const SIZES: [&str; 13] = [
    "nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge",
    "16xlarge", "24xlarge", "metal",
];

/// Pools of a type that the region does not have.
fn missing(checked: &Checked<'_>, manifest: &Manifest) -> Vec<Finding> {
    let pools = manifest.pools.iter().filter(|pool| pool.count > 0);
    let pools = pools.filter(|pool| checked.missing_types.contains(&pool.instance_type));
    pools
        .map(|pool| {
            let wrong = &pool.instance_type;
            let others = checked.types.keys().map(String::as_str);
            let meant = nearest(wrong, others).map(str::to_owned).or_else(|| {
                let (family, size) = wrong.split_once('.')?;
                let size = nearest(size, SIZES).filter(|near| *near != size)?;
                Some(format!("{family}.{size}"))
            });
            let remedy = match meant {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "correct instance_type, or choose a region that has it".to_owned(),
            };
            let message = format!("the region has no instance type {wrong}");
            Finding::new(checked.refusing(None), &CHECK.about, message)
                .with_remedy(remedy)
                .at("pool", &pool.name, "instance_type")
        })
        .collect()
}

/// An instance to be created, or given another type, in a zone that does not offer it. Where the
/// zones of a type are not known, nothing is said.
fn not_offered(checked: &Checked<'_>) -> Vec<Finding> {
    if checked.types.values().all(|facts| facts.zones.is_empty()) {
        return Vec::new();
    }
    let mut lacking: BTreeSet<(&str, String, String)> = BTreeSet::new();
    for step in &checked.plan.steps {
        let started = match step.action() {
            Action::Create => true,
            Action::Update => step.changes.iter().any(|change| change.path == "instance_type"),
            _ => false,
        };
        let spec = step
            .spec_after()
            .filter(|_| started && step.address.kind() == "instance");
        let Some(placed) = spec.and_then(|spec| serde_json::from_str::<Placed<'_>>(spec.as_str()).ok())
        else {
            continue;
        };
        let facts = checked.types.get(placed.instance_type.as_ref());
        let offered = facts.is_none_or(|facts| {
            facts.zones.is_empty() || facts.zones.iter().any(|zone| *zone == placed.zone)
        });
        if !offered {
            lacking.insert((
                pool_of(&step.address),
                placed.instance_type.into_owned(),
                placed.zone.into_owned(),
            ));
        }
    }
    lacking
        .into_iter()
        .map(|(pool, instance_type, zone)| {
            let zones = checked
                .types
                .get(&instance_type)
                .map(|facts| facts.zones.join(", "));
            Finding::new(
                checked.refusing(None),
                &CHECK.about,
                format!("{zone} does not offer {instance_type}, which instances of pool `{pool}` are to be"),
            )
            .with_remedy(format!(
                "choose another instance_type, or zones that offer it in availability_zones: {}",
                zones.unwrap_or_default()
            ))
            .at("pool", pool, "instance_type")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};
    use crate::world::TypeFacts;

    fn found(zones: &[&str]) -> Vec<crate::check::Finding> {
        let text = manifest("[aws]\navailability_zones = [\"us-east-1a\", \"us-east-1b\"]\n");
        let mut case = Case::of(&text);
        let micro = TypeFacts {
            nano_cpus: 2_000_000_000,
            memory: 960 << 20,
            zones: zones.iter().map(|zone| (*zone).to_owned()).collect(),
        };
        case.types.insert("t3.micro".into(), micro);
        case.findings("offered")
    }

    #[test]
    fn a_type_that_does_not_exist_is_said_with_what_was_meant() {
        for (wrong, meant) in [
            ("t3.mirco", "did you mean \"t3.micro\"?"),
            ("m5.larg", "did you mean \"m5.large\"?"),
            ("t3.mciro", "did you mean \"t3.micro\"?"),
            (
                "c5.biggest",
                "correct instance_type, or choose a region that has it",
            ),
        ] {
            let text = manifest("").replacen("t3.micro", wrong, 1);
            let mut case = Case::of(&text);
            case.missing_types.insert(wrong.into());
            let found = case.findings("offered");
            assert_eq!(
                only(&found),
                format!("Error 12 pool manager instance_type: the region has no instance type {wrong}")
            );
            assert_eq!(found[0].remedy.as_deref(), Some(meant));
        }
    }

    #[test]
    fn a_zone_that_offers_the_type_or_of_which_nothing_is_known_is_fine() {
        assert_eq!(found(&["us-east-1a", "us-east-1b"]), []);
        assert_eq!(found(&[]), []);
    }

    #[test]
    fn a_zone_without_the_type_is_said_once_a_pool() {
        let said = found(&["us-east-1a"]);
        assert_eq!(
            only(&said),
            "Error 18 pool node instance_type: us-east-1b does not offer t3.micro, which instances of pool `node` are to be"
        );
        assert_eq!(
            found(&["us-east-1c"]).len(),
            3,
            "two pools, one of them in two zones"
        );
    }

    #[test]
    fn only_what_is_started_in_another_type_is_said() {
        let text = manifest("[aws]\navailability_zones = [\"us-east-1a\", \"us-east-1b\"]\n");
        let facts = |zones: &[&str]| TypeFacts {
            nano_cpus: 2_000_000_000,
            memory: 960 << 20,
            zones: zones.iter().map(|zone| (*zone).to_owned()).collect(),
        };
        let said = |after: &str| {
            let mut case = Case::of(after);
            case.snapshot = Case::of(&text).applied();
            case.types.insert("t3.micro".into(), facts(&["us-east-1c"]));
            case.types
                .insert("t3.small".into(), facts(&["us-east-1a", "us-east-1d"]));
            let found = case.findings("offered");
            found
                .into_iter()
                .map(|finding| format!("{}; {}", finding.message, finding.remedy.expect("a remedy")))
                .collect::<Vec<_>>()
        };
        // What runs where its type is not offered any more, runs; whatever else of it changes.
        assert_eq!(said(&text), [""; 0]);
        assert_eq!(
            said(&text.replace("count = 2", "count = 2\ntags = { team = \"a\" }")),
            [""; 0]
        );
        assert_eq!(said(&text.replace("count = 2", "count = 1")), [""; 0]);
        let small = text.replace(
            "count = 2\ninstance_type = \"t3.micro\"",
            "count = 2\ninstance_type = \"t3.small\"",
        );
        assert_eq!(
            said(&small),
            [
                "us-east-1b does not offer t3.small, which instances of pool `node` are to be; choose another instance_type, \
              or zones that offer it in availability_zones: us-east-1a, us-east-1d"
            ]
        );
        // Of a type of which nothing is known nothing is said.
        let other = text.replace(
            "count = 2\ninstance_type = \"t3.micro\"",
            "count = 2\ninstance_type = \"m5.large\"",
        );
        assert_eq!(said(&other), [""; 0]);
    }
}
