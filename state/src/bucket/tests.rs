//! Answers that get lost, and holders that are paused at any call, on the real code.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::{Bucket, LEASE, Objects, Stored, Ticks as _, Trouble, When};
use crate::backend::{Append, Backend as _, Expect, Held};
use crate::error::StateError;
use crate::lock::{Holder, LockError};
use crate::testing::{Answer, MemoryObjects, Patient};

const STATE: &str = "state.json";
const JOURNAL: &str = "journal.jsonl";

fn holder(command: &str) -> Holder {
    Holder {
        pid: 7,
        host: "h".to_owned(),
        command: command.to_owned(),
        since: "2026-01-01T00:00:00Z".to_owned(),
        ..Holder::default()
    }
}

/// A machine with a clock of its own.
fn machine(objects: MemoryObjects) -> (Bucket, Patient) {
    let clock = Patient::default();
    (Bucket::with(objects, clock.clone(), LEASE), clock)
}

/// A bucket that has been used before: with a state, and a lock that was given back.
fn used() -> MemoryObjects {
    let objects = MemoryObjects::default();
    let (bucket, _) = machine(objects.clone());
    let (held, _) = bucket.lock(&holder("apply")).expect("free");
    write(&bucket, STATE, "before").expect("written");
    held.release();
    objects
}

/// Takes the lock from a holder that is not heard of.
fn take_over(bucket: &Bucket, clock: &Patient) -> Box<dyn Held> {
    let first = bucket.lock(&holder("recover"));
    assert!(matches!(first, Err(LockError::Held { .. })), "it is held");
    clock.sleep(LEASE);
    bucket.lock(&holder("recover")).expect("it is dead").0
}

fn text(bucket: &Bucket, name: &str) -> Option<String> {
    let object = bucket.read(name).expect("readable")?;
    Some(String::from_utf8(object.content).expect("UTF-8"))
}

fn write(bucket: &Bucket, name: &str, content: &str) -> Result<(), StateError> {
    let there = bucket.version(name)?;
    bucket
        .write(name, content.as_bytes(), &Expect::from(there))
        .map(drop)
}

/// What a run does: it counts what was acknowledged.
fn run(bucket: &Bucket, name: &str, acknowledged: &AtomicU64) -> Result<(), StateError> {
    let mut journal = bucket.append(JOURNAL, 0)?;
    for entry in 0..3 {
        journal.append(format!("{name}{entry}\n").as_bytes())?;
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    write(bucket, STATE, name)?;
    journal.append(b"end\n")?;
    drop(journal);
    bucket.rename(JOURNAL, &format!("history/{name}"))
}

/// How many calls the first machine makes when nothing happens.
fn calls_of_a_run() -> u64 {
    let objects = used();
    let (bucket, _) = machine(objects.clone());
    let before = objects.calls().len();
    let (held, _) = bucket.lock(&holder("apply")).expect("free");
    run(&bucket, "a", &AtomicU64::new(0)).expect("done");
    held.release();
    (objects.calls().len() - before) as u64
}

/// The second machine, from its takeover on.
struct Second {
    bucket: Bucket,
    held: Box<dyn Held>,
    journal: Option<Box<dyn Append>>,
    /// What it found.
    state: Option<String>,
    entries: Option<String>,
    acknowledged: u64,
}

/// The first holder is paused before its call number `at`, somebody else takes the lock over, reads
/// and begins to write; then the first one goes on as if nothing had happened.
fn paused_at(at: u64) {
    let objects = used();
    let begun = objects.calls().len() as u64;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let second: Arc<std::sync::Mutex<Option<Second>>> = Arc::default();
    let fate = {
        let (objects, acknowledged, second) =
            (objects.clone(), Arc::clone(&acknowledged), Arc::clone(&second));
        move |number: u64, _: &str, _: &str| {
            let mut second = second.lock().expect("the second");
            if number == begun + at && second.is_none() {
                let (bucket, clock) = machine(objects.clone());
                let held = match bucket.locked().expect("readable") {
                    Some(_) => take_over(&bucket, &clock),
                    None => bucket.lock(&holder("recover")).expect("free").0,
                };
                let (state, entries) = (text(&bucket, STATE), text(&bucket, JOURNAL));
                let journal = bucket.append(JOURNAL, 0).expect("opened");
                *second = Some(Second {
                    state,
                    entries,
                    acknowledged: acknowledged.load(Ordering::SeqCst),
                    journal: Some(journal),
                    held,
                    bucket,
                });
            }
            Answer::Told
        }
    };
    let (first, _) = machine(objects.with(fate));
    let ran = first.lock(&holder("apply")).map_err(|error| match error {
        LockError::State(error) => Some(error),
        LockError::Held { .. } => None,
    });
    let ran = ran.and_then(|(held, _)| {
        let ran = run(&first, "a", &acknowledged);
        held.release();
        ran.map_err(Some)
    });
    let Some(mut second) = second.lock().expect("the second").take() else {
        panic!("the second one never came: {at}");
    };
    match &ran {
        Ok(()) | Err(None | Some(StateError::LockLost { .. } | StateError::Conflict { .. })) => {}
        Err(Some(other)) => panic!("{at}: {other}"),
    }
    // Nothing that the first one was told of is missing, and nothing came after the look.
    let entries = second.entries.unwrap_or_default();
    let seen = entries.lines().filter(|line| line.starts_with('a')).count() as u64;
    let retired = text(&second.bucket, "history/a").is_some();
    assert!(
        retired || seen >= second.acknowledged,
        "{at}: {} entries were acknowledged, {entries:?} was found",
        second.acknowledged
    );
    assert_eq!(
        acknowledged.load(Ordering::SeqCst),
        second.acknowledged,
        "{at}: an entry was acknowledged after somebody else had the lock"
    );
    assert_eq!(
        text(&second.bucket, STATE),
        second.state,
        "{at}: the state was written"
    );
    // The second one goes on without ever being refused.
    let mut journal = second.journal.take().expect("open");
    journal
        .append(b"b0\n")
        .unwrap_or_else(|error| panic!("{at}: {error}"));
    assert_eq!(text(&second.bucket, JOURNAL).as_deref(), Some("b0\n"), "{at}");
    write(&second.bucket, STATE, "b").unwrap_or_else(|error| panic!("{at}: {error}"));
    second
        .held
        .check()
        .unwrap_or_else(|error| panic!("{at}: {error}"));
    second.held.release();
    let (third, _) = machine(objects);
    let (_held, left_by) = third.lock(&holder("plan")).expect("free");
    assert_eq!(left_by, None, "{at}");
    assert_eq!(text(&third, STATE).as_deref(), Some("b"), "{at}");
}

#[test]
fn a_holder_paused_at_any_call_writes_nothing_more_once_somebody_else_has_the_lock() {
    let calls = calls_of_a_run();
    assert!(calls > 10, "{calls}");
    // At its first calls it does not have the lock yet.
    for at in 1..=calls {
        paused_at(at);
    }
}

/// One thing that a holder does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    WriteState,
    Append,
    Begin,
    Retire,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(Deed::WriteState),
        Just(Deed::Append),
        Just(Deed::Begin),
        Just(Deed::Retire)
    ]
}

/// What is there, all of it.
fn everything(bucket: &Bucket) -> (Option<String>, Option<String>, Vec<String>) {
    (
        text(bucket, STATE),
        text(bucket, JOURNAL),
        bucket.list("history/").expect("listed"),
    )
}

/// Does one thing on a machine that holds the lock; `None` where there is nothing to do.
fn act(
    bucket: &Bucket,
    deed: Deed,
    number: usize,
    journal: &mut Option<Box<dyn Append>>,
) -> Option<Result<(), StateError>> {
    Some(match deed {
        Deed::WriteState => write(bucket, STATE, &format!("state {number}")),
        Deed::Append => journal.as_mut()?.append(format!("{number}\n").as_bytes()),
        Deed::Begin => bucket.append(JOURNAL, 0).map(|opened| *journal = Some(opened)),
        Deed::Retire => {
            journal.take()?;
            bucket.rename(JOURNAL, &format!("history/{number:04}"))
        }
    })
}

/// What would be there after it.
fn after(
    (state, entries, mut history): (Option<String>, Option<String>, Vec<String>),
    deed: Deed,
    number: usize,
) -> (Option<String>, Option<String>, Vec<String>) {
    match deed {
        Deed::WriteState => (Some(format!("state {number}")), entries, history),
        Deed::Append => (
            state,
            Some(format!("{}{number}\n", entries.unwrap_or_default())),
            history,
        ),
        Deed::Begin => (state, Some(String::new()), history),
        Deed::Retire => {
            history.push(format!("history/{number:04}"));
            (state, None, history)
        }
    }
}

fn faults(deeds: &[Deed], fates: Vec<Option<Answer>>) -> Result<(), TestCaseError> {
    let objects = used();
    let (looking, _) = machine(objects.clone());
    let fates = Arc::new(fates);
    let calls = Arc::new(AtomicU64::new(0));
    let troubled = {
        let (fates, calls) = (Arc::clone(&fates), Arc::clone(&calls));
        objects.with(move |_, _, key| {
            // The lock's own calls are somebody else's matter: who holds it must be known here.
            if key == "lock" {
                return Answer::Told;
            }
            let number = calls.fetch_add(1, Ordering::SeqCst) as usize;
            fates.get(number).copied().flatten().unwrap_or(Answer::Told)
        })
    };
    let lock = || {
        let (bucket, _) = machine(troubled.clone());
        // What is refused at the door is tried again.
        let (held, _) = (0..1000).find_map(|_| bucket.lock(&holder("apply")).ok())?;
        Some((bucket, held))
    };
    let Some((mut bucket, mut held)) = lock() else {
        return Err(TestCaseError::fail("the lock is never had"));
    };
    let mut journal = None;
    for (number, deed) in deeds.iter().enumerate() {
        let before = everything(&looking);
        let Some(done) = act(&bucket, *deed, number, &mut journal) else {
            continue;
        };
        let now = everything(&looking);
        let wanted = after(before.clone(), *deed, number);
        match done {
            Ok(()) => prop_assert_eq!(&now, &wanted, "{:?} was acknowledged", deed),
            Err(StateError::Remote { unsure, .. }) => {
                let parts = matches!(deed, Deed::Retire);
                prop_assert!(
                    parts || now == before || (unsure && now == wanted),
                    "{deed:?} failed, unsure {unsure}: {before:?} became {now:?}"
                );
                held.release();
                let Some(again) = lock() else {
                    return Err(TestCaseError::fail("the lock is never had again"));
                };
                // Nothing that was late comes after the next holder has the lock.
                let seen = everything(&looking);
                objects.settle();
                prop_assert_eq!(&everything(&looking), &seen, "late, after {:?}", deed);
                (bucket, held) = again;
                journal = None;
            }
            Err(other) => prop_assert!(false, "nobody else was there, and {deed:?} says: {other}"),
        }
    }
    held.release();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever happens to calls: what was acknowledged is there, what was said not to have happened
    /// is not, nobody is told of a conflict who was alone, and nothing late comes after the next
    /// holder has the lock.
    #[test]
    fn every_answer_is_true(
        deeds in prop::collection::vec(deed(), 1..12),
        fates in prop::collection::vec(
            prop::option::weighted(0.35, prop::sample::select(&Answer::TROUBLES[..])),
            0..80,
        ),
    ) {
        faults(&deeds, fates)?;
    }
}

#[test]
fn a_lock_that_was_given_up_in_doubt_is_had_at_once_and_its_holder_is_kept_out() {
    let objects = MemoryObjects::default();
    // From the third object of the journal on nothing is answered, and what was sent is late.
    let fate = |_: u64, verb: &str, key: &str| match (verb, key) {
        ("put", "journal/000000000003") => Answer::Late,
        _ => Answer::Told,
    };
    let (first, _) = machine(objects.with(fate));
    let (held, _) = first.lock(&holder("apply")).expect("free");
    let mut journal = first.append(JOURNAL, 0).expect("opened");
    // Late, but then it is there: its own write is known again.
    journal.append(b"one\n").expect("appended");
    held.release();
    let (second, _) = machine(objects.clone());
    let (_, left_by) = second.lock(&holder("plan")).expect("free");
    assert_eq!(left_by, None);
}

#[test]
fn a_holder_that_slept_goes_on_if_nobody_came_and_is_told_if_somebody_did() {
    let objects = MemoryObjects::default();
    let (first, clock) = machine(objects.clone());
    let (held, _) = first.lock(&holder("apply")).expect("free");
    clock.sleep(Duration::from_secs(3600));
    held.check().expect("nobody came");
    clock.sleep(Duration::from_secs(3600));
    let (second, other) = machine(objects);
    let _held = take_over(&second, &other);
    assert!(matches!(held.check(), Err(StateError::LockLost { .. })));
    assert!(
        matches!(held.check(), Err(StateError::LockLost { .. })),
        "for good"
    );
}

#[test]
fn a_lock_that_somebody_deleted_keeps_its_holder_out_all_the_same() {
    let objects = MemoryObjects::default();
    let (first, _) = machine(objects.clone());
    // Holders that wrote nothing leave no trace of their number.
    for _ in 0..5 {
        first.lock(&holder("plan")).expect("free").0.release();
    }
    let (held, _) = first.lock(&holder("apply")).expect("free");
    write(&first, STATE, "first").expect("written");
    objects.lose("lock");
    let (second, _) = machine(objects);
    let (other, _) = second.lock(&holder("apply")).expect("there is none");
    assert!(matches!(
        write(&first, STATE, "late"),
        Err(StateError::LockLost { .. })
    ));
    assert!(matches!(
        first.append(JOURNAL, 0).map(drop),
        Err(StateError::LockLost { .. })
    ));
    write(&second, STATE, "second").expect("written");
    other.check().expect("held");
    held.release();
    assert_eq!(text(&second, STATE).as_deref(), Some("second"));
}

#[test]
fn what_nobody_of_ours_wrote_is_refused() {
    let objects = MemoryObjects::default();
    objects.put(STATE, b"{}", &When::Absent).expect("written");
    objects.put("lock", b"locked", &When::Absent).expect("written");
    let (bucket, _) = machine(objects);
    for failed in [
        bucket.read(STATE).map(drop),
        bucket.locked().map(drop),
        bucket.version(STATE).map(drop),
    ] {
        assert!(
            matches!(failed, Err(StateError::Remote { doing: "use", .. })),
            "{failed:?}"
        );
    }
}

/// A service that does not do what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    None,
    CreatesOver,
    ReplacesAnything,
    DeletesAnything,
    DeletesNothing,
}

#[derive(Debug)]
struct Lying(MemoryObjects, Lie);

impl Lying {
    fn there(&self, key: &str) -> When {
        match self.0.get(key, None) {
            Ok(Some(stored)) => When::Tag(stored.tag),
            _ => When::Absent,
        }
    }
}

impl Objects for Lying {
    fn place(&self, key: &str) -> String {
        self.0.place(key)
    }

    fn get(&self, key: &str, at_most: Option<u64>) -> Result<Option<Stored>, Trouble> {
        self.0.get(key, at_most)
    }

    fn put(&self, key: &str, body: &[u8], when: &When) -> Result<String, Trouble> {
        let ignores = match when {
            When::Absent => Lie::CreatesOver,
            When::Tag(_) => Lie::ReplacesAnything,
        };
        let there = self.there(key);
        self.0
            .put(key, body, if self.1 == ignores { &there } else { when })
    }

    fn delete(&self, key: &str, tag: &str) -> Result<(), Trouble> {
        match (self.1, self.there(key)) {
            (Lie::DeletesNothing, When::Tag(there)) if there == tag => Ok(()),
            (Lie::DeletesAnything, When::Tag(there)) => self.0.delete(key, &there),
            _ => self.0.delete(key, tag),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Trouble> {
        self.0.list(prefix)
    }
}

#[test]
fn a_service_that_does_not_keep_to_conditions_is_refused_by_whoever_would_write_first() {
    for lie in [
        Lie::None,
        Lie::CreatesOver,
        Lie::ReplacesAnything,
        Lie::DeletesAnything,
        Lie::DeletesNothing,
    ] {
        let objects = MemoryObjects::default();
        let bucket = Bucket::with(Lying(objects.clone(), lie), Patient::default(), LEASE);
        assert_eq!(bucket.read(STATE).expect("whoever only reads asks nothing"), None);
        let taken = bucket.lock(&holder("apply"));
        assert_eq!(taken.is_ok(), lie == Lie::None, "{lie:?}");
        let lock = objects.objects().contains_key("lock");
        assert_eq!(lock, lie == Lie::None, "{lie:?}");
        if let Err(error) = taken {
            assert!(
                error.to_string().contains("does not keep to conditions"),
                "{error}"
            );
        }
        let left = objects
            .objects()
            .keys()
            .filter(|key| key.starts_with("probe/"))
            .count();
        assert_eq!(left, usize::from(lie == Lie::DeletesNothing), "{lie:?}");
    }
}
