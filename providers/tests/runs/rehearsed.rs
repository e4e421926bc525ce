//! Recoveries are rehearsed, and a rehearsal that nobody waits for any more ends.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use subako_engine::plan::{Rehearsal, Selection};
use subako_engine::run::ApplyOptions;
use subako_engine::world::{Play, Rehearse, Scene, Seen};
use subako_providers::sim::Rehearsals;
use subako_state::{Direction, Outcome};
use tokio::sync::oneshot;

use crate::bench::{Bench, replace, small};
use crate::verbs::{model, rehearsing};

/// A model that says when it is asked, waits for its go, and says how long the play took.
struct Waiting {
    model: Rehearsals,
    asked: Mutex<Option<oneshot::Sender<()>>>,
    go: Mutex<mpsc::Receiver<()>>,
    took: mpsc::Sender<Duration>,
}

impl Rehearse for Waiting {
    fn rehearse(&self, scene: &Scene, play: Play<'_>) -> Result<Seen, String> {
        let asked = self.asked.lock().expect("nobody panicked").take();
        asked.expect("it is asked once").send(()).expect("somebody waits");
        let go = self.go.lock().expect("nobody panicked");
        go.recv().expect("a go");
        let seen = self.model.rehearse(scene, play)?;
        self.took.send(seen.took).expect("somebody waits");
        Ok(seen)
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_for_a_rehearsal_is_free_at_once_and_ends_it() {
    let bench = Bench::new(small(1), vec![]);
    let (asked, was_asked) = oneshot::channel();
    let (go, goes) = mpsc::channel();
    let (took, taken) = mpsc::channel();
    let model = Waiting {
        model: model(),
        asked: Mutex::new(Some(asked)),
        go: Mutex::new(goes),
        took,
    };
    let session = rehearsing(&bench, Arc::new(model));
    let known = session.load().expect("a state");
    let all = Selection::default();
    tokio::select! {
        planned = session.plan(&known, &all, true) => panic!("it did not wait: {planned:?}"),
        heard = was_asked => heard.expect("the model was asked"),
    }
    // The plan is given up: nothing of it is played any more.
    go.send(()).expect("the model waits");
    let took = taken.recv_timeout(Duration::from_secs(600)).expect("it ends");
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_is_rehearsed_both_ways_wherever_the_run_was_killed() {
    for (selection, first) in [(Selection::default(), true), (replace("instance.wrk-0"), false)] {
        'kills: for entries in 2.. {
            for direction in [Direction::Back, Direction::Forward] {
                let bench = Bench::new(small(1), vec![]);
                if !first {
                    bench.converge(1, "at first").await;
                }
                let killed = bench.killed(&selection, entries).await;
                if !killed.cut {
                    break 'kills;
                }
                foreseen(&bench, direction, &format!("entry {entries}, {direction:?}")).await;
            }
        }
    }
}

/// What is foreseen of going on is what then happens.
async fn foreseen(bench: &Bench, direction: Direction, what: &str) {
    let session = rehearsing(bench, Arc::new(model()));
    let known = session.load().expect("a state");
    let options = ApplyOptions::default();
    let settled = session.look_into(&known, &options).await.expect("it can be read");
    let settled = settled.expect("it did not end");
    if session.check_recovery(&settled, direction).is_err() {
        return;
    }
    let played = session.rehearse_recovery(&known, &settled, direction).await;
    match played {
        None => assert_eq!(settled.steps(direction), [] as [&_; 0], "{what}"),
        Some(Rehearsal::Rehearsed(seen)) => assert_eq!(seen.failed, None, "{what}"),
        Some(Rehearsal::NotRehearsed { reason, .. }) => panic!("{what}: {reason}"),
    }
    let ran = bench.recover(direction).await.expect("it can be read");
    let wanted = match direction {
        Direction::Back => Outcome::RolledBack,
        Direction::Forward | Direction::Keep => Outcome::Applied,
    };
    assert_eq!(ran.expect("it did not end").outcome, wanted, "{what}");
}
