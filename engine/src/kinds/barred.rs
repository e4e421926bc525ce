//! Nodes that their swarm does not let in any more: they have to leave and join again.

use crate::world::{Code, EngineInfo, Host, Node, Role};

/// Whether a node is to be a manager and has no vote: it is on its way to one, or has lost it.
pub(crate) fn votes_no_more(node: &Node) -> bool {
    node.role == Role::Manager && node.reachability.is_none()
}

/// Whether the swarm that lists a node does not let it in any more, as its own engine tells: its
/// certificate has run out; or it takes itself for a manager and finds no leader, while the swarm, which
/// was re-formed from another one, gives it no vote.
pub(crate) async fn is_barred(host: &dyn Host, info: &EngineInfo, node: &Node) -> bool {
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
