//! Every machine stopped, or started again: `park` and `resume`.
//!
//! Stopped in the order in which the swarm needs them least: workers, then managers, the leader last.
//! Started the other way round: managers, which elect a leader, then workers. Whether services come back
//! is no part of the plan: one that never converges would keep all of them down. Nothing else of a machine is changed: a step takes it from what was read of it to the
//! same with the power on or off. That a machine is recorded as stopped is what parked means.

use std::collections::BTreeSet;

use serde_json::Value as J;
use subako_state::{AccountId, Digest, Json, Resource, Snapshot};

use super::diff::changes;
use super::direct::{Direct, current};
use super::make::PlanError;
use super::purpose::Purpose;
use super::step::{Operation, Record, Step};
use super::types::Plan;
use crate::finding::{Finding, Severity, planner};
use crate::kind::{ErasedKind, Registry, Sighting};
use crate::kinds::is_manager;
use crate::machine::MACHINE;
use crate::refresh::Observed;
use crate::world::NextCommand;

/// The field of a machine's spec that says whether it runs.
const RUNNING: &str = "running";

/// What of a cluster is recorded as parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parked {
    /// Machines that are recorded as stopped.
    pub stopped: usize,
    /// All machines that are recorded.
    pub of: usize,
}

impl Parked {
    /// As a state has it.
    pub fn of(registry: &Registry, snapshot: &Snapshot) -> Self {
        let machines: Vec<&Resource> = machines(registry, snapshot).map(|(_, machine)| machine).collect();
        Self {
            stopped: machines.iter().filter(|machine| !runs(&machine.spec)).count(),
            of: machines.len(),
        }
    }

    /// Whether the whole cluster is: no machine is recorded as one that runs.
    pub fn is_whole(self) -> bool {
        self.of > 0 && self.stopped == self.of
    }

    /// Whether any of it is.
    pub fn is_any(self) -> bool {
        self.stopped > 0
    }
}

/// What a plan to stop or start every machine is made of.
pub struct Powering<'a> {
    /// The kinds.
    pub registry: &'a Registry,
    /// What the last run left.
    pub snapshot: &'a Snapshot,
    /// The digest of the snapshot's file; `None` if there is none.
    pub base: Option<Digest>,
    /// What is.
    pub observed: &'a Observed,
    /// Where.
    pub account: Option<AccountId>,
    /// The manifest name of the manager that leads, where that is known.
    pub leader: Option<&'a str>,
}

impl Powering<'_> {
    /// The plan that stops every machine, up to its seal.
    pub fn park(&self) -> Result<Plan, PlanError> {
        let (steps, findings) = self.switched(false);
        self.plan(Purpose::Park, steps, findings)
    }

    /// The plan that starts every machine again, up to its seal.
    pub fn resume(&self) -> Result<Plan, PlanError> {
        let (steps, findings) = self.switched(true);
        self.plan(Purpose::Resume, steps, findings)
    }

    /// The steps that leave every machine running or not, and what is said of those of which that
    /// cannot be had.
    fn switched(&self, on: bool) -> (Vec<Step>, Vec<Finding>) {
        let managers: BTreeSet<&str> = current(self.snapshot)
            .filter(|(_, resource)| is_manager(&resource.address, &resource.spec))
            .map(|(_, resource)| resource.address.name())
            .collect();
        let (mut ranked, mut findings) = (Vec::new(), Vec::new());
        for (place, machine) in machines(self.registry, self.snapshot) {
            let Some(kind) = self.registry.get(machine.address.kind()) else {
                continue;
            };
            let name = machine.address.name();
            let turn = match (on, managers.contains(name)) {
                (true, true) | (false, false) => Turn::First,
                (false, true) if self.leader == Some(name) => Turn::Last,
                _ => Turn::Second,
            };
            match self.switch(kind.as_ref(), place, machine, on) {
                Ok(step) => ranked.extend(step.map(|step| (turn, step))),
                Err(finding) => findings.push(*finding),
            }
        }
        if !on {
            findings.extend(self.left_running());
        }
        ranked.sort_by(|(a, x), (b, y)| (a, &x.address).cmp(&(b, &y.address)));
        (in_turn(ranked), findings)
    }

    /// The step that leaves a machine running or not; `None` where it is so, and recorded so.
    fn switch(
        &self,
        kind: &dyn ErasedKind,
        place: usize,
        machine: &Resource,
        on: bool,
    ) -> Result<Option<Step>, Box<Finding>> {
        let (live, outputs) = match &self.observed.recorded[place] {
            Sighting::There { spec, outputs, .. } => (spec, outputs),
            Sighting::AsRecorded => (&machine.spec, &machine.outputs),
            Sighting::Absent | Sighting::Foreign(_) => return Err(Box::new(gone(machine, on))),
            Sighting::Unreadable(why) => return Err(Box::new(unread(machine, why))),
        };
        if runs(live) == on && runs(&machine.spec) == on {
            return Ok(None);
        }
        let wanted = switched(live, on).map_err(|error| Box::new(unread(machine, &error.to_string())))?;
        let from = if *live == wanted { &machine.spec } else { live };
        let before = Record {
            outputs: Some(outputs.clone()),
            ..Record::of(machine)
        };
        let after = Record {
            spec: wanted.clone(),
            // A stopped machine keeps what it has; which address it gets is known once it runs.
            outputs: (!on).then(|| outputs.clone()),
            ..before.clone()
        };
        Ok(Some(Step {
            changes: changes(kind, from, &wanted, &|_| false),
            live: (*live != machine.spec).then(|| live.clone()),
            ..Step::new(
                machine.address.clone(),
                machine.generation,
                Operation::Update,
                Some(before),
                Some(after),
            )
        }))
    }

    /// Machines that are none of the cluster's any more, and run on.
    fn left_running(&self) -> Option<Finding> {
        let deposed = self.snapshot.resources.iter().filter(|resource| resource.deposed);
        let left: Vec<&str> = deposed
            .chain(&self.observed.strays)
            .filter(|resource| self.registry.is_a(resource.address.kind(), MACHINE))
            .map(|resource| resource.address.as_str())
            .collect();
        (!left.is_empty()).then(|| {
            let message = format!(
                "{} only {} to be deleted, and goes on costing what it costs",
                left.join(", "),
                if left.len() == 1 { "waits" } else { "wait" }
            );
            Finding::new(Severity::Warning, &planner::POWER, message)
                .with_remedy("delete what is left behind first")
                .with_next([NextCommand::Apply])
        })
    }

    fn plan(&self, purpose: Purpose, steps: Vec<Step>, findings: Vec<Finding>) -> Result<Plan, PlanError> {
        let (base, account) = (self.base.clone(), self.account.clone());
        Direct::on(self.snapshot, base, account).plan(purpose, steps, findings)
    }
}

/// When it is a machine's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    First,
    Second,
    Last,
}

/// The steps in their order, those of a turn after all of the turn before it.
fn in_turn(ranked: Vec<(Turn, Step)>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(ranked.len());
    let (mut before, mut of_turn): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut last = None;
    for (number, (turn, mut step)) in (0u32..).zip(ranked) {
        if last.is_some_and(|last| last != turn) {
            before = std::mem::take(&mut of_turn);
        }
        last = Some(turn);
        of_turn.push(number);
        step.after_nodes.clone_from(&before);
        steps.push(step);
    }
    steps
}

fn machines<'a>(
    registry: &'a Registry,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = (usize, &'a Resource)> {
    current(snapshot).filter(|(_, resource)| registry.is_a(resource.address.kind(), MACHINE))
}

/// Whether a spec is of a machine that runs.
fn runs(spec: &Json) -> bool {
    spec.value().get(RUNNING).and_then(J::as_bool) != Some(false)
}

/// The same spec, running or not.
fn switched(spec: &Json, on: bool) -> Result<Json, serde_json::Error> {
    let mut value = spec.value();
    if let J::Object(fields) = &mut value {
        fields.insert(RUNNING.to_owned(), J::Bool(on));
    }
    Json::canonical(&value)
}

/// A machine that does not exist any more.
fn gone(machine: &Resource, on: bool) -> Finding {
    let what = if on { "started" } else { "stopped" };
    Finding::new(
        Severity::Warning,
        &planner::POWER,
        format!("it does not exist any more, so it cannot be {what}"),
    )
    .about(machine.address.clone())
    .with_remedy(match on {
        true => "once the others run, replace it",
        false => "it is replaced by the first apply after the cluster is resumed",
    })
    .with_next(on.then_some(NextCommand::Apply))
}

/// A machine of which nobody knows how it is.
fn unread(machine: &Resource, why: &str) -> Finding {
    Finding::new(
        Severity::Error,
        &planner::POWER,
        format!("it cannot be read, so nobody can say whether it runs: {why}"),
    )
    .about(machine.address.clone())
    .with_remedy("run the command again once it can be read")
}
