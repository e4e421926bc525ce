//! Which journal counts, by what is recorded before and after its run began.

use crate::digest::Digest;
use crate::error::StateError;
use crate::journal::Entry;
use crate::names::{JOURNAL, STATE, past_state};
use crate::store::Store;
use crate::store_tests::{END, begin, block_on, run_from, snapshot, with_history};

#[test]
fn an_unfinished_run_counts_from_its_base_and_from_what_it_has_led_to() {
    let (_, store, base) = with_history(3);
    run_from(&store, 3, base.clone(), false);
    assert!(store.load().expect("fine").journal.is_some(), "its base");
    let mut previous = base;
    for serial in 4..=6 {
        previous = Some(store.save(&snapshot(serial, previous)).expect("saved"));
        assert!(store.load().expect("fine").journal.is_some(), "serial {serial}");
    }
    assert!(matches!(
        store.begin_journal(None),
        Err(StateError::Unfinished { .. })
    ));
}

#[test]
fn the_chain_between_a_state_and_the_base_of_a_run_must_be_whole() {
    // The run began from serial 2; serials 3 to 6 came after it.
    let chain = || {
        let (memory, store, base) = with_history(2);
        run_from(&store, 2, base.clone(), false);
        let mut previous = base;
        for serial in 3..=6 {
            previous = Some(store.save(&snapshot(serial, previous)).expect("saved"));
        }
        (memory, store)
    };
    let counts = |store: &Store| match store.load() {
        Ok(loaded) => loaded.journal.is_some(),
        Err(StateError::OtherBase {
            began: 2,
            found: Some(6),
            ..
        }) => false,
        Err(other) => panic!("{other}"),
    };
    for (serial, needed) in [
        (1, false),
        (2, false),
        (3, true),
        (4, true),
        (5, true),
        (6, false),
    ] {
        let (memory, store) = chain();
        memory.remove(&past_state(serial));
        assert_eq!(counts(&store), !needed, "without serial {serial}");
        let (other, _) = crate::format::render(&snapshot(serial, None)).expect("text");
        for content in ["damaged", &other] {
            memory.put(&past_state(serial), content);
            assert_eq!(counts(&store), !needed, "another serial {serial}: {content}");
        }
    }
}

#[test]
fn a_run_from_a_later_serial_than_that_of_the_state_does_not_count() {
    for (last, began) in [(1, 2), (1, 9), (3, 4)] {
        let (_, store, digest) = with_history(last);
        for base in [None, digest] {
            run_from(&store, began, base, false);
            match store.load() {
                Err(StateError::OtherBase { began: b, found, .. }) => {
                    assert_eq!((b, found), (began, Some(last)));
                }
                other => panic!("expected a refusal: {other:?}"),
            }
            store.put_journal_aside().expect("moved");
        }
    }
}

#[test]
fn the_journal_of_an_older_run_put_back_is_not_believed() {
    let (memory, store, base) = with_history(3);
    run_from(&store, 3, base.clone(), false);
    let backup = memory.objects()[JOURNAL].clone();
    let next = store.save(&snapshot(4, base)).expect("saved");
    block_on(async {
        let journal = store.load().expect("fine").journal.expect("unfinished");
        let writer = store.continue_journal(&journal, None).expect("opened");
        writer.append(&END).await.expect("appended");
    });
    store.retire_journal(3).expect("retired");
    memory.put(JOURNAL, backup);
    assert_eq!(store.load().expect("fine").journal, None);
    memory.remove(JOURNAL);
    // A run that began from a state which is neither there nor before what is there.
    run_from(&store, 4, Some(Digest::of("another")), false);
    match store.load() {
        Err(StateError::OtherBase {
            began: 4,
            found: Some(4),
            ..
        }) => {}
        other => panic!("expected a refusal: {other:?}"),
    }
    memory.remove(JOURNAL);
    run_from(&store, 5, Some(next), false);
    assert!(
        matches!(store.load(), Err(StateError::OtherBase { .. })),
        "the state is older"
    );
}

#[test]
fn the_journal_of_another_lineage_is_not_believed() {
    let (memory, store, base) = with_history(3);
    block_on(async {
        let journal = store.begin_journal(None).expect("begun");
        let mut other = begin(&store, 3, base).expect("an entry");
        if let Entry::Begin { lineage, .. } = &mut other {
            *lineage = "other".into();
        }
        journal.append(&other).await.expect("appended");
    });
    assert_eq!(store.load().expect("fine").journal, None);
    memory.remove(STATE);
    assert!(store.load().is_err(), "the state is missed all the same");
}

#[test]
fn a_journal_of_another_state_stops_no_run_and_is_kept() {
    let (memory, store, base) = with_history(1);
    run_from(&store, 1, base.clone(), false);
    assert!(matches!(
        store.begin_journal(None),
        Err(StateError::Unfinished { .. })
    ));
    let mut other = snapshot(2, None);
    other.lineage = "other".to_owned();
    let (text, _) = crate::format::render(&other).expect("text");
    memory.put(STATE, text);
    assert_eq!(store.load().expect("whole").journal, None);
    store.begin_journal(None).expect("begun");
    assert!(memory.objects().contains_key("journal.aside-1"));
}
