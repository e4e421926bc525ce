//! The scheduler's order of nodes: fewest tasks of the service first, then fewest tasks in all.
//!
//! As Swarm's own (moby/swarmkit, `manager/scheduler`), but ties are broken by a hash instead of at
//! random. With a placement preference, groups of nodes are filled evenly before nodes are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Where a node stands: tasks of the service, tasks in all, tie break.
type Standing = (u64, u64, u64);

/// The nodes that may take a task of one service, in the scheduler's order. Every operation is
/// logarithmic in the nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread {
    nodes: HashMap<String, (String, Standing)>,
    groups: BTreeMap<String, Group>,
    /// Groups that have a node, by tasks of the service.
    order: BTreeSet<(u64, String)>,
}

#[derive(Debug, Clone, Default)]
struct Group {
    tasks: u64,
    nodes: BTreeSet<(Standing, String)>,
}

impl Spread {
    /// Enters a node of a preference's group, or enters it again with other counts.
    pub fn put(&mut self, node: &str, group: &str, service_tasks: u64, all_tasks: u64, tie: u64) {
        self.remove(node);
        let standing = (service_tasks, all_tasks, tie);
        let place = self.groups.entry(group.to_owned()).or_default();
        if !place.nodes.is_empty() {
            self.order.remove(&(place.tasks, group.to_owned()));
        }
        place.tasks += service_tasks;
        place.nodes.insert((standing, node.to_owned()));
        self.order.insert((place.tasks, group.to_owned()));
        self.nodes.insert(node.to_owned(), (group.to_owned(), standing));
    }

    /// Takes a node out; fine if it is not there.
    pub fn remove(&mut self, node: &str) {
        let Some((group, standing)) = self.nodes.remove(node) else {
            return;
        };
        let Some(place) = self.groups.get_mut(&group) else {
            return;
        };
        self.order.remove(&(place.tasks, group.clone()));
        place.tasks -= standing.0;
        place.nodes.remove(&(standing, node.to_owned()));
        if place.nodes.is_empty() {
            self.groups.remove(&group);
        } else {
            self.order.insert((place.tasks, group));
        }
    }

    /// The node that the next task goes to.
    pub fn best(&self) -> Option<&str> {
        let (_, group) = self.order.first()?;
        let (_, node) = self.groups.get(group)?.nodes.first()?;
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Places `tasks` on nodes that have `others` tasks of other services each.
    fn place(others: &[u64], tasks: u64) -> Vec<u64> {
        let mut counts = vec![0_u64; others.len()];
        let mut spread = Spread::default();
        for (i, other) in others.iter().enumerate() {
            spread.put(&i.to_string(), "", 0, *other, 0);
        }
        for _ in 0..tasks {
            let i: usize = spread.best().unwrap().parse().unwrap();
            counts[i] += 1;
            spread.put(&i.to_string(), "", counts[i], others[i] + counts[i], 0);
        }
        counts
    }

    #[test]
    fn tasks_of_the_service_count_before_all_tasks() {
        let counts = place(&[9, 0, 0], 4);
        assert_eq!(counts.iter().max(), Some(&2));
        assert_eq!(counts[0], 1, "the busy node is last among equals: {counts:?}");
    }

    #[test]
    fn groups_of_a_preference_are_filled_evenly_before_nodes() {
        let mut spread = Spread::default();
        for (node, group) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")] {
            spread.put(node, group, 0, 0, 0);
        }
        let mut counts = BTreeMap::<String, u64>::new();
        for _ in 0..6 {
            let node = spread.best().unwrap().to_owned();
            let count = counts.entry(node.clone()).or_default();
            *count += 1;
            spread.put(&node, &node[..1], *count, *count, 0);
        }
        assert_eq!(counts["b1"], 3);
    }

    #[test]
    fn a_removed_node_takes_nothing() {
        let mut spread = Spread::default();
        spread.put("a", "", 0, 0, 0);
        spread.put("b", "", 1, 1, 0);
        spread.remove("a");
        spread.remove("a");
        assert_eq!(spread.best(), Some("b"));
        spread.remove("b");
        assert_eq!(spread.best(), None);
    }

    proptest! {
        #[test]
        fn unconstrained_tasks_differ_by_at_most_one(others in prop::collection::vec(0..50_u64, 1..40), tasks in 0..300_u64) {
            let counts = place(&others, tasks);
            prop_assert_eq!(counts.iter().sum::<u64>(), tasks);
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }
    }
}
