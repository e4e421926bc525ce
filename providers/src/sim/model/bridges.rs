//! The networks that an engine makes for its own host: docker0 and docker_gwbridge.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use subako_world::DaemonConfig;

use super::catalog::Range;
use super::facts::EngineFacts;
use super::swarm::SwarmFacts;

/// Docker's local pools, of which each is one network (moby, `libnetwork/ipamutils`); those after the
/// first three are never come to.
const LOCAL_POOLS: [&str; 3] = ["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16"];
/// The mask of each network that is cut from a pool that the engine is told.
const TOLD_BITS: u8 = 24;

impl EngineFacts {
    /// The ranges of docker0 and docker_gwbridge, CIDR notation. docker0 has `bip`, or else the first
    /// block of the pools; docker_gwbridge has the first one after that. (A real docker_gwbridge stays
    /// where it is when its engine is told other pools later; nobody who reads a cluster can see that.)
    pub fn bridges(&self) -> Vec<String> {
        let told = self.daemon.clone().unwrap_or_default();
        let docker0 = told.bip.as_deref().and_then(|bip| bip.parse::<Ipv4Net>().ok());
        let mut blocks = blocks(&told);
        let docker0 = docker0.map(|net| net.trunc()).or_else(|| blocks.next());
        let gateway = blocks.find(|block| docker0.is_none_or(|other| !overlap(*block, other)));
        let both = docker0.into_iter().chain(gateway);
        both.map(|net| net.to_string()).collect()
    }
}

/// What networks are given one after the other.
fn blocks(told: &DaemonConfig) -> impl Iterator<Item = Ipv4Net> + '_ {
    let own = told.address_pools.is_empty();
    let dockers = LOCAL_POOLS.iter().copied().filter(move |_| own);
    let pools = dockers.chain(told.address_pools.iter().map(String::as_str));
    let pools = pools.filter_map(|pool| pool.parse::<Ipv4Net>().ok());
    pools.flat_map(move |pool| {
        let bits = if own { pool.prefix_len() } else { TOLD_BITS };
        pool.subnets(bits).into_iter().flatten()
    })
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

impl SwarmFacts {
    /// The ranges of all its nodes' bridges, each once.
    pub fn bridges(&self) -> Vec<Range> {
        let known = self.board.bridges.get_or_init(|| {
            let all: BTreeSet<&str> = self
                .nodes
                .values()
                .flat_map(|node| &node.bridges)
                .map(String::as_str)
                .collect();
            all.into_iter().filter_map(Range::parse).collect()
        });
        known.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridges(bip: Option<&str>, pools: &[&str]) -> Vec<String> {
        let daemon = DaemonConfig {
            bip: bip.map(str::to_owned),
            address_pools: pools.iter().map(|pool| (*pool).to_owned()).collect(),
            ..DaemonConfig::default()
        };
        let engine = EngineFacts {
            version: "25.0.8".to_owned(),
            daemon: Some(daemon),
            ready_at: 0,
        };
        engine.bridges()
    }

    #[test]
    fn bridges_are_cut_from_what_the_engine_is_told() {
        assert_eq!(bridges(None, &[]), ["172.17.0.0/16", "172.18.0.0/16"]);
        assert_eq!(
            bridges(Some("192.168.9.1/24"), &[]),
            ["192.168.9.0/24", "172.17.0.0/16"]
        );
        assert_eq!(
            bridges(None, &["192.168.8.0/23"]),
            ["192.168.8.0/24", "192.168.9.0/24"]
        );
        assert_eq!(
            bridges(Some("192.168.8.1/24"), &["192.168.8.0/22"]),
            ["192.168.8.0/24", "192.168.9.0/24"]
        );
        assert_eq!(bridges(None, &["192.168.8.0/24"]), ["192.168.8.0/24"]);
    }
}
