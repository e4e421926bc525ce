//! What is recorded although the object that it lived on is not: a run was stopped between the two.

use std::collections::BTreeMap;

use serde_json::json;
use subako_state::Resource;

use super::solid;
use crate::plan::{Operation, Plan, Selection};
use crate::testing::{Draft, address, find, resource, spec, steps};

/// A guest that waits to be deleted, made with a certain generation of the solid it lives on.
fn old_guest(generation: u32) -> Resource {
    let mut guest = resource("guest.g", &spec(json!({}), &["solid.s"]));
    guest.deposed = true;
    guest.made_with = BTreeMap::from([(address("solid.s"), generation)]);
    guest
}

fn destroyed(records: impl IntoIterator<Item = Resource>) -> Plan {
    let draft = Draft::new()
        .has("solid.other", solid(1))
        .has("crowd.c", spec(json!({}), &["guest.g"]))
        .has("tenant.t", spec(json!({}), &["guest.g", "crowd.c"]));
    let mut draft = records.into_iter().fold(draft, Draft::has_record);
    draft.selection = Selection {
        destroy: true,
        ..Selection::default()
    };
    draft.plan()
}

#[test]
fn an_old_one_whose_host_has_left_the_state_is_forgotten_and_keeps_nothing_from_going_with_its_own() {
    let other_age = Resource {
        generation: 1,
        ..resource("solid.s", &solid(1))
    };
    for records in [vec![old_guest(0)], vec![old_guest(0), other_age]] {
        let plan = destroyed(records);
        assert_eq!(find(&plan, "forget guest.g").operation, Operation::Forget);
        for along in ["forget crowd.c", "forget tenant.t"] {
            assert!(find(&plan, along).gone_with().is_some(), "{:?}", steps(&plan));
        }
        assert!(plan.drift.is_empty(), "nobody deleted it outside");
    }
}

#[test]
fn an_old_one_whose_host_is_there_goes_with_it() {
    let host = Resource {
        deposed: true,
        ..resource("solid.s", &solid(1))
    };
    let plan = destroyed([old_guest(0), host]);
    let with = find(&plan, "forget guest.g").gone_with().map(ToString::to_string);
    assert_eq!(with.as_deref(), Some("solid.s"));
}

#[test]
fn what_is_created_in_the_place_of_a_gone_one_is_not_what_its_user_was_made_with() {
    let plan = Draft::new()
        .has("soft.user", spec(json!({}), &["solid.s"]))
        .wants("soft.user", spec(json!({}), &["solid.s"]))
        .wants("solid.s", solid(1))
        .plan();
    assert_eq!(find(&plan, "create solid.s").generation, 1);
    let update = find(&plan, "update soft.user");
    let (before, after) = (update.before.as_ref(), update.after.as_ref());
    let made_with = |record: Option<&crate::plan::Record>| record.map(|record| record.made_with.clone());
    assert_eq!(made_with(before), Some(BTreeMap::new()));
    assert_eq!(made_with(after), Some(BTreeMap::from([(address("solid.s"), 1)])));
}
