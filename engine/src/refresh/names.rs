//! Whose name an object has: the state says, for all that it knows; tags and labels say for the
//! rest. The two differ where something was moved in the state alone (`[[moved]]`, a `state mv` that
//! was cut short), or somebody changed a tag. A plan puts right what can be.

use std::collections::BTreeMap;

use subako_state::{Address, Resource, Snapshot};

use crate::fast::FastMap;
use crate::kinds::label;
use crate::survey::SwarmSurvey;
use crate::world::{CloudSurvey, Ownership, tag};

/// The addresses that recorded objects carry, where they are others than the recorded ones.
pub(super) type Misnamed = BTreeMap<Address, String>;

/// Records by an output of a kind.
fn recorded<'a>(snapshot: &'a Snapshot, kind: &str, output: &str) -> FastMap<String, &'a Resource> {
    snapshot
        .resources
        .iter()
        .filter(|resource| resource.address.kind() == kind)
        .filter_map(|resource| Some((resource.outputs.text_field(output)?, resource)))
        .collect()
}

/// Puts the recorded address in the place of the one that an object carries. What only waits to be
/// deleted need not carry it.
fn put_right(carried: &mut String, record: &Resource, misnamed: &mut Misnamed) {
    if carried != record.address.as_str() {
        let found = std::mem::replace(carried, record.address.to_string());
        if !record.deposed {
            misnamed.insert(record.address.clone(), found);
        }
    }
}

/// The address on tags that say whose the object is; those of others are left alone.
fn tagged(tags: &mut BTreeMap<String, String>) -> Option<&mut String> {
    Ownership::from_tags(tags)?;
    tags.get_mut(tag::ADDRESS)
}

/// Gives recorded instances the address that they are recorded under.
pub(super) fn instances(cloud: &mut CloudSurvey, snapshot: &Snapshot) -> Misnamed {
    let mut misnamed = Misnamed::new();
    let records = recorded(snapshot, "instance", "instance_id");
    for instance in &mut cloud.instances {
        if let (Some(record), Some(carried)) = (records.get(instance.id.as_str()), tagged(&mut instance.tags))
        {
            put_right(carried, record, &mut misnamed);
        }
    }
    misnamed
}

/// Gives recorded elastic addresses the address that they are recorded under.
pub(super) fn elastic_ips(cloud: &mut CloudSurvey, snapshot: &Snapshot) -> Misnamed {
    let mut misnamed = Misnamed::new();
    let records = recorded(snapshot, "elastic_ip", "allocation_id");
    for elastic in &mut cloud.elastic_ips {
        if let (Some(record), Some(carried)) = (records.get(elastic.id.as_str()), tagged(&mut elastic.tags)) {
            put_right(carried, record, &mut misnamed);
        }
    }
    misnamed
}

/// Gives recorded members' nodes the address that they are recorded under. A node without a label
/// has been taken out of the cluster's hands.
pub(super) fn nodes(swarm: &mut SwarmSurvey, snapshot: &Snapshot) -> Misnamed {
    let mut misnamed = Misnamed::new();
    let SwarmSurvey::Read(view) = swarm else {
        return misnamed;
    };
    let records = recorded(snapshot, "member", "node_id");
    for node in &mut view.nodes {
        if let (Some(record), Some(carried)) =
            (records.get(node.id.as_str()), node.labels.get_mut(label::ADDRESS))
        {
            put_right(carried, record, &mut misnamed);
        }
    }
    misnamed
}
