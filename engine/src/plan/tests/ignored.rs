//! Fields that are left as they are.

use serde_json::json;

use super::super::{Plan, Value};
use crate::check::Severity;
use crate::kind::Sighting;
use crate::testing::{Draft, find, steps};

/// Three in the state, and so many in the world and in the manifest.
fn scaled(live: u64, wanted: u64, other: u64) -> Draft {
    Draft::new()
        .has("soft.web", json!({"count": 3, "value": 1}))
        .sees_spec("soft.web", &json!({"count": live, "value": 1}))
        .wants("soft.web", json!({"count": wanted, "value": other}))
        .ignores("soft", "web", "count")
}

fn notes(plan: &Plan) -> Vec<&str> {
    assert!(
        plan.findings
            .iter()
            .all(|finding| finding.severity == Severity::Note)
    );
    plan.findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect()
}

#[test]
fn what_is_ignored_is_no_change_no_drift_and_said_where_the_manifest_says_otherwise() {
    // Whoever changed it: somebody outside, the manifest, or both.
    for (live, wanted) in [(7, 3), (3, 5), (7, 5)] {
        let plan = scaled(live, wanted, 1).plan();
        assert!(plan.is_empty() && plan.drift.is_empty(), "{plan:#?}");
        let said = format!("left as it is, not as the manifest says: count is {live}, not {wanted}");
        assert_eq!(notes(&plan), [said], "{live} {wanted}");
    }
    // Where both say the same nothing is hidden, and the record need not follow.
    let plan = scaled(7, 7, 1).plan();
    assert!(plan.is_empty() && plan.drift.is_empty() && plan.findings.is_empty());
}

#[test]
fn what_else_changes_is_changed_around_it() {
    let plan = scaled(7, 3, 2).plan();
    let step = find(&plan, "update soft.web");
    assert_eq!(step.changes.len(), 1);
    assert_eq!(step.changes[0].path, "value");
    let after = step.spec_after().expect("it stays").value();
    assert_eq!(after, json!({"count": 7, "value": 2}));
    // One that is replaced is made with what was there.
    let plan = Draft::new()
        .has("soft.web", json!({"count": 3, "force": 1}))
        .sees_spec("soft.web", &json!({"count": 7, "force": 1}))
        .wants("soft.web", json!({"count": 3, "force": 2}))
        .ignores("soft", "web", "count")
        .plan();
    let made = find(&plan, "create soft.web").spec_after().expect("made").value();
    assert_eq!(made["count"], 7);
}

#[test]
fn what_is_not_there_is_made_as_the_manifest_says_and_only_what_is_named_is_ignored() {
    let wants = || {
        Draft::new()
            .wants("soft.web", json!({"count": 3, "value": 1}))
            .ignores("soft", "web", "count")
    };
    for plan in [
        wants().plan(),
        wants()
            .has("soft.web", json!({"count": 9, "value": 1}))
            .sees("soft.web", Sighting::Absent)
            .plan(),
    ] {
        let made = find(&plan, "create soft.web").spec_after().expect("made").value();
        assert_eq!(made["count"], 3);
        assert!(notes(&plan).is_empty());
    }
    let plan = scaled(7, 3, 1)
        .has("soft.api", json!({"count": 3}))
        .sees_spec("soft.api", &json!({"count": 7}))
        .wants("soft.api", json!({"count": 3}))
        .plan();
    assert_eq!(steps(&plan), ["update soft.api"]);
    assert_eq!(plan.drift.len(), 1);
    assert_eq!(plan.drift[0].changes[0].after, Value::Known(json!(7)));
}

#[test]
fn what_was_found_without_a_record_keeps_it_too() {
    let plan = Draft::new()
        .sees_spec("soft.web", &json!({"count": 7, "value": 1}))
        .wants("soft.web", json!({"count": 3, "value": 1}))
        .ignores("soft", "web", "count")
        .plan();
    let step = find(&plan, "adopt soft.web");
    assert!(step.changes.is_empty());
    assert_eq!(step.spec_after().expect("there").value()["count"], 7);
}

#[test]
fn a_digest_does_not_move_with_what_is_ignored_and_does_with_what_is() {
    let digest = |draft: Draft| draft.plan().digest;
    assert_eq!(digest(scaled(7, 3, 1)), digest(scaled(9, 3, 1)));
    let other = scaled(7, 3, 1).ignores("soft", "web", "value");
    assert_ne!(digest(scaled(7, 3, 1)), digest(other));
}
