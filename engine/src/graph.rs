//! The DAG of what should be: edges from references, an order, cycles by their path.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graph::{DiGraph, NodeIndex};
use subako_state::Address;

use crate::desired::DesiredSet;
use crate::fast::FastMap;
use crate::reference::references;

/// Why resources do not form a DAG.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two resources have one address.
    #[error("{0} is wanted twice")]
    Duplicate(Address),
    /// A resource refers to one that is not wanted.
    #[error("{from} refers to {to}, which does not exist")]
    Unknown {
        /// Which resource.
        from: Address,
        /// What it refers to.
        to: Address,
    },
    /// Resources wait for each other.
    #[error("these wait for each other: {}", path(.0))]
    Cycle(Vec<Address>),
}

fn path(cycle: &[Address]) -> String {
    let mut names: Vec<&str> = cycle.iter().map(Address::as_str).collect();
    names.extend(cycle.first().map(Address::as_str));
    names.join(" → ")
}

/// The DAG. Nodes are the resources in the order given, then one for each `kind.*` that
/// somebody depends on.
#[derive(Debug)]
pub struct ResourceGraph {
    graph: DiGraph<Address, ()>,
    resources: usize,
    order: Vec<usize>,
    dependencies: Vec<Dependencies>,
}

/// What a resource depends on.
#[derive(Debug, Clone)]
pub(crate) struct Dependencies {
    /// What its spec refers to, then the others, each once.
    pub all: Vec<Address>,
    /// How many of them its spec refers to.
    pub referred: usize,
}

impl ResourceGraph {
    /// Builds the DAG. Linear in resources and edges.
    pub fn build(desired: &DesiredSet) -> Result<Self, GraphError> {
        let mut graph = DiGraph::with_capacity(desired.resources.len(), desired.resources.len() * 2);
        let mut index: FastMap<&str, NodeIndex> = FastMap::default();
        index.reserve(desired.resources.len());
        for resource in &desired.resources {
            let node = graph.add_node(resource.address.clone());
            if index.insert(resource.address.as_str(), node).is_some() {
                return Err(GraphError::Duplicate(resource.address.clone()));
            }
        }
        let mut groups: BTreeMap<Address, NodeIndex> = BTreeMap::new();
        let mut dependencies = Vec::with_capacity(desired.resources.len());
        for (position, resource) in desired.resources.iter().enumerate() {
            let node = NodeIndex::new(position);
            let mut all = references(&resource.spec);
            let referred = all.len();
            for dependency in &resource.depends_on {
                if !all.contains(dependency) {
                    all.push(dependency.clone());
                }
            }
            for dependency in &all {
                let from = if dependency.name() == "*" {
                    *groups
                        .entry(dependency.clone())
                        .or_insert_with(|| graph.add_node(dependency.clone()))
                } else {
                    *index
                        .get(dependency.as_str())
                        .ok_or_else(|| GraphError::Unknown {
                            from: resource.address.clone(),
                            to: dependency.clone(),
                        })?
                };
                graph.add_edge(from, node, ());
            }
            dependencies.push(Dependencies { all, referred });
        }
        for (group, node) in &groups {
            for position in 0..desired.resources.len() {
                if desired.resources[position].address.kind() == group.kind() {
                    graph.add_edge(NodeIndex::new(position), *node, ());
                }
            }
        }
        let order = order(&graph)?;
        Ok(Self {
            graph,
            resources: desired.resources.len(),
            order,
            dependencies,
        })
    }

    /// The resources' positions in an order in which each comes after what it depends on;
    /// otherwise in the order given.
    pub fn order(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().copied().filter(|node| *node < self.resources)
    }

    /// What the resource at a position depends on.
    pub(crate) fn dependencies(&self, position: usize) -> &Dependencies {
        &self.dependencies[position]
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.resources
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.resources == 0
    }

    /// The nodes: the resources in the order given, then the groups by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Address> + '_ {
        self.graph.node_weights()
    }

    /// The edges by name, a group standing for itself, sorted.
    pub fn edges(&self) -> Vec<(&Address, &Address)> {
        let mut edges: Vec<_> = self
            .graph
            .edge_indices()
            .filter_map(|edge| self.graph.edge_endpoints(edge))
            .map(|(from, to)| (&self.graph[from], &self.graph[to]))
            .collect();
        edges.sort_unstable();
        edges
    }
}

/// Kahn's algorithm, the lowest index first among those that are ready.
fn order(graph: &DiGraph<Address, ()>) -> Result<Vec<usize>, GraphError> {
    let mut waiting: Vec<usize> = graph
        .node_indices()
        .map(|node| graph.edges_directed(node, Incoming).count())
        .collect();
    let mut ready: BinaryHeap<Reverse<usize>> = waiting
        .iter()
        .enumerate()
        .filter(|(_, count)| **count == 0)
        .map(|(node, _)| Reverse(node))
        .collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for next in graph.neighbors_directed(NodeIndex::new(node), Outgoing) {
            waiting[next.index()] -= 1;
            if waiting[next.index()] == 0 {
                ready.push(Reverse(next.index()));
            }
        }
    }
    if order.len() == waiting.len() {
        Ok(order)
    } else {
        Err(GraphError::Cycle(cycle(graph, &waiting)))
    }
}

/// One cycle among the nodes that were never ready: go back from dependency to dependency
/// until a node comes up again.
fn cycle(graph: &DiGraph<Address, ()>, waiting: &[usize]) -> Vec<Address> {
    let mut seen: FastMap<NodeIndex, usize> = FastMap::default();
    let mut walk: Vec<NodeIndex> = Vec::new();
    let mut at = waiting.iter().position(|count| *count > 0).map(NodeIndex::new);
    while let Some(node) = at {
        if let Some(from) = seen.insert(node, walk.len()) {
            let mut cycle: Vec<Address> = walk[from..]
                .iter()
                .rev()
                .map(|node| graph[*node].clone())
                .collect();
            let least = cycle
                .iter()
                .enumerate()
                .min_by_key(|(_, address)| *address)
                .map_or(0, |(i, _)| i);
            cycle.rotate_left(least);
            return cycle;
        }
        walk.push(node);
        at = graph
            .neighbors_directed(node, Incoming)
            .filter(|before| waiting[before.index()] > 0)
            .min_by_key(|before| before.index());
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::Desired;
    use subako_state::Json;

    fn set(resources: &[(&str, &[&str])]) -> DesiredSet {
        let resources = resources
            .iter()
            .map(|(name, needs)| {
                let refs: Vec<_> = needs
                    .iter()
                    .map(|need| serde_json::json!({"$ref": format!("toy.{need}"), "attr": "id"}))
                    .collect();
                Desired {
                    address: Address::new("toy", name),
                    spec: Json::canonical(&serde_json::json!({ "needs": refs })).expect("json"),
                    depends_on: vec![],
                    protect: false,
                }
            })
            .collect();
        DesiredSet {
            resources,
            ..DesiredSet::default()
        }
    }

    #[test]
    fn references_become_edges_and_give_the_order() {
        let graph =
            ResourceGraph::build(&set(&[("c", &["a", "b"]), ("b", &["a"]), ("a", &[])])).expect("a dag");
        assert_eq!(graph.order().collect::<Vec<_>>(), [2, 1, 0]);
        assert_eq!(graph.edges().len(), 3);
    }

    #[test]
    fn a_cycle_is_named_by_its_path() {
        let error = ResourceGraph::build(&set(&[
            ("x", &[]),
            ("a", &["c", "x"]),
            ("b", &["a"]),
            ("c", &["b"]),
        ]))
        .expect_err("a cycle");
        assert_eq!(
            error.to_string(),
            "these wait for each other: toy.a → toy.b → toy.c → toy.a"
        );
    }

    #[test]
    fn a_reference_to_nothing_is_named() {
        let error = ResourceGraph::build(&set(&[("a", &["z"])])).expect_err("nothing there");
        assert_eq!(error.to_string(), "toy.a refers to toy.z, which does not exist");
    }

    #[test]
    fn a_group_keeps_the_edges_linear() {
        let mut desired = set(&[("a", &[]), ("b", &[])]);
        for name in ["s", "t"] {
            desired.resources.push(Desired {
                address: Address::new("other", name),
                spec: Json::canonical(&serde_json::json!({})).expect("json"),
                depends_on: vec![Address::new("toy", "*")],
                protect: false,
            });
        }
        let graph = ResourceGraph::build(&desired).expect("a dag");
        assert_eq!(graph.edges().len(), 4);
        let nodes: Vec<&str> = graph.nodes().map(Address::as_str).collect();
        assert_eq!(nodes, ["toy.a", "toy.b", "other.s", "other.t", "toy.*"]);
    }
}
