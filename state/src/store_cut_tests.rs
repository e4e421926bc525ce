//! A change of the store that is cut at any operation is gone on with by the next command.

use std::sync::Arc;

use crate::backend::{Backend, Files, Memory};
use crate::error::StateError;
use crate::journal::Entry;
use crate::json::Json;
use crate::lock::LockError;
use crate::store::Store;
use crate::store_tests::{END, begin, block_on, holder, snapshot};
use crate::testing::{Fault, Faulty};

/// What a command that changes something does to the store.
fn change(store: &Store) -> Result<(), LockError> {
    let _lock = store.lock(&holder())?;
    block_on(async {
        let loaded = store.load()?;
        let (serial, base) = loaded
            .snapshot
            .map_or((0, None), |(snapshot, digest)| (snapshot.serial, Some(digest)));
        if let Some(journal) = loaded.journal {
            // Settle: what the run did is in the state, which may be written already.
            let Some(Entry::Begin { serial: from, .. }) = journal.entries.first() else {
                panic!("it does not begin");
            };
            let writer = store.continue_journal(&journal, None)?;
            if serial == *from {
                store.save(&snapshot(serial + 1, base))?;
            }
            writer.append(&END).await?;
            return Ok(store.retire_journal(*from)?);
        }
        let writer = store.begin_journal(None)?;
        writer.append(&begin(store, serial, base.clone())?).await?;
        for step in 0..2 {
            let token = format!("t{step}");
            writer.append(&Entry::Intent { step, token }).await?;
            let outputs = Json::canonical(&serde_json::json!({}))
                .map_err(|e| StateError::io("write", "outputs")(std::io::Error::other(e)))?;
            writer.append(&Entry::Done { step, outputs }).await?;
        }
        store.save(&snapshot(serial + 1, base))?;
        writer.append(&END).await?;
        Ok(store.retire_journal(serial)?)
    })
}

/// Cuts a change at every operation in every way, and lets the next ones go on without a fault.
fn cut_everywhere<B: Backend + Clone + 'static>(
    serial: u64,
    faults: &[Fault],
    new: impl Fn() -> (B, Arc<dyn Send + Sync>),
) {
    let mut cases = 0;
    for &fault in faults {
        for at in 1.. {
            let (backend, _kept) = new();
            let plain = Store::on(backend.clone());
            let mut previous = None;
            for number in 1..=serial {
                previous = Some(plain.save(&snapshot(number, previous)).expect("saved"));
            }
            let faulty = Faulty::around(backend).at(at, fault);
            let done = change(&Store::on(faulty.clone()));
            let operations = faulty.operations();
            if (operations.len() as u64) < at {
                assert!(done.is_ok());
                break;
            }
            cases += 1;
            let place = format!("{fault:?} at {at}: {operations:?}, {done:?}");
            let loaded = plain.load().unwrap_or_else(|error| panic!("{place}: {error}"));
            let now = loaded
                .snapshot
                .as_ref()
                .map_or(0, |(snapshot, _)| snapshot.serial);
            assert!(now == serial || now == serial + 1, "{place}: {now}");
            if done.is_ok() {
                assert_eq!(now, serial + 1, "{place}");
                assert_eq!(loaded.journal, None, "{place}");
            }
            // The next command settles or begins, the one after begins: both work.
            for _ in 0..2 {
                change(&plain).unwrap_or_else(|error| panic!("{place}, afterwards: {error}"));
            }
            let loaded = plain
                .load()
                .unwrap_or_else(|error| panic!("{place}, at the end: {error}"));
            assert_eq!(loaded.journal, None, "{place}");
            let items = plain.history().expect("listed");
            for pair in items.windows(2) {
                assert_eq!(pair[1].previous, pair[0].digest.clone().ok(), "{place}");
            }
            assert_eq!(
                items.last().map(|item| item.digest.clone().ok()),
                Some(loaded.snapshot.map(|(_, digest)| digest)),
                "{place}"
            );
        }
    }
    assert!(cases > 20 * faults.len(), "{cases}");
}

#[test]
fn a_change_cut_at_any_operation_is_gone_on_with_in_memory() {
    for serial in [0, 1, 3] {
        cut_everywhere(serial, &Fault::ALL, || (Memory::new(), Arc::new(())));
    }
}

#[test]
fn a_change_killed_at_any_operation_is_gone_on_with_in_files() {
    // The other faults differ above the port only; each case waits for some forty flushes.
    cut_everywhere(0, &[Fault::ShortKill], || {
        let directory = tempfile::tempdir().expect("a directory");
        let files = Files::new(directory.path().join("sandbox.sim"));
        (files, Arc::new(directory))
    });
}
