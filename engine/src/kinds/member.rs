//! `member`: an engine's place in the swarm: its role, availability and labels.

use std::collections::BTreeMap;
use std::time::Duration;

use subako_state::Address;

use super::barred;
use super::displaced::Displaced;
use super::former;
use super::hosts;
use super::labels::{self, label};
use super::leave::Leaving;
use super::logins;
use super::nodes::{nodes_of_machines, state_word};
use super::sighting::{Typed, reference, swarm_view};
use super::specs::{Member, MemberOutputs, RAFT};
use super::swarm_access::Managers;
use super::wait::{Wait, settled};
use crate::kind::{
    Impact, InTheWorld, Intent, Item, Kind, KnownBy, Lead, Listed, LivesOn, Phase, Plane, Sighting, StepCall,
    StepContext, Traits, Verb,
};
use crate::machine::{MACHINE, ON_MACHINE};
use crate::reference::Ref;
use crate::survey::Survey;
use crate::value::Value;
use crate::world::{
    EngineInfo, Failure, Host, HostTarget, JoinRequest, LocalNodeState, Node, NodeState, NodeUpdate,
    Reachability, Result, Role, World,
};

/// How long a node may take from joining to Ready, or from a promotion to Reachable. A join
/// goes on in the background after its call has timed out at 20 s; a manager must also fetch
/// the raft log. Six such calls.
const SETTLE_LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at a node.
const EVERY: Duration = Duration::from_secs(1);
/// Swarm's port for managers.
const MANAGER_PORT: u16 = 2377;

/// Whether the machine that a node joined from still exists.
fn machine_is_there(survey: &Survey, node: &Node) -> bool {
    let mut machines = survey.machines().iter();
    machines.any(|machine| machine.private_ip == node.addr && !machine.is_gone())
}

/// Whether a swarm has a manager beside a node.
fn others_manage(nodes: &[Node], node_id: &str) -> bool {
    nodes
        .iter()
        .any(|node| node.role == Role::Manager && node.id != node_id)
}

impl Member {
    fn labels(&self, cx: &StepContext) -> BTreeMap<String, String> {
        let mut labels = labels::owned(&self.labels, &cx.ownership);
        let address = cx.ownership.address.as_str();
        let name = address.split_once('.').map_or(address, |(_, name)| name);
        labels.insert(label::NAME.to_owned(), name.to_owned());
        labels
    }

    /// Waits out a join in the background.
    async fn engine(host: &dyn Host, cx: &StepContext) -> Result<Option<EngineInfo>> {
        let mut wait = Wait::new(cx, "join the swarm", EVERY, SETTLE_LIMIT);
        loop {
            match host.engine_info().await? {
                Some(info) if info.swarm == LocalNodeState::Pending => {
                    wait.tick("waiting for a join in the background").await?;
                }
                info => return Ok(info),
            }
        }
    }

    /// Joins, unless the engine is in the swarm already. Returns the node's id.
    async fn join(
        &self,
        host: &dyn Host,
        target: &HostTarget,
        managers: &mut Managers<'_>,
        cx: &StepContext,
    ) -> Result<String> {
        let doing = format!("join {} to the swarm", target.name);
        let refused = |why: &str| Failure::not_applied(doing.clone(), why.to_owned());
        let Some(info) = Self::engine(host, cx).await? else {
            return Err(refused("it has no Docker Engine"));
        };
        let lost = cx.lost::<Self>().map(|outputs| outputs.node_id);
        match (info.swarm, info.node_id.clone()) {
            (LocalNodeState::Inactive, _) => {}
            (_, Some(_)) if barred::has_to_join_again(host, &info, managers).await? => {
                cx.progress
                    .note("leaving the swarm, which does not let it in as the node that it was");
                host.swarm_leave(true).await?;
            }
            // The managers have taken it out while it could not hear of it.
            (LocalNodeState::Error, Some(node_id)) if managers.node(&node_id).await?.is_none() => {
                cx.progress.note("leaving the swarm that has forgotten it");
                host.swarm_leave(true).await?;
            }
            (LocalNodeState::Active, Some(node_id)) => {
                if managers.node(&node_id).await?.is_some() {
                    return Ok(node_id);
                }
                // The node that is recorded as gone: that swarm has ended, or has forgotten it. A
                // worker that no record knows had joined in a run of which nobody could find out
                // what it had done. A manager of a swarm is given up for a record alone.
                let is_lost = lost.as_ref() == Some(&node_id);
                if !is_lost && info.control_available {
                    return Err(refused("its engine is in another swarm")
                        .with_hint(format!("`docker swarm leave` on {}", target.name)));
                }
                cx.progress.note("leaving the swarm that is gone");
                host.swarm_leave(is_lost).await?;
            }
            (state, _) => {
                return Err(refused(
                    &format!("its engine says that it is {state:?} in a swarm").to_lowercase(),
                )
                .with_hint(format!("look at `docker info` on {}", target.name)));
            }
        }
        // Tokens are read where they are used, and go nowhere else.
        let swarm = managers.swarm_inspect().await?;
        let manager = managers.manager().await?;
        if Some(swarm.id.as_str()) != self.swarm.value() {
            return Err(refused("the managers are in another swarm than the one recorded"));
        }
        cx.progress.note(format!("joining as a {}", self.role));
        let request = JoinRequest {
            token: match self.role {
                Role::Manager => swarm.tokens.manager,
                Role::Worker => swarm.tokens.worker,
            },
            remote_addrs: vec![format!("{}:{MANAGER_PORT}", manager.private_ip)],
            advertise_addr: target.private_ip.clone(),
        };
        host.swarm_join(&request, &cx.progress).await
    }

    /// What of the node has to change.
    fn change(&self, node: &Node, cx: &StepContext) -> NodeUpdate {
        let labels = self.labels(cx);
        NodeUpdate {
            role: (node.role != self.role).then_some(self.role),
            availability: (node.availability != self.availability).then_some(self.availability),
            labels: (node.labels != labels).then_some(labels),
        }
    }

    /// Gives a node what is wanted of it, and waits until it has it (and, if `ready`, is Ready).
    /// Says whether anything was changed when it fails.
    async fn settle(
        &self,
        node_id: &str,
        ready: bool,
        managers: &mut Managers<'_>,
        cx: &StepContext,
    ) -> Result<()> {
        let doing = format!("make {} a {} of the swarm", hosts::own_name(cx), self.role);
        let mut wait = Wait::new(cx, doing.clone(), EVERY, SETTLE_LIMIT);
        let mut effect = false;
        let after = |failure: Failure, effect: bool| if effect { failure.after_effect() } else { failure };
        loop {
            let host = managers.host().await.map_err(|failure| after(failure, effect))?;
            let waiting = match host.node(node_id).await {
                Err(failure) => {
                    managers.lost();
                    format!("waiting for a manager: {}", failure.message)
                }
                Ok(None) if !ready => {
                    return Err(after(
                        Failure::not_applied(doing, "it is not in the swarm any more"),
                        effect,
                    ));
                }
                Ok(None) => "waiting to be listed in the swarm".to_owned(),
                Ok(Some(node)) => {
                    let change = self.change(&node, cx);
                    if change != NodeUpdate::default() {
                        let updated = managers.update_node(node_id, &change).await;
                        updated.map_err(|failure| after(failure, effect))?;
                        effect = true;
                        "waiting for role, availability and labels to be seen".to_owned()
                    } else if self.role == Role::Manager && node.reachability != Some(Reachability::Reachable)
                    {
                        "waiting to be reachable as a manager".to_owned()
                    } else if self.role == Role::Worker && node.reachability.is_some() {
                        "waiting to have left raft".to_owned()
                    } else if ready && node.state != NodeState::Ready {
                        format!("waiting to be ready: {}", state_word(node.state))
                    } else {
                        return Ok(());
                    }
                }
            };
            wait.tick(waiting)
                .await
                .map_err(|failure| after(failure, effect))?;
        }
    }

    /// The id of the node that a machine's engine is; `None` if it is none, or if the machine is gone.
    async fn own_node(target: &HostTarget, cx: &StepContext) -> Result<Option<String>> {
        let Some(host) = hosts::to_read(cx, target).await? else {
            return Ok(None);
        };
        let info = Self::engine(host.as_ref(), cx).await?;
        Ok(info.and_then(|info| info.node_id))
    }

    /// The node at an address that is this member's, or has no owner yet.
    async fn listed_at(host: &dyn Host, address: &str, cx: &StepContext) -> Result<Option<MemberOutputs>> {
        let here = host.nodes().await?.into_iter().find(|node| {
            node.addr == address
                && (labels::same_object(&node.labels, &cx.ownership)
                    || !node.labels.contains_key(label::ADDRESS))
        });
        Ok(here.map(|node| MemberOutputs { node_id: node.id }))
    }

    /// Whether its own engine answers and is in no swarm.
    async fn has_left(&self, cx: &StepContext) -> Result<bool> {
        let target = hosts::expect_target(cx, hosts::own_name(cx))?;
        let Some(host) = hosts::to_read(cx, &target).await? else {
            return Ok(false);
        };
        let info = Self::engine(host.as_ref(), cx).await?;
        Ok(info.is_some_and(|info| info.swarm == LocalNodeState::Inactive))
    }

    /// Whether a machine is there to be asked.
    async fn is_up(target: &HostTarget, cx: &StepContext) -> bool {
        matches!(hosts::to_read(cx, target).await, Ok(Some(_)))
    }
}

impl Kind for Member {
    const NAME: &'static str = "member";
    type Outputs = MemberOutputs;

    fn traits() -> Traits {
        Traits {
            lives_on: LivesOn::Dependency("swarm"),
            part_of: Some(MACHINE),
            renamed_with: Some(MACHINE),
            refers_to: &[MACHINE, "swarm"],
            headline: const { &[Lead::of("role"), Lead::of("availability").unless("active")] },
            known_by: KnownBy::Output("node_id"),
            ..Traits::of(Plane::Swarm, Phase::SWARM)
        }
    }

    fn impact(field: &str, _before: &Value, _after: &Value) -> Impact {
        match field {
            ON_MACHINE => Impact::Replaces("a node stays on its machine"),
            "swarm" => Impact::Replaces("it belongs to another swarm"),
            _ => Impact::InPlace,
        }
    }

    fn serial_group(&self) -> Option<String> {
        (self.role == Role::Manager).then(|| RAFT.to_owned())
    }

    /// A promotion or demotion concerns raft, whichever way it goes.
    fn serial_group_of(before: &Self, after: &Self) -> Option<String> {
        after.serial_group().or_else(|| before.serial_group())
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        match intent.verb() {
            // The first node is in the swarm already; one of a swarm that is gone leaves that first.
            Verb::Create => vec![
                StepCall::perhaps("refresh_logins"),
                StepCall::perhaps("swarm_leave"),
                StepCall::perhaps("swarm_join"),
                StepCall::of("update_node"),
            ],
            // One whose engine has left the swarm joins again.
            Verb::Update => vec![
                StepCall::perhaps("refresh_logins"),
                StepCall::certain_if(!intent.changed.is_empty(), "update_node"),
                StepCall::perhaps("swarm_join"),
                StepCall::perhaps("remove_node"),
            ],
            // One that is down cannot leave, and the last manager stays without a member.
            Verb::Delete => vec![
                StepCall::perhaps("refresh_logins"),
                StepCall::perhaps("update_node"),
                StepCall::perhaps("swarm_leave"),
                StepCall::perhaps("remove_node"),
            ],
        }
    }

    async fn rename(
        outputs: Self::Outputs,
        to: &Address,
        survey: &Survey,
        world: &World,
    ) -> Result<InTheWorld> {
        let (Some(view), Some(node)) = (survey.view(), survey.node(&outputs.node_id)) else {
            return Ok(InTheWorld::OutOfReach);
        };
        let mut machines = survey.machines().iter();
        let Some(manager) = machines.find(|machine| machine.name() == Some(&view.via)) else {
            return Ok(InTheWorld::OutOfReach);
        };
        let mut labels = node.labels.clone();
        labels.insert(label::ADDRESS.to_owned(), to.to_string());
        labels.insert(label::NAME.to_owned(), to.name().to_owned());
        let update = NodeUpdate {
            labels: Some(labels),
            ..NodeUpdate::default()
        };
        let host = world.hosts.reach(&manager.target(&view.via, None)).await?;
        host.update_node(&outputs.node_id, &update).await?;
        Ok(InTheWorld::Renamed)
    }

    /// Nodes that are labelled as the cluster's, and those without a label on a machine of the
    /// cluster's whose name another machine has, or nobody: they joined, and were not labelled yet.
    fn list(survey: &Survey, is_known: &dyn Fn(&str) -> bool) -> Vec<Listed<Self>> {
        let Some(view) = survey.view() else {
            return Vec::new();
        };
        let swarm = labels::swarm(survey, view);
        let unknown = view.nodes.iter().filter(|node| !is_known(&node.id));
        let listed = unknown.filter_map(|node| {
            let machine = survey.machine_at(&node.addr);
            let named = machine.map(|machine| {
                let name = machine.name().unwrap_or(&machine.id);
                Address::new(machine.kind, name)
            });
            let (address, generation) = if labels::of_cluster(&node.labels, &survey.cluster) {
                labels::listed(Self::NAME, &node.labels, &node.id)
            } else {
                let (machine, named) = (machine?, named.as_ref()?);
                let unnamed = survey
                    .machine_named(named.name())
                    .is_none_or(|other| other.id != machine.id);
                let unlabelled = !node.labels.contains_key(label::CLUSTER);
                (unnamed && unlabelled).then(|| (Address::new(Self::NAME, named.name()), 0))?
            };
            let spec = Self {
                availability: node.availability,
                machine: Ref::Value(machine.map_or_else(String::new, |machine| machine.id.clone())),
                labels: labels::user(&node.labels),
                role: node.role,
                swarm: Ref::Value(view.id.clone()),
            };
            let outputs = MemberOutputs {
                node_id: node.id.clone(),
            };
            Some(Listed {
                depends_on: named.into_iter().chain([swarm.clone()]).collect(),
                ..Listed::of(address, generation, spec, outputs)
            })
        });
        listed.collect()
    }

    async fn sight(survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let view = match swarm_view(survey) {
            Ok(view) => view,
            Err(sighting) => return Ok(vec![sighting; items.len()]),
        };
        let by_address = nodes_of_machines(survey);
        items
            .iter()
            .map(|item| {
                let typed = Typed::<Self>::new(item)?;
                // The node that is recorded was on another machine than the one that is there now.
                let moved = survey.machine_has_moved(item.address.name());
                let node = match typed.outputs.as_ref().filter(|_| !moved || item.deposed) {
                    // A node without the label has been taken out of the cluster's hands, or has
                    // yet to be labelled. One whose machine is gone is still to be removed, and so
                    // is whatever is not wanted any more, or it would go on as a voter without a
                    // machine; but the last manager stays in the swarm without a member.
                    Some(outputs) => survey.node(&outputs.node_id).filter(|node| {
                        let is_to_go = item.wanted.is_none() && others_manage(&view.nodes, &node.id);
                        node.labels.contains_key(label::ADDRESS)
                            || is_to_go
                            || !machine_is_there(survey, node)
                    }),
                    None => by_address.get(item.address.as_str()).copied(),
                };
                // One that is let in no more has to join as another.
                let Some(node) = node.filter(|node| !survey.barred.contains(&node.id)) else {
                    return Ok(Sighting::Absent);
                };
                let spec = Self {
                    availability: node.availability,
                    machine: typed.spec.machine.clone(),
                    labels: labels::user(&node.labels),
                    role: node.role,
                    swarm: reference(survey, &typed.spec.swarm, &view.id),
                };
                let outputs = MemberOutputs {
                    node_id: node.id.clone(),
                };
                typed.there(&spec, &outputs, labels::generation(&node.labels))
            })
            .collect()
    }

    async fn create(&self, cx: &StepContext) -> Result<Self::Outputs> {
        let target = hosts::expect_target(cx, hosts::own_name(cx))?;
        let host = cx.world.hosts.connect(&target, &cx.progress).await?;
        let mut managers = Managers::new(cx);
        logins::refresh(&mut managers, cx).await;
        let node_id = self.join(host.as_ref(), &target, &mut managers, cx).await?;
        former::clear(&node_id, &target.private_ip, &mut managers, cx)
            .await
            .map_err(Failure::after_effect)?;
        self.settle(&node_id, true, &mut managers, cx)
            .await
            .map_err(Failure::after_effect)?;
        Ok(MemberOutputs { node_id })
    }

    async fn update(&self, from: &Self, outputs: Self::Outputs, cx: &StepContext) -> Result<Self::Outputs> {
        let mut managers = Managers::new(cx);
        let id = outputs.node_id.as_str();
        if managers.node(id).await?.is_none() && self.has_left(cx).await? {
            // Left behind by a leave that was cut short: it joins as it would at first.
            return self.create(cx).await;
        }
        if from.role == Role::Manager && self.role == Role::Worker {
            // It stops answering as a manager on the way.
            managers = managers.except_node(&outputs.node_id);
        }
        if from.availability != self.availability {
            logins::refresh(&mut managers, cx).await;
        }
        // A drained node keeps no task, and one with other labels none that its service's constraints
        // keep away.
        let mut displaced = Displaced::from(id, &mut managers).await?;
        self.settle(id, false, &mut managers, cx).await?;
        displaced
            .run_elsewhere(&mut managers, cx)
            .await
            .map_err(Failure::after_effect)?;
        Ok(outputs)
    }

    async fn delete(&self, outputs: Self::Outputs, cx: &StepContext) -> Result<()> {
        Leaving::new(self, &outputs.node_id, cx).leave().await
    }

    async fn find(&self, outputs: Option<Self::Outputs>, cx: &StepContext) -> Result<Option<Self::Outputs>> {
        let mut managers = Managers::new(cx);
        if let Some(outputs) = outputs {
            let nodes = managers.nodes().await?;
            let others_manage = others_manage(&nodes, &outputs.node_id);
            let node = nodes.into_iter().find(|node| node.id == outputs.node_id);
            // One that joined but was not labelled yet is still to be taken out.
            let ours = |node: &Node| match node.labels.get(label::ADDRESS) {
                Some(address) => *address == cx.ownership.address,
                None => others_manage,
            };
            return Ok(node.filter(ours).map(|_| outputs));
        }
        let Some(target) = hosts::target(cx, hosts::own_name(cx)) else {
            return Ok(None);
        };
        let node_id = match Self::own_node(&target, cx).await {
            Ok(Some(node_id)) => node_id,
            // An engine that is up says so itself.
            Ok(None) if Self::is_up(&target, cx).await => return Ok(None),
            // A machine that cannot say any more may have joined before: its managers know, soon.
            Ok(None) | Err(_) => {
                let manager = managers.host().await?;
                return settled(cx, || Self::listed_at(manager.as_ref(), &target.private_ip, cx)).await;
            }
        };
        let nodes = managers.nodes().await?;
        let managed_by_others = others_manage(&nodes, &node_id);
        // One that joined but was not labelled yet is there, and votes; the node that the swarm was
        // begun on has no member until it is labelled.
        let here = nodes.into_iter().find(|node| node.id == node_id);
        Ok(here
            .filter(|node| managed_by_others || labels::same_object(&node.labels, &cx.ownership))
            .map(|node| MemberOutputs { node_id: node.id }))
    }
}

#[cfg(test)]
mod tests;
