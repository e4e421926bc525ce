//! A lock that is lost while a run is under way: what had not begun is refused, the rest stops.

use subako_engine::event::Events;
use subako_engine::plan::Selection;
use subako_engine::run::Stop;
use subako_engine::session::{RunReport, Session, SessionError};
use subako_state::testing::{Fault, Faulty};
use subako_state::{Holder, Memory, StateError, Store};

use crate::bench::{Bench, killed_after, small};

async fn apply(session: &Session) -> Result<RunReport, SessionError> {
    let holder = Holder {
        host: "h".into(),
        command: "apply".into(),
        ..Holder::default()
    };
    let _lock = session.lock(&holder).map_err(|error| match error {
        subako_state::LockError::State(error) => SessionError::State(error),
        held => panic!("{held}"),
    })?;
    let stop = Stop::new();
    let options = killed_after(None, &stop);
    let all = Selection::default();
    let change = session.draft(session.load()?, &all, true, &options).await?;
    session
        .carry_out(&change, &options, "apply", &Events::silent(), &stop)
        .await
}

/// How many intents are durable.
fn intents(memory: &Memory) -> usize {
    let kept = memory.objects();
    let journals = kept.iter().filter(|(name, _)| name.contains("journal"));
    journals
        .map(|(_, bytes)| {
            String::from_utf8_lossy(bytes)
                .matches("\"entry\":{\"intent\"")
                .count()
        })
        .sum()
}

/// Lost at any operation before the first intent is durable, the command is refused: it has started
/// nothing. Later the run is cut, and says that the lock is lost.
#[tokio::test(start_paused = true)]
async fn a_lock_lost_before_the_first_intent_is_a_refusal_and_later_a_cut() {
    let (mut refused, mut begun, mut cut) = (0, 0, 0);
    for at in 1.. {
        let bench = Bench::new(small(1), vec![]);
        let memory = Memory::new();
        let store = Store::on(Faulty::around(memory.clone()).at(at, Fault::LoseLock));
        let session = Session::offline(bench.manifest.clone(), "sim", store);
        let session = session.online(bench.sim.world()).expect("whole");
        let ran = apply(&session).await;
        if intents(&memory) == 0 {
            refused += 1;
            begun += usize::from(memory.objects().contains_key("journal.jsonl"));
            assert!(
                matches!(ran, Err(SessionError::State(StateError::LockLost { .. }))),
                "operation {at}: {ran:?}"
            );
            continue;
        }
        let ran = ran.unwrap_or_else(|error| panic!("operation {at}: {error}"));
        assert!(ran.cut, "operation {at}: {ran:?}");
        let broken = ran.broken.as_deref();
        assert!(
            matches!(broken, Some(StateError::LockLost { .. })),
            "operation {at}: {broken:?}"
        );
        cut += 1;
        if cut == 3 {
            break;
        }
    }
    assert!(refused > begun && begun > 0, "{refused} {begun}");
}
