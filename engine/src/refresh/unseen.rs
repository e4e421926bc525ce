//! Recorded instances that the survey by tag does not show: before one counts as gone, it is asked
//! for by its id, because somebody may have changed the tag of a machine that runs.

use futures::future::try_join_all;
use subako_state::Snapshot;

use crate::fast::FastSet;
use crate::world::{CloudSurvey, InstanceState, Result, World};

/// Adds those that are still there. No call is made where every recorded instance was seen.
pub(super) async fn take_in(world: &World, snapshot: &Snapshot, cloud: &mut CloudSurvey) -> Result<()> {
    let seen: FastSet<&str> = cloud
        .instances
        .iter()
        .map(|instance| instance.id.as_str())
        .collect();
    let unseen: Vec<String> = snapshot
        .resources
        .iter()
        .filter(|resource| resource.address.kind() == "instance")
        .filter_map(|resource| resource.outputs.text_field("instance_id"))
        .filter(|id| !seen.contains(id.as_str()))
        .collect();
    let found = try_join_all(unseen.iter().map(|id| world.cloud.instance(id))).await?;
    cloud
        .instances
        .extend(found.into_iter().flatten().filter(|instance| {
            !matches!(
                instance.state,
                InstanceState::ShuttingDown | InstanceState::Terminated
            )
        }));
    Ok(())
}
