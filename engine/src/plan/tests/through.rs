//! Order holds through resources that do not change.

use serde_json::{Value as J, json};

use super::waits_for;
use crate::kind::Sighting;
use crate::testing::{Draft, address, find, resource, spec, steps};

fn on(host: &str, value: u64) -> J {
    spec(json!({"value": value}), &[host])
}

/// A chain `solid.host` ← `soft.engine` ← `soft.node` ← `soft.web`.
fn chain(host: J) -> Draft {
    Draft::new()
        .has("solid.host", json!({"force": 0, "dear": 0, "value": 0}))
        .has("soft.engine", on("solid.host", 0))
        .has("soft.node", on("soft.engine", 0))
        .has("soft.web", on("soft.node", 0))
        .wants("solid.host", host)
        .wants("soft.engine", on("solid.host", 0))
        .wants("soft.node", on("soft.engine", 0))
        .wants("soft.web", on("soft.node", 1))
}

#[test]
fn a_change_waits_for_a_restart_of_what_is_below_what_stays() {
    let plan = chain(json!({"force": 0, "dear": 1, "value": 0})).plan();
    assert_eq!(steps(&plan), ["update solid.host", "update soft.web"]);
    assert!(waits_for(&plan, "update soft.web", "update solid.host"));
}

#[test]
fn a_change_does_not_wait_for_one_below_that_interrupts_nothing() {
    let plan = chain(json!({"force": 0, "dear": 0, "value": 1})).plan();
    assert!(!waits_for(&plan, "update soft.web", "update solid.host"));
}

#[test]
fn those_that_wait_for_all_of_a_kind_wait_for_what_is_below_each() {
    let host = |dear: u64| json!({"force": 0, "dear": dear});
    let mut draft = Draft::new().has("soft.web", json!({"value": 0}));
    for name in ["a", "b", "c"] {
        let solid = format!("solid.{name}");
        let guest = format!("guest.{name}");
        draft = draft
            .has(&solid, host(0))
            .has(&guest, on(&solid, 0))
            .wants(&solid, host(u64::from(name != "c")))
            .wants(&guest, on(&solid, 0));
    }
    draft = draft.wants("soft.web", json!({"value": 1}));
    let web = draft.desired.resources.last_mut().expect("the last");
    web.depends_on = vec![address("guest.*")];
    let plan = draft.plan();
    assert!(waits_for(&plan, "update soft.web", "update solid.a"));
    assert!(waits_for(&plan, "update soft.web", "update solid.b"));
    assert_eq!(
        find(&plan, "update soft.web").after_nodes.len(),
        1,
        "through a gate"
    );
}

/// A killed replacement: the new host is gone again, the old one waits to be deleted, and what is on
/// it can only leave once its successor is there.
#[test]
fn the_record_of_a_host_that_is_gone_does_not_hold_back_its_successor() {
    let mut old = resource("solid.host", &json!({"force": 0}));
    old.deposed = true;
    let mut new = resource("solid.host", &json!({"force": 1}));
    new.generation = 1;
    let node = resource("solid.node", &spec(json!({"force": 0}), &["solid.host"]));
    let plan = Draft::new()
        .has_record(old)
        .has_record(new)
        .has_record(node)
        .sees("solid.host", Sighting::Absent)
        .wants("solid.host", json!({"force": 1}))
        .wants("solid.node", spec(json!({"force": 1}), &["solid.host"]))
        .plan();
    assert!(waits_for(&plan, "delete solid.node", "create solid.node"));
    assert!(waits_for(&plan, "delete solid.host", "delete solid.node"));
}
