//! Published ports that nobody outside can get to.

use std::net::Ipv4Addr;

use ipnet::IpNet;
use subako_state::Address;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::manifest::Manifest;
use crate::reach::{Ground, Origin, Stop, Target};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "published",
        category: Category::Network,
        documentation: "A published port is reached from outside if a node has a public address and a route to an internet gateway (VPC user guide, \"Enable internet access for a VPC using an internet gateway\").",
    },
    look,
};

/// Services that are published for somebody outside, where no node can be entered from there. Where
/// `publish_to` names private ranges alone, nobody outside is meant.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let (Some(manifest), Some(looked_up)) = (checked.manifest, checked.looked_up) else {
        return Vec::new();
    };
    let published = manifest
        .services
        .iter()
        .filter(|service| !service.spec.ports.is_empty());
    let Some(outsider) = outsider(manifest).filter(|_| published.clone().next().is_some()) else {
        return Vec::new();
    };
    let ground = Ground::of(checked.desired, Some(looked_up), manifest);
    // Every port meets the same nodes: one that is stopped before the rules stops all of them.
    let from = Origin::Address(outsider);
    let found = published.filter_map(|service| {
        let to = Target::Service {
            name: service.spec.name.clone(),
            port: None,
        };
        match ground.path(&from, &to).ok()?.stop? {
            stop @ (Stop::NoRoute { .. } | Stop::NoPublicAddress { .. }) => Some((service, stop)),
            _ => None,
        }
    });
    let found: Vec<_> = found.collect();
    let Some((first, stop)) = found.first() else {
        return Vec::new();
    };
    let names: Vec<&str> = found
        .iter()
        .map(|(service, _)| service.spec.name.as_str())
        .collect();
    let (are, their) = match names.len() {
        1 => ("is published and", "its"),
        _ => ("are published and", "their"),
    };
    let finding = Finding::new(
        Severity::Note,
        &CHECK.about,
        format!(
            "{} {are} nobody outside the VPC reaches {their} ports: {stop}",
            names.join(", ")
        ),
    )
    .with_remedy(format!(
        "{}; behind a load balancer or a VPN, name its ranges in publish_to",
        stop.remedy()
    ))
    .at("service", &first.spec.name, "ports");
    vec![match found.len() {
        1 => finding.about(Address::new("service", &first.spec.name)),
        _ => finding,
    }]
}

/// Somebody outside whom `publish_to` means.
fn outsider(manifest: &Manifest) -> Option<Ipv4Addr> {
    let ranges = manifest.security_group.publish_to.iter();
    ranges
        .filter_map(|range| range.parse::<IpNet>().ok())
        .find_map(|range| match range {
            // Of the whole world anybody will do: an address that is kept for documentation.
            IpNet::V4(range) if range.prefix_len() == 0 => Some(Ipv4Addr::new(198, 51, 100, 1)),
            IpNet::V4(range) if !range.network().is_private() => Some(range.network()),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};
    use crate::world::{Reach, WayOut};

    const VIA: &str = "[ssh]\nvia = \"private\"\n";

    fn found(services: &str, group: &str, public_ip: bool, way_out: WayOut) -> Vec<crate::check::Finding> {
        let text = manifest(&format!("{VIA}{services}"));
        let mut case = Case::of(&text.replace("[security_group]\n", &format!("[security_group]\n{group}")));
        let subnets = case.answer.subnets.iter();
        case.answer.reach = subnets
            .map(|subnet| (subnet.id.clone(), Reach { public_ip, way_out }))
            .collect();
        case.findings("published")
    }

    const WEB: &str = "[[service]]\nname = \"web\"\nimage = \"nginx:1\"\nports = [\"80:80\"]\n";

    #[test]
    fn a_port_that_is_published_for_nobody_is_said_once() {
        assert_eq!(
            only(&found(WEB, "", false, WayOut::OutOnly)),
            "Note 24 service web ports: web is published and nobody outside the VPC reaches its ports: subnet-a has no route to an internet gateway: its instances get out, nobody gets in"
        );
        let two = format!("{WEB}{}", WEB.replace("web", "api").replace("80:80", "81:80"));
        let said = only(&found(&two, "", false, WayOut::Gateway));
        assert!(said.contains("web, api are published and nobody"), "{said}");
    }

    #[test]
    fn who_is_reached_publishes_nothing_or_means_those_inside_is_fine() {
        assert_eq!(found(WEB, "", true, WayOut::Gateway), []);
        assert_eq!(found("", "", false, WayOut::OutOnly), []);
        let inside = "publish_to = \"10.0.0.0/8\"\n";
        assert_eq!(found(WEB, inside, false, WayOut::OutOnly), []);
        let unknown = Case::of(&manifest(WEB));
        assert_eq!(unknown.findings("published"), []);
    }
}
