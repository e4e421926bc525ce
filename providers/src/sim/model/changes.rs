//! Applying decided changes inside a swarm.

use super::effect::Effect;
use super::events::Event;
use super::swarm::At;
use super::world::Model;
use crate::sim::names::Ms;

impl Model {
    /// Applies an effect that concerns a swarm.
    pub(super) fn apply_in_swarm(&mut self, t: Ms, effect: Effect) {
        let at = At {
            seed: self.place.seed,
            t,
        };
        match effect {
            Effect::Init {
                instance,
                swarm,
                node,
                ready,
                addr_pool,
                subnet_size,
                labels,
            } => {
                let facts = Self::new_swarm(swarm, addr_pool, subnet_size, labels);
                self.apply_init(&instance, facts, &node, ready);
            }
            Effect::Join {
                instance,
                swarm,
                node,
                role,
                ready,
            } => self.apply_join(&instance, &swarm, &node, role, ready),
            Effect::ForceNew { instance, ready } => self.apply_force_new(t, &instance, ready),
            Effect::Leave { instance } => self.apply_leave(t, &instance),
            Effect::Node {
                swarm,
                node,
                role,
                availability,
                labels,
            } => self.apply_node(t, &swarm, &node, (role, availability, labels)),
            Effect::NoNode { swarm, node } => {
                if let Some(swarm) = self.swarms.get_mut(&swarm) {
                    swarm.forget_node(at, &node);
                }
            }
            Effect::Network { swarm, network } => {
                if let Some(swarm) = self.swarms.get_mut(&swarm) {
                    swarm.networks.insert(network.spec.name.clone(), network);
                }
            }
            Effect::NoNetwork { swarm, name } => {
                if let Some(swarm) = self.swarms.get_mut(&swarm) {
                    swarm.networks.remove(&name);
                }
            }
            Effect::File { swarm, kind, file } => {
                if let Some(swarm) = self.swarms.get_mut(&swarm) {
                    swarm.files_mut(kind).insert(file.spec.name.clone(), file);
                }
            }
            Effect::NoFile { swarm, kind, name } => {
                if let Some(swarm) = self.swarms.get_mut(&swarm) {
                    swarm.files_mut(kind).remove(&name);
                }
            }
            Effect::Service { swarm, spec } => {
                if let Some(swarm) = self.swarms.get_mut(&swarm) {
                    swarm.add_service(at, *spec);
                }
            }
            Effect::ServiceUpdate { swarm, spec, force } => {
                let service = spec.name.clone();
                let facts = self.swarms.get_mut(&swarm);
                if let Some((epoch, due)) = facts.and_then(|facts| facts.change_service(at, *spec, force)) {
                    self.post(
                        due,
                        Event::Rollout {
                            swarm,
                            service,
                            epoch,
                        },
                    );
                }
            }
            Effect::NoService { swarm, name } => {
                if let Some(swarm) = self.swarms.get_mut(&swarm) {
                    swarm.drop_service(at, &name);
                }
            }
            // The others concern no swarm: `apply` has dealt with them.
            Effect::KeyPair(_)
            | Effect::NoKeyPair(_)
            | Effect::Group(_)
            | Effect::NoGroup(_)
            | Effect::Instance(_)
            | Effect::ElasticIp(_)
            | Effect::NoElasticIp(_)
            | Effect::Capacity { .. }
            | Effect::Pass => {}
        }
    }
}
