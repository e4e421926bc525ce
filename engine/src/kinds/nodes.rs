//! Nodes of the swarm: whose they are, and their words.

use std::collections::HashMap;

use super::labels::{self, label};
use crate::survey::Survey;
use crate::world::{Node, NodeState};

/// The word for a node's state.
pub(super) fn state_word(state: NodeState) -> &'static str {
    match state {
        NodeState::Unknown => "unknown",
        NodeState::Down => "down",
        NodeState::Ready => "ready",
        NodeState::Disconnected => "disconnected",
    }
}

/// The cluster's nodes by the address they are labelled with, each on the machine that has the name:
/// of several the newest. One on another machine is not the one that is wanted.
pub(super) fn nodes_of_machines(survey: &Survey) -> HashMap<&str, &Node> {
    let mut newest: HashMap<&str, &Node> = HashMap::new();
    for node in survey.view().map_or(&[][..], |view| &view.nodes) {
        if let Some(address) = node.labels.get(label::ADDRESS)
            && labels::of_cluster(&node.labels, &survey.cluster)
            && let Some(name) = address.strip_prefix("member.")
            && survey
                .machine_named(name)
                .is_some_and(|machine| machine.private_ip == node.addr)
        {
            let best = newest.entry(address).or_insert(node);
            if labels::generation(&best.labels) < labels::generation(&node.labels) {
                *best = node;
            }
        }
    }
    newest
}

/// The manifest name that a node was labelled with, else its host's name.
pub(crate) fn display_name(node: &Node) -> &str {
    node.labels.get(label::NAME).unwrap_or(&node.hostname)
}
