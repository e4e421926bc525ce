//! `elastic_ip`: a public address that stays when its instance stops, starts or is replaced.
//!
//! It has its instance as a spec has a reference: a replacement gets it before anybody logs in, and
//! a rollback gives it back. The instance's own public address is gone for as long as it has one.

use std::collections::{BTreeMap, HashMap};

use subako_state::Address;

use super::hosts;
use super::machine;
use super::sighting::{Typed, reference};
use super::specs::{ElasticIp, ElasticIpOutputs};
use super::tags;
use super::wait::settled;
use crate::kind::{
    Impact, InTheWorld, Intent, Item, Kind, KnownBy, Listed, Phase, Plane, Sighting, StepCall, StepContext,
    Traits, Usage,
};
use crate::machine::{MACHINE, ON_MACHINE, Power};
use crate::reference::Ref;
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{self, ElasticIpRequest, Failure, Ownership, PlannedCall, Result, World, tag};

impl ElasticIp {
    /// What EC2 is asked for.
    fn request(&self, ownership: &Ownership) -> ElasticIpRequest {
        ElasticIpRequest {
            tags: self.tags.clone(),
            ownership: ownership.clone(),
        }
    }

    fn seen(&self, survey: &Survey, live: &world::ElasticIp, wanted: Option<&Self>) -> Self {
        let managed = tags::managed(&live.tags, &self.tags, wanted.map(|wanted| &wanted.tags));
        let holder = live.instance_id.as_deref().unwrap_or_default();
        Self {
            machine: reference(survey, &self.machine, holder),
            tags: tags::and_foreign(managed, &live.tags, &survey.cluster),
        }
    }

    /// Puts it where it is wanted.
    async fn place(&self, live: &world::ElasticIp, cx: &StepContext) -> Result<()> {
        let wanted = hosts::resolved(&self.machine, "the instance")?;
        if live.instance_id.as_deref().unwrap_or_default() == wanted {
            return Ok(());
        }
        if wanted.is_empty() {
            // Only the undo of an association wants this.
            return cx.world.cloud.disassociate_address(&live.id).await;
        }
        // One that is only being launched takes none yet.
        let machine = machine::find(cx, &wanted).await?;
        if let Some(machine) = machine.filter(|machine| machine.power == Power::Pending) {
            machine::start(cx, &machine).await?;
        }
        cx.progress.note(format!("associating it with {wanted}"));
        cx.world.cloud.associate_address(&live.id, &wanted).await
    }
}

/// Of the addresses that carry a resource's tag, the one that is in use, then the newest.
fn tagged(survey: &Survey) -> HashMap<&str, (u32, &world::ElasticIp)> {
    let mut found: HashMap<&str, (u32, &world::ElasticIp)> = HashMap::new();
    for live in &survey.cloud.elastic_ips {
        let of_cluster = live.tags.get(tag::CLUSTER) == Some(&survey.cluster);
        let Some(name) = live.tags.get(tag::ADDRESS).filter(|_| of_cluster) else {
            continue;
        };
        let generation = Ownership::from_tags(&live.tags).map_or(0, |owner| owner.generation);
        let rank = (live.instance_id.is_some(), generation);
        let better = found
            .get(name.as_str())
            .is_none_or(|(generation, other)| rank > (other.instance_id.is_some(), *generation));
        if better {
            found.insert(name, (generation, live));
        }
    }
    found
}

impl Kind for ElasticIp {
    const NAME: &'static str = "elastic_ip";
    const BILLED: bool = true;
    const GROUPED: bool = false;
    type Outputs = ElasticIpOutputs;

    fn traits() -> Traits {
        Traits {
            known_by: KnownBy::Output("allocation_id"),
            refers_to: &[MACHINE],
            renamed_with: Some(MACHINE),
            outlives: &[MACHINE],
            only_precedes: true,
            ..Traits::of(Plane::Cloud, Phase::HOSTS)
        }
    }

    fn impact(_field: &str, _before: &Value, _after: &Value) -> Impact {
        Impact::InPlace
    }

    /// Another address in its place would take the instance from it, and could not give it back.
    fn coexists(old: &Self, new: &Self) -> std::result::Result<(), String> {
        match old.machine == new.machine {
            true => Err("an instance has one elastic address".to_owned()),
            false => Ok(()),
        }
    }

    fn usage(&self, _: Option<&Self::Outputs>) -> Vec<Usage> {
        let machine = match &self.machine {
            Ref::To { address, .. } => Some(address.clone()),
            Ref::Value(_) => None,
        };
        vec![Usage::ElasticIp { machine }]
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        let (moved, tagged) = (intent.changes(&[ON_MACHINE]), intent.changes(&["tags"]));
        let id = intent.outputs.map(|outputs| outputs.allocation_id);
        match (intent.before, intent.after, id) {
            (None, Some(wanted), _) => {
                let ask = PlannedCall::AllocateAddress(wanted.request(intent.ownership));
                vec![
                    StepCall::of("allocate_address").asking(ask),
                    StepCall::of("associate_address"),
                ]
            }
            (Some(_), Some(wanted), Some(id)) => {
                let mut associate = StepCall::certain_if(moved, "associate_address");
                if let (true, Some(instance)) = (moved, wanted.machine.value()) {
                    let ask = PlannedCall::AssociateAddress(id.clone(), instance.to_owned());
                    associate = associate.asking(ask);
                }
                let mut retag = StepCall::certain_if(tagged, "retag");
                if tagged {
                    retag = retag.asking(PlannedCall::SetTags(id));
                }
                vec![associate, retag]
            }
            (Some(_), None, Some(id)) => {
                vec![StepCall::of("release_address").asking(PlannedCall::ReleaseAddress(id))]
            }
            _ => Vec::new(),
        }
    }

    async fn rename(
        outputs: Self::Outputs,
        to: &Address,
        survey: &Survey,
        world: &World,
    ) -> Result<InTheWorld> {
        let mut there = survey.cloud.elastic_ips.iter();
        if !there.any(|live| live.id == outputs.allocation_id) {
            return Ok(InTheWorld::Nameless);
        }
        let name = BTreeMap::from([(tag::ADDRESS.to_owned(), to.to_string())]);
        world.cloud.retag(&outputs.allocation_id, &name, &[]).await?;
        Ok(InTheWorld::Renamed)
    }

    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let there = survey
            .cloud
            .elastic_ips
            .iter()
            .filter(|live| live.tags.get(tag::CLUSTER) == Some(&survey.cluster) && !is_known(&live.id));
        let listed = there.map(|live| {
            let (address, generation) = tags::listed(Self::NAME, &live.tags, &live.id);
            let spec = Self {
                machine: Ref::Value(live.instance_id.clone().unwrap_or_default()),
                tags: tags::user(&live.tags),
            };
            Listed::of(address, generation, spec, live.into())
        });
        listed.collect()
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let tagged = tagged(survey);
        let by_id: HashMap<&str, &world::ElasticIp> = survey
            .cloud
            .elastic_ips
            .iter()
            .map(|live| (live.id.as_str(), live))
            .collect();
        items
            .iter()
            .map(|item| {
                let typed = Typed::<Self>::new(item)?;
                let found = match &typed.outputs {
                    Some(outputs) => by_id
                        .get(outputs.allocation_id.as_str())
                        .map(|live| (item.generation, *live)),
                    None => tagged.get(item.address.as_str()).copied(),
                };
                let Some((generation, live)) = found else {
                    return Ok(Sighting::Absent);
                };
                let spec = typed.spec.seen(survey, live, typed.wanted()?.as_ref());
                typed.there(&spec, &live.into(), generation)
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let request = self.request(&cx.ownership);
        let address = cx.world.cloud.allocate_address(&request).await?;
        self.place(&address, cx).await.map_err(Failure::after_effect)?;
        Ok((&address).into())
    }

    async fn update(&self, from: &Self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let cloud = &cx.world.cloud;
        let Some(live) = cloud.address(&outputs.allocation_id).await? else {
            return Err(Failure::not_applied(
                format!("change the elastic address {}", outputs.public_ip),
                format!("{} does not exist any more", outputs.allocation_id),
            ));
        };
        self.place(&live, cx).await?;
        let (mut set, remove) = tags::change(&live.tags, &from.tags, &self.tags);
        set.extend(tags::reclaim(&live.tags, &self.tags, &cx.ownership.cluster));
        set.extend(tags::named(&live.tags, &cx.ownership));
        if !set.is_empty() || !remove.is_empty() {
            let tagged = cloud.retag(&live.id, &set, &remove).await;
            tagged.map_err(Failure::after_effect)?;
        }
        Ok((&live).into())
    }

    async fn delete(&self, outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        cx.world.cloud.release_address(&outputs.allocation_id).await
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        let cloud = &cx.world.cloud;
        let found = match outputs {
            Some(outputs) => cloud.address(&outputs.allocation_id).await?,
            None => settled(cx, || cloud.find_address_by_token(&cx.ownership.token)).await?,
        };
        Ok(found.map(|address| (&address).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing;

    fn wanted() -> ElasticIp {
        ElasticIp {
            machine: Ref::to(Address::new("instance", "node-0"), "instance_id"),
            tags: testing::map(&[("Unit", "Sandbox")]),
        }
    }

    fn live(id: &str, holder: Option<&str>, generation: u32) -> world::ElasticIp {
        let mut tags = testing::ownership("elastic_ip.node-0", generation).tags();
        tags.insert("Unit".into(), "Sandbox".into());
        world::ElasticIp {
            id: id.to_owned(),
            public_ip: "3.64.0.1".to_owned(),
            instance_id: holder.map(str::to_owned),
            tags,
        }
    }

    fn outputs(id: &str) -> ElasticIpOutputs {
        (&live(id, None, 0)).into()
    }

    fn seen(item: &Item, there: Vec<world::ElasticIp>) -> Sighting {
        let survey = testing::survey(|cloud| cloud.elastic_ips = there);
        testing::sight::<ElasticIp>(&survey, item)
    }

    #[test]
    fn the_json_of_an_elastic_address_is_canonical() {
        testing::assert_canonical(&wanted());
    }

    #[test]
    fn a_recorded_address_is_as_recorded_only_on_its_instance() {
        let item = testing::item("elastic_ip.node-0", &wanted(), Some(&outputs("eipalloc-1")));
        let there = seen(&item, vec![live("eipalloc-1", Some("i-1"), 0)]);
        assert_eq!(there, Sighting::AsRecorded);
        for holder in [None, Some("i-2")] {
            let Sighting::There { spec, .. } = seen(&item, vec![live("eipalloc-1", holder, 0)]) else {
                panic!("an address elsewhere is drift");
            };
            let holder = holder.unwrap_or_default();
            assert_eq!(spec.text_field("instance").as_deref(), Some(holder));
        }
        assert_eq!(
            seen(&item, vec![live("eipalloc-2", Some("i-1"), 0)]),
            Sighting::Absent
        );
    }

    #[test]
    fn of_two_that_are_not_recorded_the_one_in_use_is_adopted() {
        let item = testing::item::<ElasticIp>("elastic_ip.node-0", &wanted(), None);
        let both = vec![live("eipalloc-1", Some("i-1"), 1), live("eipalloc-2", None, 2)];
        let Sighting::There {
            outputs, generation, ..
        } = seen(&item, both)
        else {
            panic!("it is there");
        };
        assert_eq!(
            (outputs.text_field("allocation_id").as_deref(), generation),
            (Some("eipalloc-1"), 1)
        );
    }
}
