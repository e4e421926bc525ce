//! From what the swarm lists, or what machines answer, to who votes and who of them lives.

use std::collections::{BTreeMap, BTreeSet};

use subako_state::Snapshot;

use crate::fast::FastMap;
use crate::kinds::is_manager;
use crate::machine::Machine;
use crate::survey::{Managers, Standing, SwarmView};
use crate::world::{CloudSurvey, InstanceState, Node, Reachability};

/// How a machine answered, where it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// Its engine is in a swarm.
    InSwarm,
    /// It answers, but not about that: it refuses the caller, or is not whom it should be.
    Refused,
    /// It gave no answer.
    Silent,
    /// Its engine is in no swarm, or it has none.
    Outside,
}

/// As the swarm lists them.
pub(super) fn listed(view: &SwarmView, snapshot: &Snapshot, cloud: &CloudSurvey) -> Managers {
    let members = snapshot.resources.iter().filter(|r| r.address.kind() == "member");
    let names: FastMap<String, (&str, bool)> = members
        .filter_map(|r| Some((r.outputs.text_field("node_id")?, (r.address.name(), r.deposed))))
        .collect();
    let machines = Machines::of(cloud);
    let mut voting: Vec<&Node> = view
        .nodes
        .iter()
        .filter(|node| node.reachability.is_some())
        .collect();
    // Where two have one name, it is that of the one that is recorded and not deposed.
    voting.sort_by_key(|node| names.get(&node.id).is_none_or(|(_, deposed)| *deposed));
    let mut managers = Managers {
        answered: true,
        ..Managers::default()
    };
    for node in voting {
        let name = names
            .get(&node.id)
            .map_or_else(|| crate::kinds::display_name(node), |(name, _)| *name);
        let standing = match is_lost(node, view.silent.contains(name)) {
            false => Standing::Alive,
            true => machines.standing(name),
        };
        let key = match managers.voters.contains_key(name) {
            true => format!("{name} ({})", node.id),
            false => name.to_owned(),
        };
        managers.nodes.insert(key.clone(), node.id.clone());
        managers.voters.insert(key, standing);
    }
    managers
}

/// Where the swarm did not answer: the recorded ones, by how their machines answered. One
/// that is silent is only known to hang where some other machine does answer: otherwise the
/// way to all of them may be what is lost.
pub(super) fn asked(
    snapshot: &Snapshot,
    cloud: &CloudSurvey,
    answers: &BTreeMap<String, Answer>,
    somebody_answers: bool,
) -> Managers {
    let machines = Machines::of(cloud);
    let voters = recorded(snapshot).map(|name| {
        let standing = match answers.get(name) {
            Some(Answer::InSwarm) => Standing::Alive,
            Some(Answer::Outside) => Standing::Gone,
            Some(Answer::Silent) if somebody_answers => Standing::Hung,
            Some(Answer::Silent | Answer::Refused) => Standing::Unknown,
            None => machines.standing(name),
        };
        (name.to_owned(), standing)
    });
    Managers {
        voters: voters.collect(),
        nodes: BTreeMap::new(),
        answered: false,
    }
}

fn recorded(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    let managers = snapshot.resources.iter().filter(|r| !r.deposed);
    managers
        .filter(|r| is_manager(&r.address, &r.spec))
        .map(|r| r.address.name())
}

/// Right after an election nobody knows yet how the nodes are.
fn is_lost(node: &Node, silent: bool) -> bool {
    use crate::world::NodeState;
    let unreachable = node.reachability == Some(Reachability::Unreachable);
    node.is_lost() || (node.state == NodeState::Unknown && (silent || unreachable))
}

/// Which machines are there, by name.
struct Machines<'a> {
    starting: BTreeSet<&'a str>,
    running: BTreeSet<&'a str>,
    resting: BTreeSet<&'a str>,
}

impl<'a> Machines<'a> {
    fn of(cloud: &'a CloudSurvey) -> Self {
        let mut machines = Self {
            starting: BTreeSet::new(),
            running: BTreeSet::new(),
            resting: BTreeSet::new(),
        };
        for instance in &cloud.instances {
            let Some(name) = Machine::name_of(instance) else {
                continue;
            };
            match instance.state {
                InstanceState::Pending => machines.starting.insert(name),
                InstanceState::Running => machines.running.insert(name),
                InstanceState::Stopped | InstanceState::Stopping => machines.resting.insert(name),
                _ => false,
            };
        }
        machines
    }

    /// How a manager that does not take part was lost.
    fn standing(&self, name: &str) -> Standing {
        if self.running.contains(name) {
            Standing::Hung
        } else if self.starting.contains(name) {
            Standing::Starting
        } else if self.resting.contains(name) {
            Standing::Stopped
        } else {
            Standing::Gone
        }
    }
}

#[cfg(test)]
#[path = "managers_tests.rs"]
mod tests;
