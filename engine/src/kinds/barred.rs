//! Nodes that their swarm does not let in any more: they have to leave and join again.

use super::swarm_access::Managers;
use crate::world::{Code, EngineInfo, Host, HostTarget, Node, Result, Role, World};

/// Whether a node is to be a manager and has no vote: it is on its way to one, or has lost it.
pub(crate) fn votes_no_more(node: &Node) -> bool {
    node.role == Role::Manager && node.reachability.is_none()
}

/// Whether the swarm that lists a node does not let it in any more, as its own engine tells: its
/// certificate has run out; or it takes itself for a manager and finds no leader, while the swarm, which
/// was re-formed from another one, gives it no vote.
async fn is_barred(host: &dyn Host, info: &EngineInfo, node: &Node) -> bool {
    if info.node_id.as_ref() != Some(&node.id) {
        return false;
    }
    if info.expired {
        return true;
    }
    if !(info.control_available && votes_no_more(node)) {
        return false;
    }
    let asked = host.swarm_inspect().await;
    matches!(asked, Err(failure) if failure.code == Code::NoLeader)
}

/// Whether the engine there answers, and says so of the node that it is. Who does not answer is only
/// lost.
pub(crate) async fn says_barred(world: &World, target: &HostTarget, node: &Node) -> bool {
    let asked = async {
        let host = world.hosts.reach(target).await.ok()?;
        let info = host.engine_info().await.ok()??;
        Some(is_barred(host.as_ref(), &info, node).await)
    };
    asked.await == Some(true)
}

/// Whether the swarm lists the node that an engine is and does not let it in any more. One whose
/// certificate has run out may be listed by nobody.
pub(super) async fn has_to_join_again(
    host: &dyn Host,
    info: &EngineInfo,
    managers: &mut Managers<'_>,
) -> Result<bool> {
    if info.expired {
        return Ok(true);
    }
    let (Some(id), true) = (&info.node_id, info.control_available) else {
        return Ok(false);
    };
    match managers.node(id).await? {
        Some(node) => Ok(is_barred(host, info, &node).await),
        None => Ok(false),
    }
}
