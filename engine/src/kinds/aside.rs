//! A node steps aside before its engine or its machine is restarted, and comes back afterwards: its
//! tasks run elsewhere meanwhile, so that no request meets one that dies.

use std::time::Duration;

use subako_state::Address;

use super::displaced::Displaced;
use super::drain;
use super::specs::Member;
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::StepContext;
use crate::world::{Availability, Failure, Node, NodeState, Result};

/// How long a new leader may take to know which nodes are up: they report to it within three
/// heartbeats of 5 s, several times over.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// What may be called: the node is drained, and made active again.
pub(super) const CALLS: [&str; 3] = ["refresh_logins", "update_node", "update_node"];

/// A node whose tasks run elsewhere while it restarts.
pub(super) struct Aside<'a> {
    cx: &'a StepContext,
    name: &'a str,
    node_id: String,
    displaced: Displaced,
    /// Whether it was drained for this.
    drained: bool,
}

impl<'a> Aside<'a> {
    /// Has the node of `member.<name>` step aside; `None` if no such member is recorded, or if it is
    /// recorded as one that takes no tasks. One without another node to run its tasks keeps them
    /// until it restarts.
    pub async fn step(cx: &'a StepContext, name: &'a str) -> Result<Option<Self>> {
        let Some((member, outputs)) = cx.typed::<Member>(&Address::new("member", name)) else {
            return Ok(None);
        };
        if member.availability != Availability::Active {
            return Ok(None);
        }
        let node_id = outputs.node_id;
        let mut managers = Managers::new(cx);
        let nodes = known_states(name, &mut managers, cx).await?;
        let Some(own) = nodes.iter().find(|node| node.id == node_id) else {
            return Ok(None);
        };
        let mut displaced = Displaced::from(&node_id, &mut managers).await?;
        let mut drained = false;
        if own.state == NodeState::Ready && nodes.iter().any(|node| takes_tasks(node, &node_id)) {
            drained = drain::begin(own, &mut managers, cx).await?;
            let doing = format!("have {name} step aside");
            let moved = async {
                drain::emptied(&node_id, doing, &mut managers, cx).await?;
                displaced.run_elsewhere(&mut managers, cx).await
            };
            moved
                .await
                .map_err(|failure: Failure| if drained { failure.after_effect() } else { failure })?;
        }
        Ok(Some(Self {
            cx,
            name,
            node_id,
            displaced,
            drained,
        }))
    }

    /// Whether stepping aside has changed anything.
    pub fn has_effect(&self) -> bool {
        self.drained
    }

    /// Makes the node active again, and waits for the tasks that only it can run.
    pub async fn back(mut self) -> Result<()> {
        let mut managers = Managers::new(self.cx);
        activate(self.name, &self.node_id, &mut managers, self.cx).await?;
        self.displaced.run_elsewhere(&mut managers, self.cx).await
    }
}

/// Makes the node of `member.<name>` active again where it stepped aside and did not come back: the
/// restart that it did so for was given up.
pub(super) async fn restore(cx: &StepContext, name: &str) -> Result<()> {
    match cx.typed::<Member>(&Address::new("member", name)) {
        Some((member, outputs)) if member.availability == Availability::Active => {
            activate(name, &outputs.node_id, &mut Managers::new(cx), cx).await
        }
        _ => Ok(()),
    }
}

/// Has a drained node take tasks again. One that is gone is for the next refresh to find.
pub(super) async fn activate(
    name: &str,
    node_id: &str,
    managers: &mut Managers<'_>,
    cx: &StepContext,
) -> Result<()> {
    let node = managers.node(node_id).await?;
    if node.is_some_and(|node| node.availability == Availability::Drain) {
        cx.progress.note(format!("letting {name} take tasks again"));
        drain::set(node_id, Availability::Active, managers).await?;
    }
    Ok(())
}

/// The nodes, once it is known of each whether it is up. A new leader does not know at first, and
/// the restart before this one may have made one.
async fn known_states(name: &str, managers: &mut Managers<'_>, cx: &StepContext) -> Result<Vec<Node>> {
    let mut wait = Wait::new(cx, format!("have {name} step aside"), EVERY, LIMIT);
    loop {
        let host = managers.host().await?;
        let waiting = match host.nodes().await {
            Ok(nodes) if nodes.iter().all(|node| node.state != NodeState::Unknown) => return Ok(nodes),
            Ok(nodes) if wait.elapsed() >= LIMIT => return Ok(nodes),
            Ok(_) => "waiting for the state of all nodes to be known".to_owned(),
            Err(failure) => {
                managers.lost();
                format!("waiting for a manager: {}", failure.message)
            }
        };
        wait.tick(waiting).await?;
    }
}

fn takes_tasks(node: &Node, except: &str) -> bool {
    node.id != except && node.state == NodeState::Ready && node.availability == Availability::Active
}
