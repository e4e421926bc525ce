//! A plan in a file: what is read again, what is refused, and what is named as moved.

use subako_state::Json;

use super::*;
use crate::check::plan;
use crate::desired::{Desired, DesiredSet};
use crate::kinds;
use crate::plan::{Operation, Planning};
use crate::refresh::Observed;

fn sealed() -> Plan {
    let spec = serde_json::json!({"name": "a", "public_key": "k", "tags": {}});
    let desired = DesiredSet {
        ignored: Default::default(),
        resources: vec![Desired {
            address: "key_pair.a".parse().expect("an address"),
            spec: Json::canonical(&spec).expect("json"),
            depends_on: vec![],
            protect: false,
        }],
    };
    let snapshot = Snapshot::empty("l".into(), "sandbox".into(), "sim".into());
    plan(&Planning {
        registry: &kinds::registry(),
        desired: &desired,
        snapshot: &snapshot,
        base: None,
        observed: &Observed::as_recorded(&snapshot),
        moved: &[],
        account: None,
        selection: &Selection::default(),
    })
    .expect("a plan")
}

#[test]
fn a_saved_plan_is_read_again_and_no_byte_of_it_may_change() {
    let bytes = SavedPlan::new(&sealed(), true, Variables::default())
        .expect("saved")
        .render()
        .expect("rendered");
    assert_eq!(SavedPlan::parse(&bytes).expect("whole").plan, sealed());
    for index in 0..bytes.len() {
        for mask in [1u8, 2, 4, 8, 16, 32, 64, 128] {
            let mut changed = bytes.clone();
            changed[index] ^= mask;
            assert!(
                SavedPlan::parse(&changed).is_err(),
                "byte {index} with {mask} flipped"
            );
        }
        assert!(SavedPlan::parse(&bytes[..index]).is_err(), "cut at {index}");
    }
}

#[test]
fn a_stale_plan_names_what_moved() {
    let saved = SavedPlan::new(&sealed(), true, Variables::default()).expect("saved");
    let now = Snapshot::empty("l".into(), "sandbox".into(), "sim".into());
    assert!(saved.compare(&sealed(), &now).is_ok());
    let message = |change: fn(&mut Plan)| {
        let mut again = sealed();
        change(&mut again);
        again.digest = again.sealed().expect("sealed");
        match saved.compare(&again, &now).expect_err("it moved") {
            SavedPlanError::Stale { moved, .. } => moved,
            other => panic!("expected it to be stale, got {other}"),
        }
    };
    let state = message(|plan| plan.components.state = Some(Digest::of("x")));
    assert!(
        matches!(
            &state[..],
            [Moved::State {
                saved: None,
                serial: 0,
                ..
            }]
        ),
        "{state:?}"
    );
    let other = message(|plan| plan.cluster = "other".to_owned());
    let [Moved::Cluster { saved: was, now: is }] = &other[..] else {
        panic!("expected the cluster, got {other:?}")
    };
    assert_eq!(
        (&*was.0, &*is.0, &*was.1, &*is.1),
        ("sandbox", "other", "sim", "sim")
    );
    let account = message(|plan| {
        plan.account = Some(subako_state::AccountId {
            id: "1".into(),
            region: "r".into(),
        });
    });
    assert_eq!(account, [Moved::Account]);
    // All that moved is named, and the world only where nothing else explains it.
    let both = message(|plan| {
        plan.components.state = Some(Digest::of("x"));
        plan.components.manifest = Digest::of("x");
        plan.steps[0].operation = Operation::Adopt;
    });
    assert!(
        matches!(&both[..], [Moved::State { .. }, Moved::Manifest]),
        "{both:?}"
    );
    let manifest = message(|plan| plan.components.manifest = Digest::of("x"));
    assert_eq!(manifest, [Moved::Manifest]);
    let world = message(|plan| plan.steps[0].operation = Operation::Adopt);
    assert_eq!(
        world,
        [Moved::World(vec!["key_pair.a".parse().expect("an address")])]
    );
    assert_eq!(world[0].to_string(), "the world moved: key_pair.a");
}
