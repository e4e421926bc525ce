//! What every backend must do, as named cases.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::backend::{Append, Backend, Expect, Object, Version};
use crate::error::StateError;
use crate::lock::{Holder, LockError, Locked};

/// A case: what must hold, and a function that panics if it does not. It is given an empty backend.
pub type Case = (&'static str, fn(&dyn Backend));

/// All of them.
pub const CASES: &[Case] = &[
    ("what was never written is absent", absent),
    ("what is written is read whole, with its version", read_back),
    ("an object is created once", created_once),
    ("of many who create at once one succeeds", one_creates),
    ("of many who replace the same version one succeeds", one_replaces),
    ("a write by an old version changes nothing", old_version),
    ("a delete by an old version changes nothing", old_delete),
    ("a deleted object is absent, and can be created again", deleted),
    ("a renamed object has its content and another name", renamed),
    ("a rename replaces nothing", rename_replaces_nothing),
    ("what is not there cannot be renamed", rename_of_nothing),
    ("names are listed by their beginning, sorted", listed),
    ("segments are appended in order", appended),
    ("appending goes on after what is whole", appended_after),
    (
        "nobody appends after bytes that are not there",
        appended_after_too_much,
    ),
    ("of two who append the one who came first is refused", one_appends),
    (
        "nobody appends to what was renamed or deleted",
        appended_to_nothing,
    ),
    ("a lock is held by one, who is named", one_holds),
    ("a lock given back is free, and nobody is named", given_back),
    ("a dead holder blocks nobody, and is named", dead_holder),
    ("looking at a lock takes it from nobody", looking),
    ("a lock that is held is still held", still_held),
    ("tidying what is tidy repairs nothing", tidy),
];

fn write(backend: &dyn Backend, name: &str, content: &str, expect: &Expect) -> Version {
    backend
        .write(name, content.as_bytes(), expect)
        .unwrap_or_else(|error| panic!("failed to write {name}: {error}"))
}

fn create(backend: &dyn Backend, name: &str, content: &str) -> Version {
    write(backend, name, content, &Expect::Absent)
}

fn content(backend: &dyn Backend, name: &str) -> Option<String> {
    let object = backend.read(name).expect("readable")?;
    assert_eq!(
        backend.version(name).expect("readable"),
        Some(object.version.clone()),
        "{name}"
    );
    Some(String::from_utf8(object.content).expect("UTF-8"))
}

#[track_caller]
fn refused<T>(result: Result<T, StateError>) {
    match result {
        Err(StateError::Conflict { .. }) => {}
        Err(other) => panic!("expected a conflict: {other}"),
        Ok(_) => panic!("expected a conflict, and it was done"),
    }
}

fn absent(backend: &dyn Backend) {
    assert_eq!(backend.read("state.json").expect("readable"), None);
    assert_eq!(backend.version("state.json").expect("readable"), None);
    assert_eq!(backend.list("history/").expect("listed"), Vec::<String>::new());
    assert_eq!(backend.locked().expect("readable"), None);
}

fn read_back(backend: &dyn Backend) {
    for text in ["", "a", "ein Käfer\0\n"] {
        let name = format!("history/{}", text.len());
        let version = create(backend, &name, text);
        let object = Object {
            content: text.as_bytes().to_vec(),
            version,
        };
        assert_eq!(backend.read(&name).expect("readable"), Some(object));
    }
}

fn created_once(backend: &dyn Backend) {
    create(backend, "seal.key", "a");
    refused(backend.write("seal.key", b"b", &Expect::Absent));
    assert_eq!(content(backend, "seal.key").as_deref(), Some("a"));
}

/// How many of eight threads succeed, and what is there then.
fn race(backend: &dyn Backend, expect: &Expect) -> (usize, Option<String>) {
    let won = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let won = &won;
            scope.spawn(move || {
                match backend.write("state.json", format!("by {number}").as_bytes(), expect) {
                    Ok(_) => drop(won.fetch_add(1, Ordering::SeqCst)),
                    Err(StateError::Conflict { .. }) => {}
                    Err(other) => panic!("expected a conflict: {other}"),
                }
            });
        }
    });
    (won.into_inner(), content(backend, "state.json"))
}

fn one_creates(backend: &dyn Backend) {
    let (won, there) = race(backend, &Expect::Absent);
    assert_eq!(won, 1);
    assert!(there.is_some_and(|text| text.starts_with("by ")));
}

fn one_replaces(backend: &dyn Backend) {
    let version = create(backend, "state.json", "before");
    let (won, there) = race(backend, &Expect::Version(version));
    assert_eq!(won, 1);
    assert!(there.is_some_and(|text| text.starts_with("by ")));
}

fn old_version(backend: &dyn Backend) {
    let first = create(backend, "state.json", "1");
    let second = write(backend, "state.json", "2", &Expect::Version(first.clone()));
    assert_ne!(first, second);
    refused(backend.write("state.json", b"3", &Expect::Version(first.clone())));
    assert_eq!(content(backend, "state.json").as_deref(), Some("2"));
    backend.delete("state.json", &second).expect("deleted");
    refused(backend.write("state.json", b"3", &Expect::Version(second)));
    assert_eq!(content(backend, "state.json"), None);
}

fn old_delete(backend: &dyn Backend) {
    let first = create(backend, "state.json", "1");
    write(backend, "state.json", "22", &Expect::Version(first.clone()));
    refused(backend.delete("state.json", &first));
    assert_eq!(content(backend, "state.json").as_deref(), Some("22"));
    refused(backend.delete("nothing", &first));
}

fn deleted(backend: &dyn Backend) {
    let version = create(backend, "state.json", "1");
    backend.delete("state.json", &version).expect("deleted");
    assert_eq!(content(backend, "state.json"), None);
    create(backend, "state.json", "2");
    assert_eq!(content(backend, "state.json").as_deref(), Some("2"));
}

fn renamed(backend: &dyn Backend) {
    create(backend, "journal.jsonl", "entries");
    backend
        .rename("journal.jsonl", "history/1.jsonl")
        .expect("renamed");
    assert_eq!(content(backend, "journal.jsonl"), None);
    assert_eq!(content(backend, "history/1.jsonl").as_deref(), Some("entries"));
}

fn rename_replaces_nothing(backend: &dyn Backend) {
    create(backend, "journal.jsonl", "new");
    create(backend, "history/1.jsonl", "old");
    refused(backend.rename("journal.jsonl", "history/1.jsonl"));
    assert_eq!(content(backend, "journal.jsonl").as_deref(), Some("new"));
    assert_eq!(content(backend, "history/1.jsonl").as_deref(), Some("old"));
}

fn rename_of_nothing(backend: &dyn Backend) {
    match backend.rename("journal.jsonl", "history/1.jsonl") {
        Err(StateError::Io { source, .. }) => assert_eq!(source.kind(), std::io::ErrorKind::NotFound),
        other => panic!("expected it to be missed: {other:?}"),
    }
}

fn listed(backend: &dyn Backend) {
    for name in ["history/2", "history/10", "history/1", "state.json", "seal.key"] {
        create(backend, name, name);
    }
    assert_eq!(
        backend.list("history/").expect("listed"),
        ["history/1", "history/10", "history/2"]
    );
    assert_eq!(
        backend.list("history/1").expect("listed"),
        ["history/1", "history/10"]
    );
    assert_eq!(backend.list("s").expect("listed"), ["seal.key", "state.json"]);
}

fn open(backend: &dyn Backend, whole: u64) -> Box<dyn Append> {
    backend
        .append("journal.jsonl", whole)
        .unwrap_or_else(|error| panic!("failed to open the journal: {error}"))
}

fn appended(backend: &dyn Backend) {
    let mut journal = open(backend, 0);
    assert_eq!(content(backend, "journal.jsonl").as_deref(), Some(""));
    let empty = backend.version("journal.jsonl").expect("readable");
    journal.append(b"one\n").expect("appended");
    journal.append(b"two\n").expect("appended");
    assert_eq!(content(backend, "journal.jsonl").as_deref(), Some("one\ntwo\n"));
    assert_ne!(backend.version("journal.jsonl").expect("readable"), empty);
}

fn appended_after(backend: &dyn Backend) {
    open(backend, 0).append(b"one\ntorn").expect("appended");
    let mut again = open(backend, 4);
    assert_eq!(content(backend, "journal.jsonl").as_deref(), Some("one\n"));
    again.append(b"two\n").expect("appended");
    assert_eq!(content(backend, "journal.jsonl").as_deref(), Some("one\ntwo\n"));
    open(backend, 0).append(b"new\n").expect("appended");
    assert_eq!(content(backend, "journal.jsonl").as_deref(), Some("new\n"));
}

fn appended_after_too_much(backend: &dyn Backend) {
    assert!(backend.append("journal.jsonl", 1).is_err());
    assert_eq!(content(backend, "journal.jsonl"), None);
    open(backend, 0).append(b"one\n").expect("appended");
    refused(backend.append("journal.jsonl", 5));
    assert_eq!(content(backend, "journal.jsonl").as_deref(), Some("one\n"));
}

fn one_appends(backend: &dyn Backend) {
    let mut first = open(backend, 0);
    first.append(b"one\n").expect("appended");
    let mut second = open(backend, 4);
    second.append(b"two\n").expect("appended");
    refused(first.append(b"three\n"));
    second.append(b"three\n").expect("appended");
    assert_eq!(
        content(backend, "journal.jsonl").as_deref(),
        Some("one\ntwo\nthree\n")
    );
}

fn appended_to_nothing(backend: &dyn Backend) {
    let mut journal = open(backend, 0);
    journal.append(b"one\n").expect("appended");
    backend
        .rename("journal.jsonl", "history/1.jsonl")
        .expect("renamed");
    refused(journal.append(b"two\n"));
    assert_eq!(content(backend, "history/1.jsonl").as_deref(), Some("one\n"));
    let mut journal = open(backend, 0);
    let version = backend
        .version("journal.jsonl")
        .expect("readable")
        .expect("there");
    backend.delete("journal.jsonl", &version).expect("deleted");
    refused(journal.append(b"two\n"));
    assert_eq!(content(backend, "journal.jsonl"), None);
}

fn holder(command: &str) -> Holder {
    Holder {
        pid: 1,
        host: "h".into(),
        command: command.into(),
        since: "2026-01-01T00:00:00Z".into(),
        ..Holder::default()
    }
}

/// What `look` gives once it is as wanted, or the last that it gave: at once where a lock ends with
/// its holder, and some time after the end of its lease elsewhere.
fn soon<T>(backend: &dyn Backend, wanted: impl Fn(&T) -> bool, look: impl Fn() -> T) -> T {
    let most = backend.lease().map_or(0, |lease| 40 * lease.as_millis());
    let started = Instant::now();
    loop {
        let found = look();
        if wanted(&found) || started.elapsed().as_millis() >= most {
            return found;
        }
        std::thread::sleep(backend.look_every());
    }
}

fn one_holds(backend: &dyn Backend) {
    let (held, left_by) = backend.lock(&holder("apply")).expect("free");
    assert_eq!(left_by, None);
    match backend.lock(&holder("destroy")) {
        Err(LockError::Held { holder: Some(found) }) => assert_eq!(found, holder("apply")),
        Err(other) => panic!("expected it to be held: {other}"),
        Ok(_) => panic!("a second holder got in"),
    }
    held.release();
}

fn given_back(backend: &dyn Backend) {
    let (held, _) = backend.lock(&holder("apply")).expect("free");
    held.release();
    assert_eq!(backend.locked().expect("readable"), None);
    // Dropping it later takes it from nobody else.
    let (second, left_by) = backend.lock(&holder("destroy")).expect("free again");
    assert_eq!(left_by, None);
    drop(held);
    second.check().expect("held");
    assert!(backend.lock(&holder("plan")).is_err());
}

/// Who has the lock; when it was renewed differs with every look.
fn locked(backend: &dyn Backend) -> Option<Locked> {
    let found = backend.locked().expect("readable");
    found.map(|found| Locked {
        renewed: None,
        ..found
    })
}

fn dead_holder(backend: &dyn Backend) {
    let (held, _) = backend.lock(&holder("apply")).expect("free");
    drop(held);
    let dead = Some(Locked {
        holder: Some(holder("apply")),
        alive: false,
        renewed: None,
    });
    let found = |found: &Option<Locked>| *found == dead;
    let locked = soon(backend, found, || locked(backend));
    assert_eq!(locked, dead);
    let taken = soon(backend, Result::is_ok, || backend.lock(&holder("plan")));
    let (_held, left_by) = taken.expect("a dead one holds nothing");
    assert_eq!(left_by, Some(holder("apply")));
}

fn looking(backend: &dyn Backend) {
    let (held, _) = backend.lock(&holder("apply")).expect("free");
    let alive = Locked {
        holder: Some(holder("apply")),
        alive: true,
        renewed: None,
    };
    assert_eq!(locked(backend), Some(alive));
    held.check().expect("held");
}

fn still_held(backend: &dyn Backend) {
    let (held, _) = backend.lock(&holder("apply")).expect("free");
    create(backend, "state.json", "1");
    open(backend, 0).append(b"one\n").expect("appended");
    held.check().expect("held");
}

fn tidy(backend: &dyn Backend) {
    let (_held, _) = backend.lock(&holder("apply")).expect("free");
    create(backend, "state.json", "1");
    create(backend, "history/1", "1");
    assert_eq!(backend.tidy().expect("tidied"), []);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backend::{Files, Memory};
    use crate::bucket::{Bucket, SinceBoot};
    use crate::testing::MemoryObjects;

    /// Each case on a thread that has its name, so that a failure says which it was.
    fn all_on<B: Backend>(backend: impl Fn() -> B) {
        for (name, case) in CASES {
            let backend = backend();
            std::thread::scope(|scope| {
                let case = std::thread::Builder::new()
                    .name((*name).to_owned())
                    .spawn_scoped(scope, || case(&backend));
                assert!(case.expect("a thread").join().is_ok(), "{name}");
            });
        }
    }

    #[test]
    fn files_do_what_every_backend_must() {
        let directory = tempfile::tempdir().expect("a directory");
        let number = AtomicUsize::new(0);
        all_on(|| {
            let number = number.fetch_add(1, Ordering::SeqCst);
            Files::new(directory.path().join(format!("{number}/sandbox.sim")))
        });
    }

    #[test]
    fn a_bucket_does_what_every_backend_must() {
        let short = Duration::from_millis(200);
        all_on(|| Bucket::with(MemoryObjects::default(), SinceBoot, short));
    }

    #[test]
    fn memory_does_what_every_backend_must() {
        all_on(Memory::new);
    }
}
