//! Reads the whole cluster: the cloud's objects, and the swarm through one manager.

use futures::future::{try_join, try_join_all};
use std::collections::{BTreeMap, BTreeSet};

use subako_state::{Address, Snapshot};

use super::managers::Answer;
use super::{ask, barred, in_flight, managers, names, protection, unseen};
use crate::desired::DesiredSet;
use crate::fast::{FastMap, FastSet};
use crate::kinds::is_manager;
use crate::machine::Machine;
use crate::survey::{Managers, Survey, SwarmSurvey};
use crate::world::{CloudSurvey, HostTarget, Instance, InstanceState, Ownership, Result, World};

impl Survey {
    /// Reads the cloud, then the swarm through the first manager that answers.
    pub async fn take(world: &World, snapshot: &Snapshot, desired: &DesiredSet) -> Result<Self> {
        let mut cloud = world.cloud.survey(&snapshot.cluster).await?;
        unseen::take_in(world, snapshot, &mut cloud).await?;
        let mut misnamed = names::instances(&mut cloud, snapshot);
        misnamed.extend(names::elastic_ips(&mut cloud, snapshot));
        let (foreign, (mut swarm, swarm_lost, managers, mut barred)) = try_join(
            foreign_names(world, snapshot, desired, &cloud),
            survey_swarm(world, snapshot, desired, &cloud),
        )
        .await?;
        misnamed.extend(names::nodes(&mut swarm, snapshot));
        let outputs = snapshot
            .resources
            .iter()
            .filter(|resource| !resource.deposed)
            .map(|resource| (resource.address.clone(), resource.outputs.clone()))
            .collect();
        let mut survey = Self::assemble(&snapshot.cluster, cloud, foreign, swarm, swarm_lost, outputs);
        survey.managers = managers;
        barred.extend(barred::nodes(world, snapshot, survey.machines(), survey.view()).await);
        survey.barred = barred;
        survey.misnamed = misnamed;
        survey.former = in_flight::former(snapshot);
        let orphaned = survey.view().is_none() && survey.swarm_lost;
        let (machines, view) = (survey.machines(), survey.view());
        survey.silent = in_flight::silent(world, snapshot, desired, machines, view, orphaned).await;
        let recorded = snapshot
            .resources
            .iter()
            .filter(|r| r.address.kind() == "instance");
        let claimed: FastSet<String> = recorded
            .filter_map(|r| r.outputs.text_field("instance_id"))
            .collect();
        survey.name_machines(&claimed, Some(&named_machines(snapshot, desired)));
        protection::read(world, &mut survey, &claimed).await?;
        Ok(survey)
    }
}

/// Wanted names that belong to something without the cluster's tag: only looked for where a
/// wanted key pair or security group is neither recorded nor tagged.
async fn foreign_names(
    world: &World,
    snapshot: &Snapshot,
    desired: &DesiredSet,
    cloud: &CloudSurvey,
) -> Result<BTreeMap<(String, String), String>> {
    let looks = desired
        .resources
        .iter()
        .filter(|wanted| matches!(wanted.address.kind(), "key_pair" | "security_group"))
        .filter(|wanted| snapshot.get(&wanted.address).is_none())
        .map(|wanted| async {
            let spec = wanted.spec.value();
            let text = |field: &str| spec.get(field).and_then(|v| v.as_str()).unwrap_or_default();
            let (kind, name) = (wanted.address.kind(), text("name"));
            let found = match kind {
                "key_pair" if cloud.key_pairs.iter().all(|key| key.name != name) => {
                    let key = world.cloud.find_key_pair(name).await?;
                    key.map(|key| describe(&key.id, &key.tags))
                }
                "security_group" if cloud.security_groups.iter().all(|group| group.name != name) => {
                    let group = world.cloud.find_security_group(text("vpc_id"), name).await?;
                    group.map(|group| describe(&group.id, &group.tags))
                }
                _ => None,
            };
            Ok(found.map(|found| ((kind.to_owned(), name.to_owned()), found)))
        });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

fn describe(id: &str, tags: &BTreeMap<String, String>) -> String {
    match Ownership::from_tags(tags) {
        Some(ownership) => format!("{id}, of the cluster `{}`", ownership.cluster),
        None => format!("{id}, which Subako did not make"),
    }
}

/// The names of machines that are recorded or wanted.
fn named_machines<'a>(snapshot: &'a Snapshot, desired: &'a DesiredSet) -> FastSet<&'a str> {
    let recorded = snapshot
        .resources
        .iter()
        .filter(|r| !r.deposed)
        .map(|r| &r.address);
    let all = recorded.chain(desired.resources.iter().map(|wanted| &wanted.address));
    all.filter(|address| address.kind() == "instance")
        .map(Address::name)
        .collect()
}

/// So many machines that nobody knows are asked, where no manager that is known answers.
const STRANGERS: usize = 16;

/// Instances that may be managers, best first: recorded managers, then wanted ones, then machines
/// whose names nobody knows. With it whether one of the known exists without running, so that it
/// cannot be asked.
fn candidates(snapshot: &Snapshot, desired: &DesiredSet, cloud: &CloudSurvey) -> Candidates {
    let mut names: Vec<String> = Vec::new();
    let recorded = snapshot
        .resources
        .iter()
        .filter(|r| is_manager(&r.address, &r.spec));
    let wanted = desired
        .resources
        .iter()
        .filter(|d| is_manager(&d.address, &d.spec));
    for name in recorded
        .map(|r| r.address.name())
        .chain(wanted.map(|d| d.address.name()))
    {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let mut running: FastMap<String, Vec<&Instance>> = FastMap::default();
    let mut resting = FastSet::default();
    for instance in &cloud.instances {
        if let Some(name) = Machine::name_of(instance) {
            if instance.state == InstanceState::Running {
                running.entry(name.to_owned()).or_default().push(instance);
            } else {
                resting.insert(name.to_owned());
            }
        }
    }
    let mut some_rest = false;
    let mut targets = Vec::new();
    for name in &names {
        let key = snapshot
            .get(&Address::new("docker", name))
            .and_then(|r| r.outputs.value().get("host_key")?.as_str().map(str::to_owned));
        let recorded_id = snapshot
            .get(&Address::new("instance", name))
            .and_then(|r| r.outputs.value().get("instance_id")?.as_str().map(str::to_owned));
        let is_unread = |id: &String| cloud.unread.contains_key(id);
        some_rest |= resting.contains(name) || recorded_id.as_ref().is_some_and(is_unread);
        for instance in running.get(name).into_iter().flatten() {
            // A pinned key belongs to the recorded instance only.
            let key = key.clone().filter(|_| recorded_id.as_ref() == Some(&instance.id));
            targets.push(Machine::of_instance(instance).target(name, key));
        }
    }
    let known = named_machines(snapshot, desired);
    let mut strangers: Vec<(String, &Instance)> = running
        .into_iter()
        .filter(|(name, _)| !names.is_empty() && !names.contains(name) && !known.contains(name.as_str()))
        .flat_map(|(name, there)| there.into_iter().map(move |instance| (name.clone(), instance)))
        .collect();
    strangers.sort_by(|(a, x), (b, y)| (a, &x.id).cmp(&(b, &y.id)));
    strangers.truncate(STRANGERS);
    Candidates {
        known: targets.len(),
        targets: targets
            .into_iter()
            .chain(
                strangers
                    .iter()
                    .map(|(name, instance)| Machine::of_instance(instance).target(name, None)),
            )
            .collect(),
        some_rest,
    }
}

/// Machines that may be managers.
struct Candidates {
    targets: Vec<HostTarget>,
    /// So many of them, the first, have a name that is recorded or wanted as a manager's.
    known: usize,
    /// Whether a known one exists without running, or may.
    some_rest: bool,
}

async fn survey_swarm(
    world: &World,
    snapshot: &Snapshot,
    desired: &DesiredSet,
    cloud: &CloudSurvey,
) -> Result<(SwarmSurvey, bool, Managers, BTreeSet<String>)> {
    let expected = snapshot.resources.iter().any(|r| r.address.kind() == "swarm");
    let candidates = candidates(snapshot, desired, cloud);
    let mut unsure = candidates.some_rest;
    let (view, mut refusals) = ask::first(world, &candidates.targets).await;
    if let Some(view) = view {
        let managers = managers::listed(&view, snapshot, cloud);
        return Ok((
            SwarmSurvey::Read(Box::new(view)),
            false,
            managers,
            BTreeSet::new(),
        ));
    }
    // Machines that nobody knows were asked as well as could be: that one does not answer says nothing
    // of the swarm.
    refusals.truncate(candidates.known);
    unsure |= refusals.iter().any(|refusal| refusal.unsure);
    if !expected {
        return Ok((SwarmSurvey::None, !unsure, Managers::default(), BTreeSet::new()));
    }
    let mut answers: BTreeMap<String, Answer> = BTreeMap::new();
    for refusal in &refusals {
        let answer = answers.entry(refusal.name.clone()).or_insert(refusal.answer);
        *answer = refusal.answer.min(*answer);
    }
    let silent = |answer: &Answer| *answer == Answer::Silent;
    let somebody_answers =
        !answers.values().all(silent) || ask::anybody(world, &others(snapshot, cloud, &answers)).await;
    let managers = managers::asked(snapshot, cloud, &answers, somebody_answers);
    let expired = refusals
        .iter()
        .filter_map(|refusal| refusal.expired.clone())
        .collect();
    let mut reasons: Vec<String> = refusals.into_iter().map(|refusal| refusal.reason).collect();
    if reasons.is_empty() {
        reasons.push("no manager's instance is running".to_owned());
    }
    Ok((
        SwarmSurvey::Unreachable(reasons.join("; ")),
        !unsure,
        managers,
        expired,
    ))
}

/// So many other machines are asked whether they answer at all.
const WITNESSES: usize = 3;

/// Some running machines beside those that were asked.
fn others(snapshot: &Snapshot, cloud: &CloudSurvey, asked: &BTreeMap<String, Answer>) -> Vec<HostTarget> {
    let running = cloud
        .instances
        .iter()
        .filter(|i| i.state == InstanceState::Running);
    let named = running.filter_map(|instance| Some((Machine::name_of(instance)?.to_owned(), instance)));
    named
        .filter(|(name, _)| !asked.contains_key(name))
        .take(WITNESSES)
        .map(|(name, instance)| {
            let docker = snapshot.get(&Address::new("docker", &name));
            let key = docker.and_then(|docker| docker.outputs.text_field("host_key"));
            Machine::of_instance(instance).target(&name, key)
        })
        .collect()
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
