//! Which instances that nobody knows may not be terminated: read of those alone, because it takes calls
//! of their own.

use futures::future::try_join_all;

use crate::fast::FastSet;
use crate::survey::Survey;
use crate::world::{Result, World, tag};

/// Reads it of every instance that is neither recorded nor the one of its name. No call is made
/// where there is none.
pub(super) async fn read(world: &World, survey: &mut Survey, claimed: &FastSet<String>) -> Result<()> {
    let is_named = |id: &str, address: Option<&String>| {
        let name = address.and_then(|address| address.strip_prefix("instance."));
        name.and_then(|name| survey.machine_named(name))
            .is_some_and(|machine| machine.id == id)
    };
    let unknown: Vec<usize> = survey
        .cloud
        .instances
        .iter()
        .enumerate()
        .filter(|(_, live)| live.protect.is_none() && !claimed.contains(&live.id))
        .filter(|(_, live)| !is_named(&live.id, live.tags.get(tag::ADDRESS)))
        .map(|(index, _)| index)
        .collect();
    let reads = unknown
        .iter()
        .map(|index| world.cloud.instance(&survey.cloud.instances[*index].id));
    let read = try_join_all(reads).await?;
    for (index, live) in unknown.into_iter().zip(read) {
        survey.cloud.instances[index].protect = live.and_then(|live| live.protect);
    }
    Ok(())
}
