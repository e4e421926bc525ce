//! Other ways to write a manifest that mean the same, or widen a choice without asking for a move:
//! nothing of a cluster changes for them.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::cluster::{Cluster, DOCKERS_POOL, Service, Update};
use super::generate::{chance, pick};

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Respelling {
    /// Pools, networks, services, rules and zones in the opposite order.
    Reversed,
    /// One more zone, after the others or before them.
    Zone { zone: char, first: bool },
    /// Zones are left to Subako.
    NoZones,
    /// Every instance has a public address, whether it is asked for or not.
    PublicIp { pool: String, to: Option<bool> },
    /// Addresses that are pinned may be any.
    Unpinned { pool: String },
    /// The pool that Docker has without a word.
    AddrPool(bool),
    /// The engine that runs.
    Engine(Option<String>),
    /// The comment of the public key.
    Comment(String),
    /// The image's full name, or its short one.
    Image { service: String },
    /// Constraints, networks and ports in the opposite order.
    Lists { service: String },
    /// What Swarm does without a word, spelled out or left out.
    Defaults { service: String, spelled: bool },
}

const HUB: &str = "docker.io/library/";

impl Respelling {
    /// One that fits a cluster; it may be written like that already.
    pub fn draw(rng: &mut Rng, cluster: &Cluster) -> Option<Self> {
        let pool = |rng: &mut Rng| Some(rng.choice(&cluster.pools)?.name.clone());
        let service = |rng: &mut Rng| Some(rng.choice(&cluster.services)?.name.clone());
        Some(match rng.u32(0..11) {
            0 => Self::Reversed,
            1 => Self::Zone {
                zone: *rng.choice(&['a', 'c', 'd'])?,
                first: chance(rng, 50),
            },
            2 => Self::NoZones,
            3 => Self::PublicIp {
                pool: pool(rng)?,
                to: *pick(rng, &[None, Some(true)]),
            },
            4 => Self::Unpinned { pool: pool(rng)? },
            5 => Self::AddrPool(chance(rng, 50)),
            6 => Self::Engine(
                pick(
                    rng,
                    &[None, Some("25.0"), Some("25.0.8"), Some("25.0.8-1.amzn2023")],
                )
                .map(str::to_owned),
            ),
            7 => Self::Comment((*pick(rng, &["me", "somebody@example.com"])).to_owned()),
            8 => Self::Image {
                service: service(rng)?,
            },
            9 => Self::Lists {
                service: service(rng)?,
            },
            _ => Self::Defaults {
                service: service(rng)?,
                spelled: chance(rng, 60),
            },
        })
    }

    /// Writes a manifest in that way, where that means the same.
    pub fn write(&self, cluster: &mut Cluster) -> Option<()> {
        match self {
            Self::Reversed => {
                cluster.zones.reverse();
                cluster.pools.reverse();
                cluster.networks.reverse();
                cluster.services.reverse();
                cluster.rules.reverse();
            }
            // Without zones any is allowed: to name some narrows the choice.
            Self::Zone { zone, first } => {
                if !cluster.zones.is_empty() && !cluster.zones.contains(zone) {
                    let place = if *first { 0 } else { cluster.zones.len() };
                    cluster.zones.insert(place, *zone);
                }
            }
            Self::NoZones => cluster.zones.clear(),
            Self::PublicIp { pool, to } => cluster.pool(pool)?.public_ip = *to,
            Self::Unpinned { pool } => cluster.pool(pool)?.pinned.clear(),
            // Beside a range of a network's own Subako chooses another one.
            Self::AddrPool(spelled) => {
                let own = cluster.networks.iter().all(|network| network.range.is_none());
                if (own || !spelled)
                    && cluster
                        .addr_pool
                        .as_deref()
                        .is_none_or(|pool| pool == DOCKERS_POOL)
                {
                    cluster.addr_pool = spelled.then(|| DOCKERS_POOL.to_owned());
                }
            }
            // Only Amazon Linux 2023 has this one.
            Self::Engine(version) => {
                if cluster.pools.iter().all(|pool| pool.ami.is_none()) {
                    cluster.engine.clone_from(version);
                }
            }
            Self::Comment(comment) => cluster.comment.clone_from(comment),
            Self::Image { service } => {
                let image = &mut cluster.service(service)?.image;
                *image = match image.strip_prefix(HUB) {
                    Some(short) => short.strip_suffix(":latest").unwrap_or(short).to_owned(),
                    None if image.contains('/') => image.clone(),
                    None if image.contains(':') => format!("{HUB}{image}"),
                    None => format!("{HUB}{image}:latest"),
                };
            }
            Self::Lists { service } => {
                let service = cluster.service(service)?;
                service.constraints.reverse();
                service.networks.reverse();
                service.ports.reverse();
            }
            Self::Defaults { service, spelled } => defaults(cluster.service(service)?, *spelled),
        }
        Some(())
    }
}

/// Writes Swarm's defaults out, or leaves them out (docker service create, "Options").
fn defaults(service: &mut Service, spelled: bool) {
    let update = Update {
        parallelism: 1,
        start_first: false,
        on_failure: "pause".to_owned(),
        delay: 0,
    };
    one(&mut service.grace, 10, spelled);
    one(&mut service.restart, "any".to_owned(), spelled);
    one(&mut service.update, update, spelled);
}

fn one<T: PartialEq>(field: &mut Option<T>, default: T, spelled: bool) {
    match field {
        None if spelled => *field = Some(default),
        Some(value) if !spelled && *value == default => *field = None,
        _ => {}
    }
}
