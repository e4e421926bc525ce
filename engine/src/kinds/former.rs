//! Nodes that a machine was before the one that it is now.
//!
//! An engine that has left the swarm, in a run that was killed before it could be forgotten, joins as
//! another node. The one before it stays listed as down, and as a voter if it was a manager.

use std::time::Duration;

use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::StepContext;
use crate::world::{NodeState, NodeUpdate, Result, Role};

/// How long a node that left may still count as up: 3 heartbeats of 5 s, several times over.
const LIMIT: Duration = Duration::from_secs(120);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Takes every other node at a machine's address out of the swarm: an engine is one node at a time,
/// and one that has left is none (`node_id` is empty then).
pub(super) async fn clear(
    node_id: &str,
    address: &str,
    managers: &mut Managers<'_>,
    cx: &StepContext,
) -> Result<()> {
    let mut wait = Wait::new(cx, "forget the node that it was before", EVERY, LIMIT);
    loop {
        let host = managers.host().await?;
        let nodes = match host.nodes().await {
            Ok(nodes) => nodes,
            Err(failure) => {
                managers.lost();
                wait.tick(format!("waiting for a manager: {}", failure.message))
                    .await?;
                continue;
            }
        };
        let Some(former) = nodes
            .iter()
            .find(|node| node.addr == address && node.id != node_id)
        else {
            return Ok(());
        };
        let waiting = if former.role == Role::Manager {
            let demoted = NodeUpdate {
                role: Some(Role::Worker),
                ..NodeUpdate::default()
            };
            managers.update_node(&former.id, &demoted).await?;
            "waiting for raft to let the node go that it was before"
        } else if former.reachability.is_some() {
            "waiting for raft to let the node go that it was before"
        } else if former.state != NodeState::Down {
            "waiting until the node that it was before counts as down"
        } else {
            managers.remove_node(&former.id, false).await?;
            continue;
        };
        wait.tick(waiting).await?;
    }
}
