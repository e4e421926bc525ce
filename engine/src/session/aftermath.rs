//! After a rollback the world is looked at: that it is as before is read, not concluded from the
//! journal.
//!
//! The addresses that the run touched are read once more and compared with the records before of
//! all their steps. EC2 and a restarted manager take a while to show the actual state: what differs, or
//! cannot be read, is looked at again until a deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::select;
use futures::pin_mut;
use subako_state::{Address, Json, Resource, Snapshot};

use super::Session;
use crate::desired::{Desired, DesiredSet};
use crate::event::{Aftermath, Difference, Differs, Unchecked};
use crate::kind::{Registry, Sighting};
use crate::plan::{Action, Operation, Plan, Step, changes};
use crate::refresh::Observed;
use crate::run::{RunStatus, StepStatus, Stop};
use crate::world::Result;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// After so long what is seen is the actual state: a host that restarts is back, and EC2's reads have
/// caught up with its writes.
const LIMIT: Duration = Duration::from_secs(60);

impl Session {
    /// What is not as it was before a run that was undone. `snapshot` is what is recorded now. A run
    /// that changed nothing is not looked at.
    pub(super) async fn aftermath(
        &self,
        plan: &Plan,
        progress: &RunStatus,
        snapshot: &Snapshot,
        stop: &Stop,
    ) -> Aftermath {
        let touched = touched(plan, progress);
        if touched.is_empty() {
            return Aftermath::default();
        }
        let before = Before::of(plan, &touched, snapshot);
        let mut last = before.unread("it was not read before somebody asked to stop at once");
        let looks = async {
            let clock = &self.world.clock;
            let until = clock.now() + LIMIT;
            loop {
                last = match self.look_at(&before).await {
                    Ok(observed) => before.compare(&self.registry, &observed),
                    Err(failure) => before.unread(&failure.to_string()),
                };
                if last.is_clean() || clock.now() >= until {
                    return;
                }
                clock.sleep(EVERY).await;
            }
        };
        let at_once = stop.at_once();
        {
            pin_mut!(looks, at_once);
            select(looks, at_once).await;
        }
        last
    }

    async fn look_at(&self, before: &Before<'_>) -> Result<Observed> {
        Ok(self.read(before.snapshot, &before.wanted).await?.1)
    }
}

/// Whether a step calls the world to change it.
fn makes_a_call(step: &Step) -> bool {
    matches!(
        step.operation,
        Operation::Create | Operation::Update | Operation::Delete
    )
}

/// What the run has touched: nothing, unless a change was made and undone. Then what was tried and
/// had no effect as well.
fn touched(plan: &Plan, progress: &RunStatus) -> BTreeSet<Address> {
    let steps = || {
        let steps = plan.steps.iter().zip(&progress.steps);
        steps.filter(|(step, _)| makes_a_call(step))
    };
    if !steps().any(|(_, status)| matches!(status, StepStatus::Undone { .. })) {
        return BTreeSet::new();
    }
    steps()
        .filter(|(_, status)| **status != StepStatus::Pending)
        .map(|(step, _)| step.address.clone())
        .collect()
}

/// How an object differs, or why nobody can say; `None` if it does not.
type Verdict = Option<std::result::Result<Differs, String>>;

/// What was there before a run.
struct Before<'a> {
    /// The steps on what it touched.
    steps: Vec<&'a Step>,
    /// What is recorded.
    snapshot: &'a Snapshot,
    /// What is looked for, read with the eyes of the plan's own refresh.
    wanted: DesiredSet,
}

impl<'a> Before<'a> {
    fn of(plan: &'a Plan, touched: &BTreeSet<Address>, snapshot: &'a Snapshot) -> Self {
        let steps = plan.steps.iter();
        let steps: Vec<&Step> = steps
            .filter(|step| makes_a_call(step) && touched.contains(&step.address))
            .collect();
        let recorded = |address: &Address| snapshot.resources.iter().any(|r| r.address == *address);
        let mut wanted: BTreeMap<&Address, &Json> = BTreeMap::new();
        for step in &steps {
            let spec = match step.action() {
                // What makes the successor of a record is not what is looked for in its place.
                Action::Create if recorded(&step.address) => None,
                Action::Create | Action::Update => step.spec_after(),
                _ => step.spec_before(),
            };
            if let Some(spec) = spec {
                wanted.insert(&step.address, spec);
            }
        }
        let wanted = wanted.into_iter().map(|(address, spec)| Desired {
            address: address.clone(),
            spec: spec.clone(),
            depends_on: Vec::new(),
            protect: false,
        });
        Self {
            steps,
            snapshot,
            wanted: DesiredSet {
                ignored: Default::default(),
                resources: wanted.collect(),
            },
        }
    }

    /// Nothing of it could be read.
    fn unread(&self, why: &str) -> Aftermath {
        let addresses: BTreeSet<&Address> = self.steps.iter().map(|step| &step.address).collect();
        let unchecked = |address: &Address| Unchecked {
            address: address.clone(),
            why: why.to_owned(),
        };
        Aftermath {
            differs: Vec::new(),
            unchecked: addresses.into_iter().map(unchecked).collect(),
        }
    }

    /// What differs, sorted by address.
    fn compare(&self, registry: &Registry, observed: &Observed) -> Aftermath {
        let mut found = Aftermath::default();
        for step in &self.steps {
            let address = step.address.clone();
            let verdict = match step.action() {
                Action::Create => self.left(step, observed),
                _ => self.moved(registry, step, observed),
            };
            match verdict {
                None => {}
                Some(Ok(how)) => found.differs.push(Difference { address, how }),
                Some(Err(why)) => found.unchecked.push(Unchecked { address, why }),
            }
        }
        found.differs.sort_by(|a, b| a.address.cmp(&b.address));
        found.unchecked.sort_by(|a, b| a.address.cmp(&b.address));
        found.unchecked.dedup();
        found
    }

    fn records(&self, address: &Address) -> impl Iterator<Item = (usize, &Resource)> {
        let records = self.snapshot.resources.iter().enumerate();
        records.filter(move |(_, record)| record.address == *address)
    }

    /// Whether what a step created is still there, or why that cannot be said.
    fn left(&self, step: &Step, observed: &Observed) -> Verdict {
        let made =
            |address: &Address, generation: u32| *address == step.address && generation == step.generation;
        let in_place_of = |(place, record): (usize, &Resource)| match &observed.recorded[place] {
            Sighting::There { generation, .. } => {
                record.generation != *generation && made(&record.address, *generation)
            }
            _ => false,
        };
        let beside = match observed.unrecorded.get(&step.address) {
            Some(Sighting::Unreadable(why)) => return Some(Err(why.clone())),
            seen => matches!(seen, Some(Sighting::There { .. })),
        };
        let mut strays = observed.strays.iter();
        let left = beside
            || strays.any(|stray| made(&stray.address, stray.generation))
            || self.records(&step.address).any(in_place_of);
        left.then_some(Ok(Differs::Left))
    }

    /// How an object differs from what it was before a step that changes or deletes it, or why that
    /// cannot be said; `None` if it does not.
    fn moved(&self, registry: &Registry, step: &Step, observed: &Observed) -> Verdict {
        let before = step.spec_before()?;
        let mut records = self.records(&step.address);
        let record = records.find(|(_, record)| record.generation == step.generation);
        let sighting = match record {
            Some((place, _)) => Some(&observed.recorded[place]),
            // A stray that waits to be deleted has no record, and nobody has come to it.
            None if step.action() == Action::Delete => return None,
            None => observed.unrecorded.get(&step.address),
        };
        let recorded = record.map(|(_, record)| (&record.spec, &record.outputs));
        let (spec, outputs) = match sighting {
            None | Some(Sighting::Absent) => return Some(Ok(Differs::Gone)),
            Some(Sighting::Foreign(what)) => return Some(Ok(Differs::Taken { by: what.clone() })),
            Some(Sighting::Unreadable(why)) => return Some(Err(why.clone())),
            Some(Sighting::AsRecorded) => recorded?,
            Some(Sighting::There {
                spec, outputs, whole, ..
            }) => match (step.action(), whole) {
                (Action::Delete, Some(whole)) => (whole, outputs),
                _ => (spec, outputs),
            },
        };
        let kind = registry.get(step.address.kind())?;
        // The plan wrote what it read as the manifest writes it.
        let as_planned = step
            .spec_after()
            .map(|after| kind.spelled_as(spec, after, outputs));
        if as_planned.as_ref() == Some(before) {
            return None;
        }
        let spec = kind.spelled_as(spec, before, outputs);
        let mut changes = changes(kind.as_ref(), before, &spec, &|_| false);
        for change in &mut changes {
            // What a change would mean says nothing of one that has happened.
            (change.forces_replacement, change.cost) = (None, None);
        }
        (!changes.is_empty()).then_some(Ok(Differs::Changed { changes }))
    }
}

#[cfg(test)]
#[path = "aftermath_tests.rs"]
mod tests;
