//! Ranges with a meaning of their own, from which no container can have an address.

use ipnet::Ipv4Net;
use subako_state::Address;

use super::super::{About, Checked, Finding, Severity};
use super::{net, overlap};
use crate::manifest::Manifest;

/// What hosts keep for themselves, and why nothing else can be there (RFC 6890, RFC 1122 3.2.1.3;
/// "Work with link-local addresses" in the EC2 user guide).
const RESERVED: [(&str, &str); 5] = [
    ("0.0.0.0/8", "\"this network\", which is no destination"),
    ("127.0.0.0/8", "loopback, which never leaves a container"),
    (
        "169.254.0.0/16",
        "link-local, where EC2 has its name server, clock and instance metadata",
    ),
    ("224.0.0.0/4", "multicast, which no interface can have"),
    ("255.255.255.255/32", "the broadcast address"),
];

/// Ranges that nobody has on the internet: for private networks (RFC 1918), shared by carriers (RFC
/// 6598), for benchmarks (RFC 2544), for documentation (RFC 5737) and reserved (RFC 1112).
const NOBODYS: [&str; 9] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "198.18.0.0/15",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
];

/// A range that the manifest names, and where it does.
struct Named<'a> {
    text: &'a str,
    section: &'static str,
    name: &'a str,
    key: &'static str,
}

/// A range of which some part has another meaning is refused; one of the internet's is a warning.
pub(super) fn look(checked: &Checked<'_>, manifest: &Manifest, about: &'static About) -> Vec<Finding> {
    let findings = named(manifest).filter_map(|named| {
        let range = net(named.text)?;
        let (severity, message) = judged(checked, &named, range)?;
        let finding = Finding::new(severity, about, message)
            .with_remedy("choose a private range (10.0.0.0/8, 172.20.0.0/14, 192.168.0.0/16)")
            .at(named.section, named.name, named.key);
        Some(match named.section {
            "network" => finding.about(Address::new("network", named.name)),
            _ => finding,
        })
    });
    findings.collect()
}

fn judged(checked: &Checked<'_>, named: &Named<'_>, range: Ipv4Net) -> Option<(Severity, String)> {
    let Named { text, key, .. } = named;
    let reserved = RESERVED
        .iter()
        .find(|(other, _)| net(other).is_some_and(|other| overlap(range, other)));
    if let Some((other, why)) = reserved {
        let message = format!("{key} {text} has addresses of {other}: {why}");
        return Some((checked.refusing(None), message));
    }
    let is_nobodys = NOBODYS
        .iter()
        .filter_map(|other| net(other))
        .any(|other| other.contains(&range));
    (!is_nobodys).then(|| {
        let message =
            format!("{key} {text} has addresses of the internet: containers cannot reach what is there");
        (Severity::Warning, message)
    })
}

fn named(manifest: &Manifest) -> impl Iterator<Item = Named<'_>> {
    let of = |section, name, key| {
        move |text| Named {
            text,
            section,
            name,
            key,
        }
    };
    let docker = &manifest.docker;
    let networks = manifest.networks.iter().filter_map(move |network| {
        let subnet = network.subnet.as_deref()?;
        Some(of("network", &network.name, "subnet")(subnet))
    });
    let pools = manifest.swarm.addr_pool.iter().map(String::as_str);
    let own = docker.address_pools.iter().map(String::as_str);
    pools
        .map(of("swarm", "", "addr_pool"))
        .chain(docker.bip.as_deref().map(of("docker", "", "bip")))
        .chain(own.map(of("docker", "", "address_pools")))
        .chain(networks)
}

#[cfg(test)]
mod tests {
    use super::{NOBODYS, RESERVED};
    use crate::check::testing::{Case, manifest, only};

    /// Every place of a range, with the line on which it stands there.
    fn places(range: &str) -> [(String, &'static str); 4] {
        let first = range.replacen(".0/", ".1/", 1);
        let docker = format!("[docker]\nbip = \"{first}\"\n");
        let pools = format!("[docker]\naddress_pools = [\"{range}\"]\n");
        let network = format!("[[network]]\nname = \"front\"\nsubnet = \"{range}\"\n");
        [
            (
                format!("[swarm]\naddr_pool = \"{range}\"\n"),
                "20 swarm addr_pool",
            ),
            (docker, "20 docker bip"),
            (pools, "20 docker address_pools"),
            (network, "21 network front subnet"),
        ]
    }

    fn said(range: &str) -> Vec<(Vec<crate::check::Finding>, &'static str)> {
        let said = places(range).into_iter().map(|(text, place)| {
            let mut found = Case::of(&manifest(&text)).findings("ranges");
            found.retain(|one| one.message.contains("addresses of"));
            (found, place)
        });
        said.collect()
    }

    #[test]
    fn what_hosts_keep_for_themselves_is_refused_wherever_it_is_named() {
        for range in ["0.0.0.0/24", "127.3.0.0/24", "169.254.169.0/24", "239.1.2.0/24"] {
            for (found, place) in said(range) {
                assert!(
                    only(&found).starts_with(&format!("Error {place}: ")),
                    "{range}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn a_range_that_only_reaches_into_one_of_them_is_refused_too() {
        for range in ["126.0.0.0/7", "255.255.255.0/24", "168.0.0.0/7"] {
            let text = format!("[[network]]\nname = \"front\"\nsubnet = \"{range}\"\n");
            let mut found = Case::of(&manifest(&text)).findings("ranges");
            found.retain(|one| one.message.contains("has addresses of"));
            assert!(
                only(&found).starts_with("Error 21 network front subnet"),
                "{range}"
            );
        }
    }

    #[test]
    fn a_range_of_the_internet_is_a_warning_and_a_private_one_is_fine() {
        for (found, place) in said("11.0.0.0/24") {
            assert!(only(&found).starts_with(&format!("Warning {place}: ")));
        }
        for range in [
            "10.9.0.0/24",
            "192.168.9.0/24",
            "100.64.0.0/24",
            "198.18.4.0/24",
            "203.0.113.0/24",
        ] {
            for (found, _) in said(range) {
                assert_eq!(found, [], "{range}");
            }
        }
    }

    #[test]
    fn no_range_is_in_both_lists() {
        let net = |text: &str| super::net(text).expect("a range");
        for (reserved, _) in RESERVED {
            let within = NOBODYS
                .iter()
                .find(|other| super::overlap(net(reserved), net(other)));
            assert!(within.is_none_or(|_| reserved.ends_with("/32")), "{reserved}");
        }
    }
}
