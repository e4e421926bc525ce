//! The machine behind an instance: its Docker Engine, its plug, and how its swarm notices.

use subako_world::{Code, EngineInfo, EngineRequest, LocalNodeState};

use super::catalog::images;
use super::ec2::Decision;
use super::effect::Effect;
use super::events::Event;
use super::facts::{EngineFacts, InstanceFacts, Membership};
use super::swarm::NodeFacts;
use super::world::Model;
use crate::sim::names::{Ms, span};
use crate::sim::refusal::Refusal;

/// Missed heartbeats until a node counts as down: three of five seconds each.
pub(crate) const HOST_DOWN_AFTER: Ms = 15_000;

/// How long a machine needs that gets its plug back.
const REVIVED_AFTER: Ms = 5_000;

/// The engine of an image that the catalog does not know.
const USUAL_ENGINE: &str = "25.0.8";

/// Docker's own log driver where nobody says another.
fn log_driver(engine: &EngineFacts) -> &str {
    let told = engine
        .daemon
        .as_ref()
        .and_then(|daemon| daemon.log_driver.as_deref());
    told.unwrap_or("json-file")
}

impl Model {
    /// Installs the Docker Engine, or finds it there.
    pub fn decide_install(&self, t: Ms, id: &str, request: &EngineRequest) -> Decision<EngineFacts> {
        let mut facts = self.instance_or_refuse(id)?.clone();
        if let Some(engine) = facts.engine.clone() {
            return self.decide_configure(t, facts, engine, request);
        }
        let image = images()
            .iter()
            .find(|image| image.id(&self.place.region) == facts.image_id);
        let newest = image.map_or(USUAL_ENGINE, |image| image.engine);
        let version = match &request.version {
            Some(wanted) => self.release(wanted)?,
            None => newest.to_owned(),
        };
        let place = facts.private_ip.to_string();
        let engine = EngineFacts {
            version,
            daemon: request.daemon.clone(),
            ready_at: t + span(self.place.seed, 15_000, 40_000, &["install", &place]),
        };
        facts.engine = Some(engine.clone());
        Ok((Some(Effect::Instance(Box::new(facts))), engine))
    }

    /// A version that some distribution has.
    fn release(&self, wanted: &str) -> Result<String, Refusal> {
        if self.place.has_catalog() && !is_release(wanted) {
            let message = format!("No match for argument: docker-{wanted}");
            return Err(Refusal::new(Code::NotFound, message)
                .hint("leave `engine_version` away, or name a version that the distribution has"));
        }
        Ok(wanted.to_owned())
    }

    /// Tells an engine that is there something else, or puts another version in its place, and restarts
    /// it for that: its machine is lost to everybody meanwhile. One that is asked for nothing else goes
    /// on.
    fn decide_configure(
        &self,
        t: Ms,
        mut facts: InstanceFacts,
        engine: EngineFacts,
        request: &EngineRequest,
    ) -> Decision<EngineFacts> {
        let had = engine.daemon.clone().unwrap_or_default();
        let same = request.daemon.as_ref().is_none_or(|wanted| *wanted == had);
        let wanted = request.version.as_ref();
        let other = wanted.filter(|_| !request.is_met_by(&engine.version));
        let other = other.map(|wanted| self.release(wanted)).transpose()?;
        let (least, most, what) = match (&other, same) {
            (None, true) => return Ok((None, engine)),
            (None, false) => (3_000, 8_000, "restart"),
            (Some(_), _) => (15_000, 40_000, "install"),
        };
        let place = facts.private_ip.to_string();
        let told = EngineFacts {
            version: other.unwrap_or(engine.version),
            daemon: request.daemon.clone().or(engine.daemon),
            ready_at: t + span(self.place.seed, least, most, &[what, &place]),
        };
        facts.lose(t);
        facts.up_from = Some(told.ready_at);
        facts.engine = Some(told.clone());
        Ok((Some(Effect::Instance(Box::new(facts))), told))
    }

    /// What the engine on an instance says of itself; `None` when none is installed yet.
    pub fn engine_info(&self, t: Ms, instance: &InstanceFacts) -> Option<EngineInfo> {
        let engine = instance.engine.as_ref().filter(|engine| engine.ready_at <= t)?;
        let mut info = EngineInfo {
            version: engine.version.clone(),
            swarm: LocalNodeState::Inactive,
            node_id: None,
            cluster_id: None,
            control_available: false,
            expired: false,
            log_driver: Some(log_driver(engine).to_owned()),
        };
        match &instance.member {
            None => {}
            Some(Membership::Pending) => info.swarm = LocalNodeState::Pending,
            Some(Membership::Node { swarm, node }) => {
                let facts = self
                    .swarms
                    .get(swarm)
                    .and_then(|s| s.nodes.get(node).map(|n| (s, n)));
                info.node_id = Some(node.clone());
                info.swarm = match facts {
                    Some((_, facts)) if t < facts.ready => LocalNodeState::Pending,
                    Some((_, facts)) if facts.expired => {
                        info.expired = true;
                        LocalNodeState::Error
                    }
                    Some(_) => LocalNodeState::Active,
                    // The managers have removed it: its certificate is refused.
                    None => LocalNodeState::Error,
                };
                // One that its swarm has given up does not know it.
                let manages = |facts: &NodeFacts| (facts.in_raft(t) || facts.given_up) && !facts.expired;
                if let Some((swarm, facts)) = facts.filter(|(_, facts)| manages(facts)) {
                    info.control_available = t >= facts.ready;
                    info.cluster_id = Some(swarm.id.clone());
                }
            }
        }
        Some(info)
    }

    /// Pulls a machine's plug behind EC2's back.
    pub fn decide_kill(&self, t: Ms, id: &str) -> Decision<()> {
        let mut facts = self.instance_or_refuse(id)?.clone();
        facts.lose(t);
        facts.killed = true;
        Ok((Some(Effect::Instance(Box::new(facts))), ()))
    }

    /// Puts the plug back.
    pub fn decide_revive(&self, t: Ms, id: &str) -> Decision<()> {
        let mut facts = self.instance_or_refuse(id)?.clone();
        if !facts.killed {
            return Ok((None, ()));
        }
        facts.killed = false;
        facts.up_from = Some(t.max(facts.settles) + REVIVED_AFTER);
        Ok((Some(Effect::Instance(Box::new(facts))), ()))
    }

    /// The machine is lost at `t`: its swarm misses its heartbeats, and its leader if it led.
    pub(super) fn machine_lost(&mut self, t: Ms, id: &str) {
        if let Some((swarm, node)) = self.node_of(id) {
            self.post(
                t + HOST_DOWN_AFTER,
                Event::NodeLost {
                    swarm: swarm.clone(),
                    node: node.clone(),
                },
            );
            self.election_due(t, &swarm, &node);
        }
    }

    /// The machine will answer from `at`: its engine starts with it and finds its swarm.
    pub(super) fn machine_comes_up(&mut self, at: Ms, id: &str) {
        if let Some((swarm, node)) = self.node_of(id) {
            self.post(
                at,
                Event::NodeReady {
                    swarm: swarm.clone(),
                    node: node.clone(),
                },
            );
            self.election_due(at, &swarm, &node);
        }
    }

    /// Copies to an instance's node whether its machine answers.
    pub(super) fn tell_node(&mut self, id: &str) {
        let Some(instance) = self.instances.get(id) else {
            return;
        };
        let Some((swarm, node)) = instance.node() else {
            return;
        };
        let seed = self.place.seed;
        let Some(swarm) = self.swarms.get_mut(swarm) else {
            return;
        };
        if let Some(node) = swarm.nodes.get_mut(node) {
            if let (None, Some(at)) = (node.up_from, instance.up_from) {
                node.comes_back(seed, instance.lost_at, at);
            }
            swarm.board.machines += u64::from(node.up_from != instance.up_from);
            node.up_from = instance.up_from;
            node.lost_at = instance.lost_at;
            node.capacity = self.place.capacity(&instance.instance_type);
            if let Some(engine) = &instance.engine {
                node.engine.clone_from(&engine.version);
                let bridges = engine.bridges();
                if node.bridges != bridges {
                    node.bridges = bridges;
                    swarm.board.bridges.take();
                }
            }
        }
    }

    /// The swarm and node that an instance is.
    pub(super) fn node_of(&self, id: &str) -> Option<(String, String)> {
        let (swarm, node) = self.instances.get(id)?.node()?;
        Some((swarm.to_owned(), node.to_owned()))
    }
}

/// Whether a version is one that some distribution could have: `25`, `25.0`, `5:28.2.2-1~…`.
fn is_release(version: &str) -> bool {
    let plain = version.split_once(':').map_or(version, |(_, rest)| rest);
    let major = plain.split(['.', '-', '~', '+']).next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| (17..=40).contains(&major))
}

#[cfg(test)]
mod tests {
    use super::is_release;

    #[test]
    fn versions_are_read_as_package_managers_write_them() {
        for good in [
            "25.0.8",
            "25.0.8-1.amzn2023",
            "5:28.2.2-1~ubuntu.24.04~noble",
            "20",
        ] {
            assert!(is_release(good), "{good}");
        }
        for bad in ["99.0", "latest", "", "1.13"] {
            assert!(!is_release(bad), "{bad}");
        }
    }
}
