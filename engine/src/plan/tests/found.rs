//! What is wanted and was found without a record is planned as if it had one.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as J, json};
use subako_state::Resource;

use super::{solid, waits_for};
use crate::check::Severity;
use crate::kind::{Sighting, Unconverged};
use crate::plan::{Action, Operation, Plan, Reason, Replacement};
use crate::run::{RunStatus, StepStatus, fold};
use crate::testing::{Draft, find, json_of, spec, steps};

/// A refresh found this.
fn there(name: &str, fields: &J) -> Sighting {
    Sighting::There {
        spec: json_of(fields),
        outputs: json_of(&json!({"id": name})),
        generation: 0,
        unconverged: None,
        whole: None,
    }
}

#[test]
fn what_was_found_and_only_a_replacement_could_change_is_replaced_in_the_same_plan() {
    for (name, order) in [
        ("solid.a", Replacement::NewFirst),
        ("soft.a", Replacement::OldFirst),
    ] {
        let plan = Draft::new()
            .wants(name, json!({"force": 1}))
            .sees(name, there(name, &json!({"force": 0})))
            .plan();
        let create = find(&plan, &format!("create {name}"));
        assert_eq!((create.generation, create.replacement), (1, Some(order)));
        assert!(matches!(create.reason, Some(Reason::Forced { .. })));
        assert_eq!(find(&plan, &format!("delete {name}")).generation, 0);
        for half in ["create", "delete"] {
            let half = format!("{half} {name}");
            assert!(waits_for(&plan, &half, &format!("adopt {name}")), "{half}");
        }
        let said: Vec<_> = plan.findings.iter().filter(|f| f.id == "adoption").collect();
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].severity, Severity::Warning);
    }
}

#[test]
fn what_was_found_and_has_not_converged_is_waited_for_in_the_same_plan() {
    let unconverged = Unconverged {
        running: 3,
        wanted: 5,
        rollout: None,
    };
    let mut found = there("soft.a", &solid(1));
    if let Sighting::There {
        unconverged: seen, ..
    } = &mut found
    {
        *seen = Some(unconverged);
    }
    let plan = Draft::new()
        .wants("soft.a", solid(1))
        .sees("soft.a", found)
        .plan();
    let operations: Vec<_> = plan.steps.iter().map(|step| step.operation.clone()).collect();
    assert_eq!(operations, [Operation::Adopt, Operation::Settle]);
    assert_eq!(plan.steps[1].unconverged, Some(unconverged));
}

#[test]
fn what_was_found_is_taken_in_without_waiting_and_waited_through() {
    let on = |host: &str| spec(json!({"value": 0}), &[host]);
    let plan = Draft::new()
        .has("solid.host", json!({"dear": 0}))
        .wants("solid.host", json!({"dear": 1}))
        .wants("soft.engine", on("solid.host"))
        .sees("soft.engine", there("soft.engine", &on("solid.host")))
        .wants("soft.web", on("soft.engine"))
        .plan();
    assert_eq!(find(&plan, "adopt soft.engine").after_nodes, [0u32; 0]);
    assert!(waits_for(&plan, "create soft.web", "adopt soft.engine"));
    assert!(waits_for(&plan, "create soft.web", "update solid.host"));
}

#[test]
fn a_selection_leaves_out_changes_and_not_that_what_was_found_is_taken_in() {
    let mut draft = Draft::new()
        .wants("solid.a", json!({"force": 1}))
        .sees("solid.a", there("solid.a", &json!({"force": 0})))
        .wants("solid.b", solid(2))
        .sees("solid.b", there("solid.b", &solid(1)))
        .wants("solid.c", solid(1));
    draft.selection.target = vec!["solid.c".to_owned()];
    let plan = draft.plan();
    assert_eq!(steps(&plan), ["adopt solid.a", "adopt solid.b", "create solid.c"]);
    let taken_in = |name: &str| find(&plan, &format!("adopt {name}")).spec_after().cloned();
    assert_eq!(taken_in("solid.a"), Some(json_of(&json!({"force": 0}))));
    assert_eq!(taken_in("solid.b"), Some(json_of(&solid(1))));
}

/// One resource of a random world: what it is, and what is wanted of it.
#[derive(Debug, Clone)]
struct Seen {
    soft: bool,
    /// `force` and `value`, as they are and as they are wanted.
    is: (u8, u8),
    wanted: (u8, u8),
    /// Which of those before it it needs.
    needs: Vec<bool>,
    recorded: bool,
}

fn seen() -> impl Strategy<Value = Seen> {
    let fields = || (0..2u8, 0..2u8);
    let needs = prop::collection::vec(any::<bool>(), 4);
    (any::<bool>(), fields(), fields(), needs, any::<bool>()).prop_map(
        |(soft, is, wanted, needs, recorded)| Seen {
            soft,
            is,
            wanted,
            needs,
            recorded,
        },
    )
}

/// The plan for a world, and the records that it starts from.
fn planned(world: &[Seen], is_recorded: impl Fn(&Seen) -> bool) -> (Plan, Vec<Resource>) {
    let mut draft = Draft::new();
    let mut names: Vec<String> = Vec::new();
    for (index, one) in world.iter().enumerate() {
        let name = format!("{}.r{index}", if one.soft { "soft" } else { "solid" });
        let needs: Vec<&str> = names
            .iter()
            .zip(&one.needs)
            .filter(|(_, needs)| **needs)
            .map(|(name, _)| name.as_str())
            .collect();
        let fields = |(force, value): (u8, u8)| spec(json!({"force": force, "value": value}), &needs);
        let (is, wanted) = (fields(one.is), fields(one.wanted));
        draft = match is_recorded(one) {
            true => draft.has(&name, is),
            false => draft.sees(&name, there(&name, &is)),
        };
        draft = draft.wants(&name, wanted);
        names.push(name);
    }
    (draft.plan(), draft.snapshot.resources)
}

/// What is recorded once everything is done.
fn done(plan: &Plan, before: &[Resource]) -> Vec<Resource> {
    let mut progress = RunStatus::new(plan.steps.len());
    for (step, status) in plan.steps.iter().zip(&mut progress.steps) {
        *status = StepStatus::Done {
            token: String::new(),
            outputs: step
                .outputs_before()
                .cloned()
                .unwrap_or_else(|| json_of(&json!({"id": step.address}))),
        };
    }
    let mut after = fold(before, plan, &progress);
    for resource in &mut after {
        resource.depends_on.sort();
    }
    after
}

proptest! {
    /// Nobody has to have recorded what is there: the same is done, and the same is recorded then.
    #[test]
    fn a_lost_record_changes_nothing_but_that_it_is_adopted(
        world in prop::collection::vec(seen(), 1..6),
    ) {
        let (with, recorded) = planned(&world, |_| true);
        let (without, some) = planned(&world, |one| one.recorded);
        let made = |plan: &Plan| -> BTreeMap<String, usize> {
            let mut all = BTreeMap::new();
            for step in plan.steps.iter().filter(|step| step.action() != Action::Adopt) {
                let half = step.replacement;
                let what = (&step.operation, &step.address, step.generation, half, &step.changes);
                *all.entry(format!("{what:?}")).or_default() += 1;
            }
            all
        };
        prop_assert_eq!(made(&with), made(&without), "{:?}", steps(&without));
        let adopted = without.steps.iter().filter(|step| step.action() == Action::Adopt).count();
        prop_assert_eq!(adopted, world.iter().filter(|one| !one.recorded).count());
        let (with, mut without) = (done(&with, &recorded), done(&without, &some));
        let specs = |all: &[Resource]| -> Vec<String> {
            all.iter().map(|r| format!("{} {} {:?} {:?}", r.address, r.generation, r.spec, r.depends_on)).collect()
        };
        without.sort_by(|a, b| a.address.cmp(&b.address));
        prop_assert_eq!(specs(&with), specs(&without));
    }
}
