//! The process killed with SIGKILL after every journal entry, against an API that remembers.

use std::os::unix::process::ExitStatusExt as _;

use super::bench::{APPLY, Bench};
use super::like_ec2::{LAG, small};
use super::strict::Strict;

const VARIABLE: &str = "SUBAKO_CRASH_AFTER_ENTRY";
/// How many are killed at a time.
const WORKERS: usize = 6;

/// Runs a command and kills it after its nth durable journal entry; whether it was killed.
fn killed_after(bench: &Bench, args: &[&str], entry: u32) -> bool {
    let output = bench.output(args, (VARIABLE, entry.to_string()));
    output.status.signal() == Some(9)
}

/// Tries one entry after the other, several at a time, until a run is not killed any more; how
/// many were killed.
fn every_entry(one: impl Fn(u32) -> bool + Sync) -> usize {
    let mut killed = 0;
    for first in (1..).step_by(WORKERS) {
        let batch: Vec<bool> = std::thread::scope(|scope| {
            let entries = (first..).take(WORKERS);
            let runs: Vec<_> = entries
                .map(|entry| {
                    scope.spawn({
                        let one = &one;
                        move || one(entry)
                    })
                })
                .collect();
            runs.into_iter()
                .map(|run| {
                    run.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        killed += batch.iter().filter(|killed| **killed).count();
        if batch.contains(&false) {
            break;
        }
    }
    killed
}

#[test]
fn the_next_apply_converges_wherever_the_first_was_killed() {
    if super::bench::moto().is_none() {
        return;
    }
    let kills = every_entry(|entry| {
        let bench = Bench::sandbox().expect("moto");
        if !killed_after(&bench, &APPLY, entry) {
            return false;
        }
        let place = format!("SIGKILL after entry {entry}");
        let ran = bench.apply();
        assert_eq!(ran.code, Some(0), "{place}: {}", ran.said());
        bench.assert_whole(5, &place);
        assert_eq!(bench.ever_run().len(), 5, "a second instance was run: {place}");
        true
    });
    assert!(
        kills >= 14,
        "an intent and an outcome for each of 7 steps, but only {kills} kills"
    );
}

#[test]
fn a_destroy_killed_anywhere_is_finished_by_the_next() {
    if super::bench::moto().is_none() {
        return;
    }
    let kills = every_entry(|entry| {
        let bench = Bench::small().expect("moto");
        bench.apply().expect(0);
        if !killed_after(&bench, &["destroy", "--yes"], entry) {
            return false;
        }
        bench.run(&["destroy", "--yes"]).expect(0);
        bench.assert_nothing(&format!("destroy killed after entry {entry}"));
        assert!(bench.resources().is_empty());
        true
    });
    assert!(kills >= 8, "only {kills} kills");
}

#[test]
fn an_apply_and_a_destroy_killed_in_a_strict_ec2_are_finished_by_the_next() {
    // All of them, where that is asked for.
    let every = std::env::var("SUBAKO_STRICT_CASES").is_ok_and(|wanted| wanted == "all");
    let entries: Vec<u32> = if every { (1..=16).collect() } else { vec![4, 7] };
    let mut killed = 0;
    for entry in entries {
        let Some(bench) = small(Strict::all(LAG)) else {
            return;
        };
        killed += usize::from(killed_after(&bench, &APPLY, entry));
        let place = format!("SIGKILL after entry {entry}");
        let ran = bench.apply();
        assert_eq!(ran.code, Some(0), "{place}: {}", ran.said());
        bench.assert_whole(2, &place);
        assert_eq!(bench.ever_run().len(), 2, "a second instance was run: {place}");
        killed += usize::from(killed_after(&bench, &["destroy", "--yes"], entry));
        bench.run(&["destroy", "--yes"]).expect(0);
        bench.assert_nothing(&format!("destroy killed after entry {entry}"));
    }
    assert!(killed >= 4, "only {killed} kills");
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
