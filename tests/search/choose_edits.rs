//! Edits drawn at random for a manifest, each of which people make.

use fastrand::Rng;

use super::cluster::{Cluster, Pool, Port, Update};
use super::edits::Edit;
use super::family::Families;
use super::field::Field;
use super::generate::{
    FILES, IMAGES, LABELS, NETWORKS, POOLS, SERVICES, TYPES, address, chance, free_ports, network, pick,
    pool, rule, service,
};
use super::respell::Respelling;

/// How often a draw is repeated that came to nothing.
const TRIES: u32 = 40;

/// One to four edits, made one after the other.
pub fn edits(rng: &mut Rng, families: &Families, cluster: &Cluster) -> Vec<Edit> {
    let wanted = *pick(rng, &[1, 1, 1, 2, 2, 3, 4]);
    let mut after = cluster.clone();
    let mut edits = Vec::new();
    for _ in 0..TRIES {
        if edits.len() == wanted {
            break;
        }
        let Some(edit) = edit(rng, families, &after).filter(|edit| families.has(edit.family())) else {
            continue;
        };
        let before = after.clone();
        edit.make(&mut after);
        if after == before || after.managers() == 0 {
            after = before;
        } else {
            edits.push(edit);
        }
    }
    edits
}

/// One edit; `None` where the draw fits nothing.
fn edit(rng: &mut Rng, families: &Families, cluster: &Cluster) -> Option<Edit> {
    if families.has("respellings") && chance(rng, 12) {
        return Some(Edit::Respell(Respelling::draw(rng, cluster)?));
    }
    match rng.u32(0..10) {
        0..3 => pool_edit(rng, families, cluster),
        3..6 => service_edit(rng, families, cluster),
        6..8 => network_edit(rng, families, cluster),
        8 => file_edit(rng, cluster),
        _ => cluster_edit(rng, cluster),
    }
}

fn pool_edit(rng: &mut Rng, families: &Families, cluster: &Cluster) -> Option<Edit> {
    let one = rng.choice(&cluster.pools)?;
    let pool_name = one.name.clone();
    let fresh = |rng: &mut Rng| {
        let unused: Vec<&str> = POOLS
            .into_iter()
            .filter(|name| cluster.pools.iter().all(|pool| pool.name != *name))
            .collect();
        rng.choice(&unused).map(|name| (*name).to_owned())
    };
    Some(match rng.u32(0..13) {
        0 | 1 => Edit::Count {
            count: if one.manager {
                *pick(rng, &[1, 3, 5])
            } else {
                rng.u32(0..=4)
            },
            pool: pool_name,
        },
        2 => Edit::Type {
            pool: pool_name,
            to: (*pick(rng, &TYPES)).to_owned(),
        },
        3 => Edit::Image {
            pool: pool_name,
            to: pick(rng, &[None, Some("amazon-linux-2")]).map(str::to_owned),
        },
        4 => Edit::Disk {
            pool: pool_name,
            gib: one.disk + rng.u32(1..=4),
        },
        5 => {
            let (key, value) = pick(rng, &LABELS);
            let value = chance(rng, 70).then(|| (*value).to_owned());
            Edit::Label {
                pool: pool_name,
                key: (*key).to_owned(),
                value,
            }
        }
        6 => Edit::Availability {
            pool: pool_name,
            to: (*pick(rng, &["active", "drain", "pause"])).to_owned(),
        },
        7 => Edit::Role {
            pool: pool_name,
            manager: !one.manager,
        },
        8 if families.has("elastic") && chance(rng, 50) => Edit::Elastic {
            pool: pool_name,
            to: !one.elastic,
        },
        8 => Edit::PublicIp {
            pool: pool_name,
            to: *pick(rng, &[None, Some(true)]),
        },
        9 => Edit::PoolTag {
            pool: pool_name,
            value: chance(rng, 70).then(|| "shop".to_owned()),
        },
        10 => match chance(rng, 50) {
            true => {
                let name = fresh(rng)?;
                let count = rng.u32(1..=2);
                let manager = chance(rng, 10);
                Edit::AddPool(pool(rng, families, cluster, &name, manager, count))
            }
            false => Edit::RemovePool { pool: pool_name },
        },
        11 => Edit::RenamePool {
            pool: pool_name,
            to: fresh(rng)?,
        },
        _ => address_edit(rng, cluster, one)?,
    })
}

fn address_edit(rng: &mut Rng, cluster: &Cluster, one: &Pool) -> Option<Edit> {
    let pinned: Vec<(String, usize)> = cluster
        .pools
        .iter()
        .flat_map(|pool| (0..pool.pinned.len()).map(|index| (pool.name.clone(), index)))
        .collect();
    if pinned.len() >= 2 && chance(rng, 60) {
        let (one, other) = (pick(rng, &pinned).clone(), pick(rng, &pinned).clone());
        return (one != other).then_some(Edit::SwapAddresses { one, other });
    }
    let zone = match cluster.zones.first() {
        Some('c') => 1,
        Some('d') => 2,
        _ => 0,
    };
    let first = rng.u32(40..60);
    let to = match one.pinned.is_empty() {
        true => (0..one.count).map(|index| address(zone, first + index)).collect(),
        false => Vec::new(),
    };
    Some(Edit::Pin {
        pool: one.name.clone(),
        to,
    })
}

fn service_edit(rng: &mut Rng, families: &Families, cluster: &Cluster) -> Option<Edit> {
    let unused: Vec<&str> = SERVICES
        .into_iter()
        .filter(|name| cluster.services.iter().all(|service| service.name != *name))
        .collect();
    if cluster.services.is_empty() || chance(rng, 15) {
        let name = *rng.choice(&unused)?;
        return Some(Edit::AddService(service(rng, families, cluster, name)));
    }
    let one = pick(rng, &cluster.services);
    let other = pick(rng, &cluster.services);
    let name = one.name.clone();
    Some(match rng.u32(0..12) {
        0 => Edit::RemoveService { service: name },
        1 => Edit::RenameService {
            service: name,
            to: (*rng.choice(&unused)?).to_owned(),
        },
        2 | 3 => Edit::Replicas {
            service: name,
            to: Some(rng.u32(0..=8)),
        },
        4 => Edit::Replicas {
            service: name,
            to: None,
        },
        5 => Edit::ServiceImage {
            service: name,
            to: (*pick(rng, &IMAGES)).to_owned(),
        },
        6 | 7 => Edit::Field {
            service: name,
            to: field(rng, &one.name),
        },
        8 => Edit::Constraints {
            service: name,
            to: pick(
                rng,
                &[
                    vec![],
                    vec!["node.role == manager".to_owned()],
                    vec!["node.role == worker".to_owned()],
                ],
            )
            .clone(),
        },
        9 if chance(rng, 50) => Edit::RemovePort { service: name },
        9 => Edit::AddPort {
            service: name,
            port: Port {
                published: *rng.choice(&free_ports(cluster))?,
                target: 8080,
                host: families.has("host-ports") && chance(rng, 20),
                udp: chance(rng, 10),
            },
        },
        _ if one.name == other.name => return None,
        10 => Edit::MovePort {
            from: name,
            to: other.name.clone(),
        },
        _ => Edit::SwapPorts {
            one: name,
            other: other.name.clone(),
        },
    })
}

fn field(rng: &mut Rng, service: &str) -> Field {
    match rng.u32(0..10) {
        0 => Field::Env((*pick(rng, &["debug", "warn"])).to_owned()),
        1 => Field::Label("shop".to_owned()),
        2 => Field::Command(chance(rng, 60).then(|| "serve --some".to_owned())),
        3 => Field::Volume(chance(rng, 60).then(|| format!("{service}-new:/data"))),
        4 => Field::Grace(chance(rng, 60).then_some(15)),
        5 => Field::Health(chance(rng, 50)),
        6 => Field::Reserve(*pick(rng, &[None, Some(16), Some(64)])),
        7 => Field::Restart(chance(rng, 60).then(|| "on-failure".to_owned())),
        8 => Field::Spread(chance(rng, 60).then(|| "node.labels.disk".to_owned())),
        _ => Field::Update(chance(rng, 70).then(|| Update {
            parallelism: rng.u32(0..=2),
            start_first: chance(rng, 50),
            on_failure: "rollback".to_owned(),
            delay: 0,
        })),
    }
}

fn network_edit(rng: &mut Rng, families: &Families, cluster: &Cluster) -> Option<Edit> {
    let unused: Vec<&str> = NETWORKS
        .into_iter()
        .filter(|name| cluster.networks.iter().all(|network| network.name != *name))
        .collect();
    if cluster.networks.is_empty() || chance(rng, 20) {
        let name = *rng.choice(&unused)?;
        return Some(Edit::AddNetwork(network(
            rng,
            families,
            name,
            cluster.networks.len() + 4,
        )));
    }
    let one = pick(rng, &cluster.networks);
    let name = one.name.clone();
    Some(match rng.u32(0..6) {
        0 => Edit::RemoveNetwork { network: name },
        1 => Edit::RenameNetwork {
            network: name,
            to: (*rng.choice(&unused)?).to_owned(),
        },
        2 | 3 => {
            let service = rng.choice(&cluster.services)?;
            let on = !service.networks.contains(&name);
            Edit::Attach {
                service: service.name.clone(),
                network: name,
                on,
            }
        }
        4 => Edit::Range {
            network: name,
            to: pick(rng, &[None, Some("10.210.0.0/24"), Some("10.211.0.0/24")]).map(str::to_owned),
        },
        _ => Edit::NetworkFlags {
            network: name,
            encrypted: one.encrypted ^ chance(rng, 50),
            attachable: one.attachable ^ chance(rng, 50),
            internal: one.internal ^ chance(rng, 20),
        },
    })
}

fn file_edit(rng: &mut Rng, cluster: &Cluster) -> Option<Edit> {
    let there: Vec<&String> = cluster.secrets.keys().chain(cluster.configs.keys()).collect();
    let unused: Vec<&str> = FILES
        .into_iter()
        .filter(|name| there.iter().all(|file| *file != name))
        .collect();
    if there.is_empty() || chance(rng, 20) {
        return Some(Edit::AddFile {
            file: (*rng.choice(&unused)?).to_owned(),
            secret: chance(rng, 50),
            service: rng.choice(&cluster.services)?.name.clone(),
        });
    }
    let file = (*pick(rng, &there)).clone();
    Some(match rng.u32(0..4) {
        0 | 1 => Edit::Content { file },
        2 => Edit::RemoveFile { file },
        _ => Edit::RenameFile {
            file,
            to: (*rng.choice(&unused)?).to_owned(),
        },
    })
}

fn cluster_edit(rng: &mut Rng, cluster: &Cluster) -> Option<Edit> {
    Some(match rng.u32(0..8) {
        0 | 1 => {
            let mut zones = cluster.zones.clone();
            match rng.u32(0..4) {
                0 => zones.reverse(),
                1 if zones.len() > 1 => drop(zones.remove(0)),
                _ => zones.push(
                    *['a', 'c', 'd']
                        .iter()
                        .find(|zone| !cluster.zones.contains(zone))?,
                ),
            }
            Edit::Zones { to: zones }
        }
        2 => Edit::ClusterTag {
            value: chance(rng, 60).then(|| "Other".to_owned()),
        },
        3 => Edit::AddRule(rule(rng)),
        4 if chance(rng, 50) => Edit::RemoveRule,
        4 => Edit::RewordRule,
        5 => Edit::PublishTo {
            to: chance(rng, 50).then(|| "192.0.2.0/24".to_owned()),
        },
        6 => Edit::Group {
            to: chance(rng, 70).then(|| "renamed-group".to_owned()),
        },
        _ => Edit::Key {
            to: pick(
                rng,
                &[
                    None,
                    Some(("search-key".to_owned(), 1)),
                    Some(("renamed-key".to_owned(), 0)),
                ],
            )
            .clone(),
        },
    })
}
