//! What is said of objects that carry the cluster's tags and that only wait to be deleted.

use std::collections::BTreeMap;

use subako_state::Resource;

use super::decide::{Decisions, Input};
use crate::fast::FastSet;
use crate::finding::{Finding, Severity, planner};
use crate::kind::Registry;

/// How many objects a finding names.
const NAMED: usize = 10;

/// What is said of objects beside those that the manifest wants: what each is, where, and what becomes
/// of it.
pub(super) fn findings(input: &Input<'_>, decisions: &Decisions) -> Vec<Finding> {
    let wanted = input.desired.resources.iter();
    let wanted: FastSet<&str> = wanted.map(|wanted| wanted.address.as_str()).collect();
    let leaving: FastSet<usize> = decisions.leaving.iter().map(|removal| removal.record).collect();
    let mut groups: BTreeMap<Beside, Vec<&Resource>> = BTreeMap::new();
    for (place, resource) in input.snapshot.resources.iter().enumerate() {
        let leaves = leaving.contains(&place);
        let beside = match (input.strays.contains(&place), resource.deposed) {
            (true, _) if resource.protect && !leaves => Beside::Protected,
            (true, _) if wanted.contains(resource.address.as_str()) => Beside::Twin { leaves },
            (true, _) if input.snapshot.get(&resource.address).is_some() => Beside::Twin { leaves },
            (true, _) => Beside::Stray { leaves },
            (false, true) => Beside::Deposed { leaves },
            (false, false) => continue,
        };
        groups.entry(beside).or_default().push(resource);
    }
    let of_group = |(beside, resources): (Beside, Vec<&Resource>)| beside.finding(input, &resources);
    groups.into_iter().map(of_group).collect()
}

/// What an object is beside those that the manifest wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Beside {
    /// A stray that the world protects.
    Protected,
    /// A stray.
    Stray { leaves: bool },
    /// A stray at an address that another object has, or is going to have.
    Twin { leaves: bool },
    /// The record of one that an earlier run did not delete.
    Deposed { leaves: bool },
}

impl Beside {
    fn finding(self, input: &Input<'_>, resources: &[&Resource]) -> Finding {
        let refuses = self == Self::Protected && input.selection.destroy;
        let severity = if refuses {
            Severity::Error
        } else {
            Severity::Warning
        };
        let one = resources.len() == 1;
        let what = match self {
            Self::Protected | Self::Stray { .. } if one => {
                "it carries this cluster's tags but is in neither the manifest nor the state"
            }
            Self::Protected | Self::Stray { .. } => {
                "carry this cluster's tags but are in neither the manifest nor the state"
            }
            Self::Twin { .. } if one => "it carries this cluster's tags, but another object has its address",
            Self::Twin { .. } => "carry this cluster's tags, but others have their addresses",
            Self::Deposed { .. } if one => "an earlier run left it behind",
            Self::Deposed { .. } => "were left behind by an earlier run",
        };
        let (it, is) = if one {
            ("it", "it is")
        } else {
            ("them", "they are")
        };
        let becomes = match self {
            Self::Protected => format!("{is} protected against termination, and stays as it is"),
            Self::Stray { leaves } | Self::Twin { leaves } | Self::Deposed { leaves } if leaves => {
                format!("this plan deletes {it}")
            }
            _ => format!("this plan leaves {it} as {is}"),
        };
        let names: Vec<String> = resources
            .iter()
            .take(NAMED)
            .map(|resource| where_it_is(input, resource, !one))
            .collect();
        let more = match resources.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = names.join(", ");
        let message = match one {
            true => format!("{what} ({names}): {becomes}"),
            false => format!("{} objects {what}: {becomes}: {names}{more}", resources.len()),
        };
        let finding = Finding::new(severity, &planner::STRAYS, message);
        let finding = match resources {
            [resource] => finding.about(resource.address.clone()),
            _ => finding,
        };
        match self {
            Self::Protected => finding.with_remedy(format!(
                "take the protection off and plan again to delete {it}, or take the cluster's tags off to keep {it}"
            )),
            Self::Stray { .. } | Self::Twin { .. } => finding.with_remedy(format!("to keep {it}, take the cluster's tags off {it}")),
            Self::Deposed { .. } => finding,
        }
    }
}

/// An object by what tells it from others, its zone and its price, as far as known.
fn where_it_is(input: &Input<'_>, resource: &Resource, with_address: bool) -> String {
    let identity = identity(input.registry, resource);
    let price = identity.as_ref().and_then(|id| input.observed.prices.get(id));
    let price = price.map(|usd| format!("${usd:.4} an hour"));
    let zone = resource.spec.text_field("zone").filter(|zone| !zone.is_empty());
    let known: Vec<String> = identity.into_iter().chain(zone).chain(price).collect();
    match (with_address, known.is_empty()) {
        (true, true) => resource.address.to_string(),
        (true, false) => format!("{} ({})", resource.address, known.join(", ")),
        (false, true) => format!("generation {}", resource.generation),
        (false, false) => known.join(", "),
    }
}

fn identity(registry: &Registry, resource: &Resource) -> Option<String> {
    let kind = registry.get(resource.address.kind())?;
    kind.traits().known_by.of(&resource.spec, &resource.outputs)
}
