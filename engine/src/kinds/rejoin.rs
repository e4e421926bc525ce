//! Waiting until the node of a machine that was restarted is back in the swarm: only then may
//! the next one be restarted.

use std::time::Duration;

use subako_state::Address;

use super::hosts;
use super::nodes::state_word;
use super::specs::Member;
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::StepContext;
use crate::world::{Instance, NodeState, Reachability, Result, Role};

/// The serial group of everything that restarts an engine or its machine.
pub(super) const RESTARTS: &str = "restarts";

/// How long a machine may take to boot and its node to be Ready again. A manager's call for
/// the leader and three missed heartbeats are 15 s; the rest is booting.
const LIMIT: Duration = Duration::from_secs(600);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// Waits until the node of `member.<name>` is Ready again (and, a manager, Reachable); at once
/// if no such member is known. `live` is the instance as it is now.
pub(super) async fn await_node(cx: &StepContext, name: &str, live: &Instance) -> Result<()> {
    let Some((member, outputs)) = cx.typed::<Member>(&Address::new("member", name)) else {
        return Ok(());
    };
    if member.instance.value() != Some(live.id.as_str()) {
        return Ok(());
    }
    // The recorded public address of this machine is the one from before it was restarted.
    let mut managers = Managers::new(cx)
        .with_target(hosts::target_of(cx, name, live))
        .within(LIMIT);
    let mut wait = Wait::new(cx, format!("wait for the node of {name}"), EVERY, LIMIT);
    loop {
        let host = managers.host().await?;
        let waiting = match host.node(&outputs.node_id).await {
            Ok(Some(node)) if node.state != NodeState::Ready => {
                format!("waiting for its node: {}", state_word(node.state))
            }
            Ok(Some(node))
                if node.role == Role::Manager && node.reachability != Some(Reachability::Reachable) =>
            {
                "waiting for it to be reachable as a manager".to_owned()
            }
            // A node that is gone is for the next refresh to find.
            Ok(_) => return Ok(()),
            Err(failure) => {
                managers.lost();
                format!("waiting for a manager: {}", failure.message)
            }
        };
        wait.tick(waiting).await?;
    }
}
