//! A world as a refresh has read it: everything in it has come to rest, unless it was read on its way.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use subako_world::{CpuCredits, Instance, InstanceState, Ownership, Scene, Subnet, SwarmScene};

use super::catalog::Range;
use super::facts::{EngineFacts, InstanceFacts, Membership, Phase};
use super::staged_swarm;
use super::world::{Known, Model, Place};
use crate::sim::names::{Ms, public_address};

/// When such a world is looked at first: long after whatever was before.
pub(crate) const BEGIN: Ms = 24 * 3_600_000;

/// The mask of a subnet of which only an address is known: that of the default VPC's.
const USUAL_SUBNET_BITS: u8 = 20;

/// The most starts that a public address is looked for under.
const STARTS: u32 = 8;

impl Model {
    /// The world that was read, as of [`BEGIN`]. What it had to assume is added to `assumed`, one
    /// clause each.
    pub fn staged(scene: &Scene, seed: u64, catalog: bool, assumed: &mut Vec<String>) -> Self {
        let region = scene.account.as_ref().map(|account| account.region.clone());
        let mut subnets: Vec<(String, Subnet)> = scene
            .looked_up
            .subnets
            .iter()
            .map(|subnet| (scene.looked_up.vpc_id.clone(), subnet.clone()))
            .collect();
        guess_subnets(scene, &mut subnets, assumed);
        let mut zones: Vec<String> = subnets.iter().map(|(_, subnet)| subnet.zone.clone()).collect();
        zones.sort();
        zones.dedup();
        let mut model = Self::new(Place {
            seed,
            region: region.unwrap_or_default(),
            zones,
            known: Some(Known {
                catalog,
                subnets,
                types: scene.types.clone(),
            }),
            ..Place::default()
        });
        model.now = BEGIN;
        for pair in &scene.cloud.key_pairs {
            model.key_pairs.insert(pair.name.clone(), pair.clone());
        }
        for group in &scene.cloud.security_groups {
            model.groups.insert(group.id.clone(), group.clone());
        }
        for instance in &scene.cloud.instances {
            let facts = model.staged_instance(scene, instance);
            model.instances.insert(facts.id.clone(), facts);
        }
        for address in &scene.cloud.elastic_ips {
            model.put_address(address.clone());
        }
        if let Some(swarm) = &scene.swarm {
            model.stage_swarm(scene, swarm, assumed);
        }
        model.stage_lost_swarms(scene);
        let ids: Vec<String> = model.instances.keys().cloned().collect();
        for id in ids {
            model.tell_node(&id);
        }
        for swarm in model.swarms.values_mut() {
            swarm.index_tasks(BEGIN);
            // What waits for a node gets one, if there is one.
            swarm.board.freed = true;
        }
        model.begin_events();
        model.settle(BEGIN);
        model
    }

    fn staged_instance(&self, scene: &Scene, instance: &Instance) -> InstanceFacts {
        let owner = Ownership::from_tags(&instance.tags);
        let engine = scene.engines.get(&instance.id);
        let name = owner.as_ref().map_or(instance.id.as_str(), |owner| {
            owner.address.strip_prefix("instance.").unwrap_or(&owner.address)
        });
        let mut facts = InstanceFacts {
            id: instance.id.clone(),
            name: name.to_owned(),
            request: 0,
            token: owner.map_or_else(|| instance.id.clone(), |owner| owner.token),
            image_id: instance.image_id.clone(),
            instance_type: instance.instance_type.clone(),
            subnet_id: instance.subnet_id.clone(),
            zone: instance.zone.clone(),
            groups: instance.security_group_ids.clone(),
            key_name: instance.key_name.clone(),
            private_ip: instance.private_ip.parse().unwrap_or(Ipv4Addr::UNSPECIFIED),
            public: instance.public_ip.is_some() || instance.state != InstanceState::Running,
            elastic_ip: None,
            disk_gib: instance.disk_gib.unwrap_or_default(),
            disk_encrypted: instance.disk_encrypted.unwrap_or_default(),
            cpu_credits: CpuCredits::default(),
            protect: instance.protect.unwrap_or_default(),
            tags: instance.tags.clone(),
            created: 0,
            phase: Phase::On,
            settles: 0,
            starts: starts_of(self.place.seed, instance),
            up_from: None,
            lost_at: 0,
            killed: false,
            engine: engine.map(|engine| EngineFacts {
                version: engine.version.clone(),
                daemon: engine.daemon.clone(),
                ready_at: 0,
            }),
            member: None,
            joins: 0,
        };
        match instance.state {
            InstanceState::Pending => {
                facts.starts = facts.starts.saturating_sub(1);
                facts.start(self.place.seed, BEGIN);
            }
            InstanceState::Running => {
                let hangs = engine.is_some_and(|engine| engine.hangs);
                facts.killed = hangs || scene.silent.contains(&instance.id);
                facts.up_from = (!facts.killed).then_some(0);
            }
            InstanceState::Stopping => facts.stop(self.place.seed, BEGIN),
            InstanceState::Stopped => facts.phase = Phase::Off,
            InstanceState::ShuttingDown => facts.terminate(self.place.seed, BEGIN),
            InstanceState::Terminated => facts.phase = Phase::Gone,
        }
        facts
    }

    /// A swarm as one of its managers describes it.
    fn stage_swarm(&mut self, scene: &Scene, swarm: &SwarmScene, assumed: &mut Vec<String>) {
        let mut facts = staged_swarm::swarm(swarm, self.place.images(), &self.instances, assumed);
        for (node, instance) in &swarm.nodes {
            let Some(instance) = instance.as_ref().and_then(|id| self.instances.get_mut(id)) else {
                continue;
            };
            let before = match &instance.member {
                Some(Membership::Node { node, .. }) => facts.nodes.get(node).map(|facts| facts.seen),
                _ => None,
            };
            // Of several nodes that a machine has been, it is the one that answers.
            if before == Some(true) {
                continue;
            }
            instance.joins = staged_swarm::joins(self.place.seed, &facts.id, &instance.id, &node.id);
            instance.member = Some(Membership::Node {
                swarm: facts.id.clone(),
                node: node.id.clone(),
            });
            if instance.engine.is_none() {
                instance.engine = Some(EngineFacts {
                    version: node.engine_version.clone(),
                    daemon: None,
                    ready_at: 0,
                });
            }
        }
        for (id, engine) in &scene.engines {
            let own = self.instances.get(id).and_then(InstanceFacts::node);
            let node = own.filter(|_| engine.barred).map(|(_, node)| node.to_owned());
            if let Some(node) = node.and_then(|node| facts.nodes.get_mut(&node)) {
                node.expired = true;
            }
        }
        self.swarms.insert(facts.id.clone(), facts);
    }

    /// Swarms that no manager answers for, whose nodes do not know it.
    fn stage_lost_swarms(&mut self, scene: &Scene) {
        let lost = scene
            .engines
            .iter()
            .filter_map(|(id, engine)| Some((id, engine.lost_swarm.as_ref()?)));
        for (id, (swarm, node)) in lost {
            let Some(instance) = self
                .instances
                .get_mut(id)
                .filter(|instance| instance.member.is_none())
            else {
                continue;
            };
            instance.joins = staged_swarm::joins(self.place.seed, swarm, id, node);
            instance.member = Some(Membership::Node {
                swarm: swarm.clone(),
                node: node.clone(),
            });
            let mut facts = staged_swarm::lost_node(instance);
            facts.expired = scene.engines.get(id).is_some_and(|engine| engine.barred);
            self.swarms
                .entry(swarm.clone())
                .or_insert_with(|| staged_swarm::lost(swarm))
                .nodes
                .insert(node.clone(), facts);
        }
    }

    /// What was under way goes on.
    fn begin_events(&mut self) {
        let ids: Vec<String> = self.instances.keys().cloned().collect();
        for id in ids {
            let up_from = self.instances.get(&id).and_then(|instance| instance.up_from);
            if let Some(at) = up_from.filter(|at| *at > BEGIN) {
                self.machine_comes_up(at, &id);
            }
        }
        let mut due = Vec::new();
        for swarm in self.swarms.values() {
            due.extend(staged_swarm::under_way(swarm));
        }
        for (at, event) in due {
            self.post(at, event);
        }
    }
}

/// How often an instance was started, as its public address tells on the simulator.
fn starts_of(seed: u64, instance: &Instance) -> u32 {
    let Some(address) = &instance.public_ip else {
        return 1;
    };
    (1..=STARTS)
        .find(|starts| public_address(seed, &instance.id, *starts).to_string() == *address)
        .unwrap_or(1)
}

/// Subnets that were not looked up, with a range that their addresses suggest.
fn guess_subnets(scene: &Scene, subnets: &mut Vec<(String, Subnet)>, assumed: &mut Vec<String>) {
    let mut missing: BTreeMap<&String, (&String, Ipv4Addr)> = BTreeMap::new();
    for (id, subnet) in &scene.subnets {
        let known = subnets.iter().any(|(_, known)| known.id == *id);
        let holds = subnet.holds.as_ref().and_then(|address| address.parse().ok());
        if let (false, Some(address)) = (known, holds) {
            missing.insert(id, (&subnet.zone, address));
        }
    }
    for (id, (zone, address)) in missing {
        let range = Range::parse(&format!("{address}/{USUAL_SUBNET_BITS}"));
        let Some(range) = range else { continue };
        assumed.push(format!("{id} has the range {}", range.cidr()));
        let subnet = Subnet {
            id: id.clone(),
            zone: zone.clone(),
            cidr: range.cidr(),
        };
        subnets.push((scene.looked_up.vpc_id.clone(), subnet));
    }
}
