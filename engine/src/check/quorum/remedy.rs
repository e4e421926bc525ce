//! What to do about a quorum that is lost, or would be.

use super::{Checked, Managers, Walked};
use crate::machine::MACHINE;
use crate::plan::Plan;
use crate::refresh::Standing;

/// Where the majority is gone, and the plan does not bring it back.
pub(super) fn of_lost(plan: &Plan, managers: &Managers) -> String {
    let starts = |standing: &Standing| *standing == Standing::Starting;
    let gone = |standing: &Standing| *standing == Standing::Gone;
    let standings = || managers.voters.values();
    let starting = standings().filter(|standing| starts(standing)).count();
    if managers.alive() + starting >= managers.quorum() {
        return "plan again in a minute, when what is starting has come up".to_owned();
    }
    let is_part = !super::is_whole(plan);
    if managers.left() >= managers.quorum() {
        let resting: Vec<&str> = managers.resting().map(|(name, _)| name).collect();
        let resting = resting.join(", ");
        return match is_part {
            true => {
                format!("first apply the manifest as a whole, which starts {resting} again; then this part")
            }
            false => {
                format!(
                    "first apply the manifest without this change, which starts {resting} again; then make it"
                )
            }
        };
    }
    if is_part && standings().all(gone) {
        return "apply the manifest as a whole: no manager is left, so it makes another swarm, which the nodes that \
                are there join"
            .to_owned();
    }
    "services that run go on running, but nothing of the swarm can be changed: bring a majority of the managers back \
     by hand, recover the quorum from one that is left, or destroy the cluster and apply again"
        .to_owned()
}

/// Whether so many managers are gone that the others cannot agree any more, and one is left to begin
/// again from.
pub(super) fn is_for_good(plan: &Plan, managers: &Managers) -> bool {
    managers.alive() > 0 && managers.left() < managers.quorum() && !plan.selection.destroy
}

/// Where a step would take the last manager.
pub(super) fn of_last(checked: &Checked<'_>, walked: &Walked) -> String {
    if matches!(walked.path.last(), Some(0) | None) {
        return match super::is_whole(checked.plan) || checked.plan.selection.destroy {
            true => {
                "nodes and services cannot be removed without one: destroy the whole cluster, or leave this manager \
                 out of the selection"
            }
            false => "apply the manifest as a whole, or leave this manager out of the selection as well",
        }
        .to_owned();
    }
    // What the machine needs and must go before it comes again is nothing that another manager helps with.
    let name = walked.lost_at.as_ref().map(|(address, ..)| address.name());
    let steps = &checked.plan.steps;
    let machines = steps.iter().filter(|step| {
        checked.registry.is_a(step.address.kind(), MACHINE) && Some(step.address.name()) == name
    });
    let needed: Vec<_> = machines
        .filter_map(|step| step.before.as_ref())
        .flat_map(|record| &record.depends_on)
        .collect();
    let mut first = steps.iter().filter(|step| step.goes_first());
    match first.find(|step| needed.contains(&&step.address)) {
        Some(step) => format!(
            "{} has to go before its successor comes, because only one can have its name, and all that use it go \
             before that: give it another name in the manifest instead of replacing it",
            step.address
        ),
        None => "it has to go before its successor comes, because only one can hold what it has (an address, a name) \
                 or be what it is: add another manager in an apply of its own first, or let the successor have \
                 another address or name"
            .to_owned(),
    }
}
