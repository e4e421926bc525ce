//! Starting and stopping a machine.

use crate::kind::StepContext;
use crate::world::{self, Failure, InstanceState, Result};

/// Starts an instance, whatever it is on its way to, and waits until it runs.
pub(super) async fn start(cx: &StepContext, live: &world::Instance) -> Result<world::Instance> {
    let cloud = &cx.world.cloud;
    match live.state {
        InstanceState::Running => return Ok(live.clone()),
        InstanceState::Stopping => {
            cloud
                .await_instance(&live.id, InstanceState::Stopped, &cx.progress)
                .await?;
            cloud.start_instance(&live.id).await?;
        }
        InstanceState::Stopped => cloud.start_instance(&live.id).await?,
        _ => {}
    }
    cloud
        .await_instance(&live.id, InstanceState::Running, &cx.progress)
        .await
        .map_err(Failure::after_effect)
}

/// Stops an instance and waits until it has stopped.
pub(super) async fn stop(cx: &StepContext, live: &world::Instance) -> Result<()> {
    let cloud = &cx.world.cloud;
    if live.state != InstanceState::Stopped {
        cloud.stop_instance(&live.id).await?;
        cloud
            .await_instance(&live.id, InstanceState::Stopped, &cx.progress)
            .await
            .map_err(Failure::after_effect)?;
    }
    Ok(())
}
