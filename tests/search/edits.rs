//! Edits between two manifests: what each does to a manifest, and which family it is of.

use serde::{Deserialize, Serialize};

use super::cluster::{Cluster, Network, Pool, Port, Rule, Service};
use super::field::Field;
use super::respell::Respelling;

/// One edit. Those that fit no more, after others were taken out, do nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Edit {
    Count {
        pool: String,
        count: u32,
    },
    Type {
        pool: String,
        to: String,
    },
    Image {
        pool: String,
        to: Option<String>,
    },
    Disk {
        pool: String,
        gib: u32,
    },
    Label {
        pool: String,
        key: String,
        value: Option<String>,
    },
    Availability {
        pool: String,
        to: String,
    },
    Role {
        pool: String,
        manager: bool,
    },
    PublicIp {
        pool: String,
        to: Option<bool>,
    },
    Elastic {
        pool: String,
        to: bool,
    },
    PoolTag {
        pool: String,
        value: Option<String>,
    },
    AddPool(Pool),
    RemovePool {
        pool: String,
    },
    RenamePool {
        pool: String,
        to: String,
    },
    Pin {
        pool: String,
        to: Vec<String>,
    },
    /// Two instances, each the pool and the place in its list, change addresses.
    SwapAddresses {
        one: (String, usize),
        other: (String, usize),
    },
    AddService(Service),
    RemoveService {
        service: String,
    },
    RenameService {
        service: String,
        to: String,
    },
    Replicas {
        service: String,
        to: Option<u32>,
    },
    ServiceImage {
        service: String,
        to: String,
    },
    Field {
        service: String,
        to: Field,
    },
    Constraints {
        service: String,
        to: Vec<String>,
    },
    AddPort {
        service: String,
        port: Port,
    },
    RemovePort {
        service: String,
    },
    MovePort {
        from: String,
        to: String,
    },
    SwapPorts {
        one: String,
        other: String,
    },
    AddNetwork(Network),
    RemoveNetwork {
        network: String,
    },
    RenameNetwork {
        network: String,
        to: String,
    },
    Attach {
        service: String,
        network: String,
        on: bool,
    },
    Range {
        network: String,
        to: Option<String>,
    },
    NetworkFlags {
        network: String,
        encrypted: bool,
        attachable: bool,
        internal: bool,
    },
    Content {
        file: String,
    },
    AddFile {
        file: String,
        secret: bool,
        service: String,
    },
    RemoveFile {
        file: String,
    },
    RenameFile {
        file: String,
        to: String,
    },
    Zones {
        to: Vec<char>,
    },
    ClusterTag {
        value: Option<String>,
    },
    AddRule(Rule),
    RemoveRule,
    RewordRule,
    PublishTo {
        to: Option<String>,
    },
    Group {
        to: Option<String>,
    },
    Key {
        to: Option<(String, usize)>,
    },
    Respell(Respelling),
}

impl Edit {
    /// The family that it is of.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Count { .. } => "counts",
            Self::Type { .. } => "types",
            Self::Image { .. } => "images",
            Self::Disk { .. } => "disks",
            Self::Label { .. } => "labels",
            Self::Availability { .. } => "drain",
            Self::Role { .. } => "roles",
            Self::PublicIp { .. } => "public-ip",
            Self::Elastic { .. } => "elastic",
            Self::PoolTag { .. } | Self::ClusterTag { .. } => "tags",
            Self::AddPool(_) | Self::RemovePool { .. } => "pools",
            Self::RenamePool { .. } => "rename-pool",
            Self::Pin { .. } | Self::SwapAddresses { .. } => "addresses",
            Self::AddService(_) | Self::RemoveService { .. } => "services",
            Self::RenameService { .. } => "rename-service",
            Self::Replicas { to: Some(_), .. } => "replicas",
            Self::Replicas { to: None, .. } => "modes",
            Self::ServiceImage { .. } => "service-image",
            Self::Field { .. } => "service-fields",
            Self::Constraints { .. } => "constraints",
            Self::AddPort { .. } | Self::RemovePort { .. } => "ports",
            Self::MovePort { .. } | Self::SwapPorts { .. } => "move-ports",
            Self::AddNetwork(_) | Self::RemoveNetwork { .. } | Self::Attach { .. } => "networks",
            Self::RenameNetwork { .. } => "rename-network",
            Self::Range { .. } => "ranges",
            Self::NetworkFlags { .. } => "network-flags",
            Self::Content { .. } | Self::AddFile { .. } | Self::RemoveFile { .. } => "contents",
            Self::RenameFile { .. } => "rename-content",
            Self::Zones { .. } => "zones",
            Self::AddRule(_) | Self::RemoveRule | Self::RewordRule | Self::PublishTo { .. } => "rules",
            Self::Group { .. } => "group",
            Self::Key { .. } => "key",
            Self::Respell(_) => "respellings",
        }
    }

    /// Makes the edit, if it fits.
    pub fn make(&self, cluster: &mut Cluster) {
        // Nothing is lost when an edit does not fit: the manifest stays as it is.
        let _fits = self
            .to_pools(cluster)
            .or_else(|| self.to_services(cluster))
            .or_else(|| self.to_networks(cluster))
            .or_else(|| self.to_files(cluster))
            .or_else(|| self.to_cluster(cluster));
    }

    fn to_pools(&self, cluster: &mut Cluster) -> Option<()> {
        match self {
            Self::Count { pool, count } => {
                let pool = cluster.pool(pool)?;
                pool.count = *count;
                if !pool.pinned.is_empty() {
                    pool.pinned.truncate(*count as usize);
                    if pool.pinned.len() < *count as usize {
                        pool.pinned.clear();
                    }
                }
            }
            Self::Type { pool, to } => cluster.pool(pool)?.instance_type.clone_from(to),
            Self::Image { pool, to } => cluster.pool(pool)?.ami.clone_from(to),
            Self::Disk { pool, gib } => cluster.pool(pool)?.disk = *gib,
            Self::Label { pool, key, value } => set(&mut cluster.pool(pool)?.labels, key, value.as_ref()),
            Self::Availability { pool, to } => cluster.pool(pool)?.availability.clone_from(to),
            Self::Role { pool, manager } => cluster.pool(pool)?.manager = *manager,
            Self::PublicIp { pool, to } => cluster.pool(pool)?.public_ip = *to,
            Self::Elastic { pool, to } => cluster.pool(pool)?.elastic = *to,
            Self::PoolTag { pool, value } => set(&mut cluster.pool(pool)?.tags, "Team", value.as_ref()),
            Self::AddPool(pool) => {
                if cluster.pool(&pool.name).is_none() {
                    cluster.pools.push(pool.clone());
                }
            }
            Self::RemovePool { pool } => cluster.pools.retain(|other| other.name != *pool),
            Self::RenamePool { pool, to } => {
                if cluster.pool(to).is_none() {
                    cluster.pool(pool)?.name.clone_from(to);
                }
            }
            Self::Pin { pool, to } => cluster.pool(pool)?.pinned.clone_from(to),
            Self::SwapAddresses { one, other } => {
                let address = |cluster: &mut Cluster, at: &(String, usize)| {
                    cluster.pool(&at.0)?.pinned.get(at.1).cloned()
                };
                let (a, b) = (address(cluster, one)?, address(cluster, other)?);
                cluster.pool(&one.0)?.pinned[one.1] = b;
                cluster.pool(&other.0)?.pinned[other.1] = a;
            }
            _ => return None,
        }
        Some(())
    }

    fn to_services(&self, cluster: &mut Cluster) -> Option<()> {
        match self {
            Self::AddService(service) => {
                if cluster.service(&service.name).is_none() {
                    cluster.services.push(service.clone());
                }
            }
            Self::RemoveService { service } => cluster.services.retain(|other| other.name != *service),
            Self::RenameService { service, to } => {
                if cluster.service(to).is_none() {
                    cluster.service(service)?.name.clone_from(to);
                }
            }
            Self::Replicas { service, to } => cluster.service(service)?.replicas = *to,
            Self::ServiceImage { service, to } => cluster.service(service)?.image.clone_from(to),
            Self::Field { service, to } => to.set(cluster.service(service)?),
            Self::Constraints { service, to } => cluster.service(service)?.constraints.clone_from(to),
            Self::AddPort { service, port } => cluster.service(service)?.ports.push(*port),
            Self::RemovePort { service } => drop(cluster.service(service)?.ports.pop()),
            Self::MovePort { from, to } => {
                cluster.service(to)?;
                let port = cluster.service(from)?.ports.pop()?;
                cluster.service(to)?.ports.push(port);
            }
            Self::SwapPorts { one, other } => {
                let a = std::mem::take(&mut cluster.service(one)?.ports);
                let b = match cluster.service(other) {
                    Some(service) => std::mem::replace(&mut service.ports, a),
                    None => a,
                };
                cluster.service(one)?.ports = b;
            }
            _ => return None,
        }
        Some(())
    }

    fn to_networks(&self, cluster: &mut Cluster) -> Option<()> {
        match self {
            Self::AddNetwork(network) => {
                if cluster.network(&network.name).is_none() {
                    cluster.networks.push(network.clone());
                }
            }
            Self::RemoveNetwork { network } => {
                cluster.networks.retain(|other| other.name != *network);
                for service in &mut cluster.services {
                    service.networks.retain(|other| other != network);
                }
            }
            Self::RenameNetwork { network, to } => {
                if cluster.network(to).is_none() {
                    cluster.network(network)?.name.clone_from(to);
                    for service in &mut cluster.services {
                        rename(&mut service.networks, network, to);
                    }
                }
            }
            Self::Attach { service, network, on } => {
                let networks = &mut cluster.service(service)?.networks;
                networks.retain(|other| other != network);
                if *on {
                    networks.push(network.clone());
                    networks.sort();
                }
            }
            Self::Range { network, to } => cluster.network(network)?.range.clone_from(to),
            Self::NetworkFlags {
                network,
                encrypted,
                attachable,
                internal,
            } => {
                let network = cluster.network(network)?;
                network.encrypted = *encrypted;
                network.attachable = *attachable;
                network.internal = *internal;
            }
            _ => return None,
        }
        Some(())
    }

    fn to_files(&self, cluster: &mut Cluster) -> Option<()> {
        match self {
            Self::Content { file } => {
                let secret = cluster.secrets.get_mut(file);
                *secret.or(cluster.configs.get_mut(file))? += 1;
            }
            Self::AddFile {
                file,
                secret,
                service,
            } => {
                let files = if *secret {
                    &mut cluster.secrets
                } else {
                    &mut cluster.configs
                };
                files.entry(file.clone()).or_insert(1);
                let service = cluster.service(service)?;
                let uses = if *secret {
                    &mut service.secrets
                } else {
                    &mut service.configs
                };
                if !uses.contains(file) {
                    uses.push(file.clone());
                    uses.sort();
                }
            }
            Self::RemoveFile { file } => {
                cluster.secrets.remove(file);
                cluster.configs.remove(file);
                for service in &mut cluster.services {
                    service.secrets.retain(|other| other != file);
                    service.configs.retain(|other| other != file);
                }
            }
            Self::RenameFile { file, to } => {
                for files in [&mut cluster.secrets, &mut cluster.configs] {
                    if let Some(version) = files.remove(file) {
                        files.insert(to.clone(), version);
                    }
                }
                for service in &mut cluster.services {
                    rename(&mut service.secrets, file, to);
                    rename(&mut service.configs, file, to);
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn to_cluster(&self, cluster: &mut Cluster) -> Option<()> {
        match self {
            Self::Zones { to } => cluster.zones.clone_from(to),
            Self::ClusterTag { value } => set(&mut cluster.tags, "Unit", value.as_ref()),
            Self::AddRule(rule) => cluster.rules.push(rule.clone()),
            Self::RemoveRule => drop(cluster.rules.pop()),
            Self::RewordRule => "reworded".clone_into(&mut cluster.rules.first_mut()?.words),
            Self::PublishTo { to } => cluster.publish_to.clone_from(to),
            Self::Group { to } => cluster.group.clone_from(to),
            Self::Key { to } => cluster.key.clone_from(to),
            Self::Respell(respelling) => respelling.write(cluster)?,
            _ => return None,
        }
        Some(())
    }
}

fn set(map: &mut std::collections::BTreeMap<String, String>, key: &str, value: Option<&String>) {
    match value {
        Some(value) => map.insert(key.to_owned(), value.clone()),
        None => map.remove(key),
    };
}

fn rename(names: &mut [String], from: &str, to: &str) {
    for name in names.iter_mut().filter(|name| *name == from) {
        to.clone_into(name);
    }
    names.sort();
}
