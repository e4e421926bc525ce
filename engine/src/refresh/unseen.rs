//! Recorded instances that the survey by tag does not show: before one counts as gone, it is asked
//! for by its id, because somebody may have changed the tag of a machine that runs, or because EC2
//! lists none while one of its zones is out.

use futures::future::try_join_all;
use subako_state::Snapshot;

use crate::fast::FastSet;
use crate::world::{CloudSurvey, Code, Failure, InstanceState, Result, World};

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
    if let Some(why) = cloud.unlisted.as_ref().filter(|_| unseen.is_empty()) {
        let doing = format!("read cluster {}", snapshot.cluster);
        return Err(Failure::not_applied(doing, why.clone()).with_code(Code::Unavailable));
    }
    let is_listed = cloud.unlisted.is_none();
    let asked = unseen.iter().map(|id| async move {
        match world.cloud.instance(id).await {
            // Those in the other zones can be read.
            Err(failure) if !is_listed && failure.code == Code::Unavailable => {
                Ok(Err((id.clone(), failure.message)))
            }
            answer => answer.map(Ok),
        }
    });
    for answer in try_join_all(asked).await? {
        match answer {
            Ok(found) => cloud.instances.extend(found.filter(|instance| {
                !matches!(
                    instance.state,
                    InstanceState::ShuttingDown | InstanceState::Terminated
                )
            })),
            Err((id, why)) => {
                cloud.unread.insert(id, why);
            }
        }
    }
    Ok(())
}
