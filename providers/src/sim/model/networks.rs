//! Overlay networks.

use std::collections::BTreeMap;

use subako_world::{Code, Network, NetworkSpec};

use super::catalog::Range;
use super::ec2::Decision;
use super::effect::Effect;
use super::services::namesake;
use super::swarm::SwarmFacts;
use crate::sim::names::swarm_id;
use crate::sim::refusal::Refusal;

impl SwarmFacts {
    /// Creates an overlay network.
    pub fn decide_create_network(&self, seed: u64, spec: &NetworkSpec) -> Decision<String> {
        if let Some(there) = namesake(self.networks.keys(), &spec.name) {
            let message = format!("network with name {there} already exists");
            return Err(Refusal::new(Code::AlreadyExists, message));
        }
        if spec.name == "ingress" || spec.name.is_empty() {
            let message = format!("network name \"{}\" is reserved or empty", spec.name);
            return Err(Refusal::new(Code::Invalid, message));
        }
        if spec.driver != "overlay" {
            let message = format!(
                "could not find plugin {} in v1 plugin registry: plugin not found",
                spec.driver
            );
            return Err(
                Refusal::new(Code::NotFound, message).hint("the driver of a swarm's network is overlay")
            );
        }
        let used = self.ranges_in_use();
        let subnet = match &spec.subnet {
            Some(cidr) => {
                let range = Range::parse(cidr).ok_or_else(|| {
                    Refusal::new(
                        Code::Invalid,
                        format!("invalid subnet {cidr} : invalid CIDR block notation"),
                    )
                })?;
                if used.iter().any(|other| other.overlaps(range)) {
                    return Err(Refusal::new(
                        Code::Taken,
                        "invalid pool request: Pool overlaps with other one on this address space",
                    ));
                }
                range
            }
            None => self.free_range(&used).ok_or_else(|| {
                Refusal::new(
                    Code::NoCapacity,
                    "could not find an available, non-overlapping IPv4 address pool",
                )
                .hint("give the swarm a larger addr_pool")
            })?,
        };
        let id = swarm_id(seed, &["network", &self.id, &spec.name]);
        let network = Network {
            id: id.clone(),
            spec: NetworkSpec {
                subnet: Some(subnet.cidr()),
                ..spec.clone()
            },
        };
        let effect = Effect::Network {
            swarm: self.id.clone(),
            network,
        };
        Ok((Some(effect), id))
    }

    /// Removes a network that no service is on.
    pub fn decide_remove_network(&self, name: &str) -> Decision<()> {
        let Some(network) = self.networks.get(name) else {
            return Ok((None, ()));
        };
        let user = self
            .services
            .values()
            .find(|service| service.spec.networks.iter().any(|n| n.name == name));
        if let Some(service) = user {
            let message = format!(
                "rpc error: code = FailedPrecondition desc = network {} is in use by service {}",
                network.id, service.id
            );
            return Err(Refusal::new(Code::InUse, message).hint(format!(
                "remove the service {} first, or take it off the network",
                service.spec.name
            )));
        }
        let effect = Effect::NoNetwork {
            swarm: self.id.clone(),
            name: name.to_owned(),
        };
        Ok((Some(effect), ()))
    }

    /// Every network's range, and that of `ingress`, which has the first one of the pool.
    fn ranges_in_use(&self) -> Vec<Range> {
        let ingress = self.cuts().next();
        let others = self
            .networks
            .values()
            .filter_map(|network| Range::parse(network.spec.subnet.as_deref()?));
        ingress.into_iter().chain(others).collect()
    }

    /// The first block of the pools that overlaps none of those in use.
    fn free_range(&self, used: &[Range]) -> Option<Range> {
        // Those in use do not overlap each other: only the last that begins before a block's end can
        // reach into it.
        let used: BTreeMap<u64, u64> = used.iter().map(|range| (range.start(), range.end())).collect();
        let is_free = |cut: &Range| {
            let before = used.range(..cut.end()).next_back();
            before.is_none_or(|(_, end)| *end <= cut.start())
        };
        self.cuts().find(is_free)
    }

    /// The ranges that networks are cut from, in order.
    fn cuts(&self) -> impl Iterator<Item = Range> + '_ {
        let bits = self.subnet_size;
        let pools = self.addr_pool.iter().filter_map(|cidr| Range::parse(cidr));
        pools
            .filter(move |pool| pool.bits <= bits && bits <= 32)
            .flat_map(move |pool| {
                let step = 1_u64 << (32 - u32::from(bits));
                let first = u64::from(pool.first);
                (0..pool.size() / step).filter_map(move |index| {
                    let first = u32::try_from(first + index * step).ok()?;
                    Some(Range { first, bits })
                })
            })
    }
}
