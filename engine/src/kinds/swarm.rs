//! `swarm`: the swarm itself, started on the first manager.

use std::collections::BTreeMap;
use std::time::Duration;

use super::hosts;
use super::labels::{self, label};
use super::machine;
use super::sighting::{Typed, swarm_view};
use super::specs::{DOCKERS_POOL, Swarm, SwarmOutputs};
use super::wait::Wait;
use crate::kind::{
    Impact, Intent, Item, Kind, KnownBy, Listed, LivesOn, Phase, Plane, Sighting, StepCall, StepContext,
    Traits, Verb,
};
use crate::machine::MACHINE;
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{EngineInfo, Failure, Host, LocalNodeState, NextCommand, Result, SwarmInit};

const DOING: &str = "start the swarm";
/// How long a manager may take to lead the swarm that was re-formed on it: it loads its copy, and
/// elects itself.
const LEADS_WITHIN: Duration = Duration::from_secs(120);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

impl Swarm {
    fn labels(cx: &StepContext) -> BTreeMap<String, String> {
        let mut labels = labels::owned(&BTreeMap::new(), &cx.ownership);
        labels.insert(label::TOKEN.to_owned(), cx.ownership.token.clone());
        labels
    }

    async fn engine(&self, host: &dyn Host) -> Result<EngineInfo> {
        host.engine_info()
            .await?
            .ok_or_else(|| Failure::not_applied(DOING, format!("{} has no Docker Engine", self.advertise)))
    }

    /// The swarm that a manager is in, if it is this cluster's: begun by this step, or by one of
    /// an earlier run of which nobody could find out what it had done.
    async fn begun(host: &dyn Host, cx: &StepContext) -> Result<Option<SwarmOutputs>> {
        let swarm = host.swarm_inspect().await?;
        let ours = labels::of_cluster(&swarm.labels, &cx.ownership.cluster);
        Ok(ours.then_some(SwarmOutputs { cluster_id: swarm.id }))
    }

    /// The machine that manages the swarm now, searched among all the machines that are known:
    /// this is asked when its members have left already.
    async fn last_node(
        &self,
        cluster_id: &str,
        cx: &StepContext,
    ) -> Result<Option<std::sync::Arc<dyn Host>>> {
        let mut names = vec![self.advertise.clone()];
        let others = cx.known.of_kind("docker");
        names.extend(others.iter().map(|address| address.name().to_owned()));
        let mut silent: Option<Failure> = None;
        for target in names.iter().filter_map(|name| hosts::target(cx, name)) {
            let asked = async {
                let host = cx.world.hosts.reach(&target).await?;
                let info = host.engine_info().await?;
                Ok::<_, Failure>((host, info))
            };
            match asked.await {
                Ok((host, Some(info)))
                    if info.control_available
                        && info.cluster_id.as_deref().is_none_or(|id| id == cluster_id) =>
                {
                    if host.swarm_inspect().await?.id == cluster_id {
                        return Ok(Some(host));
                    }
                }
                Ok(_) => {}
                Err(failure) => silent = Some(failure),
            }
        }
        match silent {
            Some(failure) => Err(failure),
            None => Ok(None),
        }
    }
}

impl Kind for Swarm {
    const NAME: &'static str = "swarm";
    const GROUPED: bool = false;
    const SPELLED_IN_MANY_WAYS: bool = true;
    type Outputs = SwarmOutputs;

    fn traits() -> Traits {
        Traits {
            lives_on: LivesOn::Every(MACHINE),
            known_by: KnownBy::Output("cluster_id"),
            ..Traits::of(Plane::Swarm, Phase::SWARM)
        }
    }

    fn impact(field: &str, _before: &Value, _after: &Value) -> Impact {
        match field {
            "addr_pool" => Impact::Replaces("a swarm's address pool is fixed when it is started"),
            "subnet_size" => Impact::Replaces("the size of a swarm's subnets is fixed when it is started"),
            _ => Impact::InPlace,
        }
    }

    /// Docker's own pool spelled out is what it is without a word.
    fn spelled_as(&self, other: &Self, _outputs: &Self::Outputs) -> Self {
        let ranges = |swarm: &Self| {
            let mut ranges = match swarm.addr_pool.as_slice() {
                [] => vec![DOCKERS_POOL.to_owned()],
                ranges => ranges.to_vec(),
            };
            ranges.sort_unstable();
            ranges
        };
        let mut this = self.clone();
        if ranges(self) == ranges(other) {
            this.addr_pool.clone_from(&other.addr_pool);
        }
        this
    }

    fn coexists(_old: &Self, _new: &Self) -> std::result::Result<(), String> {
        Err("an engine is in one swarm at a time".to_owned())
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        match intent.verb() {
            // An engine whose certificate has run out leaves the swarm that was.
            Verb::Create => vec![StepCall::perhaps("swarm_leave"), StepCall::of("swarm_init")],
            Verb::Update => Vec::new(),
            // Where a node is left in it.
            Verb::Delete => vec![StepCall::perhaps("swarm_leave")],
        }
    }

    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let ours = survey
            .view()
            .filter(|view| labels::of_cluster(&view.labels, &survey.cluster) && !is_known(&view.id));
        let listed = ours.map(|view| {
            let spec = Self {
                addr_pool: view.addr_pool.clone(),
                advertise: view.via.clone(),
                converge_timeout_s: 0,
                subnet_size: view.subnet_size,
            };
            let outputs = SwarmOutputs {
                cluster_id: view.id.clone(),
            };
            let generation = labels::generation(&view.labels);
            Listed::of(labels::swarm(survey, view), generation, spec, outputs)
        });
        listed.into_iter().collect()
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let view = match swarm_view(survey) {
            Ok(view) => view,
            Err(sighting) => return Ok(vec![sighting; items.len()]),
        };
        items
            .iter()
            .map(|item| {
                let typed = Typed::<Self>::new(item)?;
                let recorded = typed.outputs.as_ref().is_some_and(|o| o.cluster_id == view.id);
                if item.deposed && !recorded {
                    return Ok(Sighting::Absent);
                }
                if !recorded && !labels::of_cluster(&view.labels, &survey.cluster) {
                    return Ok(Sighting::Foreign(format!(
                        "the swarm {} on {}, which Subako did not start",
                        view.id, view.via
                    )));
                }
                let mut spec = typed.spec.clone();
                // Without a wish Docker's own pool is in use, and that is what was wanted.
                if !spec.addr_pool.is_empty() {
                    spec.addr_pool.clone_from(&view.addr_pool);
                    spec.subnet_size = view.subnet_size;
                }
                let outputs = SwarmOutputs {
                    cluster_id: view.id.clone(),
                };
                typed.there(&spec, &outputs, labels::generation(&view.labels))
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let target = hosts::expect_target(cx, &self.advertise)?;
        let host = cx.world.hosts.connect(&target, &cx.progress).await?;
        let info = self.engine(host.as_ref()).await?;
        if info.expired {
            cx.progress.note(format!(
                "leaving the swarm that was: the certificate of {} has run out",
                self.advertise
            ));
            host.swarm_leave(true).await?;
        }
        if info.expired || info.swarm == LocalNodeState::Inactive {
            cx.progress.note(format!("starting it on {}", self.advertise));
            let init = SwarmInit {
                advertise_addr: target.private_ip.clone(),
                addr_pool: self.addr_pool.clone(),
                subnet_size: self.subnet_size,
                labels: Self::labels(cx),
            };
            host.swarm_init(&init).await?;
            let swarm = host.swarm_inspect().await.map_err(Failure::after_effect)?;
            return Ok(SwarmOutputs { cluster_id: swarm.id });
        }
        if info.control_available
            && let Some(outputs) = Self::begun(host.as_ref(), cx).await?
        {
            return Ok(outputs);
        }
        Err(Failure::not_applied(
            DOING,
            format!("the engine of {} is in a swarm already", self.advertise),
        )
        .with_hint("`docker swarm leave --force` there; if it is this cluster's own, rebuild the state")
        .with_next(NextCommand::StateRebuild))
    }

    async fn update(&self, _from: &Self, outputs: Self::Outputs, _cx: &StepContext) -> Result<Self::Outputs> {
        // Nothing of what can change is anything that Swarm is told.
        Ok(outputs)
    }

    /// What `docker swarm init --force-new-cluster` does on that manager. One that leads by now has been
    /// through it, in a run that was cut short.
    async fn reform(&self, outputs: Self::Outputs, on: &str, cx: &StepContext) -> Result<Self::Outputs> {
        let target = hosts::expect_target(cx, on)?;
        let target = match hosts::machine_behind(cx, &target).await? {
            Some(live) => hosts::target_of(cx, on, &live),
            None => target,
        };
        let host = cx.world.hosts.connect(&target, &cx.progress).await?;
        if host.swarm_inspect().await.is_ok() {
            return Ok(outputs);
        }
        cx.progress.note(format!("beginning the swarm again on {on}"));
        host.swarm_force_new(&target.private_ip).await?;
        let leads = async {
            let mut wait = Wait::new(
                cx,
                format!("wait for {on} to lead the swarm"),
                EVERY,
                LEADS_WITHIN,
            );
            loop {
                match host.swarm_inspect().await {
                    Ok(swarm) if swarm.id == outputs.cluster_id => return Ok(outputs),
                    Ok(swarm) => {
                        let why = format!("it leads another swarm ({}) than the one recorded", swarm.id);
                        return Err(Failure::not_applied("recover the quorum", why));
                    }
                    Err(failure) => {
                        wait.tick(format!("waiting for it to lead: {}", failure.message))
                            .await?;
                    }
                }
            }
        };
        leads.await.map_err(Failure::after_effect)
    }

    async fn delete(&self, outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        let Some(host) = self.last_node(&outputs.cluster_id, cx).await? else {
            return Ok(());
        };
        let nodes = host.nodes().await?;
        if nodes.len() > 1 {
            return Err(Failure::not_applied(
                "end the swarm",
                format!("{} nodes are still in it", nodes.len()),
            )
            .with_hint("let the others leave first: `docker node ls` on a manager shows them"));
        }
        host.swarm_leave(true).await
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        if let Some(outputs) = outputs {
            let found = self.last_node(&outputs.cluster_id, cx).await?;
            return Ok(found.map(|_| outputs));
        }
        let Some(machine) = machine::recorded(cx, &self.advertise) else {
            return Ok(None);
        };
        let target = hosts::target_of(cx, &self.advertise, &machine);
        let Some(host) = hosts::to_read(cx, &target).await? else {
            return Ok(None);
        };
        match host.engine_info().await? {
            Some(info) if info.control_available => {
                let swarm = host.swarm_inspect().await?;
                let ours = labels::of_cluster(&swarm.labels, &cx.ownership.cluster)
                    && swarm.labels.get(label::TOKEN) == Some(&cx.ownership.token);
                Ok(ours.then_some(SwarmOutputs { cluster_id: swarm.id }))
            }
            Some(info) if matches!(info.swarm, LocalNodeState::Active | LocalNodeState::Pending) => {
                Err(Failure::not_applied(
                    "find out whether the swarm was started",
                    format!(
                        "the engine of {} does not answer as a manager yet",
                        self.advertise
                    ),
                ))
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing;
    use crate::survey::SwarmSurvey;

    fn wanted() -> Swarm {
        Swarm {
            addr_pool: vec![],
            advertise: "manager-0".into(),
            converge_timeout_s: 300,
            subnet_size: 24,
        }
    }

    fn recorded() -> SwarmOutputs {
        SwarmOutputs {
            cluster_id: "swarm-1".into(),
        }
    }

    #[test]
    fn the_json_of_a_swarm_is_canonical() {
        testing::assert_canonical(&wanted());
    }

    #[test]
    fn a_swarm_is_known_by_its_id_or_its_label() {
        let mut survey = testing::survey_of_swarm(testing::view());
        let item = testing::item("swarm.sandbox", &wanted(), Some(&recorded()));
        assert_eq!(testing::sight::<Swarm>(&survey, &item), Sighting::AsRecorded);
        let new = testing::item::<Swarm>("swarm.sandbox", &wanted(), None);
        assert!(matches!(
            testing::sight::<Swarm>(&survey, &new),
            Sighting::There { .. }
        ));
        if let SwarmSurvey::Read(view) = &mut survey.swarm {
            view.labels.clear();
        }
        assert!(matches!(
            testing::sight::<Swarm>(&survey, &new),
            Sighting::Foreign(_)
        ));
        assert_eq!(testing::sight::<Swarm>(&survey, &item), Sighting::AsRecorded);
    }

    #[test]
    fn a_swarm_that_nobody_can_hold_any_more_is_absent() {
        let item = testing::item("swarm.sandbox", &wanted(), Some(&recorded()));
        let mut survey = testing::survey(|_| {});
        survey.swarm = SwarmSurvey::Unreachable("manager-0: timed out".into());
        assert_eq!(
            testing::sight::<Swarm>(&survey, &item),
            Sighting::Unreadable("manager-0: timed out".into())
        );
        survey.swarm_lost = true;
        assert_eq!(testing::sight::<Swarm>(&survey, &item), Sighting::Absent);
    }
}
