//! Machines of which no node is known by which the swarm would tell whether they are up: a run had
//! begun to set them up, they are found without a record, or the swarm that they were in has lost all
//! its managers. So they are asked themselves.

use futures::stream::{self, StreamExt as _};
use std::collections::BTreeSet;

use subako_state::{Address, Snapshot};

use super::ask::patiently;
use crate::desired::DesiredSet;
use crate::fast::FastSet;
use crate::machine::Machine;
use crate::reference::references;
use crate::survey::SwarmView;
use crate::world::{HostTarget, World};

/// So many are asked at once.
const AT_ONCE: usize = 32;

/// The ids of the running machines that give no answer at all. `orphaned` says that no manager is left
/// that could tell of those that are recorded as nodes.
pub(super) async fn silent(
    world: &World,
    snapshot: &Snapshot,
    desired: &DesiredSet,
    machines: &[Machine],
    view: Option<&SwarmView>,
    orphaned: bool,
) -> BTreeSet<String> {
    let wanted: FastSet<&str> = desired
        .resources
        .iter()
        .filter(|wanted| wanted.address.kind() == "member")
        .map(|wanted| wanted.address.name())
        .collect();
    let nodes = view.into_iter().flat_map(|view| &view.nodes);
    let listed: FastSet<&str> = nodes.map(|node| node.addr.as_str()).collect();
    let running = machines.iter().filter(|machine| machine.is_running());
    let targets = running
        .filter(|machine| machine.name().is_some_and(|name| wanted.contains(name)))
        .filter_map(|machine| without_a_node(snapshot, machine, &listed, orphaned));
    let asked = stream::iter(targets).map(|target| async move {
        let silent = is_silent(world, &target).await;
        silent.then_some(target.instance_id)
    });
    let found: Vec<Option<String>> = asked.buffer_unordered(AT_ONCE).collect().await;
    found.into_iter().flatten().collect()
}

/// The names whose recorded node was made on a machine before the recorded one: a run had begun to
/// replace it. Another machine may have the same address.
pub(crate) fn former(snapshot: &Snapshot) -> BTreeSet<String> {
    let members = snapshot
        .resources
        .iter()
        .filter(|r| !r.deposed && r.address.kind() == "member");
    let moved = members.filter(|member| {
        let mut on = references(&member.spec).into_iter();
        on.any(|machine| {
            let made_on = member.made_with.get(&machine).copied().unwrap_or(0);
            machine.name() == member.address.name()
                && snapshot
                    .get(&machine)
                    .is_some_and(|now| now.generation != made_on)
        })
    });
    moved.map(|member| member.address.name().to_owned()).collect()
}

/// The way to a machine on which no node is recorded: to a recorded one, and to one that is found
/// without a record and that the swarm does not list either. What is recorded of an orphaned node says
/// nothing any more.
fn without_a_node(
    snapshot: &Snapshot,
    machine: &Machine,
    listed: &FastSet<&str>,
    orphaned: bool,
) -> Option<HostTarget> {
    let (name, generation) = machine.owner.as_ref()?;
    let itself = Address::new(machine.kind, name);
    let Some(recorded) = snapshot.get(&itself) else {
        let is_listed = listed.contains(machine.private_ip.as_str());
        return (!is_listed).then(|| machine.target(name, None));
    };
    if recorded.generation != *generation {
        return None;
    }
    let on_it = |kind: &str| {
        let guest = snapshot.get(&Address::new(kind, name))?;
        (guest.made_with.get(&itself).copied().unwrap_or(0) == *generation).then_some(guest)
    };
    if on_it("member").is_some() && !orphaned {
        return None;
    }
    let key = on_it("docker").and_then(|engine| engine.outputs.text_field("host_key"));
    Some(machine.target(name, key))
}

/// Whether nobody answers there. Who refuses the caller is up.
async fn is_silent(world: &World, target: &HostTarget) -> bool {
    match patiently(world, world.hosts.reach(target)).await {
        Some(Ok(_)) => false,
        Some(Err(failure)) => failure.code.is_silence(),
        None => true,
    }
}
