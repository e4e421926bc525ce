//! Each fault at each operation.

use super::*;
use crate::backend::Memory;
use crate::store_tests::holder;

/// What the dead answer, which is no code of an operating system.
const KILLED: i32 = -1;

/// Every operation once, each with what it is called; what answered.
fn all(backend: &Faulty, kept: &mut Vec<Box<dyn Held>>) -> Vec<(String, Result<(), i32>)> {
    let mut answers = Vec::new();
    let mut told = |name: &str, answer: Result<(), StateError>| {
        answers.push((name.to_owned(), answer.map_err(|error| code(&error))));
    };
    match backend.lock(&holder()) {
        Ok((held, _)) => {
            kept.push(held);
            told("lock", Ok(()));
        }
        Err(LockError::State(error)) => told("lock", Err(error)),
        Err(other) => panic!("{other}"),
    }
    told("tidy", backend.tidy().map(drop));
    told("look at lock", backend.locked().map(drop));
    told("write a", backend.write("a", b"1", &Expect::Absent).map(drop));
    told("look at a", backend.version("a").map(drop));
    told("read a", backend.read("a").map(drop));
    told("list", backend.list("").map(drop));
    told("rename a", backend.rename("a", "b").map(drop));
    told("delete b", backend.delete("b", &Version::new("3")).map(drop));
    match backend.append("j", 0) {
        Ok(mut opened) => {
            told("open j", Ok(()));
            told("append to j", opened.append(b"1234"));
        }
        Err(error) => told("open j", Err(error)),
    }
    answers
}

fn code(error: &StateError) -> i32 {
    match error {
        StateError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => 2,
        StateError::Io { source, .. } => source.raw_os_error().unwrap_or(KILLED),
        _ => 0,
    }
}

const NAMES: [&str; 11] = [
    "lock",
    "tidy",
    "look at lock",
    "write a",
    "look at a",
    "read a",
    "list",
    "rename a",
    "delete b",
    "open j",
    "append to j",
];
/// Those that need space.
const WRITES: [&str; 4] = ["lock", "write a", "open j", "append to j"];

#[test]
fn without_a_fault_it_only_counts() {
    let backend = Faulty::around(Memory::new());
    let mut kept = Vec::new();
    let answers = all(&backend, &mut kept);
    assert!(answers.iter().all(|(_, answer)| answer.is_ok()), "{answers:?}");
    assert_eq!(backend.operations(), NAMES);
    assert!(!backend.is_killed());
    assert!(backend.is_immediate());
    assert_eq!(backend.place("a"), "memory:a");
    kept[0].check().expect("held");
    kept[0].release();
    assert_eq!(backend.locked().expect("readable"), None);
}

#[test]
fn each_fault_does_what_it_says_at_each_operation() {
    for (index, at) in NAMES.iter().enumerate() {
        for fault in Fault::ALL {
            let place = format!("{fault:?} at {at}");
            let memory = Memory::new();
            let kills = Arc::new(Mutex::new(0));
            let hook = {
                let kills = Arc::clone(&kills);
                move || *kills.lock().expect("kills") += 1
            };
            let backend = Faulty::with_kill(memory.clone(), hook).at(index as u64 + 1, fault);
            let mut kept = Vec::new();
            let answers = all(&backend, &mut kept);
            let appending = *at == "append to j";
            let answered = |name: &str| answers.iter().find(|(n, _)| n == name).map(|(_, answer)| *answer);
            let expected = match fault {
                Fault::Kill => Err(KILLED),
                Fault::ShortKill if !appending => Err(KILLED),
                Fault::Error | Fault::ShortError | Fault::ShortKill | Fault::Lost => Err(5),
                Fault::NoSpace if WRITES.contains(at) => Err(28),
                Fault::NoSpace | Fault::LoseLock => Ok(()),
            };
            assert_eq!(answered(at), Some(expected), "{place}");
            let killed = matches!(fault, Fault::Kill | Fault::ShortKill);
            assert_eq!(backend.is_killed(), killed, "{place}");
            assert_eq!(*kills.lock().expect("kills"), usize::from(killed), "{place}");
            let journal = memory.objects().remove("j");
            if appending {
                let arrived: &[u8] = match fault {
                    Fault::ShortKill | Fault::ShortError => b"12",
                    Fault::Lost | Fault::LoseLock => b"1234",
                    _ => b"",
                };
                assert_eq!(journal.as_deref(), Some(arrived), "{place}");
            }
            if *at == "write a" {
                // What fails did nothing, but for the answer that was lost.
                let deleted = answered("delete b") == Some(Ok(()));
                assert_eq!(deleted, matches!(fault, Fault::Lost | Fault::LoseLock), "{place}");
            }
            let after = answers.iter().skip_while(|(name, _)| name != at).skip(1);
            for (name, answer) in after {
                match fault {
                    Fault::NoSpace => {
                        let full = WRITES.contains(&name.as_str());
                        assert_eq!(*answer == Err(28), full, "{place}: {name}");
                    }
                    _ if killed => assert_eq!(*answer, Err(KILLED), "{place}: {name}"),
                    _ => assert!(*answer != Err(KILLED) && *answer != Err(5), "{place}: {name}"),
                }
            }
            if let Some(held) = kept.first() {
                match fault {
                    Fault::LoseLock => {
                        assert!(
                            matches!(held.check(), Err(StateError::LockLost { .. })),
                            "{place}"
                        );
                    }
                    _ if killed => assert!(held.check().is_err(), "{place}"),
                    _ => held.check().unwrap_or_else(|error| panic!("{place}: {error}")),
                }
                held.release();
                // The dead give nothing back in order.
                let named = memory.locked().expect("readable").is_some();
                assert_eq!(named, killed, "{place}");
            }
        }
    }
}

#[test]
fn a_look_for_other_clusters_is_an_operation_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| crate::Files::new(directory.path().join(name));
    at("other")
        .write("state.json", b"1", &Expect::Absent)
        .expect("written");
    let backend = Faulty::around(at("own"));
    assert_eq!(backend.beside().expect("listed").len(), 1);
    assert_eq!(backend.operations(), ["list others"]);
    let broken = Faulty::around(at("own")).at(1, Fault::Error);
    assert_eq!(code(&broken.beside().expect_err("a fault")), 5);
}
