//! What carries the cluster's tags and is in neither manifest nor state.

use serde_json::json;

use super::{solid, waits_for};
use crate::check::{Finding, Severity};
use crate::plan::{Plan, Reason};
use crate::testing::{Draft, find, resource, spec, steps};

/// The findings about strays.
fn said(plan: &Plan) -> Vec<&Finding> {
    plan.findings
        .iter()
        .filter(|finding| finding.id == "strays")
        .collect()
}

#[test]
fn a_stray_is_said_and_deleted_past_the_line_and_gets_no_record() {
    let draft = Draft::new()
        .has("soft.a", json!({"value": 1}))
        .wants("soft.a", json!({"value": 1}))
        .strays("soft.b", 0, &json!({"value": 1}));
    let plan = draft.plan();
    assert_eq!(steps(&plan), ["delete soft.b"]);
    let step = find(&plan, "delete soft.b");
    assert_eq!(step.reason, Some(Reason::Stray));
    assert!(step.past_the_line, "it is not brought back");
    let said = said(&plan);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].severity, Severity::Warning);
    assert!(
        said[0].message.contains("this plan deletes it"),
        "{}",
        said[0].message
    );
    let pending = crate::run::RunStatus::new(plan.steps.len());
    let folded = crate::run::fold(&draft.snapshot.resources, &plan, &pending);
    assert_eq!(folded, draft.snapshot.resources);
}

#[test]
fn a_twin_goes_and_the_current_one_stays_whatever_their_generations() {
    for generation in [1, 7] {
        let mut current = resource("solid.a", &solid(1));
        current.generation = 3;
        let plan = Draft::new()
            .has_record(current)
            .wants("solid.a", solid(1))
            .strays("solid.a", generation, &solid(1))
            .plan();
        assert_eq!(steps(&plan), ["delete solid.a"]);
        let step = find(&plan, "delete solid.a");
        assert_eq!((step.generation, &step.reason), (generation, &Some(Reason::Twin)));
    }
}

#[test]
fn what_is_made_at_the_address_of_a_stray_is_newer_than_it() {
    let plan = Draft::new()
        .wants("solid.a", solid(1))
        .strays("solid.a", 4, &solid(1))
        .plan();
    assert_eq!(find(&plan, "create solid.a").generation, 5);
}

#[test]
fn strays_go_in_the_order_of_what_they_need_and_with_what_they_live_on() {
    let mut guest = resource("guest.g", &spec(json!({}), &["solid.s"]));
    guest.deposed = true;
    let mut draft = Draft::new()
        .wants("soft.a", json!({"value": 1}))
        .strays("solid.s", 0, &solid(1))
        .strays("soft.user", 0, &spec(json!({}), &["solid.s"]));
    draft.strays.push(guest);
    let plan = draft.plan();
    assert!(waits_for(&plan, "delete solid.s", "delete soft.user"));
    assert_eq!(
        find(&plan, "forget guest.g").gone_with().map(ToString::to_string),
        Some("solid.s".into())
    );
}

#[test]
fn a_protected_stray_stays_and_a_destroy_that_would_leave_it_is_refused() {
    let mut draft = Draft::new()
        .wants("soft.a", json!({"value": 1}))
        .strays("solid.s", 0, &solid(1));
    draft.strays[0].protect = true;
    let plan = draft.plan();
    assert_eq!(steps(&plan), ["create soft.a"]);
    assert_eq!(said(&plan)[0].severity, Severity::Warning);
    draft.selection.destroy = true;
    let plan = draft.plan();
    assert!(plan.steps.is_empty());
    assert_eq!(said(&plan)[0].severity, Severity::Error);
}

#[test]
fn a_destroy_takes_strays_and_a_selection_leaves_those_it_does_not_name() {
    let mut draft = Draft::new()
        .has("solid.a", solid(1))
        .wants("solid.a", solid(1))
        .strays("solid.s", 0, &solid(1));
    draft.selection.target = vec!["solid.a".into()];
    let plan = draft.plan();
    assert!(plan.steps.is_empty());
    assert!(
        said(&plan)[0].message.contains("this plan leaves it"),
        "{}",
        said(&plan)[0].message
    );
    draft.selection = crate::plan::Selection {
        destroy: true,
        ..Default::default()
    };
    assert_eq!(steps(&draft.plan()).len(), 2);
}

#[test]
fn a_stray_changes_the_digest_of_the_plan_and_of_the_world() {
    let without = Draft::new().has("solid.a", solid(1)).wants("solid.a", solid(1));
    let one = without.plan();
    let other = without.strays("solid.s", 0, &solid(1)).plan();
    assert_ne!(one.digest, other.digest);
    assert_ne!(one.components.world, other.components.world);
    assert_eq!(one.components.state, other.components.state);
}

#[test]
fn many_are_said_at_once() {
    let mut draft = Draft::new();
    for number in 10..40 {
        draft = draft.strays(&format!("solid.s{number}"), 0, &solid(1));
    }
    let plan = draft.plan();
    let said = said(&plan);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].message.starts_with("30 objects carry"),
        "{}",
        said[0].message
    );
    assert!(
        said[0].message.ends_with("solid.s19 and 20 more"),
        "{}",
        said[0].message
    );
}
