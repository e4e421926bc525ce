//! Instances: run, change, start, stop, terminate.

use std::net::Ipv4Addr;

use subako_world::{InstanceChange, InstanceRequest, InstanceState, SecurityGroup, Subnet, is_burstable};

use super::catalog::{Arch, Range, USUAL_DISK_GIB, images, is_id, subnets};
use super::ec2::{Decision, all_tags, no_such_group};
use super::effect::Effect;
use super::facts::{InstanceFacts, Phase};
use super::lookup::no_such_type;
use super::types::{InstanceType, offered};
use super::world::Model;
use crate::sim::names::{Ms, ec2_id, finish, mix, span};
use crate::sim::refusal::Refusal;

/// How long EC2 shows a terminated instance.
pub(crate) const TERMINATED_SHOWN: Ms = 3_600_000;

/// The longest that a new id may be unknown to reads.
const CONSISTENT_AFTER: Ms = 1_000;

/// The largest disk, GiB (EBS user guide, "gp3 volumes").
const LARGEST_DISK_GIB: u32 = 16_384;

/// Addresses at the start of each subnet that EC2 keeps, and one at the end.
const KEPT_FIRST: u64 = 4;
const KEPT: u64 = 5;

impl Model {
    /// Runs one instance, or finds the one that the token has run before.
    pub fn decide_run(&self, t: Ms, request: &InstanceRequest) -> Decision<InstanceFacts> {
        let print = fingerprint(request);
        if let Some(there) = self.instance_of_token(&request.ownership.token) {
            return self.repeated(t, there, print).map(|there| (None, there.clone()));
        }
        let subnet = self.check_place(request)?;
        self.check_capacity(t, request)?;
        let private_ip = match &request.private_ip {
            Some(pinned) => self.pinned(t, &subnet, pinned)?,
            None => self.free_address(t, &subnet, request)?,
        };
        let own = &request.ownership;
        let id = ec2_id(
            "i",
            self.place.seed,
            &[&own.address, &own.generation.to_string(), &own.token],
        );
        let mut facts = InstanceFacts {
            name: request.name.clone(),
            request: print,
            token: own.token.clone(),
            image_id: request.image_id.clone(),
            instance_type: request.instance_type.clone(),
            subnet_id: subnet.id,
            zone: subnet.zone,
            groups: vec![request.security_group_id.clone()],
            key_name: request.key_name.clone(),
            private_ip,
            public: request.public_ip.unwrap_or(true),
            elastic_ip: None,
            disk_gib: request.disk_gib,
            disk_encrypted: request.disk_encrypted,
            cpu_credits: request.cpu_credits,
            protect: request.protect,
            tags: all_tags(&request.tags, own),
            created: t,
            phase: Phase::On,
            settles: t,
            starts: 0,
            up_from: None,
            lost_at: t,
            killed: false,
            engine: None,
            member: None,
            joins: 0,
            id,
        };
        facts.start(self.place.seed, t);
        Ok((Some(Effect::Instance(Box::new(facts.clone()))), facts))
    }

    /// The instance that was run with a token.
    pub fn instance_of_token(&self, token: &str) -> Option<&InstanceFacts> {
        self.instances.get(self.index().of_token(token)?)
    }

    /// The instance as reads by id show it: not yet in its first moments, no more long after its end.
    pub fn shown(&self, t: Ms, id: &str) -> Option<&InstanceFacts> {
        let instance = self.instances.get(id)?;
        let place = instance.private_ip.to_string();
        let lag = span(self.place.seed, 0, CONSISTENT_AFTER, &["consistency", &place]);
        let visible = t >= instance.created + lag;
        let forgotten = instance.terminated(t) && t >= instance.settles + TERMINATED_SHOWN;
        (visible && !forgotten).then_some(instance)
    }

    fn repeated<'a>(
        &self,
        t: Ms,
        there: &'a InstanceFacts,
        print: u64,
    ) -> Result<&'a InstanceFacts, Refusal> {
        if there.request != print {
            return Err(Refusal::ec2(
                "IdempotentParameterMismatch",
                "The request uses the same client token as a previous, but non-identical request",
            ));
        }
        if there.state(t) >= InstanceState::ShuttingDown {
            return Err(Refusal::ec2(
                "IdempotentInstanceTerminated",
                format!(
                    "The instance '{}' that this client token has run is terminated",
                    there.id
                ),
            )
            .hint("the next generation of the address gets a token of its own"));
        }
        Ok(there)
    }

    fn check_place(&self, request: &InstanceRequest) -> Result<Subnet, Refusal> {
        let arch = self.architecture(&request.instance_type)?;
        if !is_id("ami", &request.image_id) {
            let message = format!("Invalid id: \"{}\" (expecting \"ami-...\")", request.image_id);
            return Err(Refusal::ec2("InvalidAMIID.Malformed", message));
        }
        let image = images()
            .iter()
            .find(|image| image.id(&self.place.region) == request.image_id);
        if let Some((image, arch)) = image.zip(arch).filter(|(image, arch)| image.arch != *arch) {
            let message = format!(
                "The architecture '{}' of the specified instance type does not match the architecture '{}' of \
                 the specified AMI",
                arch.name(),
                image.arch.name()
            );
            return Err(Refusal::ec2("InvalidParameterValue", message)
                .hint("name the image by its family, so that the architecture follows the type"));
        }
        if let Some(name) = request
            .key_name
            .as_ref()
            .filter(|name| !self.key_pairs.contains_key(*name))
        {
            return Err(Refusal::ec2(
                "InvalidKeyPair.NotFound",
                format!("The key pair '{name}' does not exist"),
            ));
        }
        let group = self.group_or_refuse(&request.security_group_id)?;
        let subnet = subnets(&self.place)
            .into_iter()
            .find(|(_, subnet)| subnet.id == request.subnet_id);
        let (vpc, subnet) = subnet.ok_or_else(|| {
            let message = format!("The subnet ID '{}' does not exist", request.subnet_id);
            Refusal::ec2("InvalidSubnetID.NotFound", message)
        })?;
        if group.vpc_id != vpc {
            let message = format!(
                "Security group {} and subnet {} belong to different networks",
                group.id, subnet.id
            );
            return Err(Refusal::ec2("InvalidParameter", message));
        }
        self.check_offered(&request.instance_type, &subnet.zone)?;
        let usual = if self.place.has_catalog() {
            USUAL_DISK_GIB
        } else {
            1
        };
        let least = image.map_or(usual, |image| image.disk_gib);
        if !(least..=LARGEST_DISK_GIB).contains(&request.disk_gib) {
            let message = format!(
                "Volume of size {}GB is smaller than the image's snapshot, expect size >= {least}GB, or larger than \
                 EBS allows",
                request.disk_gib
            );
            return Err(Refusal::ec2("InvalidBlockDeviceMapping", message)
                .hint(format!("use disk_gib between {least} and {LARGEST_DISK_GIB}")));
        }
        Ok(subnet)
    }

    /// The architecture of a type, as far as it is known; EC2's answer where there is no such type.
    fn architecture(&self, instance_type: &str) -> Result<Option<Arch>, Refusal> {
        match InstanceType::named(instance_type) {
            Some(kind) => Ok(Some(kind.arch)),
            None if self.place.has_catalog() => Err(no_such_type(instance_type)),
            None => Ok(None),
        }
    }

    /// Whether a zone has a type at all; EC2's answer where it has not.
    fn check_offered(&self, instance_type: &str, zone: &str) -> Result<(), Refusal> {
        if !self.place.has_catalog() || offered(instance_type, zone) {
            return Ok(());
        }
        let has = self
            .place
            .zones
            .iter()
            .filter(|zone| offered(instance_type, zone));
        let has: Vec<&str> = has.map(String::as_str).collect();
        let message = format!(
            "Your requested instance type ({instance_type}) is not supported in your requested Availability Zone \
             ({zone})"
        );
        Err(Refusal::ec2("Unsupported", message).hint(match has.is_empty() {
            true => "choose another instance type".to_owned(),
            false => format!("choose {}, or another instance type", has.join(", ")),
        }))
    }

    fn check_capacity(&self, t: Ms, request: &InstanceRequest) -> Result<(), Refusal> {
        let key = format!("{}/{}", request.instance_type, request.zone);
        let Some(most) = self.capacity.get(&key) else {
            return Ok(());
        };
        let used = self.instances.values().filter(|instance| {
            instance.instance_type == request.instance_type
                && instance.zone == request.zone
                && !instance.terminated(t)
                && instance.state(t) != InstanceState::Stopped
        });
        if used.count() < *most as usize {
            return Ok(());
        }
        let call = crate::sim::faults::Call::placed(&request.instance_type, &request.zone);
        Err(crate::sim::faults::in_its_own_words(
            "InsufficientInstanceCapacity",
            &call,
        ))
    }

    /// Whether something still holds a private address.
    fn holder(&self, t: Ms, address: Ipv4Addr) -> Option<&InstanceFacts> {
        let id = self.index().of_address(address)?;
        self.instances
            .get(id)
            .filter(|instance| instance.private_ip == address && !instance.terminated(t))
    }

    fn pinned(&self, t: Ms, subnet: &Subnet, pinned: &str) -> Result<Ipv4Addr, Refusal> {
        let outside = || {
            let message = format!(
                "Address {pinned} does not fall within the subnet's address range {}",
                subnet.cidr
            );
            Refusal::ec2("InvalidParameterValue", message)
                .hint("choose an address of the subnet, from its fifth on")
        };
        let address: Ipv4Addr = pinned.parse().map_err(|_| outside())?;
        let range = Range::parse(&subnet.cidr).ok_or_else(outside)?;
        let offset = u64::from(u32::from(address).wrapping_sub(range.first));
        if !range.holds(address) || offset < KEPT_FIRST || offset + 1 == range.size() {
            return Err(outside());
        }
        if let Some(holder) = self.holder(t, address) {
            let message = format!("Address {pinned} is in use by {}", holder.id);
            return Err(Refusal::ec2("InvalidIPAddress.InUse", message)
                .hint("wait until that instance is terminated, or pin another address"));
        }
        Ok(address)
    }

    /// The first free address at or after the one that the identity decides.
    fn free_address(&self, t: Ms, subnet: &Subnet, request: &InstanceRequest) -> Result<Ipv4Addr, Refusal> {
        let own = &request.ownership;
        let full = || {
            let message = format!(
                "There are not enough free addresses in subnet '{}' ({})",
                subnet.id, subnet.cidr
            );
            Refusal::ec2("InsufficientFreeAddressesInSubnet", message)
                .hint("use a larger subnet, or spread over more zones")
        };
        let range = Range::parse(&subnet.cidr).ok_or_else(full)?;
        let usable = range.size().saturating_sub(KEPT).max(1);
        let start = mix(
            self.place.seed,
            &["address", &own.address, &own.generation.to_string()],
        ) % usable;
        (0..usable)
            .map(|step| (start + step) % usable + KEPT_FIRST)
            .filter_map(|offset| u32::try_from(offset).ok())
            .map(|offset| Ipv4Addr::from(range.first + offset))
            .find(|address| self.holder(t, *address).is_none())
            .ok_or_else(full)
    }

    /// The instance, or EC2's answer when there is none.
    pub fn instance_or_refuse(&self, id: &str) -> Result<&InstanceFacts, Refusal> {
        self.instances.get(id).ok_or_else(|| {
            Refusal::ec2(
                "InvalidInstanceID.NotFound",
                format!("The instance ID '{id}' does not exist"),
            )
        })
    }

    fn group_or_refuse(&self, id: &str) -> Result<&SecurityGroup, Refusal> {
        self.groups.get(id).ok_or_else(|| no_such_group(id))
    }

    /// Changes attributes and tags.
    pub fn decide_modify(&self, t: Ms, id: &str, change: &InstanceChange) -> Decision<()> {
        let before = self.instance_or_refuse(id)?;
        let state = before.state(t);
        if state >= InstanceState::ShuttingDown {
            return Err(wrong_state(id, state, "changed"));
        }
        let mut facts = before.clone();
        if let Some(instance_type) = change
            .instance_type
            .as_ref()
            .filter(|wanted| **wanted != facts.instance_type)
        {
            if state != InstanceState::Stopped {
                let message = format!("The instance '{id}' is not in the 'stopped' state");
                return Err(
                    Refusal::ec2("IncorrectInstanceState", message).hint("stop it, change it, start it")
                );
            }
            let new = self.architecture(instance_type)?;
            self.check_offered(instance_type, &facts.zone)?;
            let old = InstanceType::named(&facts.instance_type).map(|kind| kind.arch);
            if old.zip(new).is_some_and(|(old, new)| old != new) {
                let message =
                    format!("The instance type '{instance_type}' has another architecture than the image");
                return Err(Refusal::ec2("InvalidParameterValue", message));
            }
            facts.instance_type.clone_from(instance_type);
        }
        if let Some(credits) = change.cpu_credits {
            if !is_burstable(&facts.instance_type) {
                let message = format!("{id} is of a type that has no CPU credits");
                return Err(Refusal::ec2("InstanceCreditSpecification.NotSupported", message));
            }
            facts.cpu_credits = credits;
        }
        if let Some(gib) = change.disk_gib {
            if gib < facts.disk_gib {
                let message = format!(
                    "New size cannot be smaller than existing size ({} GiB)",
                    facts.disk_gib
                );
                return Err(Refusal::ec2("InvalidParameterValue", message));
            }
            facts.disk_gib = gib;
        }
        if let Some(group) = &change.security_group_id {
            self.group_or_refuse(group)?;
            facts.groups = vec![group.clone()];
        }
        facts.protect = change.protect.unwrap_or(facts.protect);
        facts.tags.retain(|key, _| !change.remove_tags.contains(key));
        facts.tags.extend(change.set_tags.clone());
        let changed = facts != *before;
        Ok((changed.then(|| Effect::Instance(Box::new(facts))), ()))
    }

    /// Asks a stopped instance to start.
    pub fn decide_start(&self, t: Ms, id: &str) -> Decision<()> {
        let mut facts = self.instance_or_refuse(id)?.clone();
        match facts.state(t) {
            InstanceState::Pending | InstanceState::Running => Ok((None, ())),
            InstanceState::Stopped => {
                facts.start(self.place.seed, t);
                Ok((Some(Effect::Instance(Box::new(facts))), ()))
            }
            state => Err(wrong_state(id, state, "started")),
        }
    }

    /// Asks a running instance to stop.
    pub fn decide_stop(&self, t: Ms, id: &str) -> Decision<()> {
        let mut facts = self.instance_or_refuse(id)?.clone();
        match facts.state(t) {
            InstanceState::Stopping | InstanceState::Stopped => Ok((None, ())),
            InstanceState::Running => {
                facts.stop(self.place.seed, t);
                Ok((Some(Effect::Instance(Box::new(facts))), ()))
            }
            state => Err(wrong_state(id, state, "stopped")),
        }
    }

    /// Asks EC2 to terminate an instance; one that does not exist is fine.
    pub fn decide_terminate(&self, t: Ms, id: &str, unprotect: bool) -> Decision<()> {
        let Some(facts) = self.instances.get(id) else {
            return Ok((None, ()));
        };
        if facts.state(t) >= InstanceState::ShuttingDown {
            return Ok((None, ()));
        }
        if facts.protect && !unprotect {
            let message = format!(
                "The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance \
                 attribute and try again"
            );
            return Err(
                Refusal::ec2("OperationNotPermitted", message).hint(
                    "take `protect` away in the manifest; where somebody else protected it, have them take that away",
                )
            );
        }
        let mut facts = facts.clone();
        facts.protect = false;
        facts.terminate(self.place.seed, t);
        Ok((Some(Effect::Instance(Box::new(facts))), ()))
    }
}

fn wrong_state(id: &str, state: InstanceState, done: &str) -> Refusal {
    let message = format!("The instance '{id}' is {state}, and not in a state from which it can be {done}");
    Refusal::ec2("IncorrectInstanceState", message)
}

/// Everything in a request that the same token may not change.
fn fingerprint(request: &InstanceRequest) -> u64 {
    let mut print = mix(
        0,
        &[
            &request.image_id,
            &request.instance_type,
            &request.subnet_id,
            &request.security_group_id,
            request.key_name.as_deref().unwrap_or_default(),
            request.private_ip.as_deref().unwrap_or_default(),
            &format!(
                "{:?} {} {} {}",
                request.public_ip,
                request.disk_gib,
                request.disk_encrypted,
                request.cpu_credits.word()
            ),
        ],
    );
    for (key, value) in all_tags(&request.tags, &request.ownership) {
        print = finish(print ^ mix(1, &[&key, &value]));
    }
    print
}
