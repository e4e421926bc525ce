//! Nodes that the swarm does not let in any more, although their engines answer.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _};
use subako_state::{Address, Snapshot};

use super::ask::patiently;
use crate::kinds::{says_barred, votes_no_more};
use crate::machine::Machine;
use crate::survey::SwarmView;
use crate::world::{HostTarget, Node, World};

/// So many are asked at once.
const AT_ONCE: usize = 32;

/// The ids of such nodes: of those that are lost, or managers that do not vote, and that are recorded on
/// a machine that runs.
pub(super) async fn nodes(
    world: &World,
    snapshot: &Snapshot,
    machines: &[Machine],
    view: Option<&SwarmView>,
) -> BTreeSet<String> {
    let members = snapshot.resources.iter();
    let members = members.filter(|member| member.address.kind() == "member" && !member.deposed);
    let lost = members.filter_map(|member| {
        let id = member.outputs.text_field("node_id")?;
        let mut nodes = view?.nodes.iter();
        let node = nodes.find(|node| node.id == id && (node.is_lost() || votes_no_more(node)))?;
        let target = target(snapshot, machines, member.address.name(), node)?;
        Some((node.clone(), target))
    });
    let asked = stream::iter(lost).map(|(node, target)| async move {
        let says_so = patiently(world, says_barred(world, &target, &node)).await;
        (says_so == Some(true)).then_some(node.id)
    });
    let found: Vec<Option<String>> = asked.buffer_unordered(AT_ONCE).collect().await;
    found.into_iter().flatten().collect()
}

/// The way to the machine that a node is on, if that runs.
fn target(snapshot: &Snapshot, machines: &[Machine], name: &str, node: &Node) -> Option<HostTarget> {
    let mut there = machines.iter().filter(|machine| machine.is_running());
    let machine = there.find(|machine| machine.private_ip == node.addr)?;
    let engine = snapshot.get(&Address::new("docker", name));
    let key = engine.and_then(|engine| engine.outputs.text_field("host_key"));
    Some(machine.target(name, key))
}
