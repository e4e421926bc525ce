//! `account` under `[aws]`: the credentials of another account are refused before anything is read.

use subako_engine::kinds::registry;
use subako_engine::manifest::Manifest;
use subako_engine::plan::Selection;
use subako_engine::session::{Session, SessionError};

use crate::bench::{Bench, destroy, small};

const PINNED: &str = "111122223333";

fn pinned() -> Manifest {
    let mut manifest = small(1);
    manifest.aws.account = Some(PINNED.into());
    manifest
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_the_credentials_of_another_account_is_refused_before_anything_is_read() {
    let bench = Bench::new(pinned(), vec![]);
    // The world is the simulator's; that it is EC2's is what the session is told.
    let session = Session::new(
        pinned(),
        "aws",
        bench.store.clone(),
        registry(),
        bench.sim.world(),
    );
    let known = session.load().expect("a state");
    for selection in [Selection::default(), destroy()] {
        let before = bench.sim.calls();
        let refused = session.plan(&known, &selection, true).await;
        assert!(
            matches!(&refused, Err(SessionError::PinnedAccount { wanted, found })
                if wanted == PINNED && found == "simulated"),
            "{refused:?}"
        );
        let mut after = bench.sim.calls();
        for (call, count) in before {
            *after.entry(call).or_default() -= count;
        }
        after.retain(|_, count| *count > 0);
        assert_eq!(after.into_iter().collect::<Vec<_>>(), [("account".to_owned(), 1)]);
    }
}

/// The simulator stands for any account: what is pinned for AWS is rehearsed there.
#[tokio::test(start_paused = true)]
async fn the_simulator_stands_for_any_account() {
    let bench = Bench::new(pinned(), vec![]);
    bench.converge(1, "pinned").await;
}
