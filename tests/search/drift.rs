//! What others do to the world, or to the state, between two runs.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use subako_providers::sim::{SimError, Simulator};
use subako_world::{Availability, Port, Protocol, Rule, Source, tag};

use super::cluster::Cluster;
use super::family::Families;
use super::generate::{chance, pick};

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Drift {
    Stop {
        instance: String,
    },
    Terminate {
        instance: String,
    },
    /// The machine hangs; EC2 goes on to call it running.
    Kill {
        instance: String,
    },
    Drain {
        instance: String,
    },
    Scale {
        service: String,
        to: u64,
    },
    SetImage {
        service: String,
        to: String,
    },
    SetGrace {
        service: String,
        seconds: u64,
    },
    RemoveService {
        service: String,
    },
    RemoveNetwork {
        network: String,
    },
    AddSecret,
    Tag {
        instance: String,
    },
    OpenPort,
    ClosePort {
        port: u16,
    },
    /// The tag that says whose an instance is gets another value.
    Retag {
        instance: String,
    },
    /// The state is lost.
    LostState,
    /// The edits are applied, then the state of before is put back.
    OldState,
}

impl Drift {
    /// The family that it is of.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Stop { .. } | Self::Terminate { .. } | Self::Kill { .. } => "power",
            Self::Tag { .. } | Self::OpenPort | Self::ClosePort { .. } => "doors",
            Self::Retag { .. } => "retag",
            Self::LostState | Self::OldState => "old-state",
            _ => "by-hand",
        }
    }

    /// Does it to the world. What the world refuses does not happen.
    pub fn happen(&self, sim: &Simulator, cluster: &Cluster) {
        let done = match self {
            Self::Stop { instance } => sim.stop_instance(instance),
            Self::Terminate { instance } => sim.terminate_instance(instance),
            Self::Kill { instance } => sim.kill_node(instance),
            Self::Drain { instance } => sim.drain_node(instance, Availability::Drain),
            Self::Scale { service, to } => sim.scale_service(service, *to),
            Self::SetImage { service, to } => sim.set_service_image(service, to),
            Self::SetGrace { service, seconds } => sim.set_stop_grace(service, *seconds),
            Self::RemoveService { service } => sim.remove_service(service),
            Self::RemoveNetwork { network } => sim.remove_network(network),
            Self::AddSecret => sim.add_secret("by-hand"),
            Self::Tag { instance } => sim.set_instance_tag(instance, "Unit", "by hand"),
            Self::OpenPort => sim.authorize(&group(cluster), rule(3306, "0.0.0.0/0")),
            Self::ClosePort { port } => {
                let from = cluster.publish_to.as_deref().unwrap_or("0.0.0.0/0");
                sim.revoke(&group(cluster), rule(*port, from))
            }
            Self::Retag { instance } => sim.set_instance_tag(instance, tag::CLUSTER, "other"),
            Self::LostState | Self::OldState => Ok(()),
        };
        match done {
            Ok(()) | Err(SimError::Refused { .. } | SimError::NotFound { .. }) => {}
            Err(error) => unreachable!("a world in memory: {error}"),
        }
    }
}

fn group(cluster: &Cluster) -> String {
    cluster
        .group
        .clone()
        .unwrap_or_else(|| super::cluster::NAME.to_owned())
}

fn rule(port: u16, from: &str) -> Rule {
    Rule {
        description: String::new(),
        ports: Port { from: port, to: port },
        protocol: Protocol::Tcp,
        source: Source::Cidr(from.to_owned()),
    }
}

/// None to two things that happen.
pub fn drift(rng: &mut Rng, families: &Families, cluster: &Cluster) -> Vec<Drift> {
    let wanted = *pick(rng, &[0, 0, 0, 1, 1, 2]);
    let draws = (0..wanted * 4).filter_map(|_| one(rng, cluster));
    let all: Vec<Drift> = draws.collect();
    let mut all: Vec<Drift> = all
        .into_iter()
        .filter(|drift| families.has(drift.family()))
        .take(wanted)
        .collect();
    // A machine without the cluster's tag and without a record has no owner.
    if all.iter().any(|drift| matches!(drift, Drift::LostState)) {
        all.retain(|drift| !matches!(drift, Drift::Retag { .. }));
    }
    all
}

fn one(rng: &mut Rng, cluster: &Cluster) -> Option<Drift> {
    let instance = rng.choice(&cluster.instances())?.clone();
    let service = rng.choice(&cluster.services);
    Some(match rng.u32(0..20) {
        0 | 1 => Drift::Stop { instance },
        2 | 3 => Drift::Terminate { instance },
        4 | 5 => Drift::Kill { instance },
        6 => Drift::Drain { instance },
        7 => Drift::Scale {
            service: service?.name.clone(),
            to: rng.u64(0..6),
        },
        8 => Drift::SetImage {
            service: service?.name.clone(),
            to: "nginx:1.28".to_owned(),
        },
        9 => Drift::SetGrace {
            service: service?.name.clone(),
            seconds: 45,
        },
        10 | 11 => Drift::RemoveService {
            service: service?.name.clone(),
        },
        12 => Drift::RemoveNetwork {
            network: rng.choice(&cluster.networks)?.name.clone(),
        },
        13 => Drift::AddSecret,
        14 => Drift::Tag { instance },
        15 => Drift::OpenPort,
        16 => Drift::ClosePort {
            port: service?.ports.first()?.published,
        },
        17 => Drift::Retag { instance },
        18 => Drift::LostState,
        _ if chance(rng, 50) => Drift::OldState,
        _ => Drift::LostState,
    })
}
