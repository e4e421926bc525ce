//! The verbs beside apply and destroy, as the command line runs them.

use std::time::Duration;

use subako_engine::event::Events;
use subako_engine::plan::{Plan, Purpose, Selection};
use subako_engine::run::{ApplyOptions, Stop};
use subako_engine::session::{Change, RunReport, SessionError};
use subako_state::Outcome;

use crate::bench::{Bench, killed_after};

/// What the verb drafts.
pub async fn drafted(bench: &Bench, verb: Purpose) -> Result<Change, SessionError> {
    let (session, options) = (bench.session(), ApplyOptions::default());
    let known = session.load()?;
    let all = Selection::default();
    session.draft_for(verb, known, &all, true, &options).await
}

/// What it plans.
pub async fn planned(bench: &Bench, verb: Purpose) -> Plan {
    drafted(bench, verb).await.expect("a plan").plan
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
