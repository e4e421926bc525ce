//! A state in files: what is found in the way, what is repaired, and who is kept out.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::files::make_directory;
use super::{Backend, Expect, Files, Repair, Version};
use crate::error::StateError;
use crate::lock::LockError;
use crate::store_tests::holder;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// What could not be done, where the operating system said no.
#[track_caller]
fn could_not<T>(result: Result<T, StateError>) -> &'static str {
    match result {
        Err(StateError::Io { doing, .. }) => doing,
        Err(other) => panic!("expected the operating system to refuse: {other}"),
        Ok(_) => panic!("expected the operating system to refuse, and it was done"),
    }
}

#[test]
fn a_directory_that_is_not_there_yet_holds_nothing() {
    let directory = directory();
    let files = Files::new(directory.path().join("a/b/sandbox.sim"));
    assert_eq!(files.read("state.json").expect("readable"), None);
    assert_eq!(files.version("state.json").expect("readable"), None);
    assert_eq!(files.list("").expect("listed"), Vec::<String>::new());
    assert_eq!(files.list("history/").expect("listed"), Vec::<String>::new());
    assert_eq!(files.locked().expect("readable"), None);
    assert_eq!(files.tidy().expect("tidied"), []);
    let gone = files.delete("state.json", &Version::new("1"));
    assert!(matches!(gone, Err(StateError::Conflict { .. })), "{gone:?}");
    assert_eq!(
        fs::read_dir(directory.path()).expect("listed").count(),
        0,
        "looking makes nothing"
    );
}

#[test]
fn a_file_in_the_way_of_the_directory_is_an_error_at_every_operation() {
    let directory = directory();
    let file = directory.path().join("file");
    fs::write(&file, "somebody else's").expect("written");
    for place in [file.clone(), file.join("below"), file.join("below/further")] {
        let files = Files::new(&place);
        assert_eq!(could_not(files.read("a")), "open", "{place:?}");
        assert_eq!(could_not(files.version("a")), "read", "{place:?}");
        assert_eq!(
            could_not(files.write("a", b"", &Expect::Absent)),
            "create",
            "{place:?}"
        );
        assert_eq!(could_not(files.rename("a", "b")), "create", "{place:?}");
        assert_eq!(could_not(files.append("a", 0)), "open", "{place:?}");
        assert_eq!(could_not(files.list("")), "read", "{place:?}");
        assert_eq!(could_not(files.locked()), "open", "{place:?}");
        match files.lock(&holder()) {
            Err(LockError::State(error)) => assert_eq!(could_not::<()>(Err(error)), "create", "{place:?}"),
            _ => panic!("{place:?} was locked"),
        }
        assert_eq!(could_not(files.tidy()), "read", "{place:?}");
        if place != file {
            assert_eq!(could_not(files.beside()), "read", "{place:?}");
        }
    }
    // What is a file can be locked, but nothing is below it; what is below a file cannot be opened.
    let version = Version::new("1");
    assert_eq!(could_not(Files::new(&file).delete("a", &version)), "read");
    assert_eq!(
        could_not(Files::new(file.join("below")).delete("a", &version)),
        "open"
    );
    assert_eq!(fs::read_to_string(&file).expect("read"), "somebody else's");
}

#[test]
fn many_who_make_the_same_directories_at_the_same_time_all_have_them() {
    let directory = directory();
    for round in 0..20 {
        let path = directory.path().join(format!("{round}/a/b/c"));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| make_directory(&path).expect("made"));
            }
        });
        for made in [path.as_path(), path.parent().expect("above")] {
            let mode = fs::metadata(made).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", made.display());
        }
    }
}

#[test]
fn a_write_waits_for_whoever_is_exchanging_something() {
    let directory = directory();
    let files = Files::new(directory.path());
    let first = files.write("state.json", b"1", &Expect::Absent).expect("written");
    let other = fs::File::open(directory.path()).expect("opened");
    other.lock().expect("locked");
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| files.write("state.json", b"2", &Expect::Version(first)));
        // What it is going to exchange is there before it looks who else does so.
        let names = || fs::read_dir(directory.path()).expect("listed").count();
        while names() == 1 && !writer.is_finished() {
            std::thread::yield_now();
        }
        // One that does not wait gives up meanwhile; one that waits has ten seconds.
        for _ in 0..50 {
            if !writer.is_finished() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        assert_eq!(fs::read(directory.path().join("state.json")).expect("read"), b"1");
        other.unlock().expect("unlocked");
        writer.join().expect("joined")
    });
    written.expect("written once the other was done");
    assert_eq!(fs::read(directory.path().join("state.json")).expect("read"), b"2");
}

#[test]
fn only_finished_objects_are_listed() {
    let directory = directory();
    let files = Files::new(directory.path());
    for name in ["state.json", "history/1", "history/11", "x.tmp-notanumber"] {
        files.write(name, b"", &Expect::Absent).expect("written");
    }
    fs::write(directory.path().join("state.tmp-7-0"), "").expect("written");
    fs::write(directory.path().join("history/1.tmp-7-0"), "").expect("written");
    std::os::unix::fs::symlink("state.json", directory.path().join("link")).expect("a link");
    assert_eq!(
        files.list("").expect("listed"),
        ["state.json", "x.tmp-notanumber"]
    );
    assert_eq!(
        files.list("history/1").expect("listed"),
        ["history/1", "history/11"]
    );
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changed");
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").mode() & 0o7777
}

#[test]
fn what_others_could_use_is_the_owners_alone_again() {
    let directory = directory();
    let root = directory.path().join("sandbox.sim");
    let files = Files::new(&root);
    for name in ["state.json", "history/1"] {
        files.write(name, b"", &Expect::Absent).expect("written");
    }
    let outside = directory.path().join("outside");
    fs::write(&outside, "").expect("written");
    set_mode(&outside, 0o644);
    std::os::unix::fs::symlink(&outside, root.join("link")).expect("a link");
    let at = |name: &str| {
        if name.is_empty() {
            root.clone()
        } else {
            root.join(name)
        }
    };
    // Each alone: its mode, and the mode it has afterwards.
    for (name, to) in [
        ("", 0o700),
        ("history", 0o700),
        ("state.json", 0o600),
        ("history/1", 0o600),
    ] {
        for from in [
            0o000, 0o400, 0o600, 0o700, 0o4700, 0o640, 0o604, 0o710, 0o701, 0o777, 0o620, 0o602,
        ] {
            // Root reads without being allowed to; nobody else can go on below these.
            if to == 0o700 && from & 0o700 != 0o700 {
                continue;
            }
            set_mode(&at(name), from);
            let loose = from & 0o077 != 0;
            let place = at(name).display().to_string();
            let expected = if loose {
                vec![Repair::Mode { place, from, to }]
            } else {
                vec![]
            };
            assert_eq!(files.tidy().expect("tidied"), expected, "{name} with {from:o}");
            assert_eq!(
                mode(&at(name)),
                if loose { to } else { from },
                "{name} with {from:o}"
            );
        }
        set_mode(&at(name), to);
    }
    assert_eq!(mode(&outside), 0o644, "a link leads to what is not ours");
}

#[test]
fn a_link_in_place_of_the_history_is_refused_before_anything_is_written_through_it() {
    let directory = directory();
    let root = directory.path().join("sandbox.sim");
    let outside = directory.path().join("outside");
    for made in [&root, &outside] {
        fs::create_dir(made).expect("made");
    }
    let theirs = outside.join("theirs.tmp-7-0");
    fs::write(&theirs, "").expect("written");
    set_mode(&theirs, 0o644);
    set_mode(&outside, 0o755);
    std::os::unix::fs::symlink(&outside, root.join("history")).expect("a link");
    let refused = crate::Store::in_directory(&root)
        .lock(&holder())
        .expect_err("refused");
    assert_eq!(
        refused.to_string(),
        format!("{}/history is a symbolic link, not a directory", root.display())
    );
    assert_eq!((mode(&outside), mode(&theirs)), (0o755, 0o644));
}

#[test]
fn what_killed_writes_left_is_collected_and_what_is_in_the_making_is_not() {
    let directory = directory();
    let root = directory.path().join("sandbox.sim");
    let files = Files::new(&root);
    files.write("history/1", b"", &Expect::Absent).expect("written");
    let dead = {
        let mut child = std::process::Command::new("true").spawn().expect("started");
        child.wait().expect("ended");
        child.id()
    };
    let ours = std::process::id();
    let alive = std::os::unix::process::parent_id();
    let names = |number: u32| {
        [
            format!("seal.tmp-{number}-0"),
            format!("history/1.tmp-{number}-3"),
        ]
    };
    let put = |number: u32| -> Vec<PathBuf> {
        let paths = names(number).map(|name| root.join(name));
        paths
            .iter()
            .for_each(|path| fs::write(path, "half").expect("written"));
        paths.into()
    };
    let (left, own, kept) = (put(dead), put(ours), put(alive));
    fs::write(root.join("notes.txt"), "").expect("written");
    set_mode(&root.join("notes.txt"), 0o600);
    let mut repaired: Vec<String> = files
        .tidy()
        .expect("tidied")
        .into_iter()
        .map(|repair| match repair {
            Repair::Leftover { place } => place,
            other => panic!("{other}"),
        })
        .collect();
    // Under the lock nobody else of this process writes.
    let mut expected: Vec<String> = left
        .iter()
        .chain(&own)
        .map(|path| path.display().to_string())
        .collect();
    repaired.sort();
    expected.sort();
    assert_eq!(repaired, expected);
    assert!(left.iter().chain(&own).all(|path| !path.exists()));
    assert!(kept.iter().all(|path| path.exists()), "{alive} lives");
    assert!(root.join("notes.txt").exists());
}

#[test]
fn a_lock_whose_file_was_deleted_or_replaced_is_lost() {
    let directory = directory();
    let files = Files::new(directory.path());
    let file = directory.path().join("lock");
    let (held, _) = files.lock(&holder()).expect("free");
    held.check().expect("held");
    let aside = directory.path().join("aside");
    fs::rename(&file, &aside).expect("moved");
    assert!(
        matches!(held.check(), Err(StateError::LockLost { .. })),
        "deleted"
    );
    // Now another one gets in.
    let (second, left_by) = files.lock(&holder()).expect("free");
    assert_eq!(left_by, None);
    assert!(
        matches!(held.check(), Err(StateError::LockLost { .. })),
        "replaced"
    );
    second.check().expect("held");
    second.release();
    fs::rename(&aside, &file).expect("put back");
    held.check().expect("the same file again");
}

#[test]
fn a_lock_in_memory_that_somebody_else_has_by_now_is_lost() {
    let memory = super::Memory::new();
    let (first, _) = memory.lock(&holder()).expect("free");
    memory.break_lock();
    let (second, left_by) = memory.lock(&holder()).expect("free");
    assert_eq!(left_by, None);
    assert!(matches!(first.check(), Err(StateError::LockLost { .. })));
    first.release();
    drop(first);
    second.check().expect("held");
    assert!(memory.locked().expect("readable").expect("held").alive);
}

#[test]
fn calls_in_memory_never_wait_and_those_on_a_disk_may() {
    assert!(super::Memory::new().is_immediate());
    assert!(!Files::new("anywhere").is_immediate());
}

#[test]
fn a_fork_has_what_was_there_and_shares_nothing() {
    let memory = super::Memory::new();
    memory.put("state.json", "1");
    let _held = memory.lock(&holder()).expect("free");
    let fork = memory.fork();
    assert_eq!(fork.objects(), memory.objects());
    assert_eq!(fork.locked().expect("readable"), None);
    fork.put("state.json", "2");
    fork.remove("nothing");
    assert_eq!(memory.objects()["state.json"], b"1");
}
