//! The journal, written and read again.

use crate::backend::Memory;
use crate::digest::Digest;
use crate::error::StateError;
use crate::journal::{Entry, Journal, chain};
use crate::names::JOURNAL;
use crate::store::Store;
use crate::testing::{Fault, Faulty};
use crate::version::JOURNAL_FORMAT;

fn intent(step: u32) -> Entry {
    Entry::Intent {
        step,
        token: format!("t{step}"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

/// The text of a journal of `count` intents.
fn written(count: u32) -> Vec<u8> {
    let memory = Memory::new();
    runtime().block_on(async {
        let journal = Store::on(memory.clone()).begin_journal(None).expect("begun");
        for step in 0..count {
            journal.append(&intent(step)).await.expect("appended");
        }
    });
    memory.objects().remove(JOURNAL).expect("a journal")
}

fn entries(bytes: &[u8]) -> Vec<Entry> {
    Journal::parse(bytes, "the journal")
        .expect("readable")
        .map_or(vec![], |journal| journal.entries)
}

#[test]
fn a_journal_cut_anywhere_is_a_prefix_of_what_was_written() {
    let whole = written(5);
    for cut in 0..=whole.len() {
        let expected = whole[..cut].iter().filter(|b| **b == b'\n').count();
        assert_eq!(
            entries(&whole[..cut]),
            (0..5).map(intent).take(expected).collect::<Vec<_>>(),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_journal_without_a_whole_first_line_is_no_run_and_the_next_begins() {
    let line = written(1);
    for cut in 0..line.len() {
        let memory = Memory::new();
        memory.put(JOURNAL, &line[..cut]);
        let store = Store::on(memory.clone());
        assert_eq!(store.load().expect("readable").journal, None, "cut at {cut}");
        runtime().block_on(async {
            let journal = store.begin_journal(None).expect("begun");
            journal.append(&intent(7)).await.expect("appended");
        });
        assert_eq!(entries(&memory.objects()[JOURNAL]), [intent(7)], "cut at {cut}");
    }
}

#[test]
fn a_changed_or_missing_line_is_refused() {
    let text = String::from_utf8(written(3)).expect("UTF-8");
    let changed = text.replacen("t1", "t9", 1);
    let missing: String = text
        .split_inclusive('\n')
        .enumerate()
        .filter(|(i, _)| *i != 1)
        .map(|(_, l)| l)
        .collect();
    for text in [changed, missing] {
        match Journal::parse(text.as_bytes(), "the journal") {
            Err(StateError::Journal { line: 2, place, .. }) => assert_eq!(place, "the journal"),
            other => panic!("expected it to be refused: {other:?}"),
        }
    }
}

/// The text of a journal with these entries.
fn of_entries(entries: &[String]) -> Vec<u8> {
    let mut text = String::new();
    let mut sum = String::new();
    for entry in entries {
        sum = chain(&sum, entry);
        text.push_str(&format!("{{\"sum\":\"{sum}\",\"entry\":{entry}}}\n"));
    }
    text.into_bytes()
}

/// An entry that begins a run, with `more` fields before its own.
fn begin_text(more: &str) -> String {
    let digest = Digest::of("plan");
    format!(
        r#"{{"begin":{{{more}"run":"r","command":"apply","plan_digest":"{digest}","lineage":"l","serial":3,"base":null,"plan":{{}}}}}}"#
    )
}

#[test]
fn a_journal_that_does_not_say_its_format_has_the_first() {
    let [
        Entry::Begin {
            format,
            written_by,
            serial,
            ..
        },
    ] = &entries(&of_entries(&[begin_text("")]))[..]
    else {
        panic!("it does not begin");
    };
    assert_eq!((*format, written_by.as_str(), *serial), (1, "", 3));
}

#[test]
fn a_journal_of_a_newer_format_is_refused_by_its_first_line_alone() {
    let known = format!(r#""format":{JOURNAL_FORMAT},"written_by":"0.1.0","#);
    assert_eq!(entries(&of_entries(&[begin_text(&known)])).len(), 1);
    let newer = JOURNAL_FORMAT + 1;
    // Whatever else has changed in it.
    let first = format!(r#"{{"begin":{{"format":{newer},"written_by":"9.9.9","novel":true}}}}"#);
    match Journal::parse(&of_entries(&[first.clone(), "{}".into()]), "the journal") {
        Err(StateError::JournalFormat {
            place,
            format,
            written_by,
        }) => {
            assert_eq!(
                (place.as_str(), format, written_by.as_str()),
                ("the journal", newer, "9.9.9")
            );
        }
        other => panic!("expected it to be refused: {other:?}"),
    }
    // Further down it is a line that is not understood.
    match Journal::parse(&of_entries(&[begin_text(&known), first]), "the journal") {
        Err(StateError::Journal { line: 2, .. }) => {}
        other => panic!("expected it to be refused: {other:?}"),
    }
}

#[test]
fn a_torn_journal_is_gone_on_with_after_its_last_whole_line() {
    let mut bytes = written(2);
    bytes.extend_from_slice(b"{\"sum\":\"torn");
    let memory = Memory::new();
    memory.put(JOURNAL, bytes.clone());
    let journal = Journal::parse(&bytes, "the journal")
        .expect("readable")
        .expect("not empty");
    runtime().block_on(async {
        let store = Store::on(memory.clone());
        let writer = store.continue_journal(&journal, None).expect("opened");
        writer.append(&intent(2)).await.expect("appended");
    });
    assert_eq!(
        entries(&memory.objects()[JOURNAL]),
        (0..3).map(intent).collect::<Vec<_>>()
    );
}

#[test]
fn entries_that_wait_together_share_a_flush_and_keep_their_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = Faulty::around(crate::Files::new(directory.path()));
    let store = Store::on(files.clone());
    runtime().block_on(async {
        let journal = store.begin_journal(None).expect("begun");
        let waiting: Vec<_> = (0..50)
            .map(|step| {
                let journal = journal.clone();
                tokio::spawn(async move { journal.append(&intent(step)).await })
            })
            .collect();
        for wait in waiting {
            wait.await.expect("joined").expect("appended");
        }
    });
    let bytes = std::fs::read(directory.path().join(JOURNAL)).expect("readable");
    assert_eq!(entries(&bytes), (0..50).map(intent).collect::<Vec<_>>());
    let appends = files
        .operations()
        .iter()
        .filter(|o| o.starts_with("append"))
        .count();
    assert!(appends < 50, "{appends} flushes for 50 entries");
}

#[test]
fn a_probe_is_told_of_each_entry_when_it_is_durable() {
    let memory = Memory::new();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let probe = {
        let (memory, seen) = (memory.clone(), std::sync::Arc::clone(&seen));
        Box::new(move |count: u64| {
            let durable = entries(&memory.objects()[JOURNAL]).len();
            seen.lock().expect("seen").push((count, durable as u64));
        })
    };
    runtime().block_on(async {
        let journal = Store::on(memory.clone())
            .begin_journal(Some(probe))
            .expect("begun");
        for step in 0..3 {
            journal.append(&intent(step)).await.expect("appended");
        }
    });
    assert_eq!(*seen.lock().expect("seen"), [(1, 1), (2, 2), (3, 3)]);
}

#[test]
fn after_one_failure_nothing_more_is_written() {
    let faulty = Faulty::around(Memory::new()).at(4, Fault::Error);
    let store = Store::on(faulty.clone());
    runtime().block_on(async {
        let journal = store.begin_journal(None).expect("begun");
        journal.append(&intent(0)).await.expect("appended");
        for step in 1..3 {
            match journal.append(&intent(step)).await {
                Err(StateError::Io { source, .. }) => assert_eq!(source.raw_os_error(), Some(5)),
                other => panic!("expected it to fail: {other:?}"),
            }
        }
        assert!(journal.settle().await.is_err());
    });
    let appends = faulty
        .operations()
        .iter()
        .filter(|o| o.starts_with("append"))
        .count();
    assert_eq!(appends, 2, "the failed one is the last");
}

#[test]
fn nothing_is_written_once_the_lock_is_lost() {
    let memory = Memory::new();
    let store = Store::on(memory.clone());
    let lock = store.lock(&crate::store_tests::holder()).expect("free");
    runtime().block_on(async {
        let journal = store.begin_journal(None).expect("begun");
        journal.append(&intent(0)).await.expect("appended");
        memory.break_lock();
        let refused = journal.append(&intent(1)).await;
        assert!(matches!(refused, Err(StateError::LockLost { .. })), "{refused:?}");
    });
    assert_eq!(entries(&memory.objects()[JOURNAL]), [intent(0)]);
    let snapshot = crate::store_tests::snapshot(1, None);
    assert!(matches!(store.save(&snapshot), Err(StateError::LockLost { .. })));
    drop(lock);
}
