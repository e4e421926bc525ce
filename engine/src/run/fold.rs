//! Statuses → the resources to record.

use std::collections::BTreeMap;

use subako_state::{Address, Effect, Json, Resource};

use super::status::{RunStatus, StepStatus};
use crate::plan::{Action, Plan, Record, Step};

/// The resources after what a run did, given those before it. Folding again over the result
/// changes nothing, so that a run may be folded in at any time and more than once.
pub fn fold(resources: &[Resource], plan: &Plan, progress: &RunStatus) -> Vec<Resource> {
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

/// Where two objects have one address, the older ones only wait to be deleted.
fn depose(
    records: &mut BTreeMap<(Address, u32), Resource>,
    plan: &Plan,
    touched: &std::collections::BTreeSet<Address>,
) {
    let before: BTreeMap<(&Address, u32), bool> = plan
        .steps
        .iter()
        .map(|step| {
            let deposed = step.before.as_ref().is_some_and(|record| record.deposed);
            ((&step.address, step.generation), deposed)
        })
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
}
