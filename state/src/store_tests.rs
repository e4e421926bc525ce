//! The store: what counts, what is refused, and that no cut of any command loses anything.

use crate::backend::{Memory, Repair};
use crate::digest::Digest;
use crate::error::{Damage, StateError};
use crate::journal::{Entry, Journal, Outcome};
use crate::json::Json;
use crate::lock::{Holder, LockError};
use crate::names::{JOURNAL, STATE};
use crate::snapshot::Snapshot;
use crate::store::{Loaded, Store};
use crate::version::JOURNAL_FORMAT;

pub(crate) fn holder() -> Holder {
    Holder {
        pid: 1,
        host: "h".into(),
        command: "apply".into(),
        since: "2026-01-01T00:00:00Z".into(),
        ..Holder::default()
    }
}

pub(crate) fn snapshot(serial: u64, previous: Option<Digest>) -> Snapshot {
    Snapshot {
        serial,
        previous,
        ..Snapshot::empty("l".into(), "c".into(), "sim".into())
    }
}

/// A store with serials 1 to `last`.
pub(crate) fn with_history(last: u64) -> (Memory, Store, Option<Digest>) {
    let memory = Memory::new();
    let store = Store::on(memory.clone());
    let mut previous = None;
    for serial in 1..=last {
        previous = Some(store.save(&snapshot(serial, previous)).expect("saved"));
    }
    (memory, store, previous)
}

pub(crate) fn begin(store: &Store, serial: u64, base: Option<Digest>) -> Result<Entry, StateError> {
    Ok(Entry::Begin {
        format: JOURNAL_FORMAT,
        written_by: String::new(),
        run: format!("l-{serial}-{}", store.runs_from(serial)?),
        command: "apply".into(),
        by: None,
        plan_digest: Digest::of("plan"),
        lineage: "l".into(),
        serial,
        base,
        plan: Json::canonical(&serde_json::json!({})).expect("json"),
    })
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Begins a run from the state with that serial; `ended` says whether it ends.
pub(crate) fn run_from(store: &Store, serial: u64, base: Option<Digest>, ended: bool) {
    block_on(async {
        let journal = store.begin_journal(None).expect("begun");
        journal
            .append(&begin(store, serial, base).expect("an entry"))
            .await
            .expect("appended");
        if ended {
            journal.append(&END).await.expect("appended");
        }
    });
}

pub(crate) const END: Entry = Entry::End {
    outcome: Outcome::Applied,
};

#[test]
fn nothing_at_all_is_a_new_cluster() {
    let nothing = Loaded {
        snapshot: None,
        journal: None,
    };
    assert_eq!(Store::in_memory().load().expect("fine"), nothing);
}

#[test]
fn a_state_that_vanished_is_not_a_new_cluster() {
    let (memory, store, _) = with_history(2);
    memory.remove(STATE);
    match store.load() {
        Err(StateError::Damaged {
            damage: Damage::Missing(_),
            newest: Some(2),
            ..
        }) => {}
        other => panic!("expected it to be missed, got {other:?}"),
    }
    store.restore(2).expect("restored");
    assert_eq!(
        store.load().expect("fine").snapshot.expect("a snapshot").0.serial,
        2
    );
    assert!(store.restore(3).is_err(), "there is none");
}

#[test]
fn a_serial_is_written_once() {
    let (_, store, digest) = with_history(1);
    let again = store.save(&snapshot(1, None));
    assert!(
        matches!(
            again,
            Err(StateError::Moved {
                found: 1,
                expected: 0,
                ..
            })
        ),
        "{again:?}"
    );
    store.save(&snapshot(2, digest)).expect("the next one");
}

#[test]
fn history_is_listed_with_what_is_damaged_and_the_oldest_goes() {
    let (memory, store, _) = with_history(52);
    for run in 0..2 {
        run_from(&store, 3, None, true);
        store.retire_journal(3).expect("retired");
        assert_eq!(store.runs_from(3).expect("counted"), run + 1);
    }
    let items = store.history().expect("listed");
    assert_eq!(
        items.iter().map(|item| item.serial).collect::<Vec<_>>(),
        (3..=52).collect::<Vec<_>>()
    );
    for pair in items.windows(2) {
        assert_eq!(pair[1].previous, pair[0].digest.clone().ok());
    }
    let digest = store.load().expect("fine").snapshot.expect("there").1;
    store.save(&snapshot(53, Some(digest))).expect("saved");
    assert_eq!(
        store.runs_from(3).expect("counted"),
        0,
        "its journals went with it"
    );
    memory.put("history/00000053.state.json", "x");
    memory.put(STATE, "x");
    let items = store.history().expect("listed");
    assert_eq!(items.len(), 50);
    assert!(items.last().expect("one").digest.is_err());
    match store.load() {
        Err(StateError::Damaged { newest: Some(52), .. }) => {}
        other => panic!("expected damage: {other:?}"),
    }
}

#[test]
fn the_first_state_cut_between_history_and_its_place_is_finished_from_the_journal() {
    let (memory, store, _) = with_history(0);
    run_from(&store, 0, None, false);
    store.save(&snapshot(1, None)).expect("saved");
    memory.remove(STATE);
    let loaded = store.load().expect("the journal is believed");
    assert_eq!(loaded.snapshot, None);
    assert!(loaded.journal.is_some());
    store.save(&snapshot(1, None)).expect("finished");
    assert!(store.load().expect("fine").snapshot.is_some());
}

#[test]
fn a_journal_that_has_ended_is_history() {
    let (memory, store, base) = with_history(3);
    run_from(&store, 3, base.clone(), true);
    assert_eq!(store.load().expect("fine").journal, None);
    // The next one who may write retires it.
    drop(store.lock(&holder()).expect("free"));
    assert!(!memory.objects().contains_key(JOURNAL));
    assert!(memory.objects().contains_key("history/00000003.journal-0.jsonl"));
    // So does a run that begins without a look at it.
    run_from(&store, 3, base.clone(), true);
    run_from(&store, 3, base, true);
    assert!(memory.objects().contains_key("history/00000003.journal-1.jsonl"));
}

#[test]
fn what_cannot_be_trusted_is_kept_aside_under_new_names() {
    let (memory, store, base) = with_history(1);
    for number in 1..=2 {
        memory.put(STATE, "damaged");
        run_from(&store, 1, base.clone(), false);
        let mut next = snapshot(number + 1, None);
        next.lineage = format!("lineage {number}");
        let superseded = store.supersede(&next).expect("written");
        assert_eq!(superseded.kept.len(), 2);
        let objects = memory.objects();
        assert_eq!(objects[&format!("state.aside-{number}")], b"damaged");
        assert!(objects.contains_key(&format!("journal.aside-{number}")));
        assert!(!objects.contains_key(JOURNAL));
        assert_eq!(
            store.load().expect("whole").snapshot,
            Some((next, superseded.digest))
        );
    }
}

#[test]
fn an_unfinished_run_is_not_lost_by_whoever_is_refused_the_lock() {
    let (memory, store, base) = with_history(1);
    run_from(&store, 1, base, false);
    let _held = store.lock(&holder()).expect("free");
    let other = Store::on(memory);
    assert!(matches!(other.lock(&holder()), Err(LockError::Held { .. })));
    assert!(other.locked().expect("readable").expect("held").alive);
    assert!(other.load().expect("fine").journal.is_some());
}

#[test]
fn what_was_written_by_hand_is_read_from_its_bytes() {
    let bytes = b"{\"sum\":\"x\",\"entry\":{}}\n";
    assert!(matches!(
        Journal::parse(bytes, "j"),
        Err(StateError::Journal { line: 1, .. })
    ));
    assert!(Journal::parse(b"", "j").expect("fine").is_none());
}

#[test]
fn repairs_are_told_in_words() {
    let mode = Repair::Mode {
        place: "seal.key".into(),
        from: 0o644,
        to: 0o600,
    };
    assert_eq!(
        mode.to_string(),
        "seal.key had mode 0644: it is 0600 again, for its owner alone"
    );
    let leftover = Repair::Leftover {
        place: "x.tmp-1-0".into(),
    };
    assert_eq!(
        leftover.to_string(),
        "removed x.tmp-1-0, which a killed run had left unfinished"
    );
}

#[test]
fn the_stores_of_other_clusters_are_found_beside_ones_own() {
    let root = tempfile::tempdir().expect("a directory");
    let at = |name: &str| Store::in_directory(root.path().join(name));
    let cluster = |name: &str| Snapshot {
        serial: 1,
        ..Snapshot::empty("l".into(), name.into(), "sim".into())
    };
    for name in ["b", "own", "a"] {
        at(name).save(&cluster(name)).expect("saved");
    }
    std::fs::create_dir(root.path().join("without-a-state")).expect("a directory");
    std::fs::write(root.path().join("file"), "").expect("a file");
    std::os::unix::fs::symlink(root.path().join("a"), root.path().join("link")).expect("a link");
    let beside = |store: &Store| -> Vec<String> {
        let stores = store.beside().expect("readable").into_iter();
        let snapshots = stores.map(|store| store.load().expect("whole").snapshot.expect("there").0);
        snapshots.map(|snapshot| snapshot.cluster).collect()
    };
    assert_eq!(beside(&at("own")), ["a", "b"]);
    // One that is yet to be made has them too, and making its directory is not for a look.
    assert_eq!(beside(&at("new")), ["a", "b", "own"]);
    assert!(!root.path().join("new").exists());
    assert_eq!(beside(&at("nowhere/new")), [""; 0]);
    assert_eq!(beside(&Store::in_memory()), [""; 0]);
}

#[test]
fn a_store_says_where_it_is() {
    let store = Store::in_directory("somewhere/sandbox.sim");
    assert_eq!(store.place(), "somewhere/sandbox.sim");
    assert_eq!(store.state_place(), "somewhere/sandbox.sim/state.json");
    assert!(
        format!("{store:?}").contains("somewhere/sandbox.sim"),
        "{store:?}"
    );
    assert_eq!(Store::in_memory().state_place(), "memory:state.json");
}

#[test]
fn a_state_has_another_version_once_it_is_written_again() {
    let (memory, store, _) = with_history(0);
    assert_eq!(store.state_version().expect("readable"), None);
    let digest = store.save(&snapshot(1, None)).expect("saved");
    let first = store.state_version().expect("readable");
    assert!(first.is_some());
    assert_eq!(store.state_version().expect("readable"), first);
    store.save(&snapshot(2, Some(digest))).expect("saved");
    let second = store.state_version().expect("readable");
    assert!(second.is_some() && second != first);
    // A damaged one has one too.
    memory.put(STATE, "damaged");
    assert!(store.state_version().expect("readable").is_some());
}

#[test]
fn a_holder_is_told_in_words() {
    assert_eq!(
        holder().to_string(),
        "`subako apply` (pid 1 on h, since 2026-01-01T00:00:00Z)"
    );
}
