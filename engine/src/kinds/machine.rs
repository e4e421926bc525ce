//! Machines, whichever kind supplies them: by their name in the manifest, by their id, all of the
//! cluster's, and their power switch.

use subako_state::Address;

use super::specs::ElasticIp;
use crate::kind::{Kind, Machines, StepContext};
use crate::machine::Machine;
use crate::world::{Failure, Result};

/// The machine of that name in the manifest, as it is recorded; `None` if there is none. Where it
/// has an elastic address, that is its public one from then on.
pub(super) fn recorded(cx: &StepContext, name: &str) -> Option<Machine> {
    let suppliers = cx.known.machines();
    suppliers.into_iter().find_map(|supplier| {
        let (_, outputs) = cx.known.get(&Address::new(supplier.kind(), name))?;
        let mut machine = supplier.recorded(&outputs)?;
        let elastic = cx.typed::<ElasticIp>(&Address::new(ElasticIp::NAME, name));
        if let Some((_, outputs)) =
            elastic.filter(|(spec, _)| spec.machine.value() == Some(machine.id.as_str()))
        {
            machine.public_ip = Some(outputs.public_ip);
        }
        Some(machine)
    })
}

/// The machine of that name, which has to be there.
pub(super) fn expect(cx: &StepContext, name: &str) -> Result<Machine> {
    recorded(cx, name).ok_or_else(|| {
        Failure::not_applied(
            format!("find the host {name}"),
            "no machine of that name is recorded",
        )
    })
}

/// The machine with that id as it is now; `None` if it does not exist any more.
pub(super) async fn find(cx: &StepContext, id: &str) -> Result<Option<Machine>> {
    for supplier in cx.known.machines() {
        if let Some(machine) = supplier.find(id, cx).await? {
            return Ok(Some(machine));
        }
    }
    Ok(None)
}

/// All machines of the cluster as they are now.
pub(super) async fn of_cluster(cx: &StepContext) -> Result<Vec<Machine>> {
    let mut all = Vec::new();
    for supplier in cx.known.machines() {
        all.extend(supplier.of_cluster(cx).await?);
    }
    Ok(all)
}

/// Stops a machine, and waits until it has stopped.
pub(super) async fn stop(cx: &StepContext, machine: &Machine) -> Result<()> {
    supplier(cx, machine)?.stop(machine, cx).await
}

/// Starts a machine, whatever it is on its way to, and waits until it runs.
pub(super) async fn start(cx: &StepContext, machine: &Machine) -> Result<Machine> {
    supplier(cx, machine)?.start(machine, cx).await
}

fn supplier(cx: &StepContext, machine: &Machine) -> Result<&'static dyn Machines> {
    let mut suppliers = cx.known.machines().into_iter();
    suppliers
        .find(|supplier| supplier.kind() == machine.kind)
        .ok_or_else(|| {
            Failure::not_applied(
                format!("restart {}", machine.id),
                format!("no kind `{}` is known", machine.kind),
            )
        })
}
