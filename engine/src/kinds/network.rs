//! `network`: an overlay network of the swarm.

use std::collections::HashMap;
use std::time::Duration;

use super::labels;
use super::sighting::{Typed, reference, swarm_view};
use super::specs::{Network, NoOutputs};
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::{
    Claim, Impact, Intent, Item, Kind, KnownBy, Lead, Listed, LivesOn, Phase, Plane, Scope, Sighting,
    StepCall, StepContext, Traits, Verb,
};
use crate::reference::Ref;
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{self, Code, Failure, NetworkSpec, Result};

/// How long a network may stay in use by tasks that are ending: Docker gives a task 10 s unless
/// its service says otherwise, and swarmkit frees its addresses a little later.
const DELETE_LIMIT: Duration = Duration::from_secs(120);
/// Between two attempts.
const EVERY: Duration = Duration::from_secs(1);

impl Network {
    /// A network of the manifest, in a swarm.
    pub fn of(spec: &NetworkSpec, swarm: Ref) -> Self {
        Self {
            attachable: spec.attachable,
            driver: spec.driver.clone(),
            encrypted: spec.encrypted,
            internal: spec.internal,
            labels: spec.labels.clone(),
            name: spec.name.clone(),
            options: spec.options.clone(),
            subnet: spec.subnet.clone(),
            swarm,
        }
    }

    fn request(&self, cx: &StepContext) -> NetworkSpec {
        NetworkSpec {
            attachable: self.attachable,
            driver: self.driver.clone(),
            encrypted: self.encrypted,
            internal: self.internal,
            labels: labels::owned(&self.labels, &cx.ownership),
            name: self.name.clone(),
            options: self.options.clone(),
            subnet: self.subnet.clone(),
        }
    }

    fn seen(&self, survey: &Survey, cluster_id: &str, live: &NetworkSpec) -> Self {
        Self {
            attachable: live.attachable,
            driver: live.driver.clone(),
            encrypted: live.encrypted,
            internal: live.internal,
            labels: labels::user(&live.labels),
            name: live.name.clone(),
            // Docker adds options of its own (VXLAN ids); only those asked for are compared.
            options: live
                .options
                .iter()
                .filter(|(key, _)| self.options.contains_key(*key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            subnet: self.subnet.as_ref().and(live.subnet.clone()),
            swarm: reference(survey, &self.swarm, cluster_id),
        }
    }

    async fn live(&self, managers: &mut Managers<'_>) -> Result<Option<world::Network>> {
        let networks = managers.networks().await?;
        Ok(networks
            .into_iter()
            .find(|network| network.spec.name == self.name))
    }
}

impl Kind for Network {
    const NAME: &'static str = "network";
    const GROUPED: bool = false;
    type Outputs = NoOutputs;

    fn traits() -> Traits {
        Traits {
            lives_on: LivesOn::Dependency("swarm"),
            delete_is_undoable: true,
            headline: const {
                &[
                    Lead::of("driver").unless("overlay"),
                    Lead::of("subnet"),
                    Lead::of("encrypted"),
                ]
            },
            refers_to: &["swarm"],
            known_by: KnownBy::Field("name"),
            ..Traits::of(Plane::Swarm, Phase::SERVICES)
        }
    }

    fn impact(_field: &str, _before: &Value, _after: &Value) -> Impact {
        Impact::Replaces("Swarm cannot change a network")
    }

    fn claims(&self) -> Vec<Claim> {
        let range = self.subnet.as_ref().and_then(|subnet| subnet.parse().ok());
        let range = range.map(|range| Claim::Range {
            scope: Scope::Swarm,
            range,
        });
        let name = Claim::swarm_name(Self::NAME, &self.name);
        std::iter::once(name).chain(range).collect()
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        match intent.verb() {
            Verb::Create => vec![StepCall::of("create_network")],
            Verb::Update => Vec::new(),
            Verb::Delete => vec![StepCall::of("remove_network")],
        }
    }

    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let Some(view) = survey.view() else {
            return Vec::new();
        };
        let swarm = labels::swarm(survey, view);
        let ours = view.networks.iter();
        let ours = ours.filter(|network| {
            labels::of_cluster(&network.spec.labels, &survey.cluster) && !is_known(&network.spec.name)
        });
        let listed = ours.map(|network| {
            let mut spec = Self::of(&network.spec, Ref::Value(view.id.clone()));
            spec.labels = labels::user(&network.spec.labels);
            let (address, generation) = labels::listed(Self::NAME, &network.spec.labels, &network.spec.name);
            Listed {
                depends_on: vec![swarm.clone()],
                ..Listed::of(address, generation, spec, NoOutputs {})
            }
        });
        listed.collect()
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let view = match swarm_view(survey) {
            Ok(view) => view,
            Err(sighting) => return Ok(vec![sighting; items.len()]),
        };
        let by_name: HashMap<&str, &world::Network> = view
            .networks
            .iter()
            .map(|network| (network.spec.name.as_str(), network))
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
                        "the network {}, which Subako did not make",
                        live.id
                    )));
                }
                let spec = typed.spec.seen(survey, &view.id, &live.spec);
                typed.there(&spec, &NoOutputs {}, labels::generation(&live.spec.labels))
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let mut managers = Managers::new(cx);
        match managers.create_network(&self.request(cx)).await {
            Ok(_) => Ok(NoOutputs {}),
            Err(failure) if failure.code == Code::AlreadyExists => match self.live(&mut managers).await? {
                Some(live) if labels::same_object(&live.spec.labels, &cx.ownership) => Ok(NoOutputs {}),
                _ => Err(failure.with_hint(format!(
                    "a network `{}` that this run did not make is there: remove or rename it",
                    self.name
                ))),
            },
            Err(failure) => Err(failure),
        }
    }

    async fn update(&self, from: &Self, outputs: Self::Outputs, _cx: &StepContext) -> Result<Self::Outputs> {
        if from == self {
            return Ok(outputs);
        }
        Err(Failure::not_applied(
            format!("change the network {}", self.name),
            "Swarm cannot change a network",
        ))
    }

    async fn delete(&self, _outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        let mut managers = Managers::new(cx);
        let mut wait = Wait::new(
            cx,
            format!("remove the network {}", self.name),
            EVERY,
            DELETE_LIMIT,
        );
        loop {
            // Removed by name, so that one which somebody else has made meanwhile is spared.
            match self.live(&mut managers).await? {
                Some(live) if labels::of_cluster(&live.spec.labels, &cx.ownership.cluster) => {}
                _ => return Ok(()),
            }
            match managers.remove_network(&self.name).await {
                Ok(()) => {
                    wait.tick("waiting until it is gone")
                        .await
                        .map_err(Failure::after_effect)?;
                }
                Err(failure) if failure.code == Code::InUse => {
                    wait.tick("waiting until no task uses it any more").await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        let live = self.live(&mut Managers::new(cx)).await?;
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
    use subako_state::Address;

    use super::*;
    use crate::kinds::testing;

    fn wanted() -> Network {
        Network {
            attachable: false,
            driver: "overlay".into(),
            encrypted: false,
            internal: false,
            labels: testing::map(&[("team", "web")]),
            name: "my-overlay".into(),
            options: testing::map(&[]),
            subnet: None,
            swarm: Ref::to(Address::new("swarm", "sandbox"), "cluster_id"),
        }
    }

    fn sighted(change: impl FnOnce(&mut NetworkSpec)) -> Sighting {
        let cx_labels = labels::owned(&wanted().labels, &testing::ownership("network.my-overlay", 0));
        let mut spec = NetworkSpec {
            attachable: false,
            driver: "overlay".into(),
            encrypted: false,
            internal: false,
            labels: cx_labels,
            name: "my-overlay".into(),
            options: testing::map(&[("com.docker.network.driver.overlay.vxlanid_list", "4097")]),
            subnet: Some("10.0.1.0/24".into()),
        };
        change(&mut spec);
        let mut view = testing::view();
        view.networks = vec![world::Network {
            id: "net1".into(),
            spec,
        }];
        let item = testing::item("network.my-overlay", &wanted(), Some(&NoOutputs {}));
        testing::sight::<Network>(&testing::survey_of_swarm(view), &item)
    }

    #[test]
    fn the_json_of_a_network_is_canonical() {
        testing::assert_canonical(&wanted());
        testing::assert_canonical(&Network {
            subnet: Some("10.9.0.0/24".into()),
            ..wanted()
        });
    }

    #[test]
    fn what_docker_chose_is_not_drift_and_what_somebody_changed_is() {
        assert_eq!(sighted(|_| {}), Sighting::AsRecorded);
        assert!(matches!(
            sighted(|spec| spec.attachable = true),
            Sighting::There { .. }
        ));
        assert!(matches!(
            sighted(|spec| spec.labels.clear()),
            Sighting::Foreign(_)
        ));
    }
}
