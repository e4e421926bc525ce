//! Statuses → the resources to record.

use std::collections::{BTreeMap, BTreeSet};

use subako_state::{Address, Effect, Json, Resource};

use super::status::{RunStatus, StepStatus};
use crate::plan::{Action, Operation, Plan, Record, Step, moved, moved_back};

/// The resources after what a run did, given those before it. Folding again over the result
/// changes nothing, so that a run may be folded in at any time and more than once.
///
/// What has another name by the plan has it as soon as anything of the run may have an effect; a
/// run that was undone leaves it the old one.
pub fn fold(resources: &[Resource], plan: &Plan, progress: &RunStatus) -> Vec<Resource> {
    let under_way = under_way(resources, plan, progress);
    let has_effect = plan.steps.is_empty() || progress.steps.iter().any(StepStatus::may_have_effect);
    match plan.moved.is_empty() || has_effect {
        true => under_way,
        false => moved_back(&under_way, &plan.moved),
    }
}

/// As [`fold`], in the midst of the run: everything goes by the name that the plan has for it.
pub(super) fn under_way(resources: &[Resource], plan: &Plan, progress: &RunStatus) -> Vec<Resource> {
    let mut records: BTreeMap<(Address, u32), Resource> = moved(resources, &plan.moved)
        .into_iter()
        .map(|r| ((r.address.clone(), r.generation), r))
        .collect();
    let mut touched = BTreeSet::new();
    for (step, status) in plan.steps.iter().zip(&progress.steps) {
        let key = (step.address.clone(), step.generation);
        if *status != StepStatus::Pending {
            touched.insert(step.address.clone());
        }
        let Some(side) = side(step, status) else {
            continue;
        };
        match side {
            (Some(record), outputs) => {
                if let Some(resource) = record.resource(&step.address, step.generation, outputs) {
                    records.insert(key, resource);
                }
            }
            (None, _) => {
                records.remove(&key);
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

/// A record to have, or none, and what the world answered, where it did.
type Side<'a> = (Option<&'a Record>, Option<&'a Json>);

/// Which of a step's two records holds, with what is answered of it; `None` as long as the step
/// has not begun.
fn side<'a>(step: &'a Step, status: &'a StepStatus) -> Option<Side<'a>> {
    let (before, after) = (step.before.as_ref(), step.after.as_ref());
    Some(match (step.action(), status) {
        (_, StepStatus::Pending) => return None,
        (_, StepStatus::Done { outputs, .. }) => (after, Some(outputs)),
        (_, StepStatus::Undone { outputs, .. }) => (before, Some(outputs)),
        // Without outputs nobody knows what it is: the journal stays open until it is settled.
        (Action::Create | Action::Adopt, status) if status.may_have_effect() => match status.outputs() {
            Some(outputs) => (after, Some(outputs)),
            None => (before, None),
        },
        (Action::Create | Action::Adopt | Action::Update, _) => (before, None),
        (
            Action::Delete | Action::Forget,
            StepStatus::Failed {
                effect: Effect::Applied,
                outputs: None,
                ..
            }
            | StepStatus::UndoIntended { .. }
            | StepStatus::UndoFailed { .. },
        ) => (after, None),
        (Action::Delete | Action::Forget, _) => (before, None),
    })
}

/// With `resources`, what is there without a record until the plan comes to it: strays, which wait to
/// be deleted, and what is going to be adopted.
pub(super) fn with_unrecorded(
    mut resources: Vec<Resource>,
    plan: &Plan,
    progress: &RunStatus,
) -> Vec<Resource> {
    let known: BTreeSet<(Address, u32)> = resources
        .iter()
        .map(|r| (r.address.clone(), r.generation))
        .collect();
    let unrecorded = plan
        .steps
        .iter()
        .zip(&progress.steps)
        .filter_map(|(step, status)| {
            let record = match (&step.before, &step.after) {
                (Some(stray), None) if stray.deposed => stray,
                (None, Some(found)) if step.operation == Operation::Adopt => found,
                _ => return None,
            };
            let waits =
                *status == StepStatus::Pending && !known.contains(&(step.address.clone(), step.generation));
            waits.then(|| record.resource(&step.address, step.generation, None))?
        });
    resources.extend(unrecorded);
    resources
}

/// Where two objects have one address, the older ones only wait to be deleted. One that did so
/// before this run, or that this run does not touch, stays as it was, whatever its generation.
fn depose(records: &mut BTreeMap<(Address, u32), Resource>, plan: &Plan, touched: &BTreeSet<Address>) {
    let before: BTreeMap<(&Address, u32), bool> = plan
        .steps
        .iter()
        .map(|step| {
            let deposed = step.before.as_ref().is_some_and(|record| record.deposed);
            ((&step.address, step.generation), deposed)
        })
        .collect();
    let waits = |address: &Address, generation: u32, resource: &Resource| {
        let was = before.get(&(address, generation)).copied();
        was.unwrap_or(resource.deposed)
    };
    for address in touched {
        let at = (address.clone(), 0)..=(address.clone(), u32::MAX);
        let mut newest_first = records.range(at.clone()).rev();
        let newest = newest_first.find(|((_, generation), resource)| !waits(address, *generation, resource));
        let Some(newest) = newest.map(|((_, generation), _)| *generation) else {
            continue;
        };
        for ((_, generation), resource) in records.range_mut(at) {
            resource.deposed = waits(address, *generation, resource) || *generation < newest;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use subako_state::Direction;

    use super::*;
    use crate::run::samples::{outputs, statuses};
    use crate::testing::{Draft, resource};

    fn run(status: StepStatus) -> RunStatus {
        RunStatus {
            steps: vec![status],
            direction: Direction::Forward,
        }
    }

    /// A plan that creates, changes and deletes `solid.a`, and what is recorded before each.
    fn plans() -> [(Vec<Resource>, Plan); 3] {
        let (old, new) = (json!({"value": 1}), json!({"value": 2}));
        let create = Draft::new().wants("solid.a", new.clone());
        let mut recorded = resource("solid.a", &old);
        recorded.protect = true;
        let update = Draft::new().has_record(recorded).wants("solid.a", new);
        let delete = Draft::new().has("solid.a", old);
        [create, update, delete].map(|draft| (draft.snapshot.resources.clone(), draft.plan()))
    }

    #[test]
    fn whatever_is_known_the_record_is_the_one_before_or_the_one_after() {
        for (before, plan) in plans() {
            let step = &plan.steps[0];
            let place = (&step.address, step.generation);
            for status in statuses() {
                let folded = fold(&before, &plan, &run(status.clone()));
                let is = |record: Option<&Record>| match (record, &folded[..]) {
                    (None, []) => true,
                    (Some(record), [found]) => {
                        let wanted = record.resource(place.0, place.1, Some(&found.outputs));
                        wanted.as_ref() == Some(found)
                    }
                    _ => false,
                };
                let (was, becomes) = (is(step.before.as_ref()), is(step.after.as_ref()));
                assert!(was || becomes, "{} {status:?}: {folded:?}", step.action());
                match status {
                    StepStatus::Done { .. } => assert!(becomes, "{}", step.action()),
                    StepStatus::Pending | StepStatus::Undone { .. } => assert!(was, "{}", step.action()),
                    StepStatus::Failed {
                        effect: Effect::None, ..
                    } => assert!(was, "{}", step.action()),
                    _ => {}
                }
                let again = fold(&folded, &plan, &run(status.clone()));
                assert_eq!(again, folded, "{} {status:?} folded twice", step.action());
            }
        }
    }

    #[test]
    fn what_a_create_made_is_recorded_once_it_can_be_named() {
        let [(before, plan), ..] = plans();
        for status in statuses() {
            let folded = fold(&before, &plan, &run(status.clone()));
            let named = status.may_have_effect() && status.outputs().is_some();
            assert_eq!(folded.len(), usize::from(named), "{status:?}");
            assert!(
                folded.iter().all(|found| found.outputs == outputs()),
                "{status:?}"
            );
        }
    }

    #[test]
    fn of_two_objects_with_one_address_the_older_is_deposed() {
        let draft = Draft::new()
            .has("solid.a", json!({"force": 0}))
            .wants("solid.a", json!({"force": 1}));
        let plan = draft.plan();
        let mut progress = RunStatus::new(2);
        progress.steps[0] = StepStatus::Done {
            token: "t".into(),
            outputs: outputs(),
        };
        let folded = fold(&draft.snapshot.resources, &plan, &progress);
        let deposed: Vec<_> = folded.iter().map(|r| (r.generation, r.deposed)).collect();
        assert_eq!(deposed, [(0, true), (1, false)]);
    }

    /// A plan that changes `solid.a`, of which there are two by now: the current one, and an object
    /// that waits to be deleted, of which the plan has a step or not.
    fn beside(deposed: u32, has_step: bool) -> (Vec<Resource>, Plan) {
        let mut current = resource("solid.a", &json!({"value": 1}));
        current.generation = 3;
        let mut draft = Draft::new()
            .has_record(current)
            .wants("solid.a", json!({"value": 2}));
        let waits = Resource {
            deposed: true,
            generation: deposed,
            ..resource("solid.a", &json!({"value": 1}))
        };
        if has_step {
            draft.strays.push(waits);
        } else {
            draft = draft.has_record(waits);
        }
        let mut plan = draft.plan();
        plan.steps.retain(|step| has_step || step.generation == 3);
        (draft.snapshot.resources, plan)
    }

    #[test]
    fn what_waits_to_be_deleted_never_takes_the_place_of_the_current_one() {
        for generation in [1, 9] {
            for has_step in [true, false] {
                let (before, plan) = beside(generation, has_step);
                for status in statuses() {
                    let mut progress = RunStatus::new(plan.steps.len());
                    progress.steps.fill(status.clone());
                    let folded = fold(&before, &plan, &progress);
                    let current: Vec<u32> = folded
                        .iter()
                        .filter(|resource| !resource.deposed)
                        .map(|resource| resource.generation)
                        .collect();
                    assert_eq!(current, [3], "beside {generation}, {status:?}: {folded:?}");
                    assert_eq!(fold(&folded, &plan, &progress), folded, "{status:?} folded twice");
                }
            }
        }
    }

    #[test]
    fn a_stray_is_there_until_it_is_deleted_and_recorded_once_that_failed() {
        let (before, plan) = beside(9, true);
        let number = plan
            .steps
            .iter()
            .position(|step| step.generation == 9)
            .expect("its step");
        for status in statuses() {
            let mut progress = RunStatus::new(plan.steps.len());
            progress.steps[number] = status.clone();
            let recorded = fold(&before, &plan, &progress);
            let there = with_unrecorded(recorded.clone(), &plan, &progress);
            let has = |all: &[Resource]| all.iter().any(|resource| resource.generation == 9);
            let gone = side(&plan.steps[number], &status).is_some_and(|(record, _)| record.is_none());
            assert_eq!(has(&there), !gone, "{status:?}");
            assert_eq!(
                has(&recorded),
                !gone && status != StepStatus::Pending,
                "{status:?}"
            );
        }
    }
}
