//! Logins to registries are handed on whenever nodes come, go, are drained or resume.

use subako_engine::manifest::Manifest;
use subako_engine::plan::Selection;
use subako_engine::world::Availability;
use subako_providers::sim::{FaultEffect, Login, Pace, SimOptions, Simulator};
use subako_state::{Outcome, Store};

use crate::bench::{Bench, fault, replace, small};

fn bench(manifest: Manifest, registries: bool) -> Bench {
    let sim = Simulator::open(SimOptions {
        time: Pace::Instant,
        login: Login {
            registries,
            ..Login::default()
        },
        ..SimOptions::default()
    });
    Bench {
        sim: sim.expect("a world"),
        store: Store::in_memory(),
        manifest,
    }
}

fn handed_on(bench: &Bench) -> u64 {
    bench.sim.calls().get("refresh_logins").copied().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn logins_are_handed_on_when_nodes_come_go_are_drained_and_resume_and_not_otherwise() {
    let mut bench = bench(small(1), true);
    bench.converge(1, "at first").await;
    let mut before = handed_on(&bench);
    assert!(before > 0, "nodes came");
    let mut step = async |bench: &Bench, what: &str, expected: bool| {
        bench.converge(3, what).await;
        let now = handed_on(bench);
        assert_eq!(now > before, expected, "{what}");
        before = now;
    };
    bench.manifest.services[0].spec.mode = subako_engine::world::Mode::Replicated(3);
    step(&bench, "a service is scaled", false).await;
    bench.manifest.pools[1].labels.insert("disk".into(), "ssd".into());
    step(&bench, "a node is labelled", false).await;
    bench.manifest.pools[1].availability = Availability::Drain;
    step(&bench, "a node is drained", true).await;
    bench.manifest.pools[1].availability = Availability::Active;
    step(&bench, "a node resumes", true).await;
    bench.manifest.pools[1].count = 2;
    step(&bench, "a node comes", true).await;
    bench.manifest.pools[1].count = 1;
    step(&bench, "a node goes", true).await;
    bench.apply(&replace("instance.wrk-0")).await.expect("a run");
    step(&bench, "a node is replaced", true).await;
}

#[tokio::test(start_paused = true)]
async fn without_logins_nothing_is_handed_on_and_nodes_come_all_the_same_where_that_fails() {
    let none = bench(small(1), false);
    none.converge(1, "without logins").await;
    assert_eq!(handed_on(&none), 0);
    let failing = bench(small(1), true);
    let faults = [fault("refresh_logins", 99, FaultEffect::Error("X".into()))];
    failing.sim.begin_run(&faults, None).expect("a known call");
    let ran = failing.apply(&Selection::default()).await.expect("a run");
    assert_eq!(ran.outcome, Outcome::Applied, "{:#?}", ran.failures);
    assert!(handed_on(&failing) > 0);
}
