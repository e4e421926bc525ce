//! What has to come first where managers are dead: their repair, and their leaving.

use super::step::{Action, Operation, Step};
use crate::kind::{Plane, Registry};
use crate::kinds::{RAFT, RESTARTS};
use crate::refresh::Managers;

/// Edges between steps, by number, that keep the majority of the managers alive: what brings a
/// dead one back comes before others are restarted, a dead one leaves before a living one, and
/// nothing is asked of a swarm without a quorum before that is back.
pub(super) fn edges(registry: &Registry, steps: &[Step], managers: &Managers) -> Vec<(u32, u32)> {
    if !steps.iter().any(|step| managers.is_dead(step.address.name())) {
        return Vec::new();
    }
    let numbers = |wanted: &dyn Fn(&Step) -> bool| -> Vec<u32> {
        let numbered = steps.iter().enumerate();
        let found = numbered.filter(|(_, step)| wanted(step));
        found.map(|(number, _)| number as u32).collect()
    };
    let dead = |step: &Step| managers.is_dead(step.address.name());
    let in_group = |step: &Step, group: &str| group_of(registry, step).as_deref() == Some(group);
    let repairs = numbers(&|step| dead(step) && is_repair(step));
    let successors =
        numbers(&|step| dead(step) && step.operation == Operation::Create && in_group(step, RAFT));
    let restarts = numbers(&|step| !dead(step) && in_group(step, RESTARTS));
    let dead_leave = numbers(&|step| {
        dead(step) && step.operation == Operation::Delete && !step.replaces() && in_group(step, RAFT)
    });
    let living_leave =
        numbers(&|step| !dead(step) && step.operation == Operation::Delete && in_group(step, RAFT));
    let mut edges = Vec::new();
    let mut all = |before: &[u32], after: &[u32]| {
        for first in before {
            edges.extend(after.iter().map(|second| (*first, *second)));
        }
    };
    all(&repairs, &restarts);
    all(&successors, &restarts);
    all(&dead_leave, &living_leave);
    if managers.quorum_is_lost() {
        let asks_the_swarm = |step: &Step| {
            let called = matches!(step.action(), Action::Create | Action::Update | Action::Delete);
            called && registry.plane(step.address.kind()) == Some(Plane::Swarm)
        };
        all(&repairs, &numbers(&asks_the_swarm));
    }
    edges
}

/// Whether a step starts a machine or an engine again that was seen not to run.
pub(crate) fn is_repair(step: &Step) -> bool {
    step.operation == Operation::Update
        && matches!(step.address.kind(), "instance" | "docker")
        && step.changes.iter().any(|change| change.path == "running")
}

/// The serial group of a step; `None` for none.
pub(super) fn group_of(registry: &Registry, step: &Step) -> Option<String> {
    let kind = registry.get(step.address.kind())?;
    match (&step.operation, step.spec_before(), step.spec_after()) {
        (Operation::Update, Some(before), Some(after)) => kind.serial_group_of(Some(before), Some(after)),
        (_, before, after) => after.or(before).and_then(|spec| kind.serial_group(spec)),
    }
}

/// The chain of a step: those of one chain are made one after the other. A restart takes a manager
/// away for a while as a removal does for good, so both are of one chain.
pub(super) fn chain_of(registry: &Registry, step: &Step) -> Option<String> {
    group_of(registry, step).map(|group| match group.as_str() {
        RESTARTS => RAFT.to_owned(),
        _ => group,
    })
}
