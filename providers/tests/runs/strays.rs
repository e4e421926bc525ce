//! Objects that neither state nor manifest has: after a replacement that was killed, with a state that
//! is lost, rebuilt or old, nothing stays behind.

use subako_engine::plan::{Reason, Selection};
use subako_engine::world::Role;
use subako_state::Store;

use crate::bench::{Bench, destroy, replace, small};
use crate::manifest::pool;

/// What became of the state.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Lost,
    Rebuilt,
    Old,
}

/// Ends the state so, with the journal.
async fn end_state(bench: &mut Bench, fate: Fate, old: &subako_state::Snapshot) {
    match fate {
        Fate::Lost => bench.store = Store::in_memory(),
        Fate::Rebuilt => {
            bench.store = Store::in_memory();
            let session = bench.session();
            let rebuilding = session.draft_rebuild(&[]).await.expect("something is found");
            session.rebuild(&rebuilding).expect("a state");
        }
        Fate::Old => {
            bench.store = Store::in_memory();
            bench.store.save(old).expect("saved");
        }
    }
}

/// A replacement is killed after each of its journal entries, and the state ends so: the next applies
/// converge to one machine a name, a destroy right away leaves nothing.
async fn killed_everywhere(managers: u32, pattern: &str, fate: Fate) {
    let mut twins = 0;
    for entry in 1.. {
        let mut ended = false;
        for then_destroy in [false, true] {
            let what = format!("{pattern} of {managers}, killed after entry {entry}, {fate:?}");
            let mut bench = Bench::new(small(managers), vec![]);
            bench.converge(1, &what).await;
            let (old, _) = bench.store.load().expect("a state").snapshot.expect("one");
            let run = bench.killed(&replace(pattern), entry).await;
            ended = !run.cut;
            end_state(&mut bench, fate, &old).await;
            let plan = bench.plan(&Selection::default()).await;
            twins += plan
                .steps
                .iter()
                .filter(|step| step.reason == Some(Reason::Twin))
                .count();
            if then_destroy {
                bench.assert_destroyed(&what).await;
            } else {
                bench.converge(2, &what).await;
            }
        }
        if ended {
            break;
        }
    }
    assert!(
        twins > 0,
        "{pattern} of {managers}, {fate:?}: there were never two"
    );
}

#[tokio::test(start_paused = true)]
async fn a_workers_replacement_killed_anywhere_leaves_nothing_behind_whatever_became_of_the_state() {
    for fate in [Fate::Lost, Fate::Rebuilt, Fate::Old] {
        killed_everywhere(1, "instance.wrk-0", fate).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_managers_replacement_killed_anywhere_leaves_nothing_behind_whatever_became_of_the_state() {
    for fate in [Fate::Lost, Fate::Rebuilt, Fate::Old] {
        for managers in [1, 3] {
            killed_everywhere(managers, "instance.mgr-0", fate).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_forgotten_and_whose_pool_is_removed_is_planned_away_and_destroyed() {
    for then_destroy in [false, true] {
        let mut bench = Bench::new(small(1), vec![]);
        bench.converge(1, "at first").await;
        let session = bench.session();
        let patterns = ["instance.wrk-0", "docker.wrk-0", "member.wrk-0"].map(str::to_owned);
        let forgetting = session.draft_forget(&patterns).expect("they are recorded");
        session.forget(&forgetting).expect("forgotten");
        bench.manifest.pools = vec![pool("mgr", Role::Manager, 1)];
        let plan = bench.plan(&Selection::default()).await;
        let strays: Vec<String> = plan
            .steps
            .iter()
            .filter(|step| step.reason == Some(Reason::Stray))
            .map(|step| format!("{} {}", step.action(), step.address))
            .collect();
        assert_eq!(strays, ["delete member.wrk-0", "delete instance.wrk-0"]);
        let said = plan.findings.iter().filter(|finding| finding.id == "strays");
        assert_eq!(said.count(), 1);
        let known = bench.session().load().expect("a state");
        let status = bench.session().status(&known).await.expect("a status");
        let shown: Vec<&str> = status.strays.iter().map(|stray| stray.address.as_str()).collect();
        assert_eq!(shown, ["instance.wrk-0", "member.wrk-0"]);
        assert!(status.strays[0].usd_per_hour > Some(0.0));
        if then_destroy {
            let plan = bench.plan(&destroy()).await;
            let named = plan
                .steps
                .iter()
                .any(|step| step.address.as_str() == "instance.wrk-0");
            assert!(named, "{:#?}", plan.steps);
            bench.assert_destroyed("with a stray").await;
        } else {
            bench.converge(1, "with a stray").await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_without_a_state_takes_everything_that_carries_the_tags() {
    let mut bench = Bench::new(small(3), vec![]);
    bench.converge(1, "at first").await;
    bench.store = Store::in_memory();
    bench.assert_destroyed("without a state").await;
}
