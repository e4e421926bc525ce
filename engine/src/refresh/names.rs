//! Whose name an object has: the state says, for all that it knows; tags and labels say for the
//! rest. The two differ where a renaming (`state mv`) was cut short, or somebody changed a tag.

use subako_state::Snapshot;

use crate::fast::FastMap;
use crate::kinds::label;
use crate::survey::SwarmSurvey;
use crate::world::{CloudSurvey, Ownership, tag};

/// Recorded addresses by an output of a kind.
fn recorded<'a>(snapshot: &'a Snapshot, kind: &str, output: &str) -> FastMap<String, &'a str> {
    snapshot
        .resources
        .iter()
        .filter(|resource| resource.address.kind() == kind)
        .filter_map(|resource| Some((resource.outputs.text_field(output)?, resource.address.as_str())))
        .collect()
}

/// Gives recorded instances the address that they are recorded under.
pub(super) fn instances(cloud: &mut CloudSurvey, snapshot: &Snapshot) {
    let addresses = recorded(snapshot, "instance", "instance_id");
    for instance in &mut cloud.instances {
        if let (Some(address), Some(_)) = (
            addresses.get(instance.id.as_str()),
            Ownership::from_tags(&instance.tags),
        ) {
            instance
                .tags
                .insert(tag::ADDRESS.to_owned(), (*address).to_owned());
        }
    }
}

/// Gives recorded members' nodes the address that they are recorded under. A node without a label
/// has been taken out of the cluster's hands.
pub(super) fn nodes(swarm: &mut SwarmSurvey, snapshot: &Snapshot) {
    let SwarmSurvey::Read(view) = swarm else {
        return;
    };
    let addresses = recorded(snapshot, "member", "node_id");
    for node in &mut view.nodes {
        if let (Some(address), Some(label)) = (
            addresses.get(node.id.as_str()),
            node.labels.get_mut(label::ADDRESS),
        ) {
            (*address).clone_into(label);
        }
    }
}
