//! EC2's instances as machines: how they are read, started and stopped.

use async_trait::async_trait;
use subako_state::Json;

use super::super::specs::InstanceOutputs;
use crate::kind::{Machines, StepContext};
use crate::machine::{Machine, Power};
use crate::world::{self, Failure, InstanceState, Result};

/// The instances of the cluster.
pub(super) struct Instances;

#[async_trait]
impl Machines for Instances {
    fn kind(&self) -> &'static str {
        "instance"
    }

    fn recorded(&self, outputs: &Json) -> Option<Machine> {
        let outputs: InstanceOutputs = outputs.decode().ok()?;
        Some(Machine {
            kind: self.kind(),
            id: outputs.instance_id,
            owner: None,
            private_ip: outputs.private_ip,
            public_ip: outputs.public_ip,
            power: Power::Running,
        })
    }

    async fn find(&self, id: &str, cx: &StepContext) -> Result<Option<Machine>> {
        let live = cx.world.cloud.instance(id).await?;
        Ok(live.as_ref().map(Machine::of_instance))
    }

    async fn of_cluster(&self, cx: &StepContext) -> Result<Vec<Machine>> {
        let survey = cx.world.cloud.survey(&cx.ownership.cluster).await?;
        Ok(survey.instances.iter().map(Machine::of_instance).collect())
    }

    async fn start(&self, machine: &Machine, cx: &StepContext) -> Result<Machine> {
        if machine.is_running() {
            return Ok(machine.clone());
        }
        let live = start_from(cx, &machine.id, machine.power).await?;
        Ok(Machine::of_instance(&live))
    }

    async fn stop(&self, machine: &Machine, cx: &StepContext) -> Result<()> {
        stop_from(cx, &machine.id, machine.power).await
    }
}

/// Starts an instance, whatever it is on its way to, and waits until it runs.
pub(super) async fn start(cx: &StepContext, live: &world::Instance) -> Result<world::Instance> {
    match live.state {
        InstanceState::Running => Ok(live.clone()),
        state => start_from(cx, &live.id, state).await,
    }
}

/// Stops an instance and waits until it has stopped.
pub(super) async fn stop(cx: &StepContext, live: &world::Instance) -> Result<()> {
    stop_from(cx, &live.id, live.state).await
}

async fn start_from(cx: &StepContext, id: &str, state: InstanceState) -> Result<world::Instance> {
    let cloud = &cx.world.cloud;
    match state {
        InstanceState::Stopping => {
            cloud
                .await_instance(id, InstanceState::Stopped, &cx.progress)
                .await?;
            cloud.start_instance(id).await?;
        }
        InstanceState::Stopped => cloud.start_instance(id).await?,
        _ => {}
    }
    cloud
        .await_instance(id, InstanceState::Running, &cx.progress)
        .await
        .map_err(Failure::after_effect)
}

async fn stop_from(cx: &StepContext, id: &str, state: InstanceState) -> Result<()> {
    let cloud = &cx.world.cloud;
    // EC2 stops no instance that is still on its way to running.
    if state == InstanceState::Pending {
        cloud
            .await_instance(id, InstanceState::Running, &cx.progress)
            .await?;
    }
    if state != InstanceState::Stopped {
        cloud.stop_instance(id).await?;
        cloud
            .await_instance(id, InstanceState::Stopped, &cx.progress)
            .await
            .map_err(Failure::after_effect)?;
    }
    Ok(())
}
