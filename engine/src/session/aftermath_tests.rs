use serde_json::json;
use subako_state::Effect;

use super::*;
use crate::event::Differs;
use crate::run::RunStatus;
use crate::testing::{Draft, address, json_of};

fn undone() -> StepStatus {
    StepStatus::Undone {
        token: "t".into(),
        outputs: json_of(&json!({"id": "x"})),
    }
}

fn failed() -> StepStatus {
    StepStatus::Failed {
        token: "t".into(),
        effect: Effect::None,
        outputs: None,
        why: "x".into(),
    }
}

/// One of each: a change, a creation, a deletion, a replacement, and a change of what had drifted.
fn draft() -> Draft {
    Draft::new()
        .has("soft.changed", json!({"value": 1}))
        .wants("soft.changed", json!({"value": 2}))
        .wants("soft.created", json!({"value": 1}))
        .has("soft.deleted", json!({"value": 1}))
        .has("soft.drifted", json!({"value": 1}))
        .sees_spec("soft.drifted", &json!({"value": 7}))
        .wants("soft.drifted", json!({"value": 2}))
        .has("soft.kept", json!({"value": 1}))
        .wants("soft.kept", json!({"value": 1}))
        .has("solid.replaced", json!({"force": 1}))
        .wants("solid.replaced", json!({"force": 2}))
}

fn there(spec: serde_json::Value, generation: u32) -> Sighting {
    Sighting::There {
        spec: json_of(&spec),
        outputs: json_of(&json!({"id": "x"})),
        generation,
        unconverged: None,
        whole: None,
    }
}

/// What is said once all of it is undone and a refresh sees that.
fn said(seen: &[(&str, Sighting)]) -> Vec<String> {
    let draft = draft();
    let plan = draft.plan();
    let mut progress = RunStatus::new(plan.steps.len());
    progress.steps.fill(undone());
    let touched = touched(&plan, &progress);
    let before = Before::of(&plan, &touched, &draft.snapshot);
    let mut observed = Observed::as_recorded(&draft.snapshot);
    let drifted = ("soft.drifted", there(json!({"value": 7}), 0));
    for (name, sighting) in std::iter::once(&drifted).chain(seen) {
        let mut recorded = draft.snapshot.resources.iter();
        match recorded.position(|resource| resource.address == address(name)) {
            Some(place) => observed.recorded[place] = sighting.clone(),
            None => {
                observed.unrecorded.insert(address(name), sighting.clone());
            }
        }
    }
    told(&before.compare(&Draft::registry(), &observed))
}

fn told(found: &Aftermath) -> Vec<String> {
    let differs = found.differs.iter().map(|difference| {
        let how = match &difference.how {
            Differs::Gone => "gone".to_owned(),
            Differs::Left => "left".to_owned(),
            Differs::Taken { by } => format!("taken by {by}"),
            Differs::Changed { changes } => {
                let of = |value: &crate::plan::Value| match value {
                    crate::plan::Value::Known(value) => value.to_string(),
                    other => format!("{other:?}"),
                };
                let fields = changes.iter();
                let fields = fields.map(|c| format!("{} {} → {}", c.path, of(&c.before), of(&c.after)));
                fields.collect::<Vec<_>>().join(", ")
            }
        };
        format!("{}: {how}", difference.address)
    });
    let unchecked = found.unchecked.iter();
    let unchecked = unchecked.map(|unchecked| format!("{}? {}", unchecked.address, unchecked.why));
    differs.chain(unchecked).collect()
}

#[test]
fn what_differs_from_the_record_before_is_named() {
    let foreign = || Sighting::Foreign("somebody's".into());
    let silent = || Sighting::Unreadable("no answer".into());
    let rows: [(&str, Sighting, &[&str]); 16] = [
        ("soft.changed", Sighting::AsRecorded, &[]),
        ("soft.changed", there(json!({"value": 1}), 0), &[]),
        (
            "soft.changed",
            there(json!({"value": 2}), 0),
            &["soft.changed: value 1 → 2"],
        ),
        ("soft.changed", Sighting::Absent, &["soft.changed: gone"]),
        ("soft.changed", foreign(), &["soft.changed: taken by somebody's"]),
        ("soft.changed", silent(), &["soft.changed? no answer"]),
        ("soft.created", Sighting::Absent, &[]),
        ("soft.created", foreign(), &[]),
        (
            "soft.created",
            there(json!({"value": 1}), 0),
            &["soft.created: left"],
        ),
        ("soft.created", silent(), &["soft.created? no answer"]),
        ("soft.deleted", Sighting::Absent, &["soft.deleted: gone"]),
        (
            "soft.deleted",
            there(json!({"value": 3}), 0),
            &["soft.deleted: value 1 → 3"],
        ),
        // What had drifted before is as before only if it drifts again.
        (
            "soft.drifted",
            Sighting::AsRecorded,
            &["soft.drifted: value 7 → 1"],
        ),
        ("soft.kept", Sighting::Absent, &[]),
        ("solid.replaced", Sighting::Absent, &["solid.replaced: gone"]),
        (
            "solid.replaced",
            there(json!({"force": 2}), 1),
            &["solid.replaced: left", "solid.replaced: force 1 → 2"],
        ),
    ];
    assert_eq!(said(&[]), Vec::<String>::new());
    for (name, sighting, expected) in rows {
        let row = format!("{name} {sighting:?}");
        assert_eq!(said(&[(name, sighting)]), expected, "{row}");
    }
}

#[test]
fn a_twin_that_a_replacement_left_is_named_and_another_stray_is_not() {
    let draft = draft();
    let plan = draft.plan();
    let mut progress = RunStatus::new(plan.steps.len());
    progress.steps.fill(undone());
    let touched = touched(&plan, &progress);
    let before = Before::of(&plan, &touched, &draft.snapshot);
    for (name, generation, expected) in [
        ("solid.replaced", 1, vec!["solid.replaced: left"]),
        ("solid.replaced", 4, vec![]),
        ("soft.kept", 1, vec![]),
    ] {
        let mut observed = Observed::as_recorded(&draft.snapshot);
        let drifted = draft.snapshot.resources.iter();
        let mut drifted = drifted.zip(&mut observed.recorded);
        let drifted = drifted.find(|(resource, _)| resource.address == address("soft.drifted"));
        *drifted.expect("it is recorded").1 = there(json!({"value": 7}), 0);
        observed.strays = Draft::new().strays(name, generation, &json!({})).strays;
        let found = before.compare(&Draft::registry(), &observed);
        assert_eq!(told(&found), expected, "{name} {generation}");
    }
}

#[test]
fn only_what_a_run_that_undid_something_has_tried_is_looked_at() {
    let plan = draft().plan();
    let place = |name: &str| {
        let mut steps = plan.steps.iter();
        steps
            .position(|step| step.address == address(name))
            .expect("a step")
    };
    let touched_by = |statuses: &[(&str, StepStatus)]| -> Vec<String> {
        let mut progress = RunStatus::new(plan.steps.len());
        for (name, status) in statuses {
            progress.steps[place(name)] = status.clone();
        }
        touched(&plan, &progress)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert!(touched_by(&[]).is_empty());
    assert!(touched_by(&[("soft.changed", failed())]).is_empty());
    assert_eq!(touched_by(&[("soft.created", undone())]), ["soft.created"]);
    let both = [("soft.created", undone()), ("soft.changed", failed())];
    assert_eq!(touched_by(&both), ["soft.changed", "soft.created"]);
}

#[test]
fn nothing_that_could_be_read_is_every_touched_address_once() {
    let draft = draft();
    let plan = draft.plan();
    let mut progress = RunStatus::new(plan.steps.len());
    progress.steps.fill(undone());
    let touched = touched(&plan, &progress);
    let unread = Before::of(&plan, &touched, &draft.snapshot).unread("no answer");
    let expected: Vec<String> = touched
        .iter()
        .map(|address| format!("{address}? no answer"))
        .collect();
    assert_eq!((told(&unread), touched.len()), (expected, 5));
}
