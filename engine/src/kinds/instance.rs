//! `instance`: a machine.

mod change;
mod machines;

use std::collections::{BTreeMap, HashMap};

use subako_state::Address;

use super::aside;
use super::hosts;
use super::rejoin;
use super::sighting::{Typed, reference};
use super::specs::{Instance, InstanceOutputs};
use super::tags;
use super::wait::settled;
use crate::kind::{
    Claim, Impact, InTheWorld, Intent, Item, Kind, KnownBy, Lead, Listed, Machines, Phase, Plane, Scope,
    Sighting, StepCall, StepContext, Traits, Usage,
};
use crate::machine::MACHINE;
use crate::reference::Ref;
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{
    self, CpuCredits, Failure, InstanceChange, InstanceRequest, InstanceState, Ownership, PlannedCall,
    Result, World, tag,
};
use change::Changing;

impl Instance {
    /// What EC2 is asked for, in the group with that id.
    fn request(&self, security_group_id: String, ownership: &Ownership) -> InstanceRequest {
        InstanceRequest {
            name: self.name.clone(),
            image_id: self.image_id.clone(),
            instance_type: self.instance_type.clone(),
            subnet_id: self.subnet_id.clone(),
            zone: self.zone.clone(),
            security_group_id,
            key_name: self.key_name.clone(),
            private_ip: self.private_ip.clone(),
            public_ip: self.public_ip,
            disk_gib: self.disk_gib,
            disk_encrypted: self.disk_encrypted,
            cpu_credits: self.cpu_credits,
            protect: self.protect,
            tags: self.tags.clone(),
            ownership: ownership.clone(),
        }
    }

    /// One that is described by what EC2 says of it alone. Its address is its own until it is gone.
    fn of(survey: &Survey, address: &Address, live: &world::Instance) -> Self {
        let spec = Self {
            ami: live.image_id.clone(),
            cpu_credits: CpuCredits::default(),
            disk_encrypted: false,
            disk_gib: 0,
            image_id: String::new(),
            instance_type: String::new(),
            key_name: None,
            name: address.name().to_owned(),
            private_ip: Some(String::new()),
            protect: false,
            public_ip: None,
            running: true,
            security_group: Ref::Value(live.security_group_ids.join(" ")),
            subnet_id: String::new(),
            tags: Default::default(),
            zone: String::new(),
        };
        spec.seen(survey, live)
    }

    fn seen(&self, survey: &Survey, live: &world::Instance) -> Self {
        Self {
            ami: self.ami.clone(),
            // Not read: it would be one more call a refresh.
            cpu_credits: self.cpu_credits,
            disk_encrypted: live.disk_encrypted.unwrap_or(self.disk_encrypted),
            disk_gib: live.disk_gib.unwrap_or(self.disk_gib),
            image_id: live.image_id.clone(),
            instance_type: live.instance_type.clone(),
            key_name: live.key_name.clone(),
            name: self.name.clone(),
            private_ip: self.private_ip.as_ref().map(|_| live.private_ip.clone()),
            protect: live.protect.unwrap_or(self.protect),
            public_ip: self.public_ip,
            running: matches!(live.state, InstanceState::Running | InstanceState::Pending)
                && !survey.silent.contains(&live.id),
            security_group: reference(survey, &self.security_group, &live.security_group_ids.join(" ")),
            subnet_id: live.subnet_id.clone(),
            tags: tags::and_foreign(tags::user(&live.tags), &live.tags, &survey.cluster),
            zone: live.zone.clone(),
        }
    }
}

/// The instance that has a name.
fn named<'a>(survey: &'a Survey, name: &str) -> Option<&'a world::Instance> {
    survey.instance(&survey.machine_named(name)?.id)
}

/// Whether a number gets smaller.
fn shrinks(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Known(before), Value::Known(after)) => after.as_u64() < before.as_u64(),
        _ => false,
    }
}

impl Kind for Instance {
    const NAME: &'static str = "instance";
    const BILLED: bool = true;
    const CHOSEN: bool = true;
    const GROUPED: bool = false;
    const SPELLED_IN_MANY_WAYS: bool = true;
    type Outputs = InstanceOutputs;

    fn traits() -> Traits {
        Traits {
            refers_to: &["security_group"],
            renamed_with: Some(MACHINE),
            units: Self::unit,
            headline: const {
                &[
                    Lead::of("instance_type"),
                    Lead::of("image_id"),
                    Lead::of("zone"),
                    Lead::of("private_ip"),
                    Lead::of("disk_gib"),
                ]
            },
            known_by: KnownBy::Output("instance_id"),
            ..Traits::of(Plane::Cloud, Phase::HOSTS)
        }
    }

    fn machines() -> Option<&'static dyn Machines> {
        Some(&machines::Instances)
    }

    fn impact(field: &str, before: &Value, after: &Value) -> Impact {
        match field {
            "image_id" => Impact::Replaces("an instance keeps the image it was launched from"),
            "subnet_id" => Impact::Replaces("an instance cannot move to another subnet"),
            "zone" => Impact::Replaces("an instance cannot move to another zone"),
            "private_ip" => Impact::Replaces("EC2 cannot change a private address"),
            "public_ip" => Impact::Replaces("a public address is decided at launch"),
            "disk_encrypted" => Impact::Replaces("EC2 cannot encrypt a volume in place"),
            "key_name" => Impact::Replaces("EC2 puts the key there at first boot only"),
            "instance_type" => Impact::InPlaceBut("stops and starts the instance"),
            "running" if *after == Value::Known(false.into()) => Impact::InPlaceBut("stops the instance"),
            "running" => Impact::InPlaceBut("starts the instance, or restarts it if it does not answer"),
            "disk_gib" if shrinks(before, after) => Impact::Replaces("a volume cannot shrink"),
            "disk_gib" => Impact::InPlaceBut("the file system grows at the next boot"),
            _ => Impact::InPlace,
        }
    }

    /// The addresses that it has may be asked for. A disk that EC2 encrypts unasked, because the
    /// account does, is what an account without that would have encrypted on request.
    fn spelled_as(&self, other: &Self, outputs: &Self::Outputs) -> Self {
        let mut this = self.clone();
        if other.private_ip.as_deref() == Some(&outputs.private_ip) {
            this.private_ip.clone_from(&other.private_ip);
        }
        let same = match other.public_ip {
            None => true,
            // A stopped instance has none, and gets it when it starts.
            Some(true) => outputs.public_ip.is_some() || !self.running && self.public_ip.is_none(),
            Some(false) => self.running && outputs.public_ip.is_none(),
        };
        if same {
            this.public_ip = other.public_ip;
        }
        this.disk_encrypted &= other.disk_encrypted;
        this
    }

    fn claims(&self) -> Vec<Claim> {
        let ip = self.private_ip.as_ref().and_then(|ip| ip.parse().ok());
        let scope = Scope::Subnet(self.subnet_id.clone());
        ip.map(|ip| Claim::Address { scope, ip }).into_iter().collect()
    }

    /// The address that EC2 chose is held as one that was asked for.
    fn holds(&self, outputs: &Self::Outputs) -> Vec<Claim> {
        let ip = outputs.private_ip.parse().ok();
        let scope = Scope::Subnet(self.subnet_id.clone());
        ip.map(|ip| Claim::Address { scope, ip }).into_iter().collect()
    }

    fn chosen_in(&self) -> Option<Scope> {
        let chosen = self.private_ip.is_none();
        chosen.then(|| Scope::Subnet(self.subnet_id.clone()))
    }

    /// A stopped one keeps its volume, and gives its public address back.
    fn usage(&self, outputs: Option<&Self::Outputs>) -> Vec<Usage> {
        let gib = self.disk_gib;
        if !self.running {
            return vec![Usage::Volume { gib }, Usage::Stopped];
        }
        let instance_type = self.instance_type.clone();
        let mut used = vec![Usage::Instance { instance_type }, Usage::Volume { gib }];
        let has_address = outputs.map(|outputs| outputs.public_ip.is_some());
        match has_address.or(self.public_ip) {
            Some(true) => used.push(Usage::PublicIpv4),
            Some(false) => {}
            None => used.push(Usage::PublicIpv4OfSubnet {
                subnet_id: self.subnet_id.clone(),
            }),
        }
        used
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        let attributes = ["cpu_credits", "disk_gib", "protect", "security_group", "tags"];
        let (modified, retyped) = (intent.changes(&attributes), intent.changes(&["instance_type"]));
        let (attached, tagged) = (
            intent.changes(&["protect", "security_group"]),
            intent.changes(&["tags"]),
        );
        let id = intent.outputs.map(|outputs| outputs.instance_id);
        match (intent.before, intent.after, id) {
            (None, Some(wanted), _) => {
                // A group that is yet to be created cannot be named: EC2 is asked without one,
                // which means the VPC's default group.
                let group = wanted.security_group.value().unwrap_or_default().to_owned();
                let ask = PlannedCall::RunInstance(Box::new(wanted.request(group, intent.ownership)));
                vec![
                    StepCall::of("run_instance").asking(ask),
                    StepCall::perhaps("start_instance"),
                ]
            }
            (Some(old), Some(wanted), Some(id)) => {
                let switched = old.running != wanted.running;
                let (started, stopped) = (switched && wanted.running, switched && !wanted.running);
                let mut stop = StepCall::certain_if(stopped || retyped && old.running, "stop_instance");
                let mut modify = StepCall::certain_if(modified || retyped, "modify_instance");
                let mut start = StepCall::certain_if(retyped || started, "start_instance");
                if retyped || stopped {
                    stop = stop.asking(PlannedCall::StopInstance(id.clone()));
                }
                if retyped {
                    modify = modify.asking(PlannedCall::ModifyInstanceType(id.clone(), wanted.instance_type));
                }
                if retyped || started {
                    start = start.asking(PlannedCall::StartInstance(id.clone()));
                }
                if intent.changed.contains("cpu_credits") {
                    modify = modify.asking(PlannedCall::ModifyInstanceCredits(id.clone()));
                }
                if old.disk_gib < wanted.disk_gib {
                    modify = modify.asking(PlannedCall::ModifyVolume(id.clone(), wanted.disk_gib));
                }
                if attached {
                    modify = modify.asking(PlannedCall::ModifyInstance(id.clone()));
                }
                if tagged {
                    modify = modify.asking(PlannedCall::SetTags(id));
                }
                let mut calls = vec![stop, modify, start];
                if retyped {
                    calls.extend(aside::CALLS.map(StepCall::perhaps));
                }
                if started {
                    calls.extend(rejoin::CALLS.map(StepCall::perhaps));
                    calls.push(StepCall::perhaps("refresh_logins"));
                }
                calls
            }
            (Some(_), None, Some(id)) => {
                vec![StepCall::of("terminate_instance").asking(PlannedCall::TerminateInstance(id))]
            }
            _ => Vec::new(),
        }
    }

    /// A volume that has grown stays as large as it is.
    fn change_is_undoable(before: &Self, after: &Self) -> bool {
        after.disk_gib <= before.disk_gib
    }

    /// Restarts go one by one: two managers stopped at once are a quorum lost.
    fn serial_group_of(before: &Self, after: &Self) -> Option<String> {
        let restarts = before.instance_type != after.instance_type;
        restarts.then(|| rejoin::RESTARTS.to_owned())
    }

    async fn rename(
        outputs: Self::Outputs,
        to: &Address,
        survey: &Survey,
        world: &World,
    ) -> Result<InTheWorld> {
        if survey.instance(&outputs.instance_id).is_none() {
            return Ok(InTheWorld::Nameless);
        }
        let change = InstanceChange {
            set_tags: BTreeMap::from([(tag::ADDRESS.to_owned(), to.to_string())]),
            ..InstanceChange::default()
        };
        world.cloud.modify_instance(&outputs.instance_id, &change).await?;
        Ok(InTheWorld::Renamed)
    }

    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let there = survey.cloud.instances.iter().filter(|live| {
            live.state < InstanceState::ShuttingDown
                && live.tags.get(tag::CLUSTER) == Some(&survey.cluster)
                && !is_known(&live.id)
        });
        let groups = survey.cloud.security_groups.iter();
        let groups: HashMap<&str, Address> = groups
            .map(|group| {
                let (address, _) = tags::listed("security_group", &group.tags, &group.id);
                (group.id.as_str(), address)
            })
            .collect();
        let keys = survey.cloud.key_pairs.iter();
        let keys: HashMap<&str, Address> = keys
            .map(|key| (key.name.as_str(), tags::listed("key_pair", &key.tags, &key.id).0))
            .collect();
        let listed = there.map(|live| {
            let (address, generation) = tags::listed(Self::NAME, &live.tags, &live.id);
            let spec = Self::of(survey, &address, live);
            let in_groups = live.security_group_ids.iter();
            let in_groups = in_groups.filter_map(|id| groups.get(id.as_str()));
            let key = live.key_name.as_ref().and_then(|name| keys.get(name.as_str()));
            Listed {
                depends_on: in_groups.chain(key).cloned().collect(),
                protect: live.protect.unwrap_or(false),
                ..Listed::of(address, generation, spec, live.into())
            }
        });
        listed.collect()
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let typed = items.iter().map(Typed::<Self>::new).collect::<Result<Vec<_>>>()?;
        typed
            .into_iter()
            .map(|typed| {
                let recorded = typed
                    .outputs
                    .as_ref()
                    .and_then(|outputs| survey.instance(&outputs.instance_id))
                    .filter(|live| live.state < InstanceState::ShuttingDown)
                    .map(|live| (typed.item.generation, live));
                let found = match &typed.outputs {
                    Some(_) => recorded,
                    None => named(survey, typed.item.address.name()).map(|live| {
                        let owner = Ownership::from_tags(&live.tags);
                        (owner.map_or(0, |owner| owner.generation), live)
                    }),
                };
                let Some((generation, live)) = found else {
                    let id = typed.outputs.as_ref().map(|outputs| &outputs.instance_id);
                    let unread = id.and_then(|id| survey.cloud.unread.get(id));
                    return Ok(unread.map_or(Sighting::Absent, |why| Sighting::Unreadable(why.clone())));
                };
                let mut spec = typed.spec.seen(survey, live);
                let wanted = typed.wanted()?;
                // Who does not ask for an encrypted disk takes what the account does by itself.
                let asked = wanted.as_ref().is_some_and(|wanted| wanted.disk_encrypted);
                spec.disk_encrypted &= asked || typed.spec.disk_encrypted;
                let wanted = wanted.as_ref().map(|wanted| &wanted.tags);
                let managed = tags::managed(&live.tags, &typed.spec.tags, wanted);
                spec.tags = tags::and_foreign(managed, &live.tags, &survey.cluster);
                typed.there(&spec, &live.into(), generation)
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let group = hosts::resolved(&self.security_group, "the security group")?;
        let request = self.request(group, &cx.ownership);
        let launched = cx.world.cloud.run_instance(&request).await?;
        let running = machines::start(cx, &launched)
            .await
            .map_err(Failure::after_effect)?;
        Ok((&running).into())
    }

    async fn update(&self, from: &Self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        Changing::of(self, from, &outputs.instance_id, cx)
            .await?
            .carry_out()
            .await
    }

    async fn delete(&self, outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        let cloud = &cx.world.cloud;
        let id = &outputs.instance_id;
        // Whether a protected instance may go was decided when the plan was made. Only the protection
        // that was asked for is taken away: whoever put another there meant it.
        cloud.terminate_instance(id, self.protect).await?;
        let waited = cloud
            .await_instance(id, InstanceState::Terminated, &cx.progress)
            .await;
        match waited {
            Ok(_) => Ok(()),
            // One that EC2 has forgotten cannot be waited for, and is gone.
            Err(failure) => match cloud.instance(id).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) | Err(_) => Err(failure.after_effect()),
            },
        }
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        let cloud = &cx.world.cloud;
        let found = match outputs {
            Some(outputs) => cloud.instance(&outputs.instance_id).await?,
            None => {
                let launched = settled(cx, || cloud.find_instance_by_token(&cx.ownership.token)).await?;
                match launched {
                    // A refresh looks by tag and id, which may lag behind: it would count as gone.
                    Some(launched) => {
                        let shown = settled(cx, || cloud.instance(&launched.id)).await?;
                        Some(shown.unwrap_or(launched))
                    }
                    None => None,
                }
            }
        };
        // One that is still shutting down has yet to be waited for.
        Ok(found
            .filter(|instance| instance.state != InstanceState::Terminated)
            .map(|instance| (&instance).into()))
    }
}

#[cfg(test)]
mod tests;
