//! The way to a machine, from what the other resources have answered.

use std::sync::Arc;

use subako_state::Address;

use super::specs::{Docker, Instance};
use crate::kind::StepContext;
use crate::reference::Ref;
use crate::world::{self, Code, Failure, Host, HostTarget, InstanceState, Result};

/// The value of a reference that the executor has resolved.
pub(super) fn resolved(reference: &Ref, what: &str) -> Result<String> {
    reference.value().map(str::to_owned).ok_or_else(|| {
        Failure::not_applied(
            format!("read {what}"),
            format!("the reference to {reference} was not resolved"),
        )
    })
}

/// The name part of the address that the step is for.
pub(super) fn own_name(cx: &StepContext) -> &str {
    cx.ownership
        .address
        .split_once('.')
        .map_or(cx.ownership.address.as_str(), |(_, name)| name)
}

/// The host key pinned for an instance, if its engine was installed over one.
pub(super) fn pinned_key(cx: &StepContext, name: &str, instance_id: &str) -> Option<String> {
    let (docker, outputs) = cx.typed::<Docker>(&Address::new("docker", name))?;
    outputs
        .host_key
        .filter(|_| docker.instance.value() == Some(instance_id))
}

/// The machine of that name in the manifest, as it is known now; `None` if there is none.
pub(super) fn target(cx: &StepContext, name: &str) -> Option<HostTarget> {
    let (_, instance) = cx.typed::<Instance>(&Address::new("instance", name))?;
    Some(HostTarget {
        name: name.to_owned(),
        host_key: pinned_key(cx, name, &instance.instance_id),
        instance_id: instance.instance_id,
        private_ip: instance.private_ip,
        public_ip: instance.public_ip,
    })
}

/// The machine of that name, which has to be there.
pub(super) fn expect_target(cx: &StepContext, name: &str) -> Result<HostTarget> {
    target(cx, name).ok_or_else(|| {
        Failure::not_applied(
            format!("find the host {name}"),
            format!("instance.{name} is not known"),
        )
    })
}

/// A machine to read from, with one short attempt; `None` if it is gone with everything on it. One
/// that is stopped, or does not answer, is a failure: nobody knows what is on it.
pub(super) async fn to_read(cx: &StepContext, target: &HostTarget) -> Result<Option<Arc<dyn Host>>> {
    let live = cx.world.cloud.instance(&target.instance_id).await?;
    match live.map(|live| live.state) {
        None | Some(InstanceState::ShuttingDown | InstanceState::Terminated) => Ok(None),
        Some(state @ (InstanceState::Stopping | InstanceState::Stopped)) => Err(Failure::not_applied(
            format!("read the host {}", target.name),
            format!("{} is {state}", target.instance_id),
        )
        .with_code(Code::Unreachable)),
        Some(InstanceState::Pending | InstanceState::Running) => cx.world.hosts.reach(target).await.map(Some),
    }
}

/// The machine of an instance that was just read.
pub(super) fn target_of(cx: &StepContext, name: &str, instance: &world::Instance) -> HostTarget {
    crate::survey::host_target(name, instance, pinned_key(cx, name, &instance.id))
}
