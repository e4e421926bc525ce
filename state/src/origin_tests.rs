//! Each state of the history says who wrote it, and what it came of.

use crate::journal::{Entry, Outcome};
use crate::lock::Holder;
use crate::origin::Ran;
use crate::store::Store;
use crate::store_tests::{block_on, holder, snapshot};
use crate::{Digest, Memory};

fn somebody(name: &str) -> Holder {
    Holder {
        user: Some(name.to_owned()),
        line: Some("subako apply --yes".to_owned()),
        run_url: Some("https://forge.example/runs/7".to_owned()),
        ..holder()
    }
}

fn ran(outcome: Outcome) -> Ran {
    Ran {
        run: "l-0-0".to_owned(),
        plan: Digest::of("plan"),
        outcome,
    }
}

#[test]
fn each_state_says_who_wrote_it_and_what_it_came_of() {
    let store = Store::in_memory();
    let lock = store.lock(&somebody("alice")).expect("free");
    let ran = ran(Outcome::Applied);
    let first = store.save_after(&snapshot(1, None), Some(&ran)).expect("saved");
    drop(lock);
    let lock = store.lock(&somebody("bob")).expect("free");
    store.save(&snapshot(2, Some(first))).expect("saved");
    drop(lock);
    let origins: Vec<_> = store
        .history()
        .expect("read")
        .into_iter()
        .map(|item| item.origin)
        .collect();
    let [Some(of_run), Some(edited)] = &origins[..] else {
        panic!("one says nothing: {origins:?}");
    };
    assert_eq!((&of_run.by, &of_run.ran), (&Some(somebody("alice")), &Some(ran)));
    assert_eq!((&edited.by, &edited.ran), (&Some(somebody("bob")), &None));
}

#[test]
fn who_restored_a_state_is_said_beside_who_wrote_it() {
    let store = Store::in_memory();
    let lock = store.lock(&somebody("alice")).expect("free");
    let first = store.save(&snapshot(1, None)).expect("saved");
    store.save(&snapshot(2, Some(first))).expect("saved");
    drop(lock);
    let _lock = store.lock(&somebody("bob")).expect("free");
    store.restore(1).expect("restored");
    let items = store.history().expect("read");
    let origin = items[0].origin.as_ref().expect("said");
    assert_eq!(origin.by, Some(somebody("alice")));
    assert_eq!(origin.restored_by, Some(somebody("bob")));
    assert_eq!(items[1].origin.as_ref().expect("said").restored_by, None);
}

/// Cut between the two writes, a note may stand beside another state of its serial.
#[test]
fn what_is_said_of_another_state_of_that_serial_counts_for_nothing() {
    let memory = Memory::new();
    let store = Store::on(memory.clone());
    store.save(&snapshot(1, None)).expect("saved");
    let note = |text: &str| memory.put("history/00000001.origin.json", text.as_bytes().to_vec());
    let kept = String::from_utf8(memory.objects()["history/00000001.origin.json"].clone()).expect("text");
    let said = |store: &Store| store.history().expect("read")[0].origin.is_some();
    assert!(said(&store));
    let digest = store.load().expect("whole").snapshot.expect("a state").1;
    note(&kept.replace(digest.as_str(), Digest::of("other").as_str()));
    assert!(!said(&store));
    note("{");
    assert!(!said(&store));
    note(&kept.replace("\"format\":1", "\"format\":2"));
    assert!(!said(&store), "a newer one is not guessed at");
    note(&kept);
    assert!(said(&store));
}

#[test]
fn a_run_that_left_no_state_is_told_by_its_journal() {
    let store = Store::in_memory();
    let _lock = store.lock(&somebody("alice")).expect("free");
    for outcome in [Outcome::RolledBack, Outcome::Applied] {
        let journal = store.begin_journal(None).expect("opened");
        let Ok(Entry::Begin { by: None, .. }) = crate::store_tests::begin(&store, 0, None) else {
            panic!("it begins without a name");
        };
        let mut begin = crate::store_tests::begin(&store, 0, None).expect("begins");
        if let Entry::Begin { by, .. } = &mut begin {
            *by = store.writer().map(Box::new);
        }
        block_on(journal.append(&begin)).expect("durable");
        block_on(journal.append(&Entry::End { outcome })).expect("durable");
        store.retire_journal(0).expect("retired");
    }
    let runs = store
        .past_runs(|serial, number| (serial, number) == (0, 1))
        .expect("read");
    let [run] = &runs[..] else {
        panic!("the known one is not left out: {runs:?}");
    };
    let told = run.told.as_ref().expect("readable");
    assert_eq!((run.serial, run.number, &*told.run), (0, 0, "l-0-0"));
    assert_eq!(told.by, Some(somebody("alice")));
    assert_eq!(told.outcome, Some(Outcome::RolledBack));
}

/// What the history keeps goes together.
#[test]
fn what_is_too_old_goes_with_what_is_said_of_it() {
    let (memory, _, _) = crate::store_tests::with_history(60);
    let names: Vec<String> = memory.objects().into_keys().collect();
    let count = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
    assert_eq!((count("0.state.json"), count(".origin.json")), (5, 50));
}
