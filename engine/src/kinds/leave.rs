//! How a node leaves the swarm: drained, demoted, gone, forgotten, in that order.

use std::sync::Arc;
use std::time::Duration;

use super::displaced::Displaced;
use super::drain;
use super::hosts;
use super::labels;
use super::machine;
use super::specs::Member;
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::StepContext;
use crate::machine::Machine;
use crate::world::{Availability, Host, LocalNodeState, Node, NodeState, NodeUpdate, Result, Role};

/// How long a demotion may take: swarmkit tries it again every 5 s until quorum survives it.
const DEMOTE_LIMIT: Duration = Duration::from_secs(120);
/// How long a node that left may still count as up: 3 heartbeats of 5 s, several times over.
const DOWN_LIMIT: Duration = Duration::from_secs(120);
/// How long the last manager waits for the other nodes to leave before it.
const OTHERS_LIMIT: Duration = Duration::from_secs(600);
/// What is said of a machine that is not the node's.
const OTHER: &str = "its engine is another node, or none";
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Which machine answered as a node.
enum Asked {
    /// This one.
    Node(Arc<dyn Host>),
    /// None: its engine has left the swarm already.
    Left,
    /// None, and what each of them said.
    Nobody(String),
}

/// A node on its way out.
pub(super) struct Leaving<'a> {
    member: &'a Member,
    node_id: &'a str,
    cx: &'a StepContext,
    managers: Managers<'a>,
    effect: bool,
}

impl<'a> Leaving<'a> {
    /// The node of a member.
    pub fn new(member: &'a Member, node_id: &'a str, cx: &'a StepContext) -> Self {
        Self {
            member,
            node_id,
            cx,
            managers: Managers::new(cx).except_node(node_id),
            effect: false,
        }
    }

    /// Leaves. Every step may find itself done already, by an interrupted attempt.
    pub async fn leave(mut self) -> Result<()> {
        let left = self.steps().await;
        left.map_err(|failure| {
            if self.effect {
                failure.after_effect()
            } else {
                failure
            }
        })
    }

    fn doing(&self) -> String {
        format!("take {} out of the swarm", hosts::own_name(self.cx))
    }

    async fn steps(&mut self) -> Result<()> {
        if self.managers.attempt().await.is_err()
            && let Some(own) = self.last_manager().await?
        {
            return self.unmark(own).await;
        }
        let Some(node) = self.managers.node(self.node_id).await? else {
            return Ok(());
        };
        let mut up = node.state != NodeState::Down;
        if up {
            up = self.drain(&node).await?;
        }
        let own = if up { self.own_host().await? } else { None };
        if node.role == Role::Manager || node.reachability.is_some() {
            self.demote(own.as_deref()).await?;
        }
        if let Some(own) = own {
            self.cx.progress.note("leaving");
            self.effect = true;
            own.swarm_leave(false).await?;
        }
        if up {
            self.await_down().await?;
        }
        self.effect = true;
        self.managers.remove_node(self.node_id, false).await
    }

    /// The node's own host, if it is the only manager there is. That swarm ends with it, and
    /// ending it is for the swarm's own delete.
    async fn last_manager(&self) -> Result<Option<Arc<dyn Host>>> {
        let any = Managers::new(self.cx).host().await?;
        let mut managers = any
            .nodes()
            .await?
            .into_iter()
            .filter(|node| node.role == Role::Manager);
        let alone = managers.all(|node| node.id == self.node_id);
        Ok(alone.then_some(any))
    }

    /// The last node stays in the swarm as no resource's member: the opposite of how the swarm's
    /// first node became one.
    async fn unmark(&mut self, own: Arc<dyn Host>) -> Result<()> {
        let mut wait = Wait::new(self.cx, self.doing(), EVERY, OTHERS_LIMIT);
        loop {
            let nodes = own.nodes().await?;
            let others = nodes.iter().filter(|node| node.id != self.node_id).count();
            if others == 0 {
                let labels = nodes
                    .first()
                    .map(|node| labels::user(&node.labels))
                    .unwrap_or_default()
                    .into_iter()
                    .filter(|(key, _)| !self.member.labels.contains_key(key))
                    .collect();
                let update = NodeUpdate {
                    role: None,
                    availability: Some(Availability::Active),
                    labels: Some(labels),
                };
                return own.update_node(self.node_id, &update).await;
            }
            wait.tick(format!(
                "it is the last manager: waiting for {others} other nodes to leave"
            ))
            .await?;
        }
    }

    /// Moves the tasks elsewhere, and waits until they run there: the node that leaves next may be
    /// where the others of the service are. Says whether the node is still up.
    async fn drain(&mut self, node: &Node) -> Result<bool> {
        let mut displaced = Displaced::from(self.node_id, &mut self.managers).await?;
        self.effect |= drain::begin(node, &mut self.managers, self.cx).await?;
        let doing = self.doing();
        let up = drain::emptied(self.node_id, doing, &mut self.managers, self.cx).await?;
        displaced.run_elsewhere(&mut self.managers, self.cx).await?;
        Ok(up)
    }

    /// Takes a manager out of raft, and waits until both sides know it: `leave` on what still
    /// thinks it is a manager is refused.
    async fn demote(&mut self, own: Option<&dyn Host>) -> Result<()> {
        let update = NodeUpdate {
            role: Some(Role::Worker),
            ..NodeUpdate::default()
        };
        self.cx.progress.note("demoting");
        self.managers.update_node(self.node_id, &update).await?;
        self.effect = true;
        let mut wait = Wait::new(self.cx, self.doing(), EVERY, DEMOTE_LIMIT);
        loop {
            let manager = self.managers.host().await?;
            let waiting = match manager.node(self.node_id).await {
                Ok(None) => return Ok(()),
                Ok(Some(node)) if node.reachability.is_some() => "waiting for raft to let it go".to_owned(),
                Ok(Some(_)) => match own {
                    None => return Ok(()),
                    // While it changes its role its engine may not answer for a moment.
                    Some(own) => match own.engine_info().await {
                        Ok(Some(info)) if !info.control_available => return Ok(()),
                        Ok(_) => "waiting for its engine to stop managing".to_owned(),
                        Err(failure) => format!("waiting for its engine: {}", failure.message),
                    },
                },
                Err(failure) => {
                    self.managers.lost();
                    format!("waiting for a manager: {}", failure.message)
                }
            };
            wait.tick(waiting).await?;
        }
    }

    async fn await_down(&mut self) -> Result<()> {
        let mut wait = Wait::new(self.cx, self.doing(), EVERY, DOWN_LIMIT);
        loop {
            let manager = self.managers.host().await?;
            let waiting = match manager.node(self.node_id).await {
                Ok(None) => return Ok(()),
                Ok(Some(node)) if node.state == NodeState::Down => return Ok(()),
                Ok(Some(_)) => "waiting until it counts as down".to_owned(),
                Err(failure) => {
                    self.managers.lost();
                    format!("waiting for a manager: {}", failure.message)
                }
            };
            wait.tick(waiting).await?;
        }
    }

    /// The machine whose engine is this node; `None` if its engine has left, or if it is gone, so
    /// that the node counts as down. Its name may belong to its successor.
    async fn own_host(&mut self) -> Result<Option<Arc<dyn Host>>> {
        let mut wait = Wait::new(self.cx, self.doing(), EVERY, DOWN_LIMIT);
        loop {
            let manager = self.managers.host().await?;
            let waiting = match manager.node(self.node_id).await {
                Ok(None) => return Ok(None),
                Ok(Some(node)) if node.state == NodeState::Down => return Ok(None),
                Ok(Some(node)) => match self.ask_machines(&node).await? {
                    Asked::Node(host) => return Ok(Some(host)),
                    Asked::Left => return Ok(None),
                    Asked::Nobody(why) => format!("no machine answers as its node ({why})"),
                },
                Err(failure) => {
                    self.managers.lost();
                    format!("waiting for a manager: {}", failure.message)
                }
            };
            wait.tick(waiting).await.map_err(|failure| {
                failure.with_hint(format!(
                    "stop the machine, or `docker node rm --force {}` on a manager",
                    self.node_id
                ))
            })?;
        }
    }

    /// Asks every machine that may be the node: the recorded one, those of its name, and the one
    /// at its address.
    async fn ask_machines(&self, node: &Node) -> Result<Asked> {
        let own_name = hosts::own_name(self.cx);
        let mut machines = machine::of_cluster(self.cx).await?;
        let recorded = self.member.machine.value();
        // Somebody may have changed the tag by which it counts as the cluster's.
        if let Some(id) = recorded.filter(|id| machines.iter().all(|seen| seen.id != **id)) {
            machines.extend(machine::find(self.cx, id).await?);
        }
        let mut candidates: Vec<&Machine> = machines
            .iter()
            .filter(|machine| {
                let is_recorded = recorded == Some(machine.id.as_str());
                machine.private_ip == node.addr || is_recorded || machine.name() == Some(own_name)
            })
            .collect();
        candidates.sort_by_key(|machine| machine.private_ip != node.addr);
        let mut tried = Vec::new();
        let mut left = false;
        for machine in candidates {
            match self.ask(machine).await {
                Ok(Some(host)) => return Ok(Asked::Node(host)),
                // Only the engine at its address can have been it: others have never joined.
                Ok(None) if machine.private_ip == node.addr => left = true,
                Ok(None) => tried.push(format!("{}: {OTHER}", machine.id)),
                Err(why) => tried.push(format!("{}: {why}", machine.id)),
            }
        }
        Ok(match left {
            true => Asked::Left,
            false => Asked::Nobody(tried.join("; ")),
        })
    }

    /// The machine if its engine is this node, `None` if its engine is none.
    async fn ask(&self, machine: &Machine) -> std::result::Result<Option<Arc<dyn Host>>, String> {
        if !machine.is_running() {
            return Err(format!("it is {}", machine.power));
        }
        let target = hosts::target_of(self.cx, hosts::own_name(self.cx), machine);
        let host = self
            .cx
            .world
            .hosts
            .reach(&target)
            .await
            .map_err(|failure| failure.message)?;
        match host.engine_info().await {
            Ok(Some(info)) if info.node_id.as_deref() == Some(self.node_id) => Ok(Some(host)),
            Ok(Some(info)) if info.swarm == LocalNodeState::Inactive => Ok(None),
            Ok(_) => Err(OTHER.to_owned()),
            Err(failure) => Err(failure.message),
        }
    }
}
