//! Elastic addresses, and which instance has each.

use std::net::Ipv4Addr;

use subako_world::{ElasticIp, ElasticIpRequest, InstanceState, tag};

use super::ec2::{Decision, all_tags};
use super::effect::Effect;
use super::world::Model;
use crate::sim::names::{Ms, ec2_id, public_address};
use crate::sim::refusal::Refusal;

fn no_such_address(id: &str) -> Refusal {
    Refusal::ec2(
        "InvalidAllocationID.NotFound",
        format!("The allocation ID '{id}' does not exist"),
    )
}

impl Model {
    /// The address that was allocated with a token.
    pub fn address_of_token(&self, token: &str) -> Option<&ElasticIp> {
        let mut all = self.elastic_ips.values();
        all.find(|address| address.tags.get(tag::TOKEN).is_some_and(|own| own == token))
    }

    /// Allocates an address.
    pub fn decide_allocate_address(&self, request: &ElasticIpRequest) -> Decision<ElasticIp> {
        let own = &request.ownership;
        if let Some(there) = self.address_of_token(&own.token) {
            return Ok((None, there.clone()));
        }
        let generation = own.generation.to_string();
        let identity = format!("{} {} {generation}", own.cluster, own.address);
        let free = |ip: &Ipv4Addr| {
            let ip = ip.to_string();
            self.elastic_ips.values().all(|other| other.public_ip != ip)
        };
        let ip = (0..=u32::MAX)
            .map(|nth| public_address(self.place.seed, &identity, nth))
            .find(free)
            .unwrap_or(Ipv4Addr::UNSPECIFIED);
        let address = ElasticIp {
            id: ec2_id(
                "eipalloc",
                self.place.seed,
                &["elastic", &own.address, &generation, &own.token],
            ),
            public_ip: ip.to_string(),
            instance_id: None,
            tags: all_tags(&request.tags, own),
        };
        Ok((Some(Effect::ElasticIp(address.clone())), address))
    }

    /// Gives an address to an instance.
    pub fn decide_associate_address(&self, t: Ms, id: &str, instance_id: &str) -> Decision<()> {
        let address = self.elastic_ips.get(id).ok_or_else(|| no_such_address(id))?;
        let state = self.instance_or_refuse(instance_id)?.state(t);
        if !matches!(
            state,
            InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped
        ) {
            let message =
                format!("The {state} instance '{instance_id}' is not in a valid state for this operation");
            return Err(Refusal::ec2("IncorrectInstanceState", message));
        }
        if address.instance_id.as_deref() == Some(instance_id) {
            return Ok((None, ()));
        }
        let mut moved = address.clone();
        moved.instance_id = Some(instance_id.to_owned());
        Ok((Some(Effect::ElasticIp(moved)), ()))
    }

    /// Takes an address from whatever has it.
    pub fn decide_disassociate_address(&self, id: &str) -> Decision<()> {
        let mut address = self
            .elastic_ips
            .get(id)
            .ok_or_else(|| no_such_address(id))?
            .clone();
        let had = address.instance_id.take().is_some();
        Ok((had.then_some(Effect::ElasticIp(address)), ()))
    }

    /// Gives an address back.
    pub fn decide_release_address(&self, id: &str) -> Decision<()> {
        let there = self.elastic_ips.contains_key(id);
        Ok((there.then(|| Effect::NoElasticIp(id.to_owned())), ()))
    }

    /// Enters an address, new or changed: one address for an instance, one instance for an address.
    pub(super) fn put_address(&mut self, address: ElasticIp) {
        let before = self
            .elastic_ips
            .get(&address.id)
            .and_then(|old| old.instance_id.clone());
        if let Some(before) = before.filter(|before| Some(before) != address.instance_id.as_ref()) {
            self.take_address_from(&before);
        }
        if let Some(instance) = &address.instance_id {
            for other in self.elastic_ips.values_mut() {
                if other.instance_id.as_ref() == Some(instance) {
                    other.instance_id = None;
                }
            }
            if let Some(facts) = self.instances.get_mut(instance) {
                facts.elastic_ip = Some(address.public_ip.clone());
            }
        }
        self.elastic_ips.insert(address.id.clone(), address);
    }

    /// An address is given back.
    pub(super) fn drop_address(&mut self, id: &str) {
        let gone = self.elastic_ips.remove(id);
        if let Some(instance) = gone.and_then(|address| address.instance_id) {
            self.take_address_from(&instance);
        }
    }

    /// An instance that ends leaves its address behind.
    pub(super) fn leave_address(&mut self, instance: &str) {
        for address in self.elastic_ips.values_mut() {
            if address.instance_id.as_deref() == Some(instance) {
                address.instance_id = None;
            }
        }
        if let Some(facts) = self.instances.get_mut(instance) {
            facts.elastic_ip = None;
        }
    }

    /// It gets a public address of its own again, another one than before.
    fn take_address_from(&mut self, instance: &str) {
        if let Some(facts) = self.instances.get_mut(instance)
            && facts.elastic_ip.take().is_some()
        {
            facts.starts += 1;
        }
    }
}
