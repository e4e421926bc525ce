//! Fifty sessions on one bucket: each is paused at a call of its own while the next one works, or dies
//! there. A paused one goes on as if no time had passed, on a clock that stood still: nothing but the
//! conditions of its writes keeps it out.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::backend::Bucket;
use crate::digest::Digest;
use crate::error::StateError;
use crate::journal::Entry;
use crate::lock::LockError;
use crate::snapshot::{AccountId, Snapshot};
use crate::store::Store;
use crate::store_tests::{END, begin, block_on, holder, snapshot};
use crate::testing::{Answer, MemoryObjects, Patient};

const LEASE: Duration = Duration::from_secs(60);
const SESSIONS: u64 = 50;

/// What all of them share.
struct Team {
    objects: MemoryObjects,
    seed: u64,
    /// What was acknowledged, in order: the serial and the digest of a state that was saved.
    saved: Mutex<Vec<(u64, Digest)>>,
    /// How many were refused because somebody else had come.
    kept_out: AtomicU64,
}

/// A number of its own for each session.
fn dice(seed: u64, session: u64) -> u64 {
    let digest = Digest::of(format!("{seed} {session}"));
    u64::from_str_radix(&digest.hex()[..15], 16).expect("digits")
}

/// One command: it takes the lock, changes the state under a journal, and gives the lock back. At one of
/// its calls the next session comes, and with some luck this one is dead afterwards.
fn session(team: &Arc<Team>, number: u64) {
    let dice = dice(team.seed, number);
    let (pause_at, dies) = (dice % 45, (dice / 45).is_multiple_of(4));
    let (calls, dead) = (AtomicU64::new(0), AtomicBool::new(false));
    let others = Arc::clone(team);
    let objects = team.objects.with(move |_, _, _| {
        if calls.fetch_add(1, Ordering::SeqCst) == pause_at {
            if number + 1 < SESSIONS {
                // On a thread of its own: this one is in the middle of its runtime.
                std::thread::scope(|scope| {
                    let next = scope.spawn(|| session(&others, number + 1));
                    next.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                });
            }
            dead.store(dies, Ordering::SeqCst);
        }
        match dead.load(Ordering::SeqCst) {
            true => Answer::Refused,
            false => Answer::Told,
        }
    });
    let clock = Patient::default();
    let store = Store::on(Bucket::with(objects, clock.clone(), LEASE));
    match work(&store, &clock, number) {
        Ok(saved) => team.saved.lock().expect("whole").push(saved),
        Err(LockError::State(
            StateError::LockLost { .. } | StateError::Conflict { .. } | StateError::Moved { .. },
        )) => {
            team.kept_out.fetch_add(1, Ordering::SeqCst);
        }
        Err(LockError::State(StateError::Remote { .. })) if dies => {}
        Err(other) => panic!("seed {}, session {number}: {other}", team.seed),
    }
}

fn work(store: &Store, clock: &Patient, number: u64) -> Result<(u64, Digest), LockError> {
    let lock = loop {
        match store.lock(&holder()) {
            Err(LockError::Held { .. }) => super::clock::Ticks::sleep(clock, LEASE / 4),
            taken => break taken?,
        }
    };
    let saved = block_on(async {
        let loaded = store.load()?;
        if let Some(journal) = loaded.journal {
            // Of somebody who was paused or died: nothing of it is to be had.
            let Some(Entry::Begin { serial, .. }) = journal.entries.first() else {
                panic!("it does not begin");
            };
            store.continue_journal(&journal, None)?.append(&END).await?;
            store.retire_journal(*serial)?;
        }
        let (serial, base) = loaded
            .snapshot
            .map_or((0, None), |(snapshot, digest)| (snapshot.serial, Some(digest)));
        let writer = store.begin_journal(None)?;
        writer.append(&begin(store, serial, base.clone())?).await?;
        let token = number.to_string();
        writer.append(&Entry::Intent { step: 0, token }).await?;
        let of = AccountId {
            id: number.to_string(),
            region: "r".to_owned(),
        };
        let next = Snapshot {
            account: Some(of),
            ..snapshot(serial + 1, base)
        };
        let digest = store.save(&next)?;
        writer.append(&END).await?;
        store.retire_journal(serial)?;
        Ok::<_, StateError>((serial + 1, digest))
    })?;
    drop(lock);
    Ok(saved)
}

#[test]
fn of_fifty_sessions_that_are_paused_and_dropped_one_at_a_time_writes() {
    let (mut saved, mut kept_out) = (0, 0);
    for seed in 0..6 {
        let team = Arc::new(Team {
            objects: MemoryObjects::default(),
            seed,
            saved: Mutex::default(),
            kept_out: AtomicU64::new(0),
        });
        // The cluster has been applied: the first state of all is finished from its run's journal, which
        // is for the session to do.
        let clock = Patient::default();
        let store = Store::on(Bucket::with(team.objects.clone(), clock.clone(), LEASE));
        work(&store, &clock, SESSIONS + 1).expect("nobody else is there");
        session(&team, 0);
        // Whoever comes last finds a state that is whole, and no lock that is stuck.
        let clock = Patient::default();
        let store = Store::on(Bucket::with(team.objects.clone(), clock.clone(), LEASE));
        let last = work(&store, &clock, SESSIONS).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let acknowledged = std::mem::take(&mut *team.saved.lock().expect("whole"));
        let items = store.history().expect("listed");
        for pair in items.windows(2) {
            let named = (pair[0].digest.clone().ok(), pair[0].serial + 1);
            assert_eq!((pair[1].previous.clone(), pair[1].serial), named, "seed {seed}");
        }
        assert_eq!(items.last().map(|item| item.serial), Some(last.0), "seed {seed}");
        // What was acknowledged is part of that history: nobody has written over it.
        for (serial, digest) in &acknowledged {
            let found = items.iter().find(|item| item.serial == *serial);
            let found = found.and_then(|item| item.digest.as_ref().ok());
            assert_eq!(found, Some(digest), "seed {seed}, serial {serial}");
        }
        saved += acknowledged.len();
        kept_out += team.kept_out.load(Ordering::SeqCst);
    }
    assert!(saved > 20 && kept_out > 20, "{saved} saved, {kept_out} kept out");
}
