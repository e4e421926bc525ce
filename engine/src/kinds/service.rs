//! `service`: tasks that Swarm keeps running.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use subako_state::Address;

use super::NoOutputs;
use super::converge::Convergence;
use super::labels;
use super::service_spec::Service;
use super::sighting::{Typed, reference, swarm_view};
use super::swarm::Swarm;
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::{Impact, Item, Kind, LivesOn, Sighting, StepContext, Traits};
use crate::plan::Value;
use crate::refresh::Survey;
use crate::world::{self, Failure, Result, TaskFilter, TaskState};

/// How long a service may take to converge where the swarm's spec does not say: pulling an
/// image of a few hundred MB on a small instance takes a minute or two.
const CONVERGE_LIMIT: Duration = Duration::from_secs(300);
/// How long the tasks of a removed service may take to end. Docker gives a task 10 s unless
/// the service says otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at tasks that end.
const EVERY: Duration = Duration::from_secs(1);

impl Service {
    fn owned_labels(&self, cx: &StepContext) -> BTreeMap<String, String> {
        labels::owned(&self.labels, &cx.ownership)
    }

    async fn converge(&self, managers: &mut Managers<'_>, cx: &StepContext) -> Result<()> {
        let limit = cx
            .typed::<Swarm>(&Address::new("swarm", &cx.ownership.cluster))
            .map_or(CONVERGE_LIMIT, |(swarm, _)| {
                Duration::from_secs(swarm.converge_timeout_s)
            });
        Convergence::of(self, limit).wait(managers, cx).await
    }
}

impl Kind for Service {
    const NAME: &'static str = "service";
    const GROUPED: bool = false;
    type Outputs = NoOutputs;

    fn traits() -> Traits {
        Traits {
            lives_on: LivesOn::Dependency("swarm"),
            delete_is_undoable: true,
            replaced_with: &["network"],
        }
    }

    fn impact(field: &str, _before: &Value, _after: &Value) -> Impact {
        match field {
            "name" => Impact::Replaces("Swarm cannot rename a service"),
            "mode" => Impact::Replaces("Swarm cannot change the mode of a service"),
            "swarm" => Impact::Replaces("it is another swarm"),
            _ => Impact::InPlace,
        }
    }

    fn coexists(old: &Self, new: &Self) -> std::result::Result<(), String> {
        if old.name == new.name {
            return Err("service names are unique".to_owned());
        }
        Ok(())
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let view = match swarm_view(survey) {
            Ok(view) => view,
            Err(sighting) => return Ok(vec![sighting; items.len()]),
        };
        let by_name: HashMap<&str, &world::Service> = view
            .services
            .iter()
            .map(|service| (service.spec.name.as_str(), service))
            .collect();
        items
            .iter()
            .map(|item| {
                let typed = Typed::<Self>::new(item)?;
                let Some(live) = by_name.get(typed.spec.name.as_str()) else {
                    return Ok(Sighting::Absent);
                };
                if !labels::of_cluster(&live.spec.labels, &survey.cluster) {
                    return Ok(Sighting::Foreign(format!(
                        "the service {}, which Subako did not make",
                        live.id
                    )));
                }
                let swarm = reference(survey, &typed.spec.swarm, &view.id);
                let mut spec = Self::of(&live.spec, swarm);
                spec.labels = labels::user(&spec.labels);
                typed.spec.mask(&mut spec);
                typed.there(&spec, &NoOutputs {}, labels::generation(&live.spec.labels))
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let mut managers = Managers::new(cx);
        let host = managers.host().await?;
        match host.create_service(&self.request(self.owned_labels(cx))).await {
            Ok(_) => {}
            Err(failure) if failure.code.as_deref() == Some("conflict") => {
                match host.service(&self.name).await? {
                    Some(live) if labels::same_object(&live.spec.labels, &cx.ownership) => {}
                    _ => {
                        return Err(failure.with_hint(format!(
                            "a service `{}` that this run did not make is there: remove or rename it",
                            self.name
                        )));
                    }
                }
            }
            Err(failure) => return Err(failure),
        }
        self.converge(&mut managers, cx)
            .await
            .map_err(Failure::after_effect)?;
        Ok(NoOutputs {})
    }

    async fn update(&self, _from: &Self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let mut managers = Managers::new(cx);
        let host = managers.host().await?;
        if host.service(&self.name).await?.is_none() {
            return Err(Failure::not_applied(
                format!("update the service {}", self.name),
                "it does not exist any more",
            ));
        }
        host.update_service(&self.request(self.owned_labels(cx)), false)
            .await?;
        self.converge(&mut managers, cx)
            .await
            .map_err(Failure::after_effect)?;
        Ok(outputs)
    }

    async fn delete(&self, _outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        let mut managers = Managers::new(cx);
        let host = managers.host().await?;
        // Removed by name, so that one which somebody else has made meanwhile is spared.
        match host.service(&self.name).await? {
            Some(live) if labels::of_cluster(&live.spec.labels, &cx.ownership.cluster) => {}
            _ => return Ok(()),
        }
        let filter = TaskFilter {
            service: Some(self.name.clone()),
            ..TaskFilter::default()
        };
        // Once the service is gone its tasks can only be told by their ids.
        let tasks: HashSet<String> = host
            .tasks(&filter)
            .await?
            .into_iter()
            .map(|task| task.id)
            .collect();
        host.remove_service(&self.name).await?;
        let ended = async {
            let mut wait = Wait::new(cx, format!("remove the service {}", self.name), EVERY, STOP_LIMIT);
            loop {
                let host = managers.host().await?;
                let waiting = match host.tasks(&TaskFilter::default()).await {
                    Ok(all) => {
                        let live = all
                            .iter()
                            .filter(|task| task.state <= TaskState::Running && tasks.contains(&task.id))
                            .count();
                        if live == 0 {
                            return Ok(());
                        }
                        format!("waiting for its tasks to end: {live} left")
                    }
                    Err(failure) => {
                        managers.lost();
                        format!("waiting for a manager: {}", failure.message)
                    }
                };
                wait.tick(waiting).await?;
            }
        };
        ended.await.map_err(Failure::after_effect)
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        let live = Managers::new(cx).host().await?.service(&self.name).await?;
        Ok(live
            .filter(|live| match outputs {
                Some(_) => labels::of_cluster(&live.spec.labels, &cx.ownership.cluster),
                None => labels::same_object(&live.spec.labels, &cx.ownership),
            })
            .map(|_| NoOutputs {}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing;
    use crate::reference::Ref;
    use crate::world::{Mode, ServiceSpec, UpdateConfig, UpdateOrder};

    fn swarm() -> Ref {
        Ref::to(Address::new("swarm", "sandbox"), "cluster_id")
    }

    fn sighted(change: impl FnOnce(&mut ServiceSpec)) -> Sighting {
        let wanted = Service::of(&testing::service_spec("reply"), swarm());
        let mut live = wanted.request(labels::owned(
            &wanted.labels,
            &testing::ownership("service.reply", 0),
        ));
        change(&mut live);
        let mut view = testing::view();
        view.services = vec![world::Service {
            id: "s1".into(),
            spec: live,
            update: None,
        }];
        let item = testing::item("service.reply", &wanted, Some(&NoOutputs {}));
        testing::sight::<Service>(&testing::survey_of_swarm(view), &item)
    }

    #[test]
    fn the_json_of_a_service_is_canonical() {
        testing::assert_canonical(&Service::of(&testing::service_spec("reply"), swarm()));
        testing::assert_canonical(&Service::of(&testing::full_service_spec(), swarm()));
    }

    #[test]
    fn a_service_maps_to_swarms_terms_and_back() {
        for spec in [testing::service_spec("reply"), testing::full_service_spec()] {
            let service = Service::of(&spec, swarm());
            assert_eq!(service.request(spec.labels.clone()), spec.canonical());
        }
    }

    #[test]
    fn a_default_that_the_manifest_spells_out_is_not_drift() {
        let mut spelled_out = testing::service_spec("reply");
        spelled_out.stop_grace_period = Some(10_000_000_000);
        spelled_out.update_config = Some(UpdateConfig {
            order: Some(UpdateOrder::StopFirst),
            parallelism: Some(1),
            ..Default::default()
        });
        assert_eq!(
            Service::of(&spelled_out, swarm()),
            Service::of(&spelled_out.clone().canonical(), swarm())
        );
        assert_eq!(
            Service::of(&spelled_out, swarm()),
            Service::of(&testing::service_spec("reply"), swarm())
        );
    }

    #[test]
    fn the_engines_defaults_are_not_drift_and_a_scale_by_hand_is() {
        assert_eq!(
            sighted(|live| {
                live.update_config = Some(UpdateConfig {
                    order: Some(UpdateOrder::StopFirst),
                    ..Default::default()
                });
                live.stop_grace_period = Some(10_000_000_000);
            }),
            Sighting::AsRecorded
        );
        let Sighting::There { spec, .. } = sighted(|live| live.mode = Mode::Replicated(3)) else {
            panic!("a scale by hand is drift");
        };
        assert!(spec.as_str().contains("\"replicas\":3"));
    }
}
