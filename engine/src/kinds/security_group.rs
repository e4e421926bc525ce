//! `security_group`: which traffic reaches the cluster.

mod bridge;

use std::collections::HashMap;
use std::time::Duration;

use super::sighting::Typed;
use super::specs::{SecurityGroup, SecurityGroupOutputs, sort_rules};
use super::tags;
use super::wait::{Wait, settled};
use crate::kind::{
    Claim, Impact, Intent, Item, Kind, KnownBy, Lead, Listed, Phase, Plane, Scope, Sighting, StepCall,
    StepContext, Traits,
};
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{self, Code, Failure, Ownership, PlannedCall, Result, Rule, SecurityGroupRequest};

/// How long a group may still be in use after its instances are terminated. EC2 says no figure;
/// chosen generously, because a group left behind is what `destroy` must not end with.
const DELETE_LIMIT: Duration = Duration::from_secs(600);
/// Between two attempts to delete.
const DELETE_EVERY: Duration = Duration::from_secs(5);

/// The rules of `of` whose traffic `than` does not let in.
fn more(of: &[Rule], than: &[Rule]) -> Vec<Rule> {
    of.iter()
        .filter(|rule| !than.iter().any(|other| other.same_traffic(rule)))
        .cloned()
        .collect()
}

impl SecurityGroup {
    /// What EC2 is asked for.
    fn request(&self, ownership: &Ownership) -> SecurityGroupRequest {
        SecurityGroupRequest {
            name: self.name.clone(),
            description: self.description.clone(),
            vpc_id: self.vpc_id.clone(),
            tags: self.tags.clone(),
            ownership: ownership.clone(),
        }
    }

    /// The recorded rules that are there, and what is there beside them: descriptions changed
    /// by hand do not matter. Rules for the members of another generation belong to those for the
    /// group's own, which are only there if they let in the members of each predecessor too.
    fn rules_seen(
        &self,
        live: &[Rule],
        others: &[&world::SecurityGroup],
        predecessors: &[&world::SecurityGroup],
    ) -> Vec<Rule> {
        let mut seen = more(live, &self.rules);
        seen.retain(|rule| !bridge::names_one(rule, others));
        let is_there = |rule: &&Rule| {
            live.iter().any(|other| other.same_traffic(rule)) && bridge::reaches(rule, live, predecessors)
        };
        seen.extend(self.rules.iter().filter(is_there).cloned());
        sort_rules(&mut seen);
        seen
    }

    async fn change_rules(&self, from: &Self, live: &world::SecurityGroup, cx: &StepContext) -> Result<bool> {
        let cloud = &cx.world.cloud;
        let mut changed = false;
        // What is needed comes before anything goes: no rule in use is ever missing.
        let missing = more(&self.rules, &live.rules);
        if !missing.is_empty() {
            cloud.authorize_ingress(&live.id, &missing).await?;
            changed = true;
        }
        let certain =
            |failure: Failure, changed: bool| if changed { failure.after_effect() } else { failure };
        let surplus = more(&live.rules, &self.rules);
        if !surplus.is_empty() {
            cloud
                .revoke_ingress(&live.id, &surplus)
                .await
                .map_err(|failure| certain(failure, changed))?;
            changed = true;
        }
        // A rule with another description is the same rule to EC2, and stays.
        let reworded = |rule: &&Rule| {
            let differs = |rules: &[Rule]| {
                rules
                    .iter()
                    .any(|other| other.same_traffic(rule) && other.description != rule.description)
            };
            differs(&from.rules) && differs(&live.rules)
        };
        let reworded: Vec<Rule> = self.rules.iter().filter(reworded).cloned().collect();
        if !reworded.is_empty() {
            cloud
                .describe_ingress(&live.id, &reworded)
                .await
                .map_err(|failure| certain(failure, changed))?;
            changed = true;
        }
        Ok(changed)
    }
}

impl Kind for SecurityGroup {
    const NAME: &'static str = "security_group";
    const GROUPED: bool = false;
    type Outputs = SecurityGroupOutputs;

    fn traits() -> Traits {
        Traits {
            headline: const { &[Lead::of("rules")] },
            known_by: KnownBy::Output("group_id"),
            ..Traits::of(Plane::Cloud, Phase::HOSTS)
        }
    }

    fn impact(field: &str, _before: &Value, _after: &Value) -> Impact {
        match field {
            "name" => Impact::Replaces("EC2 cannot rename a security group"),
            "description" => Impact::Replaces("EC2 cannot change the description of a security group"),
            "vpc_id" => Impact::Replaces("a security group cannot move to another VPC"),
            _ => Impact::InPlace,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::Name {
            of: Self::NAME,
            scope: Scope::Vpc(self.vpc_id.clone()),
            name: self.name.clone(),
        }]
    }

    /// Whether rules may be added to a new group cannot be asked before it exists: the least
    /// policy permits that only on groups that carry the cluster's tags.
    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        let (rules, tags) = (intent.changes(&["rules"]), intent.changes(&["tags"]));
        let id = intent.outputs.map(|outputs| outputs.group_id);
        match (intent.before, intent.after, id) {
            (None, Some(wanted), _) => {
                let ask = PlannedCall::CreateSecurityGroup(wanted.request(intent.ownership));
                vec![
                    StepCall::of("create_security_group").asking(ask),
                    StepCall::certain_if(!wanted.rules.is_empty(), "authorize_ingress"),
                ]
            }
            (Some(_), Some(_), Some(id)) => {
                let mut calls = vec![
                    StepCall::perhaps("authorize_ingress"),
                    StepCall::perhaps("revoke_ingress"),
                    StepCall::perhaps("describe_ingress"),
                    StepCall::certain_if(tags, "retag"),
                ];
                if rules {
                    calls[0].asks.push(PlannedCall::AuthorizeIngress(id.clone()));
                    calls[1].asks.push(PlannedCall::RevokeIngress(id.clone()));
                    calls[2].asks.push(PlannedCall::DescribeIngress(id.clone()));
                }
                if tags {
                    calls[3].asks.push(PlannedCall::SetTags(id));
                }
                calls
            }
            (Some(_), None, Some(id)) => vec![
                StepCall::of("delete_security_group").asking(PlannedCall::DeleteSecurityGroup(id)),
                // Where the group of another generation names it.
                StepCall::perhaps("revoke_ingress"),
            ],
            _ => Vec::new(),
        }
    }

    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let listed = |group: &world::SecurityGroup| {
            let spec = Self {
                description: group.description.clone(),
                name: group.name.clone(),
                rules: group.rules.clone(),
                tags: tags::user(&group.tags),
                vpc_id: group.vpc_id.clone(),
            };
            let (address, generation) = tags::listed(Self::NAME, &group.tags, &group.id);
            Listed::of(address, generation, spec, group.clone().into())
        };
        let groups = survey.cloud.security_groups.iter();
        groups.filter(|group| !is_known(&group.id)).map(listed).collect()
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let groups = &survey.cloud.security_groups;
        let by_id: HashMap<&str, &world::SecurityGroup> =
            groups.iter().map(|group| (group.id.as_str(), group)).collect();
        items
            .iter()
            .map(|item| {
                let typed = Typed::<Self>::new(item)?;
                let found = match &typed.outputs {
                    Some(outputs) => by_id.get(outputs.group_id.as_str()).copied(),
                    None => groups
                        .iter()
                        .filter_map(|group| Some((Ownership::from_tags(&group.tags)?, group)))
                        .filter(|(owner, _)| owner.address == item.address.as_str())
                        .max_by_key(|(owner, _)| owner.generation)
                        .map(|(_, group)| group),
                };
                let Some(group) = found else {
                    let key = (Self::NAME.to_owned(), typed.spec.name);
                    let foreign = survey.foreign.get(&key);
                    return Ok(foreign.cloned().map_or(Sighting::Absent, Sighting::Foreign));
                };
                let generation =
                    Ownership::from_tags(&group.tags).map_or(item.generation, |owner| owner.generation);
                let wanted = typed.wanted()?;
                let others = bridge::others(&survey.cloud, item.address.as_str(), group);
                let predecessors = bridge::predecessors(&others, generation);
                let spec = Self {
                    description: group.description.clone(),
                    name: group.name.clone(),
                    rules: typed.spec.rules_seen(&group.rules, &others, &predecessors),
                    tags: tags::managed(
                        &group.tags,
                        &typed.spec.tags,
                        wanted.as_ref().map(|wanted| &wanted.tags),
                    ),
                    vpc_id: group.vpc_id.clone(),
                };
                typed.there(&spec, &group.clone().into(), generation)
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let request = self.request(&cx.ownership);
        let group = cx.world.cloud.create_security_group(&request).await?;
        if !self.rules.is_empty() {
            cx.progress.note("adding its rules");
            cx.world
                .cloud
                .authorize_ingress(&group.id, &self.rules)
                .await
                .map_err(Failure::after_effect)?;
        }
        let made = world::SecurityGroup {
            rules: self.rules.clone(),
            ..group
        };
        bridge::build(&made, cx).await.map_err(Failure::after_effect)?;
        Ok(made.into())
    }

    async fn update(&self, from: &Self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let Some(live) = cx.world.cloud.security_group(&outputs.group_id).await? else {
            return Err(Failure::not_applied(
                format!("change the security group {}", self.name),
                format!("{} does not exist any more", outputs.group_id),
            ));
        };
        let live = bridge::without(live, cx).await?;
        let changed = self.change_rules(from, &live, cx).await?;
        if from.rules != self.rules {
            let now = world::SecurityGroup {
                rules: self.rules.clone(),
                ..live.clone()
            };
            let built = bridge::build(&now, cx).await;
            built.map_err(|failure| if changed { failure.after_effect() } else { failure })?;
        }
        let (set, remove) = tags::change(&live.tags, &from.tags, &self.tags);
        if !set.is_empty() || !remove.is_empty() {
            let retagged = cx.world.cloud.retag(&live.id, &set, &remove).await;
            retagged.map_err(|failure| if changed { failure.after_effect() } else { failure })?;
        }
        Ok(outputs)
    }

    async fn delete(&self, outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        let doing = format!("delete the security group {}", self.name);
        let mut wait = Wait::new(cx, doing, DELETE_EVERY, DELETE_LIMIT);
        loop {
            match cx.world.cloud.delete_security_group(&outputs.group_id).await {
                Err(failure) if failure.code == Code::InUse => {
                    if bridge::take_down(&outputs.group_id, cx).await? {
                        continue;
                    }
                    wait.tick("waiting until no instance uses the group any more")
                        .await?;
                }
                other => return other,
            }
        }
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        let cloud = &cx.world.cloud;
        if let Some(outputs) = outputs {
            return Ok(cloud.security_group(&outputs.group_id).await?.map(Into::into));
        }
        settled(cx, || async {
            let found = cloud.find_security_group(&self.vpc_id, &self.name).await?;
            Ok(found
                .filter(|group| tags::made_by(&group.tags, &cx.ownership))
                .map(Into::into))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing;
    use crate::world::{Port, Protocol, Source};

    fn rule(port: u16, description: &str) -> Rule {
        Rule {
            description: description.into(),
            ports: Port { from: port, to: port },
            protocol: Protocol::Tcp,
            source: Source::Cidr("0.0.0.0/0".into()),
        }
    }

    fn group() -> SecurityGroup {
        SecurityGroup {
            description: "Subako cluster sandbox".into(),
            name: "web".into(),
            rules: vec![rule(22, "ssh"), rule(80, "reply")],
            tags: testing::map(&[]),
            vpc_id: "vpc-1".into(),
        }
    }

    fn sighted(rules: Vec<Rule>) -> Sighting {
        let item = testing::item(
            "security_group.sandbox",
            &group(),
            Some(&SecurityGroupOutputs {
                group_id: "sg-1".into(),
            }),
        );
        let survey = testing::survey(|cloud| {
            cloud.security_groups.push(world::SecurityGroup {
                id: "sg-1".into(),
                name: "web".into(),
                description: "Subako cluster sandbox".into(),
                vpc_id: "vpc-1".into(),
                rules,
                tags: testing::ownership("security_group.sandbox", 0).tags(),
            });
        });
        testing::sight::<SecurityGroup>(&survey, &item)
    }

    #[test]
    fn the_json_of_a_security_group_is_canonical() {
        testing::assert_canonical(&group());
    }

    #[test]
    fn only_the_traffic_of_a_rule_is_drift() {
        let reworded = vec![rule(22, "by hand"), rule(80, "reply")];
        assert_eq!(sighted(reworded), Sighting::AsRecorded);
        let opened = vec![rule(22, "ssh"), rule(80, "reply"), rule(8080, "by hand")];
        let Sighting::There { spec, .. } = sighted(opened) else {
            panic!("an opened port is drift");
        };
        assert!(spec.as_str().contains("by hand"));
        assert!(matches!(sighted(vec![rule(22, "ssh")]), Sighting::There { .. }));
    }

    #[test]
    fn rules_with_the_same_traffic_are_one_rule() {
        let mut rules = vec![rule(80, "b"), rule(22, "ssh"), rule(80, "a")];
        sort_rules(&mut rules);
        assert_eq!(rules, [rule(22, "ssh"), rule(80, "b")]);
    }
}
