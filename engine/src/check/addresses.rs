//! Whether the subnets have an address for every instance, and nobody keeps one that another is to have.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::Deserialize;
use subako_state::Address;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding};
use crate::kind::Claim;
use crate::plan::{Action, Step};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "addresses",
        category: Category::Capacity,
        documentation: "A subnet has an address for each instance, but for the five that AWS keeps (VPC user guide, \"Subnet sizing for IPv4\").",
    },
    look,
};

/// How many addresses of a subnet AWS keeps.
const KEPT: u64 = 5;

#[derive(Deserialize)]
struct Placed<'a> {
    #[serde(borrow)]
    subnet_id: Cow<'a, str>,
}

fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let mut findings = full(checked);
    findings.extend(kept(checked));
    findings
}

/// Addresses that are asked for, and that EC2 gave to an instance that stays.
fn kept(checked: &Checked<'_>) -> Vec<Finding> {
    let is_address = |claim: &Claim| matches!(claim, Claim::Address { .. });
    let created = checked.plan.steps.iter().filter(|s| s.action() == Action::Create);
    let asked: Vec<(&Step, Claim)> = created
        .filter_map(|step| {
            Some((
                step,
                checked.registry.get(step.address.kind())?,
                step.spec_after()?,
            ))
        })
        .filter(|(_, kind, _)| kind.is_chosen())
        .flat_map(|(step, kind, spec)| kind.claims(spec).into_iter().map(move |claim| (step, claim)))
        .filter(|(_, claim)| is_address(claim))
        .collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let goes: BTreeSet<(&Address, u32)> = checked
        .plan
        .steps
        .iter()
        .filter(|step| matches!(step.action(), Action::Delete | Action::Forget))
        .map(|step| (&step.address, step.generation))
        .collect();
    let stays = checked.snapshot.resources.iter();
    let stays = stays.filter(|resource| !goes.contains(&(&resource.address, resource.generation)));
    let held: BTreeMap<Claim, &Address> = stays
        .filter_map(|resource| Some((resource, checked.registry.get(resource.address.kind())?)))
        .filter(|(_, kind)| kind.is_chosen())
        .flat_map(|(resource, kind)| {
            let held = kind.holds(&resource.spec, &resource.outputs).into_iter();
            held.map(|claim| (claim, &resource.address))
        })
        .collect();
    let taken = asked.iter().filter_map(|(step, claim)| {
        let holder = held.get(claim)?;
        let message = format!("it asks for {claim}, which {holder} has and keeps");
        let finding = Finding::new(checked.refusing(Some(&step.address)), &CHECK.about, message)
            .about(step.address.clone())
            .with_remedy("name another address in private_ips");
        Some(finding)
    });
    taken.collect()
}

/// More instances in a subnet than it has addresses.
fn full(checked: &Checked<'_>) -> Vec<Finding> {
    let (Some(manifest), Some(looked_up)) = (checked.manifest, checked.looked_up) else {
        return Vec::new();
    };
    let room: BTreeMap<&str, (u64, &str)> = looked_up
        .subnets
        .iter()
        .chain(&looked_up.used)
        .filter_map(|subnet| {
            let net: Ipv4Net = subnet.cidr.parse().ok()?;
            let size = 1u64 << (32 - u32::from(net.prefix_len()));
            let room = size.saturating_sub(KEPT);
            Some((subnet.id.as_str(), (room, subnet.cidr.as_str())))
        })
        .collect();
    let instances: u64 = manifest.pools.iter().map(|pool| u64::from(pool.count)).sum();
    // Most clusters fit into the smallest of their subnets.
    if room.values().all(|(room, _)| instances <= *room) {
        return Vec::new();
    }
    let mut placed: BTreeMap<&str, u64> = BTreeMap::new();
    for wanted in &checked.desired.resources {
        if wanted.address.kind() == "instance"
            && let Ok(spec) = serde_json::from_str::<Placed<'_>>(wanted.spec.as_str())
            && let Some((id, _)) = room.get_key_value(spec.subnet_id.as_ref())
        {
            *placed.entry(id).or_default() += 1;
        }
    }
    let largest = manifest.pools.iter().max_by_key(|pool| pool.count);
    let full = placed.into_iter().filter_map(|(id, count)| {
        let (room, cidr) = room.get(id)?;
        (count > *room).then_some((id, count, *room, *cidr))
    });
    full.map(|(id, count, room, cidr)| {
        let finding = Finding::new(
            checked.refusing(None),
            &CHECK.about,
            format!("{count} instances are to be in {id} ({cidr}), which has {room} addresses for them"),
        )
        .with_remedy(
            "name more zones in availability_zones or larger subnets under [aws], or use fewer instances",
        );
        match largest {
            Some(pool) => finding.at("pool", &pool.name, "count"),
            None => finding,
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    #[test]
    fn a_subnet_that_is_too_small_is_said_once() {
        let text = manifest("");
        assert_eq!(
            Case::of(&text.replace("count = 2", "count = 4090")).findings("addresses"),
            []
        );
        assert_eq!(
            only(&Case::of(&text.replace("count = 2", "count = 4091")).findings("addresses")),
            "Error 17 pool node count: 4092 instances are to be in subnet-a (172.31.0.0/20), which has 4091 addresses for them"
        );
    }

    #[test]
    fn an_address_that_an_instance_has_and_keeps_is_not_another_ones() {
        let text = manifest("");
        let mut applied = Case::of(&text).applied();
        for resource in &mut applied.resources {
            if resource.address.as_str() == "instance.node-1" {
                let outputs = serde_json::json!({"instance_id": "i-1", "private_ip": "172.31.0.30"});
                resource.outputs = subako_state::Json::canonical(&outputs).expect("json");
            }
        }
        let pinned = |text: &str, address: &str| {
            let pool =
                "[[pool]]\nname = \"edge\"\nrole = \"worker\"\ncount = 1\ninstance_type = \"t3.micro\"\n";
            let mut case = Case::of(&format!("{text}\n{pool}private_ips = [\"{address}\"]\n"));
            case.snapshot = applied.clone();
            case.findings("addresses")
        };
        let found = pinned(&text, "172.31.0.30");
        assert!(
            only(&found)
                .ends_with("it asks for the address 172.31.0.30, which instance.node-1 has and keeps")
        );
        assert_eq!(pinned(&text, "172.31.0.31"), []);
        // One that goes releases it.
        assert_eq!(pinned(&text.replace("count = 2", "count = 1"), "172.31.0.30"), []);
    }

    #[test]
    fn what_is_spread_over_zones_fits() {
        let text = manifest("[aws]\navailability_zones = [\"us-east-1a\", \"us-east-1b\"]\n");
        let mut case = Case::of(&text.replace("count = 2", "count = 4096"));
        case.answer.subnets.truncate(2);
        assert_eq!(case.findings("addresses"), []);
    }

    #[test]
    fn each_subnet_is_filled_to_its_last_address_and_no_further() {
        let zones = "[aws]\navailability_zones = [\"us-east-1a\", \"us-east-1b\"]\n";
        // Two pools of workers, so that it is known which is the largest.
        let small =
            "\n[[pool]]\nname = \"few\"\nrole = \"worker\"\ncount = 1\ninstance_type = \"t3.micro\"\n";
        for (size, room) in [(28, 11), (27, 27), (29, 3)] {
            // Each pool begins in the first zone, where one of each of the others is too.
            for (count, fits) in [(2 * (room - 2), true), (2 * (room - 2) + 1, false)] {
                let text =
                    manifest(&format!("{small}{zones}")).replace("count = 2", &format!("count = {count}"));
                let mut case = Case::of(&text);
                case.answer.subnets.truncate(2);
                for subnet in &mut case.answer.subnets {
                    subnet.cidr = format!("172.31.0.0/{size}");
                }
                let found = case.findings("addresses");
                assert_eq!(found.is_empty(), fits, "/{size} and {count} workers: {found:#?}");
                for finding in &found {
                    assert!(
                        finding
                            .message
                            .ends_with(&format!("which has {room} addresses for them")),
                        "{finding:#?}"
                    );
                    assert_eq!(finding.place.as_ref().expect("a place").path, "pool node count");
                }
            }
        }
    }
}
