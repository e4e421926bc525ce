//! Creating, changing and removing services.

use std::collections::BTreeSet;

use subako_world::{Code, FileKind, PublishMode, ServiceSpec, UpdateState};

use super::constraints::parse_constraint;
use super::ec2::Decision;
use super::effect::Effect;
use super::program::Ground;
use super::service::{ServiceFacts, UpdateFacts, Version};
use super::swarm::{At, SwarmFacts};
use super::tasks::Slot;
use crate::sim::names::{Ms, swarm_id};
use crate::sim::refusal::Refusal;

/// From a changed spec to the first task that is replaced.
const UPDATE_STARTS_AFTER: Ms = 100;

/// Of the names that are taken, the one that a new name is for Swarm, which compares them without
/// case (swarmkit#929; `manager/state/store`, the index by name).
pub(super) fn namesake<'a>(taken: impl Iterator<Item = &'a String>, name: &str) -> Option<&'a String> {
    let name = name.to_lowercase();
    taken.into_iter().find(|other| other.to_lowercase() == name)
}

impl SwarmFacts {
    /// Creates a service.
    pub fn decide_create_service(&self, seed: u64, spec: &ServiceSpec) -> Decision<String> {
        if let Some(there) = namesake(self.services.keys(), &spec.name) {
            let message = format!(
                "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {there} already exists"
            );
            return Err(Refusal::new(Code::AlreadyExists, message));
        }
        self.check_spec(spec)?;
        let effect = Effect::Service {
            swarm: self.id.clone(),
            spec: Box::new(spec.clone()),
        };
        Ok((Some(effect), swarm_id(seed, &["service", &self.id, &spec.name])))
    }

    /// Changes a service.
    pub fn decide_update_service(&self, spec: &ServiceSpec, force: bool) -> Decision<()> {
        let there = self.services.get(&spec.name).ok_or_else(|| {
            Refusal::new(
                Code::NotFound,
                format!(
                    "rpc error: code = NotFound desc = service {} not found",
                    spec.name
                ),
            )
        })?;
        if there.spec.mode != spec.mode
            && (there.replicas().is_none() || spec.mode == subako_world::Mode::Global)
        {
            let message = "rpc error: code = Unimplemented desc = service mode change is not allowed";
            return Err(Refusal::new(Code::Unsupported, message).hint("a change of mode needs a new service"));
        }
        self.check_spec(spec)?;
        // As an adapter sends it: what means the same is left as it is, so that nothing restarts.
        let mut sent = spec.clone();
        sent.align(&there.spec);
        // Even an update that changes nothing resets the status of the one before.
        let changed = force || there.spec != sent || there.update.is_some();
        let effect = Effect::ServiceUpdate {
            swarm: self.id.clone(),
            spec: Box::new(sent),
            force,
        };
        Ok((changed.then_some(effect), ()))
    }

    /// Removes a service.
    pub fn decide_remove_service(&self, name: &str) -> Decision<()> {
        let effect = Effect::NoService {
            swarm: self.id.clone(),
            name: name.to_owned(),
        };
        Ok((self.services.contains_key(name).then_some(effect), ()))
    }

    fn check_spec(&self, spec: &ServiceSpec) -> Result<(), Refusal> {
        if spec.name.is_empty() || spec.image.is_empty() {
            let message =
                "rpc error: code = InvalidArgument desc = ContainerSpec: name and image must be provided";
            return Err(Refusal::new(Code::Invalid, message));
        }
        for network in &spec.networks {
            if !self.networks.contains_key(&network.name) {
                return Err(Refusal::new(
                    Code::NotFound,
                    format!("network {} not found", network.name),
                ));
            }
        }
        for (kind, mounts) in [
            (FileKind::Secret, &spec.secrets),
            (FileKind::Config, &spec.configs),
        ] {
            if let Some(mount) = mounts
                .iter()
                .find(|mount| !self.files(kind).contains_key(&mount.name))
            {
                let message = format!("{} not found: {}", kind.word(), mount.name);
                return Err(Refusal::new(Code::NotFound, message));
            }
        }
        for constraint in &spec.constraints {
            if parse_constraint(constraint).is_none() {
                let message = format!(
                    "rpc error: code = InvalidArgument desc = invalid expression: {constraint}: constraint expected \
                     one operator from ==, != and a known key"
                );
                return Err(Refusal::new(Code::Invalid, message));
            }
        }
        self.check_ports(spec)
    }

    /// Two services cannot publish one port through the routing mesh, nor can one twice
    /// (swarmkit, `checkPortConflicts`).
    fn check_ports(&self, spec: &ServiceSpec) -> Result<(), Refusal> {
        let mut own = BTreeSet::new();
        for port in &spec.ports {
            if port.published == 0 {
                continue;
            }
            if !own.insert((&port.protocol, port.published)) {
                let message = format!(
                    "rpc error: code = InvalidArgument desc = EndpointSpec: duplicate published ports provided: {}",
                    port.published
                );
                return Err(Refusal::new(Code::Invalid, message));
            }
            for other in self
                .services
                .values()
                .filter(|other| other.spec.name != spec.name)
            {
                let clash = other.spec.ports.iter().find(|theirs| {
                    theirs.published == port.published
                        && theirs.protocol == port.protocol
                        && (theirs.mode == PublishMode::Ingress || port.mode == PublishMode::Ingress)
                });
                if let Some(theirs) = clash {
                    let how = match theirs.mode {
                        PublishMode::Ingress => "an ingress port",
                        PublishMode::Host => "a host-published port",
                    };
                    let message = format!(
                        "rpc error: code = InvalidArgument desc = port '{}' is already in use by service '{}' ({}) as {how}",
                        port.published, other.spec.name, other.id
                    );
                    return Err(Refusal::new(Code::Taken, message).hint(format!(
                        "publish another port, or take {} from {}",
                        port.published, other.spec.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// Applies a decided creation.
    pub(super) fn add_service(&mut self, at: At, spec: ServiceSpec) {
        let name = spec.name.clone();
        let id = swarm_id(at.seed, &["service", &self.id, &name]);
        let facts = ServiceFacts::new(id, spec, &self.ground(&self.bridges()));
        self.services.insert(name.clone(), facts);
        self.forget_spread(&name);
        self.fit_count(at, &name);
    }

    /// Applies a decided change; returns the epoch and time of a rolling update that it starts.
    pub(super) fn change_service(&mut self, at: At, spec: ServiceSpec, force: bool) -> Option<(u32, Ms)> {
        let name = spec.name.clone();
        let bridges = self.bridges();
        let service = self.services.get_mut(&name)?;
        let before = service.template;
        let old = std::mem::replace(&mut service.spec, spec);
        service.previous = Some(Box::new(Version {
            spec: old,
            forced: service.forced,
        }));
        service.forced += u64::from(force);
        service.renew_template(&Ground {
            networks: &self.networks,
            bridges: &bridges,
            images: self.images,
        });
        service.epoch += 1;
        service.update = None;
        let rolls = before != service.template || service.slots.keys().any(|slot| service.is_dirty(slot));
        self.fit_count(at, &name);
        self.forget_spread(&name);
        self.enforce_constraints(at, &name);
        self.place_pending(at, &name);
        let service = self.services.get_mut(&name)?;
        if !rolls || service.slots.is_empty() {
            return None;
        }
        let due = at.t + UPDATE_STARTS_AFTER;
        service.update = Some(UpdateFacts::new(UpdateState::Updating, "update in progress", due));
        Some((service.epoch, due))
    }

    /// Applies a decided removal.
    pub(super) fn drop_service(&mut self, at: At, name: &str) {
        let slots: Vec<Slot> = self
            .services
            .get(name)
            .into_iter()
            .flat_map(|service| service.slots.keys().cloned())
            .collect();
        self.forget_spread(name);
        self.board.stir(name);
        for slot in slots {
            self.drop_slot(at, name, &slot);
        }
        let Some(gone) = self.services.remove(name) else {
            return;
        };
        self.forget_images(&gone.images().map(str::to_owned).collect());
    }

    /// An image of a service is pulled again on a node that has no task with it any more, as where old
    /// images are pruned: nobody who reads the swarm could tell that the node has it.
    fn forget_images(&mut self, images: &BTreeSet<String>) {
        let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
        for service in self.services.values() {
            if !service.images().any(|image| images.contains(image)) {
                continue;
            }
            // What has ended is listed for a while yet, and is nothing that keeps an image.
            let tasks = service.slots.values().flatten();
            used.extend(tasks.filter(|task| task.live()).filter_map(|task| {
                let template = service.templates.get(&task.template)?;
                Some((task.node.as_deref()?, template.image.as_str()))
            }));
        }
        for (id, node) in &mut self.nodes {
            node.images
                .retain(|image, _| !images.contains(image) || used.contains(&(id.as_str(), image.as_str())));
        }
    }

    /// Brings the number of slots to what the spec wants.
    pub(super) fn fit_count(&mut self, at: At, name: &str) {
        let Some(service) = self.services.get(name) else {
            return;
        };
        let Some(wanted) = service.replicas() else {
            let nodes: Vec<String> = self.nodes.keys().cloned().collect();
            for node in nodes {
                self.ensure_global(at, name, &node);
            }
            return;
        };
        let there = service.slots.len() as u64;
        if there > wanted {
            self.shrink(at, name, there - wanted);
            return;
        }
        let free: Vec<u64> = (1..)
            .filter(|number| !service.slots.contains_key(&Slot::Replica(*number)))
            .take(usize::try_from(wanted - there).unwrap_or(usize::MAX))
            .collect();
        for number in free {
            self.make_task(at, name, &Slot::Replica(number), at.t);
        }
    }

    /// Takes slots away: first those without a node, then from the node with the most tasks of
    /// the service, and there the highest number (swarmkit, `replicated/slot.go`).
    fn shrink(&mut self, at: At, name: &str, by: u64) {
        let pending = self.board.pending.get(name).into_iter().flatten().rev().cloned();
        let most = usize::try_from(by).unwrap_or(usize::MAX);
        let mut going: Vec<Slot> = pending.take(most).collect();
        going.extend(
            self.over_slots(at, name)
                .into_iter()
                .rev()
                .take(most - going.len()),
        );
        let nodes = self.board.loads.iter().filter(|(_, load)| load.of(name) > 0);
        let mut order: BTreeSet<(u64, String)> =
            nodes.map(|(id, load)| (load.of(name), id.clone())).collect();
        let mut left: std::collections::HashMap<String, Vec<Slot>> = order
            .iter()
            .map(|(_, id)| {
                (
                    id.clone(),
                    self.board.loads[id].by_service[name].iter().cloned().collect(),
                )
            })
            .collect();
        while (going.len() as u64) < by {
            let Some((count, node)) = order.pop_last() else {
                break;
            };
            if let Some(slot) = left.get_mut(&node).and_then(Vec::pop) {
                going.push(slot);
                if count > 1 {
                    order.insert((count - 1, node));
                }
            }
        }
        for slot in going {
            self.drop_slot(at, name, &slot);
        }
        let service = self.services.get(name).into_iter();
        let images = service.flat_map(ServiceFacts::images).map(str::to_owned);
        self.forget_images(&images.collect());
    }

    /// Slots whose task has ended by itself for good.
    fn over_slots(&self, at: At, name: &str) -> Vec<Slot> {
        let Some(service) = self.services.get(name) else {
            return Vec::new();
        };
        let over = service.slots.keys().filter(|slot| {
            let task = service.current(slot);
            task.is_some_and(|task| task.over(service.templates.get(&task.template), at.t))
        });
        over.cloned().collect()
    }

    /// Moves tasks away from nodes where the service's constraints no longer hold.
    fn enforce_constraints(&mut self, at: At, name: &str) {
        let mut there: Vec<String> = self
            .board
            .loads
            .iter()
            .filter(|(_, load)| load.of(name) > 0)
            .map(|(id, _)| id.clone())
            .collect();
        there.sort();
        for id in there {
            self.evict(at, &id);
        }
    }
}
