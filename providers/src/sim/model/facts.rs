//! An instance as the world remembers it, and what follows from that at a given time.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use subako_world::{CpuCredits, DaemonConfig, Instance, InstanceState};

use crate::sim::names::{Ms, public_address, span};

/// What was last asked of an instance's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// To run: pending, then running.
    On,
    /// To stop: stopping, then stopped.
    Off,
    /// To end: shutting down, then terminated.
    Gone,
}

/// The Docker Engine on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EngineFacts {
    /// Its version.
    pub version: String,
    /// What its daemon.json says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon: Option<DaemonConfig>,
    /// When its installation is through.
    pub ready_at: Ms,
}

/// An engine's place in a swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Membership {
    /// A join that got no answer and goes on in the background.
    Pending,
    /// A node of a swarm.
    Node {
        /// The swarm's id.
        swarm: String,
        /// The node's id.
        node: String,
    },
}

/// An instance and the machine behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceFacts {
    pub id: String,
    /// The manifest name it was run under.
    pub name: String,
    /// The request it was run by, hashed: the same token must come with the same request.
    pub request: u64,
    pub token: String,
    pub image_id: String,
    pub instance_type: String,
    pub subnet_id: String,
    pub zone: String,
    pub groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    pub private_ip: Ipv4Addr,
    /// Whether it gets a public address while it runs.
    pub public: bool,
    /// The elastic address that it has instead, running or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elastic_ip: Option<String>,
    pub disk_gib: u32,
    pub disk_encrypted: bool,
    #[serde(default, skip_serializing_if = "CpuCredits::is_standard")]
    pub cpu_credits: CpuCredits,
    pub protect: bool,
    pub tags: BTreeMap<String, String>,
    pub created: Ms,
    pub phase: Phase,
    /// When `phase` is reached.
    pub settles: Ms,
    /// How often it was started.
    pub starts: u32,
    /// Since when, or from when, the machine answers; `None` while it does not and will not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_from: Option<Ms>,
    /// When the machine was last lost.
    pub lost_at: Ms,
    /// Whether somebody pulled its plug without EC2 knowing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub killed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Membership>,
    /// How often its engine has started or joined a swarm.
    #[serde(default)]
    pub joins: u32,
}

impl InstanceFacts {
    /// Where it is in its life cycle.
    pub fn state(&self, t: Ms) -> InstanceState {
        match (self.phase, t < self.settles) {
            (Phase::On, true) => InstanceState::Pending,
            (Phase::On, false) => InstanceState::Running,
            (Phase::Off, true) => InstanceState::Stopping,
            (Phase::Off, false) => InstanceState::Stopped,
            (Phase::Gone, true) => InstanceState::ShuttingDown,
            (Phase::Gone, false) => InstanceState::Terminated,
        }
    }

    /// Whether EC2 no longer holds anything for it.
    pub fn terminated(&self, t: Ms) -> bool {
        self.phase == Phase::Gone && t >= self.settles
    }

    /// Whether the machine answers.
    pub fn up(&self, t: Ms) -> bool {
        self.up_from.is_some_and(|from| from <= t)
    }

    /// Whether the engine answers.
    pub fn engine_up(&self, t: Ms) -> bool {
        self.up(t) && self.engine.as_ref().is_some_and(|engine| engine.ready_at <= t)
    }

    /// The machine is lost now.
    pub fn lose(&mut self, t: Ms) {
        if self.up(t) {
            self.lost_at = t;
        }
        self.up_from = None;
    }

    /// Starts it: when it runs, and when the machine answers, follow from its address.
    pub fn start(&mut self, seed: u64, t: Ms) {
        self.starts += 1;
        let place = self.private_ip.to_string();
        self.phase = Phase::On;
        self.settles = t + span(seed, 8_000, 20_000, &["boot", &place]);
        self.killed = false;
        self.up_from = Some(self.settles + span(seed, 10_000, 25_000, &["ssh", &place]));
    }

    /// Asks it to stop.
    pub fn stop(&mut self, seed: u64, t: Ms) {
        self.lose(t);
        self.phase = Phase::Off;
        self.settles = t + span(seed, 10_000, 20_000, &["stop", &self.private_ip.to_string()]);
    }

    /// Asks it to end.
    pub fn terminate(&mut self, seed: u64, t: Ms) {
        self.lose(t);
        self.phase = Phase::Gone;
        self.settles = t + span(seed, 10_000, 30_000, &["terminate", &self.private_ip.to_string()]);
    }

    /// The node it is, if it is one.
    pub fn node(&self) -> Option<(&str, &str)> {
        match &self.member {
            Some(Membership::Node { swarm, node }) => Some((swarm, node)),
            _ => None,
        }
    }

    /// Its public address now.
    pub fn public_ip(&self, seed: u64) -> Option<String> {
        let own = || public_address(seed, &self.id, self.starts).to_string();
        let runs = self.public && self.phase == Phase::On;
        self.elastic_ip.clone().or_else(|| runs.then(own))
    }

    /// The instance as DescribeInstances shows it.
    pub fn describe(&self, seed: u64, t: Ms) -> Instance {
        let state = self.state(t);
        let gone = state == InstanceState::Terminated;
        let mut security_group_ids = if gone { Vec::new() } else { self.groups.clone() };
        security_group_ids.sort();
        Instance {
            id: self.id.clone(),
            state,
            image_id: self.image_id.clone(),
            instance_type: self.instance_type.clone(),
            subnet_id: self.subnet_id.clone(),
            zone: self.zone.clone(),
            security_group_ids,
            key_name: self.key_name.clone(),
            private_ip: if gone {
                String::new()
            } else {
                self.private_ip.to_string()
            },
            public_ip: self.public_ip(seed),
            disk_gib: (!gone).then_some(self.disk_gib),
            disk_encrypted: (!gone).then_some(self.disk_encrypted),
            protect: Some(self.protect),
            imdsv2_required: true,
            tags: self.tags.clone(),
        }
    }
}
