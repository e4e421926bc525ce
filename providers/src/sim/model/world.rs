//! The world as a whole: everything that is remembered between two runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use subako_world::{ElasticIp, KeyPair, SecurityGroup, Subnet, TypeFacts};

use super::effect::Effect;
use super::events::Event;
use super::facts::{InstanceFacts, Phase};
use super::index::{Index, LazyIndex};
use super::program::Images;
use super::swarm::SwarmFacts;
use super::types::InstanceType;
use crate::sim::names::Ms;

/// The simulated world.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Model {
    /// How far events have been handled.
    pub now: Ms,
    /// Key pairs by name.
    pub key_pairs: BTreeMap<String, KeyPair>,
    /// Security groups by id.
    pub groups: BTreeMap<String, SecurityGroup>,
    /// Instances by id, terminated ones included.
    #[serde(with = "super::listed")]
    pub instances: BTreeMap<String, InstanceFacts>,
    /// Elastic addresses by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub elastic_ips: BTreeMap<String, ElasticIp>,
    /// Swarms by id.
    pub swarms: BTreeMap<String, SwarmFacts>,
    /// What will happen by itself, by time.
    pub events: BTreeSet<(Ms, Event)>,
    /// The most instances of `type` in `zone`, keyed `type/zone`.
    #[serde(default)]
    pub capacity: BTreeMap<String, u32>,
    /// The caller's seed, region and zones: not the world's to remember.
    #[serde(skip)]
    pub place: Place,
    /// Other ways into the instances, built when first wanted.
    #[serde(skip)]
    index: LazyIndex,
}

/// Where the caller works, and what decides durations.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Place {
    /// The seed.
    pub seed: u64,
    /// The region.
    pub region: String,
    /// Its zones, in order.
    pub zones: Vec<String>,
    /// A VPC that the manifest names: a rehearsal takes its word that there is one.
    pub vpc: Option<String>,
    /// Subnets that the manifest names, one a zone in the order of the zones.
    pub subnets: Vec<String>,
    /// Private addresses that the manifest pins, in the order of the instances: the first of
    /// each zone says where that zone's named subnet is.
    pub pinned: Vec<std::net::Ipv4Addr>,
    /// What is known of the place where the world is a model of another one; `None` where all that
    /// there is is the catalog's.
    pub known: Option<Known>,
}

/// What is known of the place of a world that a model is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known {
    /// Whether that world is a simulated one: its images and instance types are the catalog's.
    pub catalog: bool,
    /// Its subnets, each with the id of its VPC.
    pub subnets: Vec<(String, Subnet)>,
    /// What instance types have.
    pub types: BTreeMap<String, TypeFacts>,
}

impl Place {
    /// Whether images, types and zones are those of the catalog, and nothing else.
    pub fn has_catalog(&self) -> bool {
        self.known.as_ref().is_none_or(|known| known.catalog)
    }

    /// What the programs of this place's images do.
    pub fn images(&self) -> Images {
        match self.has_catalog() {
            true => Images::Telling,
            false => Images::Unknown,
        }
    }

    /// Processors in billionths and memory in bytes of a type; more than anybody asks for where
    /// nobody knows it.
    pub fn capacity(&self, instance_type: &str) -> (u64, u64) {
        let known = self
            .known
            .as_ref()
            .and_then(|known| known.types.get(instance_type));
        match (known, InstanceType::named(instance_type)) {
            (Some(known), _) => (known.nano_cpus, known.memory),
            (None, Some(of_catalog)) => of_catalog.capacity(),
            (None, None) if self.has_catalog() => (0, 0),
            (None, None) => (u64::MAX, u64::MAX),
        }
    }
}

impl Model {
    /// An empty world.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            ..Self::default()
        }
    }

    /// Completes a world read from a file with what is not written down.
    pub fn opened(mut self, place: Place) -> Self {
        self.place = place;
        let ids: Vec<String> = self.instances.keys().cloned().collect();
        for id in ids {
            self.tell_node(&id);
        }
        for swarm in self.swarms.values_mut() {
            swarm.index_tasks(self.now);
        }
        self
    }

    /// Other ways into the instances.
    pub fn index(&self) -> &Index {
        self.index.of(&self.instances)
    }

    /// Drops instances for good. The index is rebuilt when it is next used.
    pub(super) fn forget_instances(&mut self, gone: impl Fn(&InstanceFacts) -> bool) {
        let before = self.instances.len();
        self.instances.retain(|_, instance| !gone(instance));
        if self.instances.len() != before {
            self.index = LazyIndex::default();
        }
    }

    /// Lets everything happen that is due by `to`, in order.
    pub fn advance(&mut self, to: Ms) {
        self.advance_with(to, |_, _| {});
    }

    /// As `advance`; `after` is called after each event.
    pub fn advance_with(&mut self, to: Ms, mut after: impl FnMut(&Self, Ms)) {
        while let Some((at, event)) = self.events.first().cloned() {
            if at > to {
                break;
            }
            self.events.pop_first();
            self.handle(at, event);
            after(self, at);
        }
        self.now = self.now.max(to);
    }

    /// Applies a decided change at `t`, up to which the world must have been advanced.
    pub fn apply(&mut self, t: Ms, effect: Effect) {
        match effect {
            Effect::KeyPair(pair) => {
                self.key_pairs.insert(pair.name.clone(), pair);
            }
            Effect::NoKeyPair(name) => {
                self.key_pairs.remove(&name);
            }
            Effect::Group(group) => {
                self.groups.insert(group.id.clone(), group);
            }
            Effect::NoGroup(id) => {
                self.groups.remove(&id);
            }
            Effect::Instance(instance) => self.put_instance(t, *instance),
            Effect::ElasticIp(address) => self.put_address(address),
            Effect::NoElasticIp(id) => self.drop_address(&id),
            Effect::Capacity {
                instance_type,
                zone,
                most,
            } => {
                let key = format!("{instance_type}/{zone}");
                match most {
                    Some(most) => self.capacity.insert(key, most),
                    None => self.capacity.remove(&key),
                };
            }
            Effect::Pass => {}
            in_swarm => self.apply_in_swarm(t, in_swarm),
        }
        self.settle(t);
    }

    /// Enters an instance; if its machine was lost or comes up, its swarm will notice.
    fn put_instance(&mut self, t: Ms, instance: InstanceFacts) {
        self.index.enter(&instance);
        let before = self
            .instances
            .get(&instance.id)
            .map(|old| (old.up_from, old.up(t)));
        let (id, up_from, up) = (instance.id.clone(), instance.up_from, instance.up(t));
        let ends = instance.phase == Phase::Gone;
        self.instances.insert(id.clone(), instance);
        if ends {
            self.leave_address(&id);
        }
        self.tell_node(&id);
        let Some((old, was_up)) = before else {
            return;
        };
        // One that restarts is lost, and comes up again by itself.
        if was_up && !up {
            self.machine_lost(t, &id);
        }
        if let Some(at) = up_from.filter(|_| old != up_from) {
            self.machine_comes_up(at.max(t), &id);
        }
    }
}
