//! The way to a machine, from what the other resources have answered.

use std::sync::Arc;

use subako_state::Address;

use super::machine;
use super::specs::Docker;
use crate::kind::StepContext;
use crate::machine::{Machine, Power};
use crate::reference::Ref;
use crate::world::{Code, Failure, Host, HostTarget, Result};

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
    cx.address.name()
}

/// The host key pinned for a machine, if its engine was installed over one.
pub(super) fn pinned_key(cx: &StepContext, name: &str, machine_id: &str) -> Option<String> {
    let (docker, outputs) = cx.typed::<Docker>(&Address::new("docker", name))?;
    outputs
        .host_key
        .filter(|_| docker.machine.value() == Some(machine_id))
}

/// The machine of that name in the manifest, as it is known now; `None` if there is none.
pub(super) fn target(cx: &StepContext, name: &str) -> Option<HostTarget> {
    machine::recorded(cx, name).map(|machine| target_of(cx, name, &machine))
}

/// The machine of that name, which has to be there.
pub(super) fn expect_target(cx: &StepContext, name: &str) -> Result<HostTarget> {
    machine::expect(cx, name).map(|machine| target_of(cx, name, &machine))
}

/// A machine to read from, with one short attempt; `None` if it is gone with everything on it. One
/// that is stopped, or does not answer, is a failure: nobody knows what is on it.
pub(super) async fn to_read(cx: &StepContext, target: &HostTarget) -> Result<Option<Arc<dyn Host>>> {
    let live = machine::find(cx, &target.instance_id).await?;
    // What was recorded may be from before it was restarted, or got an elastic address.
    let target = HostTarget {
        public_ip: live.as_ref().and_then(|live| live.public_ip.clone()),
        ..target.clone()
    };
    match live.map(|live| live.power) {
        None | Some(Power::ShuttingDown | Power::Terminated) => Ok(None),
        Some(power @ (Power::Stopping | Power::Stopped)) => Err(Failure::not_applied(
            format!("read the host {}", target.name),
            format!("{} is {power}", target.instance_id),
        )
        .with_code(Code::Unreachable)),
        Some(Power::Pending | Power::Running) => cx.world.hosts.reach(&target).await.map(Some),
    }
}

/// The way to a machine under a name.
pub(super) fn target_of(cx: &StepContext, name: &str, machine: &Machine) -> HostTarget {
    machine.target(name, pinned_key(cx, name, &machine.id))
}

/// The machine that a login leads to, as it is now; `None` if it does not exist any more.
pub(super) async fn machine_behind(cx: &StepContext, target: &HostTarget) -> Result<Option<Machine>> {
    machine::find(cx, &target.instance_id).await
}
