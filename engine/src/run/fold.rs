//! Statuses → the resources to record.

use std::collections::BTreeMap;

use subako_state::{Address, Effect, Json, Resource};

use super::status::{Progress, StepStatus};
use crate::plan::{Action, Plan, Step};

/// The resources after what a run did, given those before it. Folding again over the result
/// changes nothing, so that a run may be folded in at any time and more than once.
pub fn fold(resources: &[Resource], plan: &Plan, progress: &Progress) -> Vec<Resource> {
    let mut records: BTreeMap<(Address, u32), Resource> = resources
        .iter()
        .map(|r| ((r.address.clone(), r.generation), r.clone()))
        .collect();
    let mut touched = std::collections::BTreeSet::new();
    for (step, status) in plan.steps.iter().zip(&progress.steps) {
        let key = (step.address.clone(), step.generation);
        if *status != StepStatus::Pending {
            touched.insert(step.address.clone());
        }
        match outcome(step, status) {
            Record::AsItWas => {}
            Record::Gone => {
                records.remove(&key);
            }
            Record::Is(resource) => {
                records.insert(key, *resource);
            }
        }
    }
    for refreshed in &plan.refreshed {
        if let Some(resource) = records.get_mut(&(refreshed.address.clone(), refreshed.generation)) {
            resource.outputs = refreshed.outputs.clone();
        }
    }
    depose(&mut records, plan, &touched);
    records.into_values().collect()
}

enum Record {
    AsItWas,
    Gone,
    Is(Box<Resource>),
}

fn outcome(step: &Step, status: &StepStatus) -> Record {
    let before = || step.recorded.as_ref().or(step.before.as_ref());
    let old = |outputs: Option<&Json>| {
        let mut record = record(step, before(), outputs.or(step.outputs.as_ref()));
        if let Record::Is(resource) = &mut record {
            if let Some(depended_on) = &step.depended_on {
                resource.depends_on.clone_from(depended_on);
            }
            if let Some(made_with) = &step.was_made_with {
                resource.made_with.clone_from(made_with);
            }
            resource.protect = step.was_protected.unwrap_or(resource.protect);
        }
        record
    };
    match (step.action, status) {
        (_, StepStatus::Pending) => Record::AsItWas,
        (Action::Create | Action::Adopt, StepStatus::Undone { .. }) => Record::Gone,
        (Action::Create | Action::Adopt, status) if status.may_have_effect() => {
            // Without outputs nobody knows what it is: the journal stays open until it is settled.
            status.outputs().map_or(Record::Gone, |outputs| {
                record(step, step.after.as_ref(), Some(outputs))
            })
        }
        (Action::Create | Action::Adopt, _) => Record::Gone,
        (Action::Update, StepStatus::Done { outputs, .. }) => {
            record(step, step.after.as_ref(), Some(outputs))
        }
        (Action::Update, StepStatus::Undone { outputs, .. }) => old(Some(outputs)),
        (Action::Update, _) => old(None),
        (Action::Delete | Action::Forget, StepStatus::Done { .. }) => Record::Gone,
        (Action::Delete | Action::Forget, StepStatus::Undone { outputs, .. }) => old(Some(outputs)),
        (
            Action::Delete | Action::Forget,
            StepStatus::Failed {
                effect: Effect::Applied,
                outputs: None,
                ..
            }
            | StepStatus::UndoFailed { outputs: None, .. },
        ) => Record::Gone,
        (
            Action::Delete | Action::Forget,
            StepStatus::UndoIntended { .. } | StepStatus::UndoFailed { .. },
        ) => Record::Gone,
        (Action::Delete | Action::Forget, _) => old(None),
    }
}

fn record(step: &Step, spec: Option<&Json>, outputs: Option<&Json>) -> Record {
    let (Some(spec), Some(outputs)) = (spec, outputs) else {
        return Record::AsItWas;
    };
    Record::Is(Box::new(Resource {
        address: step.address.clone(),
        depends_on: step.depends_on.clone(),
        deposed: step.deposed,
        generation: step.generation,
        made_with: step.made_with.clone(),
        outputs: outputs.clone(),
        protect: step.protect,
        spec: spec.clone(),
        spec_sha256: spec.digest(),
    }))
}

/// Where two objects have one address, the older ones only wait to be deleted.
fn depose(
    records: &mut BTreeMap<(Address, u32), Resource>,
    plan: &Plan,
    touched: &std::collections::BTreeSet<Address>,
) {
    let before: BTreeMap<(&Address, u32), bool> = plan
        .steps
        .iter()
        .map(|step| ((&step.address, step.generation), step.deposed))
        .collect();
    let mut newest: BTreeMap<Address, u32> = BTreeMap::new();
    for address in touched {
        let from = (address.clone(), 0);
        let last = records.range(from..=(address.clone(), u32::MAX)).next_back();
        if let Some(((_, generation), _)) = last {
            newest.insert(address.clone(), *generation);
        }
    }
    for ((address, generation), resource) in records.iter_mut() {
        if let Some(newest) = newest.get(address) {
            let was = before.get(&(address, *generation)).copied().unwrap_or(false);
            resource.deposed = was || generation < newest;
        }
    }
}
