//! What is written into the engines' `daemon.json`.

use std::collections::HashMap;

use subako_state::{Address, Snapshot};

use super::cidr::Cidr;
use super::error::LowerError;
use crate::kinds::{DOCKERS_POOL, Docker};
use crate::manifest::Manifest;
use crate::world::{DOCKER_BRIDGES, DaemonConfig};

/// What is tried instead, in this order: the ends of ranges that a VPC or the swarm's pool takes
/// from the front, if at all. The first half has docker0, the second the host's other networks.
const OTHERS: [&str; 4] = [
    "192.168.240.0/20",
    "172.30.240.0/20",
    "100.127.240.0/20",
    "198.19.240.0/20",
];

/// What each engine is told, by the name of its machine.
pub(super) struct Daemons {
    wanted: DaemonConfig,
    is_written: bool,
    recorded: HashMap<String, Option<DaemonConfig>>,
}

impl Daemons {
    /// As the manifest and the state have it. `addr_pool` is the swarm's own, empty for Docker's.
    pub fn of(
        manifest: &Manifest,
        snapshot: &Snapshot,
        replaced: &[String],
        vpc_cidrs: &[String],
        addr_pool: &[String],
    ) -> Result<Self, LowerError> {
        let recorded = recorded(snapshot, replaced);
        let wanted = wanted(manifest, &recorded, vpc_cidrs, addr_pool)?;
        Ok(Self {
            wanted,
            is_written: manifest.docker.is_written,
            recorded,
        })
    }

    /// What is written, without a look at anything else.
    pub fn offline(manifest: &Manifest) -> Self {
        Self {
            wanted: written(manifest),
            is_written: true,
            recorded: HashMap::new(),
        }
    }

    /// What the engine on a machine is told. One that is there already is left as it is until the
    /// manifest says something: to be told it has to restart.
    pub fn for_machine(&self, name: &str) -> Option<DaemonConfig> {
        match self.recorded.get(name) {
            Some(recorded) if !self.is_written => recorded.clone(),
            _ => Some(self.wanted.clone()),
        }
    }
}

/// What the engines of the state were told.
fn recorded(snapshot: &Snapshot, replaced: &[String]) -> HashMap<String, Option<DaemonConfig>> {
    let kept = |name: &str| {
        let instance = Address::new("instance", name);
        !replaced.iter().any(|pattern| instance.matches(pattern))
    };
    let dockers = snapshot.resources.iter();
    dockers
        .filter(|resource| resource.address.kind() == "docker" && !resource.deposed)
        .filter(|resource| kept(resource.address.name()))
        .filter_map(|resource| {
            let docker: Docker = resource.spec.decode().ok()?;
            Some((resource.address.name().to_owned(), docker.daemon))
        })
        .collect()
}

fn written(manifest: &Manifest) -> DaemonConfig {
    let docker = &manifest.docker;
    DaemonConfig {
        address_pools: docker.address_pools.clone(),
        bip: docker.bip.clone(),
        log_driver: Some(docker.log_driver.clone()),
        log_options: docker.log_options.clone(),
        registry_mirrors: docker.registry_mirrors.clone(),
    }
}

/// As written; ranges that are not, as they were chosen before, else Docker's own (said by nothing)
/// unless one of its bridges collides with the VPC, else the first that collides with nothing.
fn wanted(
    manifest: &Manifest,
    recorded: &HashMap<String, Option<DaemonConfig>>,
    vpc_cidrs: &[String],
    addr_pool: &[String],
) -> Result<DaemonConfig, LowerError> {
    let mut wanted = written(manifest);
    if wanted.bip.is_some() && !wanted.address_pools.is_empty() {
        return Ok(wanted);
    }
    let mut chosen: Vec<&DaemonConfig> = recorded.values().flatten().collect();
    chosen.sort();
    let chosen = chosen.into_iter().find(|one| one.bip.is_some());
    let (bip, pools) = match chosen {
        Some(one) => (one.bip.clone(), one.address_pools.clone()),
        None => choose(manifest, vpc_cidrs, addr_pool)?,
    };
    wanted.bip = wanted.bip.or(bip);
    if wanted.address_pools.is_empty() {
        wanted.address_pools = pools;
    }
    Ok(wanted)
}

type Ranges = (Option<String>, Vec<String>);

fn choose(manifest: &Manifest, vpc_cidrs: &[String], addr_pool: &[String]) -> Result<Ranges, LowerError> {
    let mut vpc = Vec::new();
    for cidr in vpc_cidrs.iter().filter(|cidr| !cidr.contains(':')) {
        vpc.push(Cidr::parse("of the VPC", cidr)?);
    }
    let meets = |taken: &[Cidr], range: Cidr| taken.iter().any(|other| other.overlaps(range));
    for bridge in DOCKER_BRIDGES {
        if !meets(&vpc, Cidr::parse("of a bridge", bridge)?) {
            continue;
        }
        let mut taken = vpc.clone();
        let dockers = [DOCKERS_POOL.to_owned()];
        let pool = if addr_pool.is_empty() {
            &dockers[..]
        } else {
            addr_pool
        };
        for range in pool.iter().filter(|range| !range.contains(':')) {
            taken.push(Cidr::parse("of addr_pool", range)?);
        }
        for network in &manifest.networks {
            if let Some(subnet) = network.subnet.as_ref().filter(|subnet| !subnet.contains(':')) {
                taken.push(Cidr::parse(&format!("of the network {}", network.name), subnet)?);
            }
        }
        for other in OTHERS {
            let range = Cidr::parse("to choose from", other)?;
            if !meets(&taken, range) {
                let (first, second) = range.halves();
                return Ok((Some(first.first_host(24)), vec![second.to_string()]));
            }
        }
        let taken: Vec<String> = taken.iter().map(ToString::to_string).collect();
        return Err(LowerError::NoFreeBridge {
            taken: taken.join(", "),
        });
    }
    Ok((None, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::testing;

    fn ranges(vpc: &[&str], addr_pool: &[&str]) -> Result<Ranges, LowerError> {
        let texts = |all: &[&str]| -> Vec<String> { all.iter().map(|one| (*one).to_owned()).collect() };
        choose(&testing::sandbox(), &texts(vpc), &texts(addr_pool))
    }

    fn some(bip: &str, pool: &str) -> Ranges {
        (Some(bip.to_owned()), vec![pool.to_owned()])
    }

    #[test]
    fn dockers_own_bridges_stay_where_the_vpc_is_elsewhere() {
        for vpc in ["172.31.0.0/16", "10.0.0.0/16", "192.168.0.0/16", "2001:db8::/56"] {
            assert_eq!(ranges(&[vpc], &[]), Ok((None, Vec::new())), "{vpc}");
        }
    }

    #[test]
    fn a_vpc_in_a_bridges_range_moves_the_bridges_away_from_it_and_from_the_swarms_pool() {
        let first = some("192.168.240.1/24", "192.168.248.0/21");
        for vpc in ["172.17.0.0/16", "172.18.5.0/24", "172.16.0.0/12"] {
            assert_eq!(ranges(&[vpc], &[]), Ok(first.clone()), "{vpc}");
        }
        let beside = ranges(&["172.17.0.0/16"], &["192.168.0.0/16"]);
        assert_eq!(beside, Ok(some("172.30.240.1/24", "172.30.248.0/21")));
        let all = ranges(&["0.0.0.0/0"], &[]);
        assert!(matches!(all, Err(LowerError::NoFreeBridge { .. })));
    }
}
