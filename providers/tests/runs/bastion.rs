//! The bastion's host key is pinned before anything is changed, and held to from then on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use subako_engine::event::Events;
use subako_engine::plan::Selection;
use subako_engine::run::Stop;
use subako_engine::session::{RunReport, Session, SessionError};
use subako_engine::world::{Code, Failure, Host, HostTarget, Hosts, Progress, Result, World};
use subako_state::{Holder, Outcome};

use crate::bench::{Bench, destroy, killed_after, small};

const PLACE: &str = "bastion.example.com:22";

/// The simulator's hosts behind a bastion that shows a key.
struct Behind {
    hosts: Arc<dyn Hosts>,
    shows: &'static str,
    expects: Mutex<Option<String>>,
    greeted: AtomicU32,
}

impl Behind {
    fn pass(&self) -> Result<()> {
        let expected = self.expects.lock().expect("whole").clone();
        if expected.is_none_or(|expected| expected == self.shows) {
            return Ok(());
        }
        Err(
            Failure::not_applied("go through the bastion", "its host key has changed")
                .with_code(Code::Untrusted),
        )
    }
}

#[async_trait]
impl Hosts for Behind {
    async fn connect(&self, target: &HostTarget, progress: &Progress) -> Result<Arc<dyn Host>> {
        self.pass()?;
        self.hosts.connect(target, progress).await
    }

    async fn reach(&self, target: &HostTarget) -> Result<Arc<dyn Host>> {
        self.pass()?;
        self.hosts.reach(target).await
    }

    fn bastion(&self) -> Option<String> {
        Some(PLACE.to_owned())
    }

    fn expect_bastion(&self, host_key: &str) {
        *self.expects.lock().expect("whole") = Some(host_key.to_owned());
    }

    async fn greet_bastion(&self) -> Result<String> {
        self.pass()?;
        self.greeted.fetch_add(1, Ordering::Relaxed);
        Ok(self.shows.to_owned())
    }
}

/// What a new process has, whose bastion shows that key.
fn behind(bench: &Bench, shows: &'static str) -> (Session, Arc<Behind>) {
    let world = bench.sim.world();
    let behind = Arc::new(Behind {
        hosts: Arc::clone(&world.hosts),
        shows,
        expects: Mutex::default(),
        greeted: AtomicU32::new(0),
    });
    let world = World {
        hosts: Arc::clone(&behind) as Arc<dyn Hosts>,
        ..world
    };
    let session = Session::offline(bench.manifest.clone(), "sim", bench.store.clone());
    (session.online(world).expect("whole"), behind)
}

fn holder() -> Holder {
    Holder {
        pid: 1,
        host: "h".into(),
        command: "apply".into(),
        since: "2026-01-01T00:00:00Z".into(),
        ..Holder::default()
    }
}

/// Applies, and stops dead after so many durable journal entries.
async fn apply(
    session: &Session,
    selection: &Selection,
    kill_after: Option<u64>,
) -> std::result::Result<RunReport, SessionError> {
    let _lock = session.lock(&holder()).expect("free");
    let stop = Stop::new();
    let options = killed_after(kill_after, &stop);
    let change = session.draft(session.load()?, selection, true, &options).await?;
    session
        .carry_out(&change, &options, "apply", &Events::silent(), &stop)
        .await
}

#[tokio::test(start_paused = true)]
async fn a_bastions_key_is_pinned_by_the_first_apply_wherever_that_is_killed() {
    let all = Selection::default();
    for entries in [1, 2, 9] {
        let bench = Bench::new(small(1), vec![]);
        let pinned = || bench.store.bastion_key(PLACE).expect("whole");
        let (session, _) = behind(&bench, "key a");
        let known = session.load().expect("nothing yet");
        session.plan(&known, &all, true).await.expect("a plan");
        assert_eq!(pinned(), None, "a plan writes nothing");
        let ran = apply(&session, &all, Some(entries)).await.expect("a run");
        assert!(ran.cut, "killed after entry {entries}");
        assert_eq!(pinned().as_deref(), Some("key a"), "killed after entry {entries}");
        // Who goes on holds it to that key, and asks for no other.
        let (session, same) = behind(&bench, "key a");
        let ran = apply(&session, &all, None).await.expect("a run");
        assert_eq!(ran.outcome, Outcome::Applied, "{:#?}", ran.failures);
        assert_eq!(same.expects.lock().expect("whole").as_deref(), Some("key a"));
        assert_eq!(same.greeted.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn another_key_is_refused_until_the_pin_is_forgotten() {
    let mut bench = Bench::new(small(1), vec![]);
    let all = Selection::default();
    let (session, _) = behind(&bench, "key a");
    apply(&session, &all, None).await.expect("a run");
    let before = bench.sim.dump();
    bench.manifest.services[0]
        .spec
        .environment
        .insert("A".into(), "b".into());
    let (session, other) = behind(&bench, "key b");
    let ran = apply(&session, &all, None).await;
    let changed = ran.is_ok_and(|ran| ran.outcome == Outcome::Applied);
    assert!(
        !changed && bench.sim.dump() == before,
        "nobody is talked to behind another bastion"
    );
    assert_eq!(other.greeted.load(Ordering::Relaxed), 0);
    // A deliberate change is said by a command, which works while a run is unfinished too.
    let _lock = session.lock(&holder()).expect("free");
    assert!(session.unpin_bastion().expect("forgotten"));
    drop(_lock);
    let (session, again) = behind(&bench, "key b");
    let ran = apply(&session, &all, None).await.expect("a run");
    assert_eq!(ran.outcome, Outcome::Applied, "{:#?}", ran.failures);
    assert_eq!(again.greeted.load(Ordering::Relaxed), 1);
    assert_eq!(
        bench.store.bastion_key(PLACE).expect("whole").as_deref(),
        Some("key b")
    );
}

/// A bastion that shows another key stops nobody who has no host to log in to.
#[tokio::test(start_paused = true)]
async fn a_plan_that_logs_in_nowhere_asks_no_bastion() {
    let bench = Bench::new(small(1), vec![]);
    let (session, _) = behind(&bench, "key a");
    let only = Selection {
        target: vec!["key_pair.*".into()],
        ..Selection::default()
    };
    let (target, greeted) = behind(&bench, "key a");
    apply(&target, &only, None).await.expect("a run");
    assert_eq!(greeted.greeted.load(Ordering::Relaxed), 0);
    assert_eq!(bench.store.bastion_key(PLACE).expect("whole"), None);
    apply(&session, &Selection::default(), None).await.expect("a run");
    let (session, _) = behind(&bench, "key b");
    let ran = apply(&session, &destroy(), None).await.expect("a run");
    assert_eq!(ran.outcome, Outcome::Applied, "{:#?}", ran.failures);
}
