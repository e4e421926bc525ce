//! Labels that Subako puts on nodes, networks, services and the swarm itself: the swarm's
//! counterpart of EC2's tags.

use std::collections::BTreeMap;

use subako_state::Address;

use crate::kind::address_or_id;
use crate::survey::{Survey, SwarmView};
use crate::world::Ownership;

/// Label keys, never user-set and never compared with the manifest.
pub mod label {
    /// The cluster's name.
    pub const CLUSTER: &str = "subako.cluster";
    /// The resource's address, `kind.name`.
    pub const ADDRESS: &str = "subako.address";
    /// How many times the address had been created before, as a decimal number.
    pub const GENERATION: &str = "subako.generation";
    /// The idempotency token of the creating step; on the swarm only.
    pub const TOKEN: &str = "subako.token";
    /// A node's name in the manifest.
    pub const NAME: &str = "subako.name";
    /// The prefix of all of them.
    pub const PREFIX: &str = "subako.";
}

/// The user's labels with those that say whose the object is. The token is not among them:
/// an object that is deleted and created again by an undo is to be as it was.
pub(super) fn owned(user: &BTreeMap<String, String>, ownership: &Ownership) -> BTreeMap<String, String> {
    let mut labels = user.clone();
    labels.insert(label::CLUSTER.to_owned(), ownership.cluster.clone());
    labels.insert(label::ADDRESS.to_owned(), ownership.address.clone());
    labels.insert(label::GENERATION.to_owned(), ownership.generation.to_string());
    labels
}

/// The labels that are the user's own.
pub(super) fn user(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .filter(|(key, _)| !key.starts_with(label::PREFIX))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Whether an object belongs to the cluster.
pub(super) fn of_cluster(labels: &BTreeMap<String, String>, cluster: &str) -> bool {
    labels.get(label::CLUSTER).is_some_and(|owner| owner == cluster)
}

/// Whether an object is the one that this step made or would make.
pub(super) fn same_object(labels: &BTreeMap<String, String>, ownership: &Ownership) -> bool {
    of_cluster(labels, &ownership.cluster)
        && labels.get(label::ADDRESS) == Some(&ownership.address)
        && generation(labels) == ownership.generation
}

/// The generation on the label; 0 without one.
pub(super) fn generation(labels: &BTreeMap<String, String>) -> u32 {
    labels
        .get(label::GENERATION)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// The address and generation on an object's labels; without an address, that of its id.
pub(super) fn listed(kind: &str, labels: &BTreeMap<String, String>, id: &str) -> (Address, u32) {
    let address = address_or_id(kind, labels.get(label::ADDRESS), id);
    (address, generation(labels))
}

/// The address of the swarm that a survey has read.
pub(super) fn swarm(survey: &Survey, view: &SwarmView) -> Address {
    address_or_id("swarm", view.labels.get(label::ADDRESS), &survey.cluster)
}
