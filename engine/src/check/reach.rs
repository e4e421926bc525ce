//! Whether instances and the internet will reach each other.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;

use super::built_in::BuiltIn;
use super::place::pool_of;
use super::{About, Category, Checked, Finding, Severity};
use crate::manifest::Manifest;
use crate::plan::Action;
use crate::world::{Reach, WayOut};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "reach",
        category: Category::Network,
        documentation: "An instance is reached from the internet if it has a public address and its subnet a route to an internet gateway (VPC user guide, \"Enable internet access for a VPC using an internet gateway\").",
    },
    look,
};

#[derive(Deserialize)]
struct Placed<'a> {
    public_ip: Option<bool>,
    #[serde(borrow)]
    subnet_id: Cow<'a, str>,
}

/// What will not work, once for each pool and subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Unaddressed,
    Unrouted,
    CutOff,
}

/// Instances to be created where Subako cannot log in to them, or from where they can download
/// nothing. Of subnets of which nothing is known nothing is said.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let (Some(manifest), Some(looked_up)) = (checked.manifest, checked.looked_up) else {
        return Vec::new();
    };
    let mut found: BTreeSet<(&str, String, Trouble)> = BTreeSet::new();
    for step in &checked.plan.steps {
        let launched = step.action() == Action::Create;
        let spec = step
            .spec_after()
            .filter(|_| launched && step.address.kind() == "instance");
        let Some(placed) = spec.and_then(|spec| serde_json::from_str::<Placed<'_>>(spec.as_str()).ok())
        else {
            continue;
        };
        let reach = looked_up.reach.get(placed.subnet_id.as_ref());
        let Some(trouble) = reach.and_then(|reach| trouble(*reach, placed.public_ip, manifest)) else {
            continue;
        };
        found.insert((pool_of(&step.address), placed.subnet_id.into_owned(), trouble));
    }
    found
        .into_iter()
        .map(|(pool, subnet, trouble)| finding(checked, pool, &subnet, trouble))
        .collect()
}

fn trouble(reach: Reach, wish: Option<bool>, manifest: &Manifest) -> Option<Trouble> {
    let public = wish.unwrap_or(reach.public_ip);
    let by_public_address = !manifest.ssh.dials_private();
    match (reach.way_out, public) {
        (_, false) if by_public_address => Some(Trouble::Unaddressed),
        (WayOut::OutOnly | WayOut::Nowhere, true) if by_public_address => Some(Trouble::Unrouted),
        (WayOut::Nowhere, _) | (WayOut::Gateway, false) => Some(Trouble::CutOff),
        _ => None,
    }
}

fn finding(checked: &Checked<'_>, pool: &str, subnet: &str, trouble: Trouble) -> Finding {
    let (severity, message, remedy) = match trouble {
        Trouble::Unaddressed => (
            checked.refusing(None),
            format!("Subako cannot log in to pool `{pool}`: its instances get no public address in {subnet}"),
            "set `public_ip = true` on the pool, or name subnets that give public addresses; to log in to private addresses set `via = \"private\"` or `jump` under [ssh]",
        ),
        Trouble::Unrouted => (
            checked.refusing(None),
            format!("Subako cannot log in to pool `{pool}`: {subnet} has no route to an internet gateway"),
            "name subnets whose route table sends 0.0.0.0/0 to an internet gateway; to log in to private addresses set `via = \"private\"` or `jump` under [ssh]",
        ),
        Trouble::CutOff => (
            Severity::Warning,
            format!(
                "instances of pool `{pool}` cannot reach the internet from {subnet}, and Docker and images are downloaded from there"
            ),
            "route 0.0.0.0/0 to a NAT gateway, or set `public_ip = true` in a subnet that has an internet gateway; an image with Docker and a registry in the VPC do without",
        ),
    };
    Finding::new(severity, &CHECK.about, message)
        .with_remedy(remedy)
        .at("pool", pool, "public_ip")
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};
    use crate::world::{Reach, WayOut};

    fn found(public_ip: bool, way_out: WayOut, pool: &str, ssh: &str) -> Vec<crate::check::Finding> {
        let text = manifest(&format!("{pool}\n{ssh}"));
        let mut case = Case::of(&text);
        let subnets = case.answer.subnets.iter();
        case.answer.reach = subnets
            .map(|subnet| (subnet.id.clone(), Reach { public_ip, way_out }))
            .collect();
        case.findings("reach")
    }

    #[test]
    fn a_public_subnet_is_fine_and_so_is_one_of_which_nothing_is_known() {
        assert_eq!(found(true, WayOut::Gateway, "", ""), []);
        assert_eq!(Case::of(&manifest("")).findings("reach"), []);
        let private = "[ssh]\nvia = \"private\"\n";
        assert_eq!(found(false, WayOut::OutOnly, "", private), []);
        let jump = "[ssh]\njump = \"ops@bastion.example.com\"\n";
        assert_eq!(found(false, WayOut::OutOnly, "", jump), []);
    }

    #[test]
    fn hosts_that_nobody_can_log_in_to_refuse_the_plan() {
        let text = |found: &[crate::check::Finding]| -> Vec<String> {
            let lines = found
                .iter()
                .map(|finding| format!("{:?} {}", finding.severity, finding.message));
            lines.collect()
        };
        assert_eq!(
            text(&found(false, WayOut::Gateway, "", "")),
            [
                "Error Subako cannot log in to pool `manager`: its instances get no public address in subnet-a",
                "Error Subako cannot log in to pool `node`: its instances get no public address in subnet-a"
            ]
        );
        assert_eq!(
            only(&found(false, WayOut::Gateway, "public_ip = true", "")),
            "Error 8 pool manager: Subako cannot log in to pool `manager`: its instances get no public address in subnet-a"
        );
        assert_eq!(
            text(&found(true, WayOut::OutOnly, "", "")),
            [
                "Error Subako cannot log in to pool `manager`: subnet-a has no route to an internet gateway",
                "Error Subako cannot log in to pool `node`: subnet-a has no route to an internet gateway"
            ]
        );
    }

    #[test]
    fn hosts_that_can_download_nothing_are_warned_of() {
        let private = "[ssh]\nvia = \"private\"\n";
        let said = only(&found(false, WayOut::Gateway, "public_ip = true", private));
        assert!(
            said.starts_with("Warning 8 pool manager: instances of pool `manager` cannot reach"),
            "{said}"
        );
        assert_eq!(found(true, WayOut::Nowhere, "", private).len(), 2);
    }
}
