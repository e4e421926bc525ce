//! `docker`: a Docker Engine, installed and answering.

use std::collections::HashMap;

use subako_state::Address;

use super::aside::{self, Aside};
use super::labels::{self};
use super::sighting::Typed;
use super::specs::{Docker, DockerOutputs};
use super::{hosts, machine, rejoin};
use crate::kind::{
    Impact, Intent, Item, Kind, LivesOn, Phase, Plane, Sighting, StepCall, StepContext, Traits, Verb,
};
use crate::machine::{MACHINE, Machine, ON_MACHINE, POWER, Power};
use crate::reference::Ref;
use crate::survey::{Standing, Survey};
use crate::value::Value;
use crate::world::{
    DaemonConfig, EngineInfo, EngineRequest, Failure, Host, HostTarget, Node, NodeState, Result,
};

impl DockerOutputs {
    fn of(host: &dyn Host, info: EngineInfo) -> Self {
        Self {
            engine_version: info.version,
            host_key: Some(host.host_key()),
        }
    }
}

impl Docker {
    fn request(&self) -> EngineRequest {
        EngineRequest {
            version: self.version.clone(),
            daemon: self.daemon.clone(),
        }
    }

    /// As it is asked for to be another than it was: what was written is taken back, and so is, on the
    /// way back, another version.
    fn request_after(&self, from: &Self, former: Option<&DockerOutputs>) -> EngineRequest {
        let had = from.daemon.is_some();
        let was = former.map(|former| former.engine_version.clone());
        EngineRequest {
            daemon: self.daemon.clone().or_else(|| had.then(DaemonConfig::default)),
            version: self.version.clone().or(was.filter(|_| from.version.is_some())),
        }
    }

    async fn install(
        request: &EngineRequest,
        target: &HostTarget,
        cx: &StepContext,
    ) -> Result<DockerOutputs> {
        let host = cx
            .unless_stopped(
                &format!("log in to {}", target.name),
                cx.world.hosts.connect(target, &cx.progress),
            )
            .await?;
        let info = host.install_engine(request, &cx.progress).await?;
        Ok(DockerOutputs::of(host.as_ref(), info))
    }

    /// Gets an engine to answer again: at the host if it can be reached, else by stopping and
    /// starting its machine.
    async fn repair(&self, name: &str, recorded: &Machine, cx: &StepContext) -> Result<DockerOutputs> {
        match cx.world.hosts.reach(&hosts::target_of(cx, name, recorded)).await {
            Ok(host) => {
                let info = host.install_engine(&self.request(), &cx.progress).await?;
                return Ok(DockerOutputs::of(host.as_ref(), info));
            }
            Err(failure) => cx.progress.note(format!(
                "the host does not answer ({}): restarting it",
                failure.message
            )),
        }
        let live = machine::find(cx, &recorded.id).await?.ok_or_else(|| {
            Failure::not_applied(
                format!("restart the host {name}"),
                format!("{} does not exist any more", recorded.id),
            )
        })?;
        machine::stop(cx, &live).await?;
        let stopped = Machine {
            power: Power::Stopped,
            ..live
        };
        let restarted = async {
            let live = machine::start(cx, &stopped).await?;
            Self::install(&self.request(), &hosts::target_of(cx, name, &live), cx).await
        };
        restarted.await.map_err(Failure::after_effect)
    }
}

/// What a refresh needs to find engines, made once for all of them.
struct Finder<'a> {
    survey: &'a Survey,
    nodes: HashMap<&'a str, &'a Node>,
}

impl<'a> Finder<'a> {
    fn new(survey: &'a Survey) -> Self {
        Self {
            survey,
            nodes: super::nodes::nodes_of_machines(survey),
        }
    }

    fn machine(&self, docker: &Docker, name: &str) -> Option<&'a Machine> {
        match self.survey.resolve(&docker.machine) {
            Some(id) => self.survey.machine(&id),
            None => self.survey.machine_named(name),
        }
    }

    /// The node of the engine on a machine, where the swarm was read. The one of that name may still
    /// be that of the machine before it, and the one recorded too.
    fn node(&self, name: &str, machine: &Machine, is_recorded: bool) -> Option<&'a Node> {
        if self.survey.former.contains(name) {
            return None;
        }
        let address = Address::new("member", name);
        let recorded = self.survey.resolve(&Ref::to(address.clone(), "node_id"));
        recorded
            .filter(|_| is_recorded)
            .and_then(|id| self.survey.node(&id))
            .or_else(|| self.nodes.get(address.as_str()).copied())
            .filter(|node| node.addr == machine.private_ip)
    }
}

/// Whether the engine of a node answers. One on a machine that does not run is not what is broken.
fn answers(survey: &Survey, node: &Node, name: &str, machine: &Machine) -> bool {
    if survey.barred.contains(&node.id) {
        return true;
    }
    // Right after an election nobody knows yet how the nodes are.
    let silent = survey.view().is_some_and(|view| view.silent.contains(name));
    let lost = node.is_lost() || silent && node.state == NodeState::Unknown;
    !(lost && machine.is_running())
}

impl Kind for Docker {
    const NAME: &'static str = "docker";
    const GROUPED: bool = false;
    const SPELLED_IN_MANY_WAYS: bool = true;
    type Outputs = DockerOutputs;

    fn traits() -> Traits {
        Traits {
            lives_on: LivesOn::Dependency(MACHINE),
            part_of: Some(MACHINE),
            renamed_with: Some(MACHINE),
            refers_to: &[MACHINE],
            ..Traits::of(Plane::Host, Phase::DOCKER)
        }
    }

    fn impact(field: &str, _before: &Value, _after: &Value) -> Impact {
        match field {
            "daemon" => Impact::InPlaceBut("restarts the engine"),
            ON_MACHINE => Impact::Replaces("it is on another machine"),
            "version" => Impact::InPlaceBut("restarts the engine"),
            "running" => Impact::InPlaceBut("restarts the host if it does not answer"),
            _ => Impact::InPlace,
        }
    }

    /// Restarts go one by one: two managers without an engine are a quorum lost.
    fn serial_group_of(before: &Self, after: &Self) -> Option<String> {
        let restarts = before.version != after.version
            || before.running != after.running
            || before.daemon != after.daemon;
        restarts.then(|| rejoin::RESTARTS.to_owned())
    }

    /// An engine that is what is wanted stays as it is.
    fn spelled_as(&self, other: &Self, outputs: &Self::Outputs) -> Self {
        let mut this = self.clone();
        if other.request().is_met_by(&outputs.engine_version) {
            this.version.clone_from(&other.version);
        }
        this
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        let install = "install_engine";
        match intent.verb() {
            Verb::Create => vec![StepCall::of(install)],
            // One that does not answer at its host is reached by the machine's power switch.
            Verb::Update if intent.changes(&["running"]) => {
                let restart = POWER.into_iter().map(StepCall::perhaps);
                let rejoin = rejoin::CALLS.into_iter().map(StepCall::perhaps);
                restart.chain([StepCall::of(install)]).chain(rejoin).collect()
            }
            Verb::Update => {
                let restarts = intent.changes(&["version", "daemon"]);
                let aside = aside::CALLS
                    .into_iter()
                    .filter(|_| restarts)
                    .map(StepCall::perhaps);
                aside.chain([StepCall::certain_if(restarts, install)]).collect()
            }
            Verb::Delete => Vec::new(),
        }
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let finder = Finder::new(survey);
        items
            .iter()
            .map(|item| {
                if item.deposed {
                    // Which machine it was on is not recorded; it goes with it, without a call.
                    return Ok(Sighting::AsRecorded);
                }
                let typed = Typed::<Self>::new(item)?;
                let name = item.address.name();
                let Some(machine) = finder.machine(&typed.spec, name) else {
                    let unread = survey.unread_machine(name).map(str::to_owned);
                    return Ok(unread.map_or(Sighting::Absent, Sighting::Unreadable));
                };
                // What is recorded of another machine says nothing of this one.
                let moved = survey.machine_has_moved(name);
                let recorded = typed.outputs.clone().filter(|_| !moved);
                let node = finder.node(name, machine, recorded.is_some());
                let mut spec = typed.spec.clone();
                let Some(mut outputs) = recorded else {
                    let Some(node) = node.filter(|node| labels::of_cluster(&node.labels, &survey.cluster))
                    else {
                        return Ok(Sighting::Absent);
                    };
                    let outputs = DockerOutputs {
                        engine_version: node.engine_version.clone(),
                        host_key: None,
                    };
                    spec.running = answers(survey, node, name, machine);
                    if !spec.request().is_met_by(&node.engine_version) {
                        spec.version = Some(node.engine_version.clone());
                    }
                    return typed.there(&spec, &outputs, labels::generation(&node.labels));
                };
                // Where the swarm does not answer, its managers are known by how their machines do.
                if survey.view().is_none() && survey.managers.voters.get(name) == Some(&Standing::Hung) {
                    spec.running = !machine.is_running();
                }
                if let Some(node) = node {
                    spec.running = answers(survey, node, name, machine);
                    if !node.engine_version.is_empty() {
                        outputs.engine_version.clone_from(&node.engine_version);
                        if !spec.request().is_met_by(&node.engine_version) {
                            spec.version = Some(node.engine_version.clone());
                        }
                    }
                }
                typed.there(&spec, &outputs, item.generation)
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let mut target = hosts::expect_target(cx, hosts::own_name(cx))?;
        // First contact: whatever key was pinned belonged to an earlier machine.
        target.host_key = None;
        target.is_new = true;
        Self::install(&self.request(), &target, cx).await
    }

    async fn update(&self, from: &Self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let name = hosts::own_name(cx);
        let recorded = machine::expect(cx, name)?;
        if !self.running {
            // The undo of a repair: an engine is not broken again.
            return Ok(outputs);
        }
        let mut aside = None;
        let updated = if from.running == self.running {
            let same = from.version == self.version && from.daemon == self.daemon;
            if same && outputs.host_key.is_some() {
                return Ok(outputs);
            }
            let target = hosts::target_of(cx, name, &recorded);
            if !same {
                aside = Aside::step(cx, name).await?;
            }
            let request = self.request_after(from, cx.former::<Self>().as_ref());
            let installed = Self::install(&request, &target, cx).await;
            installed.map_err(|failure| match aside.as_ref().is_some_and(Aside::has_effect) {
                true => failure.after_effect(),
                false => failure,
            })?
        } else {
            self.repair(name, &recorded, cx).await?
        };
        let restart = match from.running {
            true => rejoin::Restart::OfALiving,
            false => rejoin::Restart::OfALost,
        };
        let back = async {
            if let Some(live) = machine::find(cx, &recorded.id).await? {
                rejoin::await_node(cx, name, &live, restart).await?;
            }
            match aside {
                Some(aside) => aside.back().await,
                None => Ok(()),
            }
        };
        back.await.map_err(Failure::after_effect)?;
        Ok(updated)
    }

    async fn delete(&self, _outputs: Self::Outputs, _cx: &StepContext) -> Result<()> {
        // It goes with its machine.
        Ok(())
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        let Some(mut target) = hosts::target(cx, hosts::own_name(cx)) else {
            return Ok(None);
        };
        // The key that was pinned last may be that of the machine before this one.
        target.host_key = outputs.and_then(|outputs| outputs.host_key);
        let Some(host) = hosts::to_read(cx, &target).await? else {
            return Ok(None);
        };
        Ok(host
            .engine_info()
            .await?
            .map(|info| DockerOutputs::of(host.as_ref(), info)))
    }
}
