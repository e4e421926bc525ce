//! `service`: tasks that Swarm keeps running.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use subako_state::Address;

use super::converge::{Completion, Convergence, down, standing};
use super::labels;
use super::sighting::{Typed, reference, swarm_view, with_whole};
use super::specs::{Service, ServiceOutputs, Swarm};
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::{
    Claim, Impact, Intent, Item, Kind, KnownBy, Lead, Listed, LivesOn, Phase, Plane, Sighting, StepCall,
    StepContext, Traits, Verb,
};
use crate::reference::Ref;
use crate::survey::{Survey, SwarmView};
use crate::value::Value;
use crate::world::service::unit;
use crate::world::{
    self, Code, Condition, Failure, Host, PublishMode, Result, Task, TaskFilter, TaskState, UpdateStatus,
    image,
};

/// How long a service may take to converge where the swarm's spec does not say: pulling an
/// image of a few hundred MB on a small machine takes a minute or two.
const CONVERGE_LIMIT: Duration = Duration::from_secs(300);
/// How long the tasks of a removed service may take to end. Docker gives a task 10 s unless
/// the service says otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at tasks that end.
const EVERY: Duration = Duration::from_secs(1);

impl ServiceOutputs {
    /// Of a service as it is.
    fn of(wanted: &Service, live: &world::ServiceSpec) -> Self {
        let digest = image::split_digest(&live.image).1;
        Self {
            image_digest: digest
                .filter(|_| !image::is_pinned(&wanted.spec.image))
                .map(str::to_owned),
        }
    }
}

impl Service {
    /// This service as a change from `from` leaves one that is there: what the change does not speak
    /// of stays as it is, whoever has set it. The image is for [`Self::pinned`].
    fn over(&self, from: &Self, live: &world::ServiceSpec) -> Self {
        let mut spec = self.spec.clone();
        let live = world::ServiceSpec {
            image: self.spec.image.clone(),
            labels: labels::user(&live.labels),
            ..live.clone()
        };
        spec.keep(&from.spec, &live);
        Self { spec, ..self.clone() }
    }

    /// What Swarm is to be told, the image pinned to what its tag means now, so that all tasks
    /// run the same one, today and after a restart. While the image wanted stays the same, so
    /// does its digest: scaling a service deploys nothing. On the way back it is the digest that
    /// it was, whatever the tag means by now.
    async fn pinned(&self, host: &dyn Host, running: Option<&str>, cx: &StepContext) -> world::ServiceSpec {
        let mut request = self.request(self.owned_labels(cx));
        if image::is_pinned(&self.spec.image) {
            return request;
        }
        if let Some(former) = cx.former::<Self>() {
            if let Some(digest) = &former.image_digest {
                request.image = image::pinned(&self.spec.image, digest);
            }
            return request;
        }
        if let Some(running) = running.filter(|running| image::is_pinned(running)) {
            running.clone_into(&mut request.image);
            return request;
        }
        match host.image_digest(&self.spec.image).await {
            Ok(digest) => request.image = image::pinned(&self.spec.image, &digest),
            // Nodes may still have the image, or reach the registry in another way.
            Err(failure) => cx.progress.note(format!(
                "going on with the tag alone, as no registry gave a digest for {}: {}",
                self.spec.image, failure.message
            )),
        }
        request
    }

    fn owned_labels(&self, cx: &StepContext) -> BTreeMap<String, String> {
        labels::owned(&self.spec.labels, &cx.ownership)
    }

    /// How long a service may take to converge.
    fn limit(cx: &StepContext) -> Duration {
        let swarm = cx.typed::<Swarm>(&Address::new("swarm", &cx.ownership.cluster));
        swarm.map_or(CONVERGE_LIMIT, |(swarm, _)| {
            Duration::from_secs(swarm.converge_timeout_s)
        })
    }

    /// The service as it is; fails if it is gone, naming what was to be done.
    async fn live(&self, doing: &str, managers: &mut Managers<'_>) -> Result<world::Service> {
        let live = managers.service(&self.spec.name).await?;
        let gone = || {
            Failure::not_applied(
                format!("{doing} {}", self.spec.name),
                "it does not exist any more",
            )
        };
        live.ok_or_else(gone)
    }

    /// Waits until the tasks of those that it waits for have ended, where it waits for that: that
    /// they run is what their own steps wait for. On the way back nothing is waited for.
    async fn wait_for_others(&self, managers: &mut Managers<'_>, cx: &StepContext) -> Result<()> {
        if cx.former.is_some() {
            return Ok(());
        }
        let completed = |(name, condition): (&String, &Condition)| {
            (*condition == Condition::Completed).then(|| name.clone())
        };
        for name in self.depends_on.iter().filter_map(completed) {
            Completion::of(&name, Self::limit(cx)).wait(managers, cx).await?;
        }
        Ok(())
    }

    async fn converge(&self, managers: &mut Managers<'_>, cx: &StepContext) -> Result<()> {
        if !cx.had_converged {
            return Ok(());
        }
        Convergence::of(self, Self::limit(cx)).wait(managers, cx).await
    }
}

/// What the manifest wants, where the item is recorded.
fn wanted(item: &Item) -> Result<Option<world::ServiceSpec>> {
    let wanted = item.wanted.as_ref().map(|wanted| wanted.decode::<Service>());
    wanted
        .transpose()
        .map(|wanted| wanted.map(|wanted| wanted.spec))
        .map_err(|error| {
            Failure::not_applied(
                format!("read what is wanted of {}", item.address),
                error.to_string(),
            )
        })
}

/// A live service in the words of its record. Its settings are compared as far as the manifest
/// speaks of them or the record differs from Swarm's defaults; the others are unmanaged.
fn seen(
    live: &world::ServiceSpec,
    recorded: &world::ServiceSpec,
    wanted: Option<&world::ServiceSpec>,
) -> world::ServiceSpec {
    let mut seen = live.clone().without_defaults();
    seen.labels = labels::user(&seen.labels);
    seen.image = image::as_wanted(&recorded.image, &seen.image);
    match wanted {
        Some(wanted) => seen.mask(&wanted.clone().either(recorded.clone().without_defaults())),
        None => seen.mask(recorded),
    }
    seen.align(recorded);
    seen
}

/// All of a live service in the words of its record, also the unmanaged settings: what
/// gives back a service that was removed.
fn whole(live: &world::ServiceSpec, recorded: &world::ServiceSpec) -> world::ServiceSpec {
    let mut whole = live.clone().without_defaults();
    whole.labels = labels::user(&whole.labels);
    whole.image = image::as_wanted(&recorded.image, &whole.image);
    whole.align(recorded);
    whole
}

/// The cluster's networks, secrets and configs by the names that services call them.
struct Uses<'a> {
    networks: HashMap<&'a str, Address>,
    secrets: HashMap<&'a str, Address>,
    configs: HashMap<&'a str, Address>,
}

impl<'a> Uses<'a> {
    fn of(view: &'a SwarmView) -> Self {
        let networks = view.networks.iter().map(|network| {
            let (name, labels) = (network.spec.name.as_str(), &network.spec.labels);
            (name, labels::listed("network", labels, name).0)
        });
        let files = |kind: &'static str, files: &'a [world::SwarmFile]| {
            let named = files.iter().map(move |file| {
                let name = file.spec.name.as_str();
                (name, labels::listed(kind, &file.spec.labels, name).0)
            });
            named.collect()
        };
        Self {
            networks: networks.collect(),
            secrets: files("secret", &view.secrets),
            configs: files("config", &view.configs),
        }
    }

    /// What a service uses.
    fn by(&self, spec: &world::ServiceSpec) -> Vec<Address> {
        let networks = spec
            .networks
            .iter()
            .map(|network| self.networks.get(network.name.as_str()));
        let secrets = spec
            .secrets
            .iter()
            .map(|file| self.secrets.get(file.name.as_str()));
        let configs = spec
            .configs
            .iter()
            .map(|file| self.configs.get(file.name.as_str()));
        networks
            .chain(secrets)
            .chain(configs)
            .flatten()
            .cloned()
            .collect()
    }
}

impl Kind for Service {
    const NAME: &'static str = "service";
    const GROUPED: bool = false;
    const SPELLED_IN_MANY_WAYS: bool = true;
    type Outputs = ServiceOutputs;

    fn traits() -> Traits {
        Traits {
            lives_on: LivesOn::Dependency("swarm"),
            delete_is_undoable: true,
            uses: &["config", "secret"],
            replaced_with: &["network"],
            units: unit,
            headline: const {
                &[
                    Lead::of("image"),
                    Lead::of("mode").unless("replicated"),
                    Lead::of("replicas").counting("replica"),
                    Lead::of("ports"),
                    Lead::of("networks").after("on"),
                    Lead::of("constraints").after("only where"),
                ]
            },
            refers_to: &["swarm"],
            known_by: KnownBy::Field("name"),
            ..Traits::of(Plane::Swarm, Phase::SERVICES)
        }
    }

    fn impact(field: &str, _before: &Value, _after: &Value) -> Impact {
        match field {
            "name" => Impact::Replaces("Swarm cannot rename a service"),
            "mode" => Impact::Replaces("Swarm cannot change the mode of a service"),
            "swarm" => Impact::Replaces("it belongs to another swarm"),
            _ => Impact::InPlace,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        let ports = self.spec.ports.iter().map(|port| Claim::Port {
            published: port.published,
            protocol: port.protocol.clone(),
            mesh: port.mode == PublishMode::Ingress,
        });
        let name = Claim::swarm_name(Self::NAME, &self.spec.name);
        std::iter::once(name).chain(ports).collect()
    }

    fn spelled_as(&self, other: &Self, _outputs: &Self::Outputs) -> Self {
        let mut this = self.clone();
        this.spec.align(&other.spec);
        this
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        match intent.verb() {
            Verb::Create => vec![StepCall::of("create_service")],
            // What only waits tells the engine to go on where its update has stopped.
            Verb::Update => vec![StepCall::certain_if(!intent.changed.is_empty(), "update_service")],
            Verb::Delete => vec![StepCall::of("remove_service")],
        }
    }

    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let Some(view) = survey.view() else {
            return Vec::new();
        };
        let uses = Uses::of(view);
        let swarm = labels::swarm(survey, view);
        let ours = view.services.iter();
        let ours = ours.filter(|service| {
            labels::of_cluster(&service.spec.labels, &survey.cluster) && !is_known(&service.spec.name)
        });
        let listed = ours.map(|service| {
            let mut spec = service.spec.clone().without_defaults();
            spec.labels = labels::user(&spec.labels);
            let spec = Self::of(&spec, Ref::Value(view.id.clone()));
            let (address, generation) = labels::listed(Self::NAME, &service.spec.labels, &service.spec.name);
            let outputs = ServiceOutputs::of(&spec, &service.spec);
            let mut depends_on = uses.by(&service.spec);
            depends_on.extend([Address::new("member", "*"), swarm.clone()]);
            Listed {
                depends_on,
                ..Listed::of(address, generation, spec, outputs)
            }
        });
        listed.collect()
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
        let down = down(&view.nodes);
        let mut tasks: HashMap<&str, Vec<&Task>> = HashMap::new();
        for task in &view.tasks {
            tasks.entry(task.service.as_str()).or_default().push(task);
        }
        items
            .iter()
            .map(|item| {
                let typed = Typed::<Self>::new(item)?;
                let Some(live) = by_name.get(typed.spec.spec.name.as_str()) else {
                    return Ok(Sighting::Absent);
                };
                if !labels::of_cluster(&live.spec.labels, &survey.cluster) {
                    return Ok(Sighting::Foreign(format!(
                        "the service {}, which Subako did not make",
                        live.id
                    )));
                }
                let swarm = reference(survey, &typed.spec.swarm, &view.id);
                let spec = Self {
                    // What only this program knows is as it was recorded.
                    depends_on: typed.spec.depends_on.clone(),
                    give_up_after_s: typed.spec.give_up_after_s,
                    spec: seen(&live.spec, &typed.spec.spec, wanted(item)?.as_ref()),
                    swarm,
                };
                let outputs = ServiceOutputs::of(&typed.spec, &live.spec);
                let own = tasks.get(live.spec.name.as_str()).map_or(&[][..], Vec::as_slice);
                let unconverged = standing(live, own, &down).unconverged(live.update.as_ref());
                let whole = Self {
                    spec: whole(&live.spec, &typed.spec.spec),
                    ..spec.clone()
                };
                let seen = typed.so_far(
                    &spec,
                    &outputs,
                    labels::generation(&live.spec.labels),
                    unconverged,
                )?;
                if whole.spec.clone().canonical() == spec.spec.clone().canonical() {
                    return Ok(seen);
                }
                with_whole(item, seen, &whole)
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let mut managers = Managers::new(cx);
        self.wait_for_others(&mut managers, cx).await?;
        let host = managers.host().await?;
        let request = self.pinned(host.as_ref(), None, cx).await;
        let mut outputs = ServiceOutputs::of(self, &request);
        match managers.create_service(&request).await {
            Ok(_) => {}
            Err(failure) if failure.code == Code::AlreadyExists => {
                match managers.service(&self.spec.name).await? {
                    Some(live) if labels::same_object(&live.spec.labels, &cx.ownership) => {
                        outputs = ServiceOutputs::of(self, &live.spec);
                    }
                    _ => {
                        return Err(failure.with_hint(format!(
                            "a service `{}` that this run did not make is there: remove or rename it",
                            self.spec.name
                        )));
                    }
                }
            }
            Err(failure) => return Err(failure),
        }
        self.converge(&mut managers, cx)
            .await
            .map_err(Failure::after_effect)?;
        Ok(outputs)
    }

    async fn update(&self, from: &Self, _outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let mut managers = Managers::new(cx);
        self.wait_for_others(&mut managers, cx).await?;
        let live = self.live("update the service", &mut managers).await?;
        let wanted = &self.spec.image;
        let same = image::canonical(&from.spec.image) == image::canonical(wanted)
            && image::as_wanted(wanted, &live.spec.image) == *wanted;
        let running = same.then_some(live.spec.image.as_str());
        let changed = self.over(from, &live.spec);
        let host = managers.host().await?;
        let request = changed.pinned(host.as_ref(), running, cx).await;
        managers.update_service(&request, false).await?;
        self.converge(&mut managers, cx)
            .await
            .map_err(Failure::after_effect)?;
        Ok(ServiceOutputs::of(self, &request))
    }

    async fn settle(&self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let mut managers = Managers::new(cx);
        let live = managers.service(&self.spec.name).await?;
        if let Some(live) = live.filter(|live| live.update.as_ref().is_some_and(UpdateStatus::has_stopped)) {
            // The engine goes on with an update that it has stopped when it is told the same again.
            managers.update_service(&live.spec, false).await?;
        }
        self.converge(&mut managers, cx).await?;
        Ok(outputs)
    }

    /// What the engine calls a forced update: within the service's own update settings.
    async fn spread(&self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let mut managers = Managers::new(cx);
        let live = self.live("spread the tasks of", &mut managers).await?;
        managers.update_service(&live.spec, true).await?;
        self.converge(&mut managers, cx)
            .await
            .map_err(Failure::after_effect)?;
        Ok(outputs)
    }

    async fn delete(&self, _outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        let mut managers = Managers::new(cx);
        // Removed by name, so that one which somebody else has made meanwhile is spared.
        match managers.service(&self.spec.name).await? {
            Some(live) if labels::of_cluster(&live.spec.labels, &cx.ownership.cluster) => {}
            _ => return Ok(()),
        }
        let filter = TaskFilter {
            service: Some(self.spec.name.clone()),
            ..TaskFilter::default()
        };
        // Once the service is gone its tasks can only be told by their ids.
        let tasks = managers.tasks(&filter).await?;
        let tasks: HashSet<String> = tasks.into_iter().map(|task| task.id).collect();
        managers.remove_service(&self.spec.name).await?;
        let ended = async {
            let mut wait = Wait::new(
                cx,
                format!("remove the service {}", self.spec.name),
                EVERY,
                STOP_LIMIT,
            );
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
        let live = Managers::new(cx).service(&self.spec.name).await?;
        Ok(live
            .filter(|live| match outputs {
                Some(_) => labels::of_cluster(&live.spec.labels, &cx.ownership.cluster),
                None => labels::same_object(&live.spec.labels, &cx.ownership),
            })
            .map(|live| ServiceOutputs::of(self, &live.spec)))
    }
}

#[cfg(test)]
mod tests;
