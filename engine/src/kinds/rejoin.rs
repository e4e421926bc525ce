//! Waiting until the node of a machine that was restarted is back in the swarm: only then may
//! the next one be restarted.

use std::time::Duration;

use subako_state::Address;

use super::aside;
use super::barred::{says_barred, votes_no_more};
use super::former;
use super::hosts;
use super::nodes::state_word;
use super::specs::Member;
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::StepContext;
use crate::machine::Machine;
use crate::world::{Availability, Code, EngineInfo, LocalNodeState, NodeState, Reachability, Result, Role};

/// The serial group of everything that restarts an engine or its machine.
pub(crate) const RESTARTS: &str = "restarts";

/// What may be changed where the engine of a machine that was lost has left the swarm.
pub(super) const CALLS: [&str; 2] = ["update_node", "remove_node"];

/// How long a machine may take to boot and its node to be Ready again. A manager's call for
/// the leader and three missed heartbeats are 15 s; the rest is booting.
const LIMIT: Duration = Duration::from_secs(600);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// So long the managers may be without a leader once a machine that was lost is back: they elect
/// one within seconds if they can. If not, more of them have to come back first.
const LEADERLESS: Duration = Duration::from_secs(60);

/// What is said then.
const ALONE: &str = "it is back; its swarm has no leader yet";

/// What is said of a node that no manager lets in.
const BARRED: &str =
    "its machine is back; the swarm does not let its node in any more, so the next apply replaces the node";

/// What was done to the machine whose node is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restart {
    /// It took part before: the swarm has to have it back before another is restarted.
    OfALiving,
    /// It was lost before, and perhaps others with it: it is enough that its own engine is back
    /// where there is no quorum yet.
    OfALost,
}

/// Waits until the node of `member.<name>` is Ready again (and, a manager, Reachable); at once
/// if no such member is known. `live` is the machine as it is now.
pub(super) async fn await_node(cx: &StepContext, name: &str, live: &Machine, restart: Restart) -> Result<()> {
    let Some((member, outputs)) = cx.typed::<Member>(&Address::new("member", name)) else {
        return Ok(());
    };
    if member.machine.value() != Some(live.id.as_str()) {
        return Ok(());
    }
    // The recorded public address of this machine is the one from before it was restarted.
    let mut managers = Managers::new(cx)
        .with_target(hosts::target_of(cx, name, live))
        .within(match restart {
            Restart::OfALiving => LIMIT,
            Restart::OfALost => LEADERLESS,
        });
    let mut wait = Wait::new(cx, format!("wait for the node of {name}"), EVERY, LIMIT);
    loop {
        let host = match managers.host().await {
            Ok(host) => host,
            Err(failure) if restart == Restart::OfALiving || failure.code == Code::Stopped => {
                return Err(failure);
            }
            Err(failure) => {
                if own_engine_is_back(cx, name, live, &outputs.node_id).await {
                    cx.progress.note(ALONE);
                    return Ok(());
                }
                wait.tick(format!("waiting for a manager: {}", failure.message))
                    .await?;
                continue;
            }
        };
        let waiting = match host.node(&outputs.node_id).await {
            Ok(Some(node))
                if restart == Restart::OfALost
                    && node.state == NodeState::Down
                    && own_engine_has_left(cx, name, live).await =>
            {
                // It comes back as another node, when its membership is looked at.
                cx.progress
                    .note("its engine has left the swarm: taking out the node that it was");
                return former::clear("", &live.private_ip, &mut managers, cx).await;
            }
            Ok(Some(node))
                if restart == Restart::OfALost
                    && (node.is_lost() || votes_no_more(&node))
                    && says_barred(&cx.world, &hosts::target_of(cx, name, live), &node).await =>
            {
                cx.progress.note(BARRED);
                return Ok(());
            }
            Ok(Some(node)) if node.state != NodeState::Ready => {
                format!("waiting for its node: {}", state_word(node.state))
            }
            Ok(Some(node))
                if node.role == Role::Manager && node.reachability != Some(Reachability::Reachable) =>
            {
                "waiting for it to be reachable as a manager".to_owned()
            }
            // Nobody could read before that it had been drained for a restart that was never finished.
            Ok(Some(node)) if restart == Restart::OfALost && member.availability == Availability::Active => {
                return aside::activate(name, &node.id, &mut managers, cx).await;
            }
            // A node that is gone is for the next refresh to find.
            Ok(_) => return Ok(()),
            Err(failure) if restart == Restart::OfALost && failure.code == Code::NoLeader => {
                managers.lost();
                if wait.elapsed() >= LEADERLESS && own_engine_is_back(cx, name, live, &outputs.node_id).await
                {
                    cx.progress.note(ALONE);
                    return Ok(());
                }
                format!("waiting for a leader: {}", failure.message)
            }
            Err(failure) => {
                managers.lost();
                format!("waiting for a manager: {}", failure.message)
            }
        };
        wait.tick(waiting).await?;
    }
}

/// What the machine's own engine says of itself; `None` if it does not answer, or is not installed.
async fn own_engine(cx: &StepContext, name: &str, live: &Machine) -> Option<EngineInfo> {
    let reached = cx.world.hosts.reach(&hosts::target_of(cx, name, live)).await;
    reached.ok()?.engine_info().await.ok()?
}

/// Whether the machine's own engine answers as the node that it was.
async fn own_engine_is_back(cx: &StepContext, name: &str, live: &Machine, node_id: &str) -> bool {
    let info = own_engine(cx, name, live).await;
    info.is_some_and(|info| info.node_id.as_deref() == Some(node_id))
}

/// Whether the machine's own engine answers and is in no swarm.
async fn own_engine_has_left(cx: &StepContext, name: &str, live: &Machine) -> bool {
    let info = own_engine(cx, name, live).await;
    info.is_some_and(|info| info.swarm == LocalNodeState::Inactive)
}
