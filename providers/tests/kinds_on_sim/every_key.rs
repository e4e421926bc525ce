//! Every key of a service, from the manifest to the world and back: what is applied needs no
//! further change, and a change of it is planned, made, and then settled.

use std::sync::Arc;

use subako_engine::manifest::Manifest;

use crate::bench::{Bench, steps};
use crate::engine_api::EngineApi;
use crate::service_keys::{cases, manifest};

async fn apply(bench: &mut Bench, manifest: &Manifest, key: &str) {
    bench.world.vault = manifest.vault();
    bench.apply(manifest).await;
    let plan = bench.plan(manifest).await;
    assert_eq!(steps(&plan), Vec::<String>::new(), "{key}");
    assert!(plan.drift.is_empty(), "{key}: {:#?}", plan.drift);
}

/// Walks the keys on one cluster, so that every service also becomes every next one.
async fn walk(mut bench: Bench) {
    for case in cases() {
        apply(&mut bench, &manifest(case.before), case.key).await;
        let after = manifest(case.after);
        let plan = bench.plan(&after).await;
        let about = |line: &String| line.contains(" service.");
        assert!(steps(&plan).iter().any(about), "{}: {:?}", case.key, steps(&plan));
        let tasks = bench.sim.dump()["swarms"].clone();
        apply(&mut bench, &after, case.key).await;
        if !case.is_swarms() {
            assert_eq!(bench.sim.dump()["swarms"], tasks, "{}", case.key);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_key_of_a_service_is_planned_made_and_settled() {
    walk(Bench::new(vec![])).await;
}

#[tokio::test(start_paused = true)]
async fn every_key_of_a_service_survives_the_engine_api() {
    let mut bench = Bench::new(vec![]);
    bench.world.hosts = Arc::new(EngineApi::over(Arc::clone(&bench.world.hosts)));
    walk(bench).await;
}
