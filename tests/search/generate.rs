//! Manifests that should work: every name refers to something, every constraint can be met,
//! nothing asks for more than its nodes have.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::cluster::{Cluster, Network, Pool, Port, Rule, Service, Update};
use super::family::Families;

pub const POOLS: [&str; 5] = ["manager", "node", "data", "edge", "extra"];
pub const SERVICES: [&str; 7] = ["web", "api", "cache", "jobs", "log", "mail", "shop"];
pub const NETWORKS: [&str; 4] = ["front", "back", "data", "mesh"];
pub const FILES: [&str; 4] = ["token", "password", "site", "limits"];
pub const TYPES: [&str; 4] = ["t3.micro", "t3.small", "t3.medium", "t3.large"];
pub const IMAGES: [&str; 4] = ["nginx", "nginx:1.27", "redis:7", "shop/web:2"];
pub const LABELS: [(&str, &str); 4] = [("tier", "web"), ("tier", "data"), ("disk", "ssd"), ("rack", "r1")];
pub const PUBLISHED: [u16; 6] = [80, 443, 8080, 9000, 5353, 9100];

/// One of some, by a hundred's chance.
pub fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(0..100) < percent
}

/// One of a list that is not empty.
pub fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.usize(0..from.len())]
}

/// An address that EC2 leaves to instances, in the subnet of the zone at that place.
pub fn address(zone: usize, number: u32) -> String {
    format!("172.31.{}.{}", zone * 16 + 1, 20 + number)
}

/// A manifest.
pub fn cluster(rng: &mut Rng, families: &Families) -> Cluster {
    let zones: &[&[char]] = &[&[], &['a'], &['a', 'c'], &['a', 'c', 'd'], &['c', 'a']];
    let mut cluster = Cluster {
        zones: pick(rng, zones).to_vec(),
        tags: BTreeMap::new(),
        key: chance(rng, 50).then(|| ("search-key".to_owned(), 0)),
        group: chance(rng, 40).then(|| "search-group".to_owned()),
        publish_to: chance(rng, 20).then(|| "10.0.0.0/8".to_owned()),
        rules: Vec::new(),
        addr_pool: chance(rng, 10).then(|| "10.128.0.0/14".to_owned()),
        engine: None,
        comment: super::cluster::me(),
        pools: Vec::new(),
        networks: Vec::new(),
        secrets: BTreeMap::new(),
        configs: BTreeMap::new(),
        services: Vec::new(),
    };
    if chance(rng, 30) {
        cluster.tags.insert("Unit".to_owned(), "Search".to_owned());
    }
    if chance(rng, 20) {
        cluster.rules.push(rule(rng));
    }
    pools(rng, families, &mut cluster);
    for name in some(rng, &NETWORKS, 2) {
        let network = network(rng, families, name, cluster.networks.len());
        cluster.networks.push(network);
    }
    for (index, name) in some(rng, &FILES, 2).into_iter().enumerate() {
        let kind = if index == 0 {
            &mut cluster.secrets
        } else {
            &mut cluster.configs
        };
        kind.insert(name.to_owned(), 1);
    }
    for name in some(rng, &SERVICES, 4) {
        let service = service(rng, families, &cluster, name);
        cluster.services.push(service);
    }
    cluster
}

/// Up to `most` of some names, in random order.
fn some<'a>(rng: &mut Rng, names: &[&'a str], most: usize) -> Vec<&'a str> {
    let mut names = names.to_vec();
    rng.shuffle(&mut names);
    names.truncate(rng.usize(0..=most));
    names
}

/// A rule of its own.
pub fn rule(rng: &mut Rng) -> Rule {
    Rule {
        ports: (*pick(rng, &["9200", "9300", "7000-7010"])).to_owned(),
        from: (*pick(rng, &["10.1.0.0/16", "192.0.2.0/24", "self"])).to_owned(),
        words: "by hand".to_owned(),
    }
}

fn pools(rng: &mut Rng, families: &Families, cluster: &mut Cluster) {
    let managers = *pick(rng, &[1, 1, 3, 3, 3, 5]);
    let mut manager = pool(rng, families, cluster, "manager", true, managers);
    if chance(rng, 15) {
        "drain".clone_into(&mut manager.availability);
    }
    cluster.pools.push(manager);
    let mut names = POOLS[1..].to_vec();
    rng.shuffle(&mut names);
    let workers = match rng.u32(0..10) {
        0 | 1 => 0,
        2..=7 => 1,
        _ => 2,
    };
    for name in names.into_iter().take(workers) {
        let count = rng.u32(1..=3);
        let next = pool(rng, families, cluster, name, false, count);
        cluster.pools.push(next);
    }
    if !cluster.pools.iter().any(takes_tasks) {
        "active".clone_into(&mut cluster.pools[0].availability);
    }
}

/// A pool.
pub fn pool(
    rng: &mut Rng,
    families: &Families,
    cluster: &Cluster,
    name: &str,
    manager: bool,
    count: u32,
) -> Pool {
    let pinned = if families.has("pinned") && chance(rng, 25) {
        let first = cluster.pools.len() as u32 * 10;
        let zones = cluster.zones.len().max(1);
        let zone_of = |index: u32| match cluster.zones.get(index as usize % zones) {
            Some('c') => 1,
            Some('d') => 2,
            _ => 0,
        };
        (0..count)
            .map(|index| address(zone_of(index), first + index))
            .collect()
    } else {
        Vec::new()
    };
    let mut labels = BTreeMap::new();
    if chance(rng, 40) {
        let (key, value) = pick(rng, &LABELS);
        labels.insert((*key).to_owned(), (*value).to_owned());
    }
    Pool {
        name: name.to_owned(),
        manager,
        count,
        instance_type: (*pick(rng, &TYPES[..2])).to_owned(),
        // One family's login user for the whole cluster: `[ssh] user` is one for all.
        ami: chance(rng, 20).then(|| "amazon-linux-2".to_owned()),
        disk: *pick(rng, &[8, 8, 10, 20]),
        encrypted: chance(rng, 10),
        labels,
        availability: "active".to_owned(),
        pinned,
        public_ip: chance(rng, 10).then_some(true),
        elastic: families.has("elastic") && chance(rng, 15),
        tags: BTreeMap::new(),
    }
}

/// A network, the `index`th.
pub fn network(rng: &mut Rng, families: &Families, name: &str, index: usize) -> Network {
    let ranged = families.has("ranged") && chance(rng, 30);
    Network {
        name: name.to_owned(),
        range: ranged.then(|| format!("10.200.{}.0/24", index * 10)),
        encrypted: chance(rng, 20),
        attachable: chance(rng, 20),
        internal: chance(rng, 10),
    }
}

/// Whether tasks are put on a pool's nodes.
pub fn takes_tasks(pool: &Pool) -> bool {
    pool.count > 0 && pool.availability == "active"
}

/// The constraints that some node meets now, each with how many meet it.
fn constraints(cluster: &Cluster) -> Vec<(String, u32)> {
    let mut out = Vec::new();
    let nodes = |test: &dyn Fn(&Pool) -> bool| -> u32 {
        let pools = cluster
            .pools
            .iter()
            .filter(|pool| takes_tasks(pool) && test(pool));
        pools.map(|pool| pool.count).sum()
    };
    out.push(("node.role == worker".to_owned(), nodes(&|pool| !pool.manager)));
    out.push(("node.role == manager".to_owned(), nodes(&|pool| pool.manager)));
    for (key, value) in LABELS {
        let has = |pool: &Pool| pool.labels.get(key).is_some_and(|own| own == value);
        out.push((format!("node.labels.{key} == {value}"), nodes(&has)));
        out.push((format!("node.labels.{key} != {value}"), nodes(&|pool| !has(pool))));
    }
    out.retain(|(_, count)| *count > 0);
    out
}

/// A service that the cluster can run.
pub fn service(rng: &mut Rng, families: &Families, cluster: &Cluster, name: &str) -> Service {
    let everywhere: u32 = cluster
        .pools
        .iter()
        .filter(|pool| takes_tasks(pool))
        .map(|pool| pool.count)
        .sum();
    let can = constraints(cluster);
    let (constraints, nodes) = if chance(rng, 25) && !can.is_empty() {
        let (constraint, nodes) = pick(rng, &can).clone();
        (vec![constraint], nodes)
    } else {
        (Vec::new(), everywhere)
    };
    let host = families.has("host-ports") && chance(rng, 15);
    let global = chance(rng, 15);
    let most = if host { nodes.min(3) } else { 6 };
    let free = free_ports(cluster);
    let port = |published: &u16| Port {
        published: *published,
        target: 8080,
        host,
        udp: false,
    };
    let ports = if chance(rng, 50) && !free.is_empty() {
        vec![port(pick(rng, &free))]
    } else {
        Vec::new()
    };
    let update = chance(rng, 40).then(|| Update {
        parallelism: *pick(rng, &[0, 1, 2]),
        start_first: (!host || ports.is_empty()) && chance(rng, 50),
        on_failure: (*pick(rng, &["pause", "continue", "rollback"])).to_owned(),
        delay: *pick(rng, &[0, 5]),
    });
    let names = |rng: &mut Rng, all: Vec<String>, percent| -> Vec<String> {
        let mut chosen: Vec<String> = all.into_iter().filter(|_| chance(rng, percent)).collect();
        chosen.sort();
        chosen
    };
    Service {
        name: name.to_owned(),
        image: (*pick(rng, &IMAGES)).to_owned(),
        replicas: (!global).then(|| rng.u32(1..=most.max(1))),
        ports,
        networks: names(rng, cluster.networks.iter().map(|n| n.name.clone()).collect(), 50),
        secrets: names(rng, cluster.secrets.keys().cloned().collect(), 40),
        configs: names(rng, cluster.configs.keys().cloned().collect(), 40),
        constraints,
        spread: chance(rng, 10).then(|| "node.labels.tier".to_owned()),
        env: if chance(rng, 30) {
            BTreeMap::from([("LEVEL".to_owned(), "info".to_owned())])
        } else {
            BTreeMap::new()
        },
        labels: BTreeMap::new(),
        command: chance(rng, 20).then(|| "serve --all".to_owned()),
        volume: chance(rng, 10).then(|| format!("{name}:/data")),
        grace: chance(rng, 10).then_some(20),
        health: chance(rng, 20),
        reserve_mib: chance(rng, 15).then_some(32),
        restart: chance(rng, 10).then(|| "any".to_owned()),
        update,
    }
}

/// Ports that no service publishes.
pub fn free_ports(cluster: &Cluster) -> Vec<u16> {
    let taken: Vec<u16> = cluster
        .services
        .iter()
        .flat_map(|service| service.ports.iter().map(|port| port.published))
        .collect();
    PUBLISHED
        .into_iter()
        .filter(|port| !taken.contains(port))
        .collect()
}
