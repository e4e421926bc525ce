//! A state moves into another store, is cut at any operation, and goes back.

use crate::backend::{Files, Memory};
use crate::bucket::Bucket;
use crate::error::StateError;
use crate::mark::Way;
use crate::migrate::{MigrateError, Migrated};
use crate::store::Store;
use crate::store_tests::{begin, block_on, holder, snapshot};
use crate::testing::{Fault, Faulty, MemoryObjects, Patient};

fn bucket() -> Bucket {
    Bucket::with(
        MemoryObjects::default(),
        Patient::default(),
        std::time::Duration::from_secs(60),
    )
}

fn move_it(from: &Store, to: &Store) -> Result<Migrated, MigrateError> {
    let lock = |store: &Store| {
        store.lock(&holder()).map_err(|error| match error {
            crate::LockError::State(error) => MigrateError::State(error),
            held => panic!("{held}"),
        })
    };
    let (_here, _there) = (lock(from)?, lock(to)?);
    from.migrate_to(to)
}

/// A store with some states and keys.
fn filled(store: &Store, last: u64) {
    let _lock = store.lock(&holder()).expect("free");
    store.seal_key().expect("a key");
    let mut previous = None;
    for serial in 1..=last {
        previous = Some(store.save(&snapshot(serial, previous)).expect("saved"));
    }
}

/// Everything that has to move, by name.
fn contents(store: &Store) -> Vec<(String, Vec<u8>)> {
    let names = store.backend().list("").expect("listed").into_iter();
    let past = store.backend().list("history/").expect("listed");
    let mut names: Vec<String> = names.chain(past).filter(|name| name != "lock").collect();
    names.sort();
    names.dedup();
    let read = |name: String| {
        let object = store.backend().read(&name).expect("readable").expect("there");
        (name, object.content)
    };
    names.into_iter().map(read).collect()
}

#[track_caller]
fn refuses(store: &Store, way: Way) {
    let refused = store.load();
    let as_wanted = match way {
        Way::MovedTo => matches!(refused, Err(StateError::MovedAway { .. })),
        Way::ComingFrom => matches!(refused, Err(StateError::HalfMoved { .. })),
    };
    assert!(as_wanted, "{refused:?}");
}

#[test]
fn a_state_moves_between_files_and_a_bucket_and_back_with_all_that_belongs_to_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = Store::on(Files::new(directory.path().join("sandbox.sim")));
    let bucket = Store::on(bucket());
    filled(&files, 3);
    let before = contents(&files);
    let moved = move_it(&files, &bucket).expect("moved");
    assert_eq!((moved.serial, moved.finished), (3, false));
    assert_eq!(contents(&bucket), before);
    refuses(&files, Way::MovedTo);
    // The new one goes on, and the old one cannot be brought back by what edits or restores.
    let lock = bucket.lock(&holder()).expect("free");
    let base = bucket.load().expect("whole").snapshot.expect("a state").1;
    bucket.save(&snapshot(4, Some(base))).expect("saved");
    drop(lock);
    {
        let _lock = files.lock(&holder()).expect("free");
        assert!(matches!(files.restore(2), Err(StateError::MovedAway { .. })));
        assert!(matches!(
            files.save(&snapshot(4, None)),
            Err(StateError::MovedAway { .. })
        ));
    }
    assert!(move_it(&files, &bucket).expect("repeated").finished);
    let before = contents(&bucket);
    move_it(&bucket, &files).expect("moved back");
    assert_eq!(contents(&files), before);
    refuses(&bucket, Way::MovedTo);
    assert_eq!(
        files.load().expect("whole").snapshot.expect("a state").0.serial,
        4
    );
}

/// Cut at any operation on either side: never do both count, nothing is lost, and the same again ends it.
#[test]
fn a_move_cut_at_any_operation_is_finished_by_the_same_again() {
    let mut cases = 0;
    let mut between = 0;
    for old_side in [true, false] {
        for fault in Fault::ALL {
            for at in 1.. {
                let (old, new) = (Memory::new(), Memory::new());
                let (from, to) = (Store::on(old.clone()), Store::on(new.clone()));
                filled(&from, 3);
                let before = contents(&from);
                let faulty = Faulty::around(if old_side { old } else { new }).at(at, fault);
                let cut = match old_side {
                    true => move_it(&Store::on(faulty.clone()), &to),
                    false => move_it(&from, &Store::on(faulty.clone())),
                };
                if (faulty.operations().len() as u64) < at {
                    assert!(cut.is_ok(), "{cut:?}");
                    break;
                }
                cases += 1;
                let place = format!(
                    "old {old_side}, {fault:?} at {at}: {:?}, {cut:?}",
                    faulty.operations()
                );
                let counts = |store: &Store| match store.load() {
                    Ok(loaded) => loaded.snapshot.is_some(),
                    Err(StateError::MovedAway { .. } | StateError::HalfMoved { .. }) => false,
                    Err(other) => panic!("{place}: {other}"),
                };
                let (old_counts, new_counts) = (counts(&from), counts(&to));
                assert!(!(old_counts && new_counts), "both count: {place}");
                if !old_counts && !new_counts {
                    between += 1;
                    assert!(
                        matches!(from.load(), Err(StateError::MovedAway { .. })),
                        "{place}"
                    );
                    assert!(matches!(to.load(), Err(StateError::HalfMoved { .. })), "{place}");
                }
                assert!(cut.is_err() || new_counts, "{place}");
                move_it(&from, &to).unwrap_or_else(|error| panic!("{place}, again: {error}"));
                assert_eq!(contents(&to), before, "{place}");
                refuses(&from, Way::MovedTo);
            }
        }
    }
    assert!(cases > 200 && between > 0, "{cases} {between}");
}

#[test]
fn a_run_that_did_not_end_does_not_move() {
    let (from, to) = (Store::in_memory(), Store::in_memory());
    filled(&from, 1);
    {
        let _lock = from.lock(&holder()).expect("free");
        let base = from.load().expect("whole").snapshot.map(|(_, digest)| digest);
        let journal = from.begin_journal(None).expect("opened");
        block_on(journal.append(&begin(&from, 1, base).expect("begins"))).expect("durable");
    }
    let refused = move_it(&from, &to);
    assert!(
        matches!(refused, Err(MigrateError::Unfinished { .. })),
        "{refused:?}"
    );
    assert!(contents(&to).is_empty());
}

#[test]
fn a_state_never_takes_the_place_of_another() {
    let (from, to, third) = (Store::in_memory(), Store::in_memory(), Store::in_memory());
    let nothing = move_it(&from, &to);
    assert!(
        matches!(nothing, Err(MigrateError::Nothing { .. })),
        "{nothing:?}"
    );
    filled(&from, 2);
    filled(&to, 1);
    let before = contents(&to);
    let refused = move_it(&from, &to);
    assert!(
        matches!(refused, Err(MigrateError::Occupied { .. })),
        "{refused:?}"
    );
    assert_eq!(contents(&to), before);
    // One that was lost is not written over either.
    let version = to.backend().version("state.json").expect("read").expect("there");
    to.backend().delete("state.json", &version).expect("deleted");
    let refused = move_it(&from, &to);
    assert!(
        matches!(refused, Err(MigrateError::Occupied { .. })),
        "{refused:?}"
    );
    // And one that is gone does not go twice.
    move_it(&from, &third).expect("moved");
    let refused = move_it(&from, &Store::in_memory());
    assert!(
        matches!(refused, Err(MigrateError::Elsewhere { .. })),
        "{refused:?}"
    );
}
