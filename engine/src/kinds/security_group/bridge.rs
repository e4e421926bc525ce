//! Letting the machines of two generations of a group reach each other, while one replaces the other.
//!
//! A group's own rules let in its members only. While a group is replaced, machines of the old and
//! of the new one are in one swarm: each group then also lets in the members of the other, by rules
//! that name it. They go with the group that they name, because EC2 keeps a group that rules name.

use crate::kind::StepContext;
use crate::world::{CloudSurvey, Code, Ownership, Result, Rule, SecurityGroup, Source};

/// The other generations of a group: what carries the same address in the same VPC.
pub(super) fn others<'a>(
    survey: &'a CloudSurvey,
    address: &str,
    group: &SecurityGroup,
) -> Vec<&'a SecurityGroup> {
    let groups = survey.security_groups.iter();
    groups
        .filter(|other| {
            let named = Ownership::from_tags(&other.tags).is_some_and(|owner| owner.address == address);
            named && other.id != group.id && other.vpc_id == group.vpc_id
        })
        .collect()
}

/// Those of them that a group replaces.
pub(super) fn predecessors<'a>(others: &[&'a SecurityGroup], generation: u32) -> Vec<&'a SecurityGroup> {
    let older = |group: &&&SecurityGroup| {
        Ownership::from_tags(&group.tags).is_some_and(|owner| owner.generation < generation)
    };
    others.iter().filter(older).copied().collect()
}

/// The rules by which a group lets in the members of another as it does its own.
fn towards(group: &SecurityGroup, other: &str) -> Vec<Rule> {
    let own = group.rules.iter().filter(|rule| rule.source == Source::SelfGroup);
    own.map(|rule| Rule {
        source: Source::Group(other.to_owned()),
        ..rule.clone()
    })
    .collect()
}

/// Whether a rule of a group is there for the members of one of these.
pub(super) fn names_one(rule: &Rule, others: &[&SecurityGroup]) -> bool {
    matches!(&rule.source, Source::Group(id) if others.iter().any(|other| other.id == *id))
}

/// Whether a rule for a group's own members lets in those of the others too, as it has to as long
/// as these are there.
pub(super) fn reaches(rule: &Rule, live: &[Rule], others: &[&SecurityGroup]) -> bool {
    rule.source != Source::SelfGroup
        || others.iter().all(|other| {
            let source = Source::Group(other.id.clone());
            let wanted = Rule {
                source,
                ..rule.clone()
            };
            live.iter().any(|there| there.same_traffic(&wanted))
        })
}

/// Lets the members of a group and of its other generations reach each other. Says whether
/// anything was changed when it fails.
pub(super) async fn build(group: &SecurityGroup, cx: &StepContext) -> Result<()> {
    // Only what replaces something has others.
    if cx.ownership.generation == 0 {
        return Ok(());
    }
    let cloud = &cx.world.cloud;
    let survey = cloud.survey(&cx.ownership.cluster).await?;
    let mut changed = false;
    for other in others(&survey, &cx.ownership.address, group) {
        cx.progress.note(format!(
            "letting the members of {} and {} reach each other",
            group.name, other.name
        ));
        for (to, from) in [(group, other), (other, group)] {
            let rules = towards(to, &from.id);
            if rules.is_empty() {
                continue;
            }
            let added = cloud.authorize_ingress(&to.id, &rules).await;
            added.map_err(|failure| if changed { failure.after_effect() } else { failure })?;
            changed = true;
        }
    }
    Ok(())
}

/// A group as it is, but for its rules that name another generation of it.
pub(super) async fn without(mut group: SecurityGroup, cx: &StepContext) -> Result<SecurityGroup> {
    let names_a_group = |rule: &Rule| matches!(rule.source, Source::Group(_));
    if group.rules.iter().any(names_a_group) {
        let survey = cx.world.cloud.survey(&cx.ownership.cluster).await?;
        let others = others(&survey, &cx.ownership.address, &group);
        group.rules.retain(|rule| !names_one(rule, &others));
    }
    Ok(group)
}

/// Takes back every rule of this cluster's groups that names a group, which is about to be deleted.
/// Says whether there was one.
pub(super) async fn take_down(group_id: &str, cx: &StepContext) -> Result<bool> {
    let cloud = &cx.world.cloud;
    let survey = cloud.survey(&cx.ownership.cluster).await?;
    let named = Source::Group(group_id.to_owned());
    let mut found = false;
    for other in survey.security_groups.iter().filter(|group| group.id != group_id) {
        let of_it = other.rules.iter().filter(|rule| rule.source == named);
        let rules: Vec<Rule> = of_it.cloned().collect();
        if rules.is_empty() {
            continue;
        }
        match cloud.revoke_ingress(&other.id, &rules).await {
            Ok(()) => found = true,
            // It was deleted meanwhile, and its rules with it.
            Err(failure) if failure.code == Code::NotFound => {}
            Err(failure) => return Err(failure.after_effect()),
        }
    }
    Ok(found)
}
