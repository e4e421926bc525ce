//! The version of the engines: changed, undone, and changed by somebody else.

use subako_engine::manifest::Manifest;
use subako_engine::world::{EngineRequest, HostTarget, Progress};
use subako_providers::sim::{FaultEffect, FaultRule};
use subako_state::Outcome;

use crate::bench::{Bench, steps};
use crate::manifest::sandbox;

fn of(version: &str) -> Manifest {
    let mut manifest = sandbox();
    manifest.swarm.engine_version = Some(version.into());
    manifest
}

/// The versions that run.
fn versions(bench: &Bench) -> Vec<String> {
    let world = bench.sim.dump();
    let instances = world["instances"].as_object().expect("instances").values();
    let versions = instances.map(|instance| instance["engine"].as_str().unwrap_or_default().to_owned());
    versions.collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_and_one_that_fails_brings_back_what_ran() {
    let mut bench = Bench::of(&sandbox()).await;
    bench.apply(&of("24.0.9")).await;
    bench.assert_settled(&of("24.0.9")).await;
    assert_eq!(versions(&bench), ["24.0.9"; 5]);
    let fault = FaultRule {
        call: "install_engine:node-1".into(),
        nth: 1,
        times: 1,
        effect: FaultEffect::Error("InternalError".into()),
    };
    let mut bench = Bench::new(vec![]);
    bench.apply(&sandbox()).await;
    let before = bench.sim.dump();
    bench.sim.begin_run(&[fault], None).expect("faults");
    let plan = bench.plan(&of("24.0.9")).await;
    let finished = bench.run(&plan).await;
    assert_eq!(finished.outcome, Outcome::RolledBack, "{:#?}", finished.failures);
    assert_eq!(bench.sim.dump(), before);
}

#[tokio::test(start_paused = true)]
async fn another_version_by_hand_is_drift_where_the_manifest_names_one() {
    for (manifest, drifts) in [(of("25.0"), true), (sandbox(), false)] {
        let mut bench = Bench::of(&manifest).await;
        let survey = bench.world.cloud.survey("sandbox").await.expect("a survey");
        let live = survey
            .instances
            .iter()
            .find(|live| live.tags.get("subako:address").map(String::as_str) == Some("instance.node-0"));
        let live = live.expect("node-0");
        let target = HostTarget {
            name: "node-0".into(),
            instance_id: live.id.clone(),
            private_ip: live.private_ip.clone(),
            public_ip: live.public_ip.clone(),
            host_key: None,
            is_new: false,
        };
        let host = bench.world.hosts.reach(&target).await.expect("it answers");
        let other = EngineRequest {
            version: Some("26.1.0".into()),
            daemon: None,
        };
        host.install_engine(&other, &Progress::silent())
            .await
            .expect("installed");
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        let plan = bench.plan(&manifest).await;
        let expected: &[&str] = if drifts {
            &["update docker.node-0: version"]
        } else {
            &[]
        };
        assert_eq!(steps(&plan), expected);
        bench.apply(&manifest).await;
        bench.assert_settled(&manifest).await;
        assert_eq!(versions(&bench).contains(&"26.1.0".to_owned()), !drifts);
    }
}
