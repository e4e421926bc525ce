//! Who answers to an address while a run goes on.

use serde_json::json;

use super::*;
use crate::testing::{Draft, address, json_of, resource, spec};

/// A recorded object: its id says which generation it is of.
fn object(name: &str, generation: u32, fields: &serde_json::Value) -> Resource {
    Resource {
        generation,
        outputs: id(name, generation),
        ..resource(name, fields)
    }
}

fn id(name: &str, generation: u32) -> Json {
    json_of(&json!({"id": format!("{name}#{generation}")}))
}

fn record(fields: &serde_json::Value, made_with: &[(&str, u32)]) -> Record {
    let of = object("solid.x", 0, fields);
    Record::of(&Resource {
        made_with: made_with
            .iter()
            .map(|(name, generation)| (address(name), *generation))
            .collect(),
        ..of
    })
}

fn working(resources: &[Resource]) -> Arc<Working> {
    Arc::new(Working::new(Draft::registry(), resources))
}

fn view(working: &Arc<Working>, with: &[(&str, u32)], old: bool) -> View {
    View {
        working: Arc::clone(working),
        with: with
            .iter()
            .map(|(name, generation)| (address(name), *generation))
            .collect(),
        old,
    }
}

/// Which object a view sees at an address.
fn seen(view: &View, name: &str) -> Option<String> {
    view.get(&address(name))?.1.text_field("id")
}

fn is(found: Option<String>, name: &str, generation: u32) {
    assert_eq!(found, Some(format!("{name}#{generation}")));
}

#[test]
fn the_newest_answers_to_an_address_unless_it_waits_to_be_deleted() {
    let deposed = Resource {
        deposed: true,
        ..object("solid.a", 2, &json!({}))
    };
    let working = working(&[
        object("solid.a", 0, &json!({})),
        object("solid.a", 1, &json!({})),
        deposed,
    ]);
    is(seen(&view(&working, &[], false), "solid.a"), "solid.a", 1);
    assert!(working.is_old(&address("solid.a"), 0));
    assert!(!working.is_old(&address("solid.a"), 1));
    assert!(working.is_old(&address("solid.a"), 2), "it is newer, but deposed");
    assert!(!working.is_old(&address("solid.b"), 0), "nobody has that address");
    working.remove(&address("solid.a"), 1);
    is(seen(&view(&working, &[], false), "solid.a"), "solid.a", 0);
    working.remove(&address("solid.a"), 0);
    is(seen(&view(&working, &[], false), "solid.a"), "solid.a", 2);
    working.remove(&address("solid.a"), 2);
    assert_eq!(seen(&view(&working, &[], false), "solid.a"), None);
}

#[test]
fn a_new_object_has_the_address_and_who_asks_for_the_old_one_sees_it() {
    let working = working(&[object("solid.a", 0, &json!({}))]);
    assert!(!working.is_old(&address("solid.a"), 0));
    working.put(
        &address("solid.a"),
        1,
        &record(&json!({}), &[]),
        &id("solid.a", 1),
    );
    assert!(working.is_old(&address("solid.a"), 0));
    is(seen(&view(&working, &[], false), "solid.a"), "solid.a", 1);
    is(seen(&view(&working, &[], true), "solid.a"), "solid.a", 0);
    is(
        seen(&view(&working, &[("solid.a", 0)], false), "solid.a"),
        "solid.a",
        0,
    );
    is(
        seen(&view(&working, &[("solid.a", 1)], true), "solid.a"),
        "solid.a",
        1,
    );
    // What it was made with is gone: whoever has the address now.
    is(
        seen(&view(&working, &[("solid.a", 7)], false), "solid.a"),
        "solid.a",
        1,
    );
}

#[test]
fn what_was_made_with_the_same_objects_is_seen_together_with_them() {
    let lodged = |generation, host| Resource {
        made_with: [(address("solid.a"), host)].into(),
        ..object("guest.b", generation, &spec(json!({}), &["solid.a"]))
    };
    let hosts = [object("solid.a", 0, &json!({})), object("solid.a", 1, &json!({}))];
    let all: Vec<Resource> = hosts.into_iter().chain([lodged(0, 0), lodged(1, 1)]).collect();
    let working = working(&all);
    is(
        seen(&view(&working, &[("solid.a", 0)], false), "guest.b"),
        "guest.b",
        0,
    );
    is(
        seen(&view(&working, &[("solid.a", 1)], false), "guest.b"),
        "guest.b",
        1,
    );
    // With none of them in common it is whoever has the address.
    is(
        seen(&view(&working, &[("solid.c", 0)], false), "guest.b"),
        "guest.b",
        1,
    );
    // One of two that differ is not the same.
    let of_two = Resource {
        made_with: [(address("solid.a"), 0), (address("solid.c"), 1)].into(),
        ..object("guest.d", 0, &spec(json!({}), &["solid.a", "solid.c"]))
    };
    let newer = object("guest.d", 1, &json!({}));
    let two: Vec<Resource> = all.into_iter().chain([of_two, newer]).collect();
    let working = super::tests::working(&two);
    let with = |c| view(&working, &[("solid.a", 0), ("solid.c", c)], false);
    is(seen(&with(1), "guest.d"), "guest.d", 0);
    is(seen(&with(0), "guest.d"), "guest.d", 1);
}

#[test]
fn a_reference_is_replaced_by_what_that_object_answers() {
    let working = working(&[object("solid.a", 0, &json!({})), object("solid.a", 1, &json!({}))]);
    let wanted = json_of(&spec(json!({"value": 1}), &["solid.a"]));
    let resolved = |with: &[(&str, u32)]| {
        view(&working, with, false)
            .resolve(&wanted)
            .expect("it is there")
            .value()
    };
    assert_eq!(resolved(&[("solid.a", 0)])["needs"], json!(["solid.a#0"]));
    assert_eq!(resolved(&[])["needs"], json!(["solid.a#1"]));
    assert_eq!(resolved(&[])["value"], json!(1));
    let missing = json_of(&spec(json!({}), &["solid.z"]));
    assert!(view(&working, &[], false).resolve(&missing).is_err());
    // A resource whose own references are gone is seen as it was recorded.
    let orphan = object("guest.o", 0, &spec(json!({}), &["solid.z"]));
    let working = super::tests::working(std::slice::from_ref(&orphan));
    let (found, _) = view(&working, &[], false)
        .get(&orphan.address)
        .expect("it is there");
    assert_eq!(found, orphan.spec);
}

#[test]
fn a_group_has_those_who_answer_to_their_address_now() {
    let grouped = |group: &str| json!({"group": group});
    let working = working(&[
        object("solid.a", 0, &grouped("managers")),
        object("solid.b", 0, &grouped("managers")),
        object("solid.c", 0, &json!({})),
    ]);
    let of = |group: &str| -> Vec<String> {
        let found = view(&working, &[], false).of_group(group);
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(of("managers"), ["solid.a", "solid.b"]);
    // Its replacement is in another group; when that is gone the old one is back in its own.
    working.put(
        &address("solid.a"),
        1,
        &record(&grouped("workers"), &[]),
        &id("solid.a", 1),
    );
    assert_eq!(
        (of("managers"), of("workers")),
        (vec!["solid.b".to_owned()], vec!["solid.a".to_owned()])
    );
    working.remove(&address("solid.a"), 1);
    assert_eq!(
        (of("managers"), of("workers")),
        (vec!["solid.a".to_owned(), "solid.b".to_owned()], vec![])
    );
    working.remove(&address("solid.b"), 3);
    assert_eq!(of("managers").len(), 2, "no such object was there");
    let kinds = view(&working, &[], false).of_kind("solid");
    assert_eq!(
        kinds.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["solid.a", "solid.b", "solid.c"]
    );
    assert!(view(&working, &[], false).of_kind("guest").is_empty());
}

#[test]
fn a_record_is_made_with_generation_0_of_what_it_does_not_name() {
    let of = record(
        &spec(json!({}), &["solid.a", "solid.b"]),
        &[("solid.b", 2), ("solid.z", 9)],
    );
    let found = made_with(&of);
    assert_eq!(found, [(address("solid.a"), 0), (address("solid.b"), 2)].into());
}
