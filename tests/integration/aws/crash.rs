//! The process killed with SIGKILL after every journal entry, against an API that remembers.

use std::os::unix::process::ExitStatusExt as _;

use super::bench::{APPLY, Bench};

const VARIABLE: &str = "SUBAKO_CRASH_AFTER_ENTRY";

/// Runs a command and kills it after its nth durable journal entry; whether it was killed.
fn killed_after(bench: &Bench, args: &[&str], entry: u32) -> bool {
    let output = bench.output(args, (VARIABLE, entry.to_string()));
    output.status.signal() == Some(9)
}

#[test]
#[ignore = "many minutes against moto: run it with --ignored; it has not been seen to its end"]
fn the_next_apply_converges_wherever_the_first_was_killed() {
    let mut kills = 0;
    for entry in 1.. {
        let Some(bench) = Bench::sandbox() else { return };
        if !killed_after(&bench, &APPLY, entry) {
            break;
        }
        kills += 1;
        let place = format!("SIGKILL after entry {entry}");
        let ran = bench.apply();
        assert_eq!(ran.code, Some(0), "{place}: {}", ran.said());
        bench.assert_whole(5, &place);
        assert_eq!(bench.ever_run().len(), 5, "a second instance was run: {place}");
    }
    assert!(
        kills >= 14,
        "an intent and an outcome for each of 7 steps, but only {kills} kills"
    );
}

#[test]
fn a_destroy_killed_anywhere_is_finished_by_the_next() {
    let mut kills = 0;
    for entry in 1.. {
        let Some(bench) = Bench::small() else { return };
        bench.apply().expect(0);
        if !killed_after(&bench, &["destroy", "--yes"], entry) {
            break;
        }
        kills += 1;
        bench.run(&["destroy", "--yes"]).expect(0);
        bench.assert_nothing(&format!("destroy killed after entry {entry}"));
        assert!(bench.resources().is_empty());
    }
    assert!(kills >= 8, "only {kills} kills");
}

#[test]
fn a_killed_apply_is_undone_by_recover() {
    for entry in [3, 7, 11] {
        let Some(bench) = Bench::sandbox() else { return };
        assert!(killed_after(&bench, &APPLY, entry), "entry {entry}");
        bench.run(&["recover", "--back", "--yes"]).expect(0);
        bench.assert_nothing(&format!("recovered back from entry {entry}"));
        assert!(bench.resources().is_empty());
    }
}
