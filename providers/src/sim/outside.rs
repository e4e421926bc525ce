//! Changes from outside: what a person with a console, or a power cut, does to the world. They
//! pass by the fault table and the count of calls.

use std::time::Duration;

use subako_world::{
    Availability, Code, Content, FileKind, FileSpec, InstanceChange, Mode, NodeUpdate, Rule, ServiceSpec, tag,
};

use super::model::{Decision, Effect, InstanceFacts, Model, SwarmFacts};
use super::names::Ms;
use super::options::SimError;
use super::refusal::Refusal;
use super::simulator::Simulator;

type Outcome = Result<(), SimError>;

impl Simulator {
    /// Stops an instance, named by its `Name` tag, its manifest name or its id.
    pub fn stop_instance(&self, name: &str) -> Outcome {
        self.to_instance(name, "stop", |model, t, id| model.decide_stop(t, id))
    }

    /// Starts a stopped instance.
    pub fn start_instance(&self, name: &str) -> Outcome {
        self.to_instance(name, "start", |model, t, id| model.decide_start(t, id))
    }

    /// Terminates an instance, protected or not.
    pub fn terminate_instance(&self, name: &str) -> Outcome {
        self.to_instance(name, "terminate", |model, t, id| {
            model.decide_terminate(t, id, true)
        })
    }

    /// Takes a machine down while EC2 goes on to call its instance running.
    pub fn kill_node(&self, name: &str) -> Outcome {
        self.to_instance(name, "kill", |model, t, id| model.decide_kill(t, id))
    }

    /// Brings a killed machine back.
    pub fn revive_node(&self, name: &str) -> Outcome {
        self.to_instance(name, "revive", |model, t, id| model.decide_revive(t, id))
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) -> Outcome {
        self.inner
            .pass(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    /// Sets a tag of an instance.
    pub fn set_instance_tag(&self, name: &str, key: &str, value: &str) -> Outcome {
        let change = InstanceChange {
            set_tags: [(key.to_owned(), value.to_owned())].into(),
            ..InstanceChange::default()
        };
        self.to_instance(name, "tag", |model, t, id| model.decide_modify(t, id, &change))
    }

    /// Sets the availability of the node that an instance is.
    pub fn drain_node(&self, name: &str, availability: Availability) -> Outcome {
        let update = NodeUpdate {
            availability: Some(availability),
            ..NodeUpdate::default()
        };
        self.to_instance(name, "set the availability of", |model, t, id| {
            let member = model.instances.get(id).and_then(InstanceFacts::node);
            let (swarm, node) =
                member.ok_or_else(|| Refusal::new(Code::WrongState, "the instance is in no swarm"))?;
            let swarm = model
                .swarms
                .get(swarm)
                .ok_or_else(|| Refusal::new(Code::WrongState, "its swarm is gone"))?;
            swarm.decide_update_node(t, node, &update)
        })
    }

    /// Adds an ingress rule to a security group, named by its name or id.
    pub fn authorize(&self, group: &str, rule: Rule) -> Outcome {
        self.to_group(group, "open", |model, id| {
            model.decide_authorize(id, std::slice::from_ref(&rule))
        })
    }

    /// Removes an ingress rule from a security group.
    pub fn revoke(&self, group: &str, rule: Rule) -> Outcome {
        self.to_group(group, "close", |model, id| {
            model.decide_revoke(id, std::slice::from_ref(&rule))
        })
    }

    /// Sets the number of a service's replicas.
    pub fn scale_service(&self, name: &str, replicas: u64) -> Outcome {
        self.to_service(name, "scale", |swarm, mut spec| {
            spec.mode = Mode::Replicated(replicas);
            swarm.decide_update_service(&spec, false)
        })
    }

    /// Sets a service's image.
    pub fn set_service_image(&self, name: &str, image: &str) -> Outcome {
        self.to_service(name, "change the image of", |swarm, mut spec| {
            spec.image = image.to_owned();
            swarm.decide_update_service(&spec, false)
        })
    }

    /// Changes anything of a service.
    pub fn change_service(&self, name: &str, change: impl FnOnce(&mut ServiceSpec)) -> Outcome {
        self.to_service(name, "change", |swarm, mut spec| {
            change(&mut spec);
            swarm.decide_update_service(&spec, false)
        })
    }

    /// Sets how long a service's containers may take to stop.
    pub fn set_stop_grace(&self, name: &str, seconds: u64) -> Outcome {
        self.change_service(name, |spec| {
            spec.stop_grace_period = Some(seconds * 1_000_000_000);
        })
    }

    /// Removes a service.
    pub fn remove_service(&self, name: &str) -> Outcome {
        self.to_service(name, "remove", |swarm, spec| {
            swarm.decide_remove_service(&spec.name)
        })
    }

    /// Removes a network that no service is on.
    pub fn remove_network(&self, name: &str) -> Outcome {
        let doing = format!("remove network {name}");
        self.inner.tamper(&doing, |model, t| {
            let swarm = model
                .swarms
                .values()
                .find(|swarm| model.lives(t, swarm) && swarm.networks.contains_key(name));
            let swarm = swarm.ok_or_else(|| not_found("network", name))?;
            done(&doing, swarm.decide_remove_network(name))
        })
    }

    /// Adds a secret that belongs to nobody, with a content that matters to nobody.
    pub fn add_secret(&self, name: &str) -> Outcome {
        let spec = FileSpec {
            labels: Default::default(),
            name: name.to_owned(),
        };
        let seed = self.inner.place.seed;
        self.to_swarm(&format!("add secret {name}"), |swarm| {
            let (effect, _) =
                swarm.decide_create_file(seed, FileKind::Secret, &spec, &Content::new(*b"by hand"))?;
            Ok((effect, ()))
        })
    }

    /// Removes a secret that no service uses.
    pub fn remove_secret(&self, name: &str) -> Outcome {
        self.to_swarm(&format!("remove secret {name}"), |swarm| {
            swarm.decide_remove_file(FileKind::Secret, name)
        })
    }

    /// Lets EC2 have no more than `most` instances of a type in a zone; `None` lifts the limit.
    pub fn limit_capacity(&self, instance_type: &str, zone: &str, most: Option<u32>) -> Outcome {
        let effect = Effect::Capacity {
            instance_type: instance_type.to_owned(),
            zone: zone.to_owned(),
            most,
        };
        self.inner.tamper("limit capacity", |_, _| Ok(Some(effect)))
    }

    fn to_instance(
        &self,
        name: &str,
        verb: &str,
        decide: impl FnOnce(&Model, Ms, &str) -> Decision<()>,
    ) -> Outcome {
        let doing = format!("{verb} instance {name}");
        self.inner.tamper(&doing, |model, t| {
            let id = find_instance(model, t, name).ok_or_else(|| not_found("instance", name))?;
            done(&doing, decide(model, t, &id))
        })
    }

    fn to_group(&self, name: &str, verb: &str, decide: impl FnOnce(&Model, &str) -> Decision<()>) -> Outcome {
        let doing = format!("{verb} security group {name}");
        self.inner.tamper(&doing, |model, _| {
            let group = model
                .groups
                .values()
                .find(|group| group.id == name || group.name == name);
            let group = group.ok_or_else(|| not_found("security group", name))?;
            done(&doing, decide(model, &group.id))
        })
    }

    fn to_swarm(&self, doing: &str, decide: impl FnOnce(&SwarmFacts) -> Decision<()>) -> Outcome {
        self.inner.tamper(doing, |model, t| {
            let swarm = model.swarms.values().find(|swarm| model.lives(t, swarm));
            let swarm = swarm.ok_or_else(|| not_found("swarm", "of the cluster"))?;
            done(doing, decide(swarm))
        })
    }

    fn to_service(
        &self,
        name: &str,
        verb: &str,
        decide: impl FnOnce(&SwarmFacts, ServiceSpec) -> Decision<()>,
    ) -> Outcome {
        let doing = format!("{verb} service {name}");
        self.inner.tamper(&doing, |model, t| {
            let of_swarm =
                |swarm: &'_ &SwarmFacts| model.lives(t, swarm) && swarm.services.contains_key(name);
            let swarm = model
                .swarms
                .values()
                .find(of_swarm)
                .ok_or_else(|| not_found("service", name))?;
            let spec = swarm.services[name].spec.clone();
            done(&doing, decide(swarm, spec))
        })
    }
}

/// The instance of that id, `Name` tag or manifest name that has not ended.
fn find_instance(model: &Model, t: Ms, name: &str) -> Option<String> {
    if model.instances.contains_key(name) {
        return Some(name.to_owned());
    }
    let called = |instance: &&InstanceFacts| {
        let address = instance
            .tags
            .get(tag::ADDRESS)
            .and_then(|address| address.split_once('.'));
        let tagged = instance.tags.get("Name").is_some_and(|tag| tag == name);
        tagged || address.is_some_and(|(_, own)| own == name)
    };
    let there = model
        .instances
        .values()
        .filter(|instance| !instance.terminated(t));
    there
        .filter(called)
        .max_by_key(|instance| instance.created)
        .map(|instance| instance.id.clone())
}

fn not_found(what: &'static str, name: &str) -> SimError {
    SimError::NotFound {
        what,
        name: name.to_owned(),
    }
}

fn done(doing: &str, decision: Decision<()>) -> Result<Option<Effect>, SimError> {
    match decision {
        Ok((effect, ())) => Ok(effect),
        Err(refusal) => Err(SimError::Refused {
            doing: doing.to_owned(),
            message: match refusal.service_code {
                Some(code) => format!("{code}: {}", refusal.message),
                None => refusal.message,
            },
        }),
    }
}
