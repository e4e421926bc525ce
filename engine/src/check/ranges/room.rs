//! Ranges that are too small for what is to be in them.

use ipnet::Ipv4Net;
use subako_state::Address;

use super::super::nodes::fitting;
use super::super::{About, Checked, Finding};
use super::{Swarm, net};
use crate::manifest::Manifest;
use crate::world::{Mode, PublishMode, ServiceSpec};

/// Addresses of a network that no task gets: its own, its broadcast address and its gateway's.
const KEPT: u64 = 3;

/// An address pool with fewer blocks than there are networks, and networks with fewer addresses
/// than tasks: Swarm starts no task without one.
pub(super) fn look(checked: &Checked<'_>, manifest: &Manifest, about: &'static About) -> Vec<Finding> {
    let Some(swarm) = Swarm::of(checked) else {
        return Vec::new();
    };
    let mut findings: Vec<Finding> = blocks(checked, manifest, &swarm, about).into_iter().collect();
    for network in &manifest.networks {
        let on_it = |spec: &&ServiceSpec| spec.networks.iter().any(|on| on.name == network.name);
        let own = network.subnet.as_deref().and_then(net);
        let length = own.map_or(swarm.subnet_size, |range| range.prefix_len());
        let Some((wanted, has)) = crowded(manifest, on_it, length) else {
            continue;
        };
        let message = format!(
            "its {wanted} tasks and virtual addresses do not fit into a /{length}, which has {has} addresses for them"
        );
        let finding = Finding::new(checked.refusing(None), about, message)
            .about(Address::new("network", &network.name));
        findings.push(match own {
            Some(_) => finding
                .with_remedy("give it a wider subnet")
                .at("network", &network.name, "subnet"),
            None => finding
                .with_remedy("set a smaller subnet_size under [swarm], or give it a wider subnet of its own")
                .at("swarm", "", "subnet_size"),
        });
    }
    let publishes = |spec: &&ServiceSpec| {
        let mut ports = spec.ports.iter();
        ports.any(|port| port.mode == PublishMode::Ingress)
    };
    if let Some((wanted, has)) = crowded(manifest, publishes, swarm.subnet_size) {
        let length = swarm.subnet_size;
        let message = format!(
            "the {wanted} tasks and virtual addresses of services that publish ports do not fit into the ingress \
             network, a /{length}, which has {has} addresses for them"
        );
        findings.push(
            Finding::new(checked.refusing(None), about, message)
                .with_remedy(
                    "set a smaller subnet_size under [swarm] (it is only settled when the swarm is created), or publish \
                     ports with mode = \"host\"",
                )
                .at("swarm", "", "subnet_size"),
        );
    }
    findings
}

/// How many addresses services want on a network whose range has this prefix length, and how many
/// there are, where that is too few.
fn crowded<'a>(
    manifest: &'a Manifest,
    on_it: impl Fn(&&'a ServiceSpec) -> bool,
    length: u8,
) -> Option<(u64, u64)> {
    let specs = manifest.services.iter().map(|service| &service.spec);
    let wanted = specs.filter(on_it).map(|spec| {
        let tasks = match spec.mode {
            Mode::Replicated(replicas) => replicas,
            Mode::Global => fitting(manifest, &spec.constraints),
        };
        tasks + u64::from(spec.endpoint_mode == "vip")
    });
    let wanted: u64 = wanted.sum();
    let has = (1u64 << 32u8.saturating_sub(length)).saturating_sub(KEPT);
    (wanted > has).then_some((wanted, has))
}

/// The address pool has to have a block for the ingress network, and one for each network without
/// a range of its own.
fn blocks(
    checked: &Checked<'_>,
    manifest: &Manifest,
    swarm: &Swarm,
    about: &'static About,
) -> Option<Finding> {
    let of = |pool: Ipv4Net| {
        let bits = swarm.subnet_size.checked_sub(pool.prefix_len());
        bits.map_or(0, |bits| 1u64 << bits)
    };
    let has: u64 = swarm.pools().into_iter().map(of).sum();
    let cut = manifest
        .networks
        .iter()
        .filter(|network| network.subnet.is_none());
    let cut = cut.count() as u64;
    (1 + cut > has).then(|| {
        let message = format!(
            "addr_pool has {has} blocks of /{}, and {} are needed: one for the ingress network, and one for each \
             network without a subnet",
            swarm.subnet_size,
            1 + cut
        );
        Finding::new(checked.refusing(None), about, message)
            .with_remedy("name a wider addr_pool, or a larger subnet_size")
            .at("swarm", "", "addr_pool")
    })
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(more: &str) -> Vec<crate::check::Finding> {
        Case::of(&manifest(more)).findings("ranges")
    }

    #[test]
    fn every_network_needs_a_block() {
        let text = |pool: &str| format!("[swarm]\naddr_pool = \"{pool}\"\n[[network]]\nname = \"a\"\n");
        assert_eq!(found(&text("10.20.0.0/23")), []);
        assert_eq!(
            only(&found(&text("10.20.0.0/24"))),
            "Error 20 swarm addr_pool: addr_pool has 1 blocks of /24, and 2 are needed: one for the ingress network, and one for each network without a subnet"
        );
        let own = text("10.20.0.0/24") + "subnet = \"10.30.0.0/24\"\n";
        assert_eq!(found(&own), []);
    }

    #[test]
    fn every_task_needs_an_address() {
        let text = |replicas: u32, subnet: &str| {
            format!(
                "[[network]]\nname = \"a\"\n{subnet}\n[[service]]\nname = \"web\"\nimage = \"nginx\"\nreplicas = {replicas}\nnetworks = [\"a\"]\n"
            )
        };
        let small = "subnet = \"10.30.0.0/29\"";
        assert_eq!(found(&text(4, small)), []);
        assert_eq!(
            only(&found(&text(5, small))),
            "Error 21 network a subnet: its 6 tasks and virtual addresses do not fit into a /29, which has 5 addresses for them"
        );
        assert_eq!(found(&text(252, "")), []);
        assert!(only(&found(&text(253, ""))).contains("do not fit into a /24"));
    }

    #[test]
    fn every_task_that_publishes_needs_an_address_of_the_ingress_network() {
        let text = |replicas: u32| {
            format!(
                "[[service]]\nname = \"web\"\nimage = \"nginx\"\nreplicas = {replicas}\nports = [\"80:80\"]\n"
            )
        };
        assert_eq!(found(&text(252)), []);
        assert!(only(&found(&text(253))).contains("ingress network, a /24, which has 253 addresses"));
        assert_eq!(found(&format!("[swarm]\nsubnet_size = 20\n{}", text(2000))), []);
    }
}
