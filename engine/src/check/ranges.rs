//! Ranges of overlay networks that collide.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use serde::Deserialize;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding};
use crate::kinds::DOCKERS_POOL;
use crate::manifest::Manifest;
use crate::plan::Operation;
use crate::world::{DOCKER_BRIDGES, DaemonConfig};

mod room;
mod special;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "ranges",
        category: Category::Network,
        documentation: "An overlay network with a range of the VPC or of Docker's own bridges cuts its containers off from what is there (moby#27399).",
    },
    look,
};

/// What the check reads of an engine.
#[derive(Deserialize)]
struct Engine {
    #[serde(default)]
    daemon: Option<DaemonConfig>,
}

#[derive(Deserialize)]
struct Swarm {
    #[serde(default)]
    addr_pool: Vec<String>,
    subnet_size: u8,
}

impl Swarm {
    fn of(checked: &Checked<'_>) -> Option<Self> {
        checked
            .of_kind("swarm")
            .find_map(|wanted| wanted.spec.decode::<Self>().ok())
    }

    /// The pools that blocks are cut from, in their order.
    fn pools(&self) -> Vec<Ipv4Net> {
        match self.addr_pool.is_empty() {
            true => net(DOCKERS_POOL).into_iter().collect(),
            false => self.addr_pool.iter().filter_map(|pool| net(pool)).collect(),
        }
    }
}

/// A range that the manifest names and somebody else has, or that is too small.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let mut findings = collisions(checked, manifest);
    findings.extend(special::look(checked, manifest, &CHECK.about));
    findings.extend(room::look(checked, manifest, &CHECK.about));
    findings
}

fn collisions(checked: &Checked<'_>, manifest: &Manifest) -> Vec<Finding> {
    let taken = taken(checked);
    let mut findings = Vec::new();
    let found = |what: String, other: &(Ipv4Net, String)| {
        Finding::new(
            checked.refusing(None),
            &CHECK.about,
            format!("{what} collides with {} ({})", other.1, other.0),
        )
        .with_remedy("choose a private range (10.0.0.0/8, 172.20.0.0/14, 192.168.0.0/16) that neither the VPC nor Docker's bridges (172.17.0.0/16, 172.18.0.0/16) have")
    };
    for range in &manifest.swarm.addr_pool {
        let collides = net(range).and_then(|range| taken.iter().find(|(other, _)| overlap(range, *other)));
        if let Some(other) = collides {
            findings.push(found(format!("addr_pool {range}"), other).at("swarm", "", "addr_pool"));
        }
    }
    let docker = &manifest.docker;
    let bip = docker.bip.iter().map(|range| ("bip", range));
    let pools = docker.address_pools.iter().map(|range| ("address_pools", range));
    let others = of_others(checked);
    for (key, text) in bip.chain(pools) {
        let collides = net(text).and_then(|range| others.iter().find(|(other, _)| overlap(range, *other)));
        if let Some(other) = collides {
            findings.push(found(format!("{key} {text}"), other).at("docker", "", key));
        }
    }
    let first = blocks_in_use(checked);
    for network in &manifest.networks {
        let Some((text, range)) = network.subnet.as_ref().and_then(|text| Some((text, net(text)?))) else {
            continue;
        };
        let others = taken.iter().chain(&first);
        if let Some(other) = others.into_iter().find(|(other, _)| overlap(range, *other)) {
            findings.push(
                found(format!("its range {text}"), other)
                    .about(subako_state::Address::new("network", &network.name))
                    .at("network", &network.name, "subnet"),
            );
        }
    }
    findings
}

/// The ranges of the VPC and of the hosts' bridges.
fn taken(checked: &Checked<'_>) -> Vec<(Ipv4Net, String)> {
    let vpc = checked.looked_up.into_iter().flat_map(|found| &found.vpc_cidrs);
    let vpc = vpc.filter_map(|range| Some((net(range)?, "the VPC".to_owned())));
    vpc.chain(bridges(checked)).collect()
}

/// The ranges of the hosts' bridges, as the engines are told; those that the manifest names are held
/// against everything else where they stand.
fn bridges(checked: &Checked<'_>) -> Vec<(Ipv4Net, String)> {
    // An engine that is told other pools keeps docker_gwbridge where it was.
    let wanted = checked.of_kind("docker").map(|wanted| &wanted.spec);
    let records = checked.snapshot.resources.iter();
    let before = records.filter(|record| {
        let mut steps = checked.plan.steps.iter();
        let stays = !steps.any(|step| step.address == record.address && step.operation != Operation::Update);
        record.address.kind() == "docker" && stays
    });
    let before = before.map(|record| &record.spec);
    let daemons: Vec<DaemonConfig> = wanted
        .chain(before)
        .filter_map(|spec| spec.decode::<Engine>().ok())
        .map(|engine| engine.daemon.unwrap_or_default())
        .collect();
    let untold = daemons.is_empty().then(DaemonConfig::default);
    let ranges: BTreeSet<&str> = daemons
        .iter()
        .chain(&untold)
        .flat_map(DaemonConfig::bridges)
        .collect();
    let named = checked.manifest.map(|manifest| &manifest.docker);
    let is_named = |range: &str| {
        named.is_some_and(|docker| {
            docker.bip.as_deref() == Some(range) || docker.address_pools.iter().any(|pool| pool == range)
        })
    };
    let ranges = ranges.into_iter().filter(|range| !is_named(range));
    let whose = |range: &str| match DOCKER_BRIDGES.contains(&range) {
        true => "a bridge of Docker's own".to_owned(),
        false => "a bridge of the hosts".to_owned(),
    };
    ranges
        .filter_map(|range| Some((net(range)?, whose(range))))
        .collect()
}

/// What a host's own networks must not have: the ranges of the VPC, and of overlay networks.
fn of_others(checked: &Checked<'_>) -> Vec<(Ipv4Net, String)> {
    let vpc = checked.looked_up.into_iter().flat_map(|found| &found.vpc_cidrs);
    let vpc = vpc.filter_map(|range| Some((net(range)?, "the VPC".to_owned())));
    let manifest = checked.manifest;
    let pools = manifest
        .into_iter()
        .flat_map(|manifest| &manifest.swarm.addr_pool);
    let pools = pools.filter_map(|range| Some((net(range)?, "addr_pool".to_owned())));
    let networks = manifest.into_iter().flat_map(|manifest| &manifest.networks);
    let networks = networks.filter_map(|network| {
        let range = net(network.subnet.as_ref()?)?;
        Some((range, format!("the network {}", network.name)))
    });
    vpc.chain(pools).chain(networks).collect()
}

/// The blocks that Swarm cuts from the front of its pool: for the ingress network, and for each
/// network without a range of its own.
fn blocks_in_use(checked: &Checked<'_>) -> Vec<(Ipv4Net, String)> {
    let (Some(manifest), Some(swarm)) = (checked.manifest, Swarm::of(checked)) else {
        return Vec::new();
    };
    let pool = swarm.pools().first().copied();
    let cut = manifest
        .networks
        .iter()
        .filter(|network| network.subnet.is_none());
    let blocks = pool.and_then(|pool| pool.subnets(swarm.subnet_size).ok());
    let blocks = blocks.into_iter().flatten().take(1 + cut.count());
    blocks
        .enumerate()
        .map(|(place, block)| match place {
            0 => (
                block,
                "the first block of the address pool, which the ingress network has".to_owned(),
            ),
            _ => (
                block,
                "a block of the address pool that another network gets".to_owned(),
            ),
        })
        .collect()
}

fn net(text: &str) -> Option<Ipv4Net> {
    text.parse::<Ipv4Net>().ok().map(|net| net.trunc())
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(more: &str) -> Vec<crate::check::Finding> {
        Case::of(&manifest(more)).findings("ranges")
    }

    fn network(subnet: &str) -> String {
        format!("[[network]]\nname = \"front\"\nsubnet = \"{subnet}\"\n")
    }

    #[test]
    fn a_range_of_its_own_is_fine() {
        assert_eq!(found(""), []);
        assert_eq!(found(&network("10.200.0.0/24")), []);
        let both = "[swarm]\naddr_pool = [\"10.128.0.0/14\"]\n".to_owned() + &network("10.140.0.0/24");
        assert_eq!(found(&both), []);
    }

    #[test]
    fn a_range_of_the_vpc_or_a_bridge_is_said_once() {
        for (range, whose) in [
            ("172.31.200.0/24", "the VPC (172.31.0.0/16)"),
            ("172.17.1.0/24", "a bridge of Docker's own (172.17.0.0/16)"),
            ("172.18.0.0/16", "a bridge of Docker's own (172.18.0.0/16)"),
        ] {
            assert_eq!(
                only(&found(&network(range))),
                format!("Error 21 network front subnet: its range {range} collides with {whose}")
            );
            assert_eq!(
                only(&found(&format!("[swarm]\naddr_pool = [\"{range}\"]\n"))),
                format!("Error 20 swarm addr_pool: addr_pool {range} collides with {whose}")
            );
        }
    }

    #[test]
    fn a_range_of_dockers_own_is_free_where_the_engines_are_told_others() {
        let told = "[docker]\nbip = \"192.168.240.1/24\"\naddress_pools = [\"192.168.248.0/21\"]\n";
        for range in ["172.17.1.0/24", "172.18.0.0/16"] {
            assert_eq!(found(&(told.to_owned() + &network(range))), [], "{range}");
        }
        // With a bip alone, docker_gwbridge is cut from Docker's own pools.
        let half = "[docker]\nbip = \"192.168.240.1/24\"\n".to_owned() + &network("172.18.0.0/16");
        assert!(only(&found(&half)).contains("a bridge of Docker's own (172.18.0.0/16)"));
        // Those that were named are held against the network once.
        for range in ["192.168.240.0/24", "192.168.250.0/24"] {
            let both = told.to_owned() + &network(range);
            assert!(only(&found(&both)).contains("the network front"), "{range}");
        }
    }

    #[test]
    fn the_first_blocks_of_the_pool_are_given_to_others() {
        let pool = "[swarm]\naddr_pool = [\"10.128.0.0/14\"]\n";
        assert_eq!(
            only(&found(&(pool.to_owned() + &network("10.128.0.0/24")))),
            "Error 23 network front subnet: its range 10.128.0.0/24 collides with the first block of the address pool, which the ingress network has (10.128.0.0/24)"
        );
        let beside = pool.to_owned() + &network("10.128.1.0/24");
        assert_eq!(found(&beside), []);
        let other = beside + "[[network]]\nname = \"back\"\n";
        assert!(only(&found(&other)).contains("a block of the address pool that another network gets"));
    }

    #[test]
    fn without_a_pool_of_its_own_the_swarm_cuts_from_that_of_docker() {
        // A pool that is there already stays where it is.
        let found = |more: &str| {
            let mut case = Case::of(&manifest(more));
            case.snapshot = Case::of(&manifest("")).applied();
            case.findings("ranges")
        };
        assert!(
            only(&found(&network("10.0.0.0/24"))).contains("which the ingress network has (10.0.0.0/24)")
        );
        assert_eq!(found(&network("10.0.1.0/24")), []);
        let other = network("10.0.1.0/24") + "[[network]]\nname = \"back\"\n";
        assert!(only(&found(&other)).contains("that another network gets (10.0.1.0/24)"));
    }

    #[test]
    fn a_range_collides_with_what_lies_in_it_and_with_what_it_lies_in() {
        for (range, whose) in [
            ("172.16.0.0/12", "the VPC (172.31.0.0/16)"),
            ("172.31.0.0/28", "the VPC (172.31.0.0/16)"),
            ("172.16.0.0/15", "a bridge of Docker's own (172.17.0.0/16)"),
        ] {
            assert!(only(&found(&network(range))).ends_with(whose), "{range}");
        }
    }
}
