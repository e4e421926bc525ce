//! The verbs beside apply and destroy, as the command line runs them.

use std::sync::Arc;
use std::time::Duration;

use subako_engine::event::Events;
use subako_engine::plan::{Plan, Purpose, Rehearsal, Selection};
use subako_engine::run::{ApplyOptions, Stop};
use subako_engine::session::{Change, Rehearsing, RunReport, Session, SessionError};
use subako_engine::world::Rehearse;
use subako_providers::sim::{Login, Rehearsals, SimOptions};
use subako_state::Outcome;

use crate::bench::{Bench, killed_after};

/// Models of the simulated world.
pub fn model() -> Rehearsals {
    Rehearsals {
        seed: SimOptions::default().seed,
        login: Login::default(),
        simulated: true,
    }
}

/// A session that rehearses in a model.
pub fn rehearsing(bench: &Bench, model: Arc<dyn Rehearse>) -> Session {
    bench.session().with_rehearsal(Rehearsing::On {
        model,
        most: None,
        parallelism: ApplyOptions::default().parallelism,
    })
}

/// What the verb drafts, rehearsed.
pub async fn drafted(bench: &Bench, verb: Purpose) -> Result<Change, SessionError> {
    let options = ApplyOptions::default();
    let session = rehearsing(bench, Arc::new(model()));
    let known = session.load()?;
    let all = Selection::default();
    session.draft_for(verb, known, &all, true, &options).await
}

/// What it plans; every plan that does something and is not refused was played to its end.
pub async fn planned(bench: &Bench, verb: Purpose) -> Plan {
    let plan = drafted(bench, verb).await.expect("a plan").plan;
    match &plan.rehearsal {
        None => assert!(plan.is_empty(), "{verb:?} is not rehearsed"),
        Some(Rehearsal::Rehearsed(seen)) => assert_eq!(seen.failed, None, "{verb:?}"),
        Some(Rehearsal::NotRehearsed { reason, .. }) => panic!("{verb:?}: {reason}"),
    }
    plan
}

/// Does it, and stops dead after so many durable journal entries.
pub async fn ran(bench: &Bench, verb: Purpose, kill_after: Option<u64>, events: &Events) -> RunReport {
    let change = drafted(bench, verb).await.expect("a plan");
    let stop = Stop::new();
    let options = killed_after(kill_after, &stop);
    let session = bench.session();
    let ran = session.carry_out(&change, &options, verb.word(), events, &stop);
    ran.await.expect("a run")
}

/// Does it; nothing fails.
pub async fn done(bench: &Bench, verb: Purpose, what: &str) {
    let ran = ran(bench, verb, None, &Events::silent()).await;
    assert_eq!(ran.outcome, Outcome::Applied, "{what}: {:#?}", ran.failures);
    assert!(!ran.cut && ran.broken.is_none(), "{what}");
    if verb == Purpose::Resume {
        let session = bench.session();
        let known = session.load().expect("a state");
        let limit = Duration::from_secs(180);
        session.await_services(&known, limit).await.expect("a status");
    }
}
