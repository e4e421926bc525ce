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

/// The ids of all machines of that name that are recorded, the newest first.
fn ids(cx: &StepContext, name: &str) -> Vec<String> {
    let suppliers = cx.known.machines().into_iter();
    let machines = suppliers.flat_map(|supplier| {
        let outputs = cx.known.every(&Address::new(supplier.kind(), name));
        outputs
            .into_iter()
            .filter_map(move |outputs| supplier.recorded(&outputs))
    });
    machines.map(|machine| machine.id).collect()
}

/// All machines of the cluster as they are now, and with their names those that are recorded under one
/// of `names` and count as the cluster's no longer, because somebody changed their tags.
pub(super) async fn of_names(cx: &StepContext, names: &[String]) -> Result<Vec<(String, Machine)>> {
    let all = of_cluster(cx).await?;
    let mut found = Vec::new();
    for name in names {
        let of_name = all.iter().filter(|machine| machine.name() == Some(name.as_str()));
        found.extend(of_name.map(|machine| (name.clone(), machine.clone())));
        for id in ids(cx, name) {
            if all.iter().all(|machine| machine.id != id)
                && let Some(machine) = find(cx, &id).await?
            {
                found.push((name.clone(), machine));
            }
        }
    }
    Ok(found)
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
