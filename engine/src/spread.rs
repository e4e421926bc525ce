//! How evenly a service's tasks are spread over the nodes that may run them.
//!
//! Swarm's scheduler puts a task on the node that has the fewest of its service (swarmkit,
//! `scheduler/nodeset.go`), and never moves one that runs: a node that comes back stays idle until
//! something else is deployed. So a service is skewed where one node has at least two tasks of it more
//! than another that could have taken one. Under placement preferences that holds among the values of
//! the label first, then among the nodes of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::world::service::{Mode, ServiceSpec};
use crate::world::{Availability, Node, NodeState, Role, Service, Task, TaskState};

/// How far a service is from even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skew {
    /// The most tasks that one node, or the nodes of one value of a preference, have.
    pub most: u64,
    /// The fewest.
    pub fewest: u64,
}

/// How far a service is from even; `None` where it is even, or nobody can say: a global service, one
/// without a choice, one whose constraints speak of what a node's entry does not say.
pub fn skew(service: &Service, nodes: &[Node], tasks: &[Task]) -> Option<Skew> {
    let spec = &service.spec;
    if !matches!(spec.mode, Mode::Replicated(_)) {
        return None;
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for node in nodes.iter().filter(|node| takes_tasks(node)) {
        if meets(node, spec)? {
            counts.insert(&node.id, 0);
        }
    }
    let own = tasks
        .iter()
        .filter(|task| task.service == spec.name && task.desired == TaskState::Running);
    for task in own.filter(|task| task.state <= TaskState::Running) {
        if let Some(count) = task.node_id.as_deref().and_then(|id| counts.get_mut(id)) {
            *count += 1;
        }
    }
    let eligible: Vec<(&Node, u64)> = nodes
        .iter()
        .filter_map(|node| Some((node, *counts.get(node.id.as_str())?)))
        .collect();
    let preferences: Vec<&str> = spec.preferences.iter().map(String::as_str).collect();
    among(&eligible, &preferences)
}

/// The first that is uneven: among the values of the first preference, within one of them, or among
/// the nodes where no preference is left.
fn among(nodes: &[(&Node, u64)], preferences: &[&str]) -> Option<Skew> {
    let Some((first, rest)) = preferences.split_first() else {
        return uneven(nodes.iter().map(|(_, count)| *count));
    };
    let mut branches: BTreeMap<&str, Vec<(&Node, u64)>> = BTreeMap::new();
    for (node, count) in nodes {
        branches
            .entry(label(node, first))
            .or_default()
            .push((node, *count));
    }
    let sums = branches
        .values()
        .map(|branch| branch.iter().map(|(_, count)| count).sum());
    uneven(sums).or_else(|| branches.values().find_map(|branch| among(branch, rest)))
}

fn uneven(counts: impl Iterator<Item = u64> + Clone) -> Option<Skew> {
    let (most, fewest) = (counts.clone().max()?, counts.min()?);
    (most > fewest + 1).then_some(Skew { most, fewest })
}

fn takes_tasks(node: &Node) -> bool {
    node.state == NodeState::Ready && node.availability == Availability::Active
}

/// The value of a node's label in a preference or constraint; the empty text where it has none.
fn label<'a>(node: &'a Node, subject: &str) -> &'a str {
    let own = subject
        .strip_prefix("node.labels.")
        .and_then(|own| node.labels.get(own));
    own.map_or("", String::as_str)
}

/// Whether a node meets the constraints of a service; `None` where its entry does not say.
fn meets(node: &Node, spec: &ServiceSpec) -> Option<bool> {
    let mut all = true;
    for constraint in &spec.constraints {
        all &= meets_one(node, constraint)?;
    }
    Some(all)
}

/// Swarm compares without case (swarmkit, `constraint.Match`).
fn meets_one(node: &Node, constraint: &str) -> Option<bool> {
    let (subject, wanted, value) = match (constraint.split_once("!="), constraint.split_once("==")) {
        (Some((subject, value)), _) => (subject.trim(), false, value.trim()),
        (None, Some((subject, value))) => (subject.trim(), true, value.trim()),
        (None, None) => return None,
    };
    let is = match subject {
        "node.id" => &node.id,
        "node.hostname" => &node.hostname,
        "node.role" => match node.role {
            Role::Manager => "manager",
            Role::Worker => "worker",
        },
        own if own.starts_with("node.labels.") => label(node, own),
        _ => return None,
    };
    Some(is.eq_ignore_ascii_case(value) == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::world::ServiceSpec;

    fn node(index: usize, zone: &str) -> Node {
        Node {
            id: format!("n{index}"),
            hostname: format!("ip-10-0-0-{index}"),
            addr: format!("10.0.0.{index}"),
            role: if index == 0 { Role::Manager } else { Role::Worker },
            availability: Availability::Active,
            labels: [("zone".to_owned(), zone.to_owned())].into(),
            state: NodeState::Ready,
            reachability: None,
            leader: index == 0,
            engine_version: "25.0.8".to_owned(),
        }
    }

    fn service(constraints: &[&str], preferences: &[&str]) -> Service {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Service {
            id: "s".to_owned(),
            spec: ServiceSpec {
                constraints: texts(constraints),
                mode: Mode::Replicated(9),
                preferences: texts(preferences),
                ..ServiceSpec::new("web", "nginx")
            },
            update: None,
        }
    }

    fn tasks(counts: &[u64]) -> Vec<Task> {
        let on = counts.iter().enumerate();
        let on = on.flat_map(|(node, count)| (0..*count).map(move |_| node));
        on.enumerate()
            .map(|(slot, node)| Task {
                id: format!("t{slot}"),
                service: "web".to_owned(),
                slot: Some(slot as u64 + 1),
                node_id: Some(format!("n{node}")),
                state: TaskState::Running,
                desired: TaskState::Running,
                error: None,
                image: "nginx".to_owned(),
            })
            .collect()
    }

    fn of(service: &Service, zones: &[&str], counts: &[u64]) -> Option<Skew> {
        let nodes: Vec<Node> = zones.iter().enumerate().map(|(i, zone)| node(i, zone)).collect();
        skew(service, &nodes, &tasks(counts))
    }

    #[test]
    fn a_service_is_skewed_where_a_node_has_two_more_than_another_that_could_have_taken_one() {
        let (free, workers) = (service(&[], &[]), service(&["node.role == worker"], &[]));
        let three = ["a", "a", "b"];
        assert_eq!(of(&free, &three, &[3, 2, 2]), None);
        assert_eq!(of(&free, &three, &[4, 4, 0]), Some(Skew { most: 4, fewest: 0 }));
        assert_eq!(
            of(&workers, &three, &[0, 4, 4]),
            None,
            "no manager could have taken one"
        );
        assert_eq!(
            of(&workers, &three, &[4, 4, 4]),
            None,
            "what is where it cannot be is not moved"
        );
        let unknown = service(&["engine.labels.disk == fast"], &[]);
        assert_eq!(of(&unknown, &three, &[9, 0, 0]), None, "nobody can say");
        let mut global = service(&[], &[]);
        global.spec.mode = Mode::Global;
        assert_eq!(of(&global, &three, &[2, 0, 0]), None);
        let mut nodes: Vec<Node> = (0..3).map(|i| node(i, "a")).collect();
        nodes[2].availability = Availability::Drain;
        assert_eq!(
            skew(&free, &nodes, &tasks(&[4, 4, 0])),
            None,
            "a drained node takes none"
        );
        nodes[2].availability = Availability::Active;
        nodes[2].state = NodeState::Down;
        assert_eq!(
            skew(&free, &nodes, &tasks(&[4, 4, 0])),
            None,
            "nor does one that is down"
        );
    }

    #[test]
    fn under_a_preference_its_values_are_even_first() {
        let by_zone = service(&[], &["node.labels.zone"]);
        let zones = ["a", "b", "b", "b"];
        assert_eq!(of(&by_zone, &zones, &[6, 2, 2, 2]), None);
        assert_eq!(
            of(&by_zone, &zones, &[3, 3, 3, 3]),
            Some(Skew { most: 9, fewest: 3 })
        );
        assert_eq!(
            of(&by_zone, &zones, &[6, 4, 2, 0]),
            Some(Skew { most: 4, fewest: 0 })
        );
    }

    proptest! {
        /// What the scheduler places one by one is even, however many tasks and nodes there are; one
        /// moved from the emptiest node to the fullest is not.
        #[test]
        fn what_is_placed_one_by_one_where_there_are_fewest_is_even(nodes in 2usize..9, count in 0u64..40) {
            let mut counts = vec![0u64; nodes];
            for _ in 0..count {
                *counts.iter_mut().min().expect("a node") += 1;
            }
            let zones = vec!["a"; nodes];
            prop_assert_eq!(of(&service(&[], &[]), &zones, &counts), None);
            counts.sort_unstable();
            if counts[0] > 0 {
                counts[0] -= 1;
                counts[nodes - 1] += 1;
                prop_assert!(of(&service(&[], &[]), &zones, &counts).is_some());
            }
        }
    }
}
