//! Calls fail, and what was done is undone.

use std::time::Duration;

use subako_engine::run::Stop;
use subako_engine::world::{HealthCheck, RestartCondition, RestartPolicy, UpdateConfig};
use subako_providers::sim::{FaultEffect, FaultRule};
use subako_state::Outcome;

use crate::bench::Bench;
use crate::manifest::{sandbox, service};

/// The calls that bring a cluster up.
const CALLS: [&str; 10] = [
    "import_key_pair",
    "create_security_group",
    "authorize_ingress",
    "run_instance",
    "install_engine",
    "swarm_init",
    "swarm_join",
    "update_node",
    "create_network",
    "create_service",
];

fn fault(call: &str, nth: u32, kind: FaultEffect) -> Vec<FaultRule> {
    vec![FaultRule {
        call: call.to_owned(),
        nth,
        times: 1,
        effect: kind,
    }]
}

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_on_the_way_up_nothing_is_left() {
    for call in CALLS {
        for kind in [
            FaultEffect::Error("InternalError".to_owned()),
            FaultEffect::TimeoutBeforeEffect,
            FaultEffect::TimeoutAfterEffect,
        ] {
            for nth in [1, 2] {
                let mut bench = Bench::new(fault(call, nth, kind.clone()));
                let nothing = bench.sim.dump();
                let plan = bench.plan(&sandbox()).await;
                let finished = bench.run(&plan).await;
                let once = [
                    "import_key_pair",
                    "create_security_group",
                    "authorize_ingress",
                    "swarm_init",
                    "create_network",
                ];
                if nth == 2 && once.contains(&call) {
                    assert_eq!(finished.outcome, Outcome::Applied, "{call}");
                    continue;
                }
                let what = format!("{call} {nth} {kind:?}: {:#?}", finished.failures);
                assert_eq!(finished.outcome, Outcome::RolledBack, "{what}");
                assert!(bench.snapshot.resources.is_empty(), "{what}");
                assert_eq!(bench.sim.dump(), nothing, "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_stays_up_is_not_waited_for_until_its_limit() {
    for (image, said) in [
        ("example/does-not-exist", "No such image"),
        ("example/crash", "non-zero exit (1)"),
        ("example/unhealthy", "unhealthy container"),
    ] {
        let mut manifest = sandbox();
        let mut bench = Bench::new(vec![]);
        bench.apply(&manifest).await;
        let before = bench.sim.dump();
        let (calm, once) = (
            &mut manifest.services[0].spec,
            RestartPolicy {
                condition: RestartCondition::None,
                delay: None,
                max_attempts: None,
                window: None,
            },
        );
        let started = bench.world.clock.now();
        // A change of a service that runs, where the engine is to go on after failures: it is
        // undone, and so is one that is never tried again.
        calm.image = image.into();
        calm.update_config = Some(UpdateConfig {
            failure_action: Some("continue".into()),
            parallelism: Some(0),
            ..UpdateConfig::default()
        });
        for policy in [None, Some(once)] {
            manifest.services[0].spec.restart_policy = policy;
            let plan = bench.plan(&manifest).await;
            let finished = bench.run(&plan).await;
            assert_eq!(finished.outcome, Outcome::RolledBack, "{image}");
            let (address, failure) = &finished.failures[0];
            assert_eq!(address.as_str(), "service.reply");
            assert!(failure.message.contains(said), "{failure}");
            assert!(failure.message.contains(" on "), "{failure}");
            assert_eq!(bench.sim.dump(), before, "{image}");
        }
        // Two failures and two ways back, of which the limit alone would be 300 s each.
        let took = bench.world.clock.now() - started;
        assert!(took < Duration::from_secs(150), "{image}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_start_says_why_and_is_undone() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    let (before, resources) = (bench.sim.dump(), bench.snapshot.resources.clone());
    manifest.services.push(service("broken", 2, 9000));
    manifest.services[2].spec.image = "example/does-not-exist".into();
    let plan = bench.plan(&manifest).await;
    let finished = bench.run(&plan).await;
    assert_eq!(finished.outcome, Outcome::RolledBack);
    let (address, failure) = &finished.failures[0];
    assert_eq!(address.as_str(), "service.broken");
    assert!(failure.message.contains("No such image"), "{failure}");
    assert!(
        failure.message.contains(" on manager-") || failure.message.contains(" on node-"),
        "{failure}"
    );
    assert!(
        failure.hint.as_ref().is_some_and(|hint| hint.contains("image")),
        "{failure:?}"
    );
    assert_eq!(bench.snapshot.resources, resources);
    assert_eq!(bench.sim.dump(), before);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_fails_is_taken_back_to_what_was() {
    for call in [
        "update_service",
        "modify_instance",
        "update_node",
        "revoke_ingress",
        "retag",
        "remove_service",
        "create_network",
    ] {
        for kind in [
            FaultEffect::Error("InternalError".to_owned()),
            FaultEffect::TimeoutBeforeEffect,
            FaultEffect::TimeoutAfterEffect,
        ] {
            let first = match call {
                "update_node" => 6,
                "create_network" => 2,
                _ => 1,
            };
            let mut bench = Bench::new(fault(call, first, kind.clone()));
            let mut manifest = sandbox();
            bench.apply(&manifest).await;
            let (before, resources) = (bench.sim.dump(), bench.snapshot.resources.clone());
            manifest.cluster.tags.insert("Unit".into(), "Other".into());
            manifest.pools[1].labels.insert("disk".into(), "ssd".into());
            manifest.networks[0].attachable = true;
            manifest.services[1].spec.networks.clear();
            manifest.services[1].spec.ports[0].published = 8081;
            manifest.services.push(service("reply3", 1, 9000));
            manifest.services[2].spec.networks.clear();
            let plan = bench.plan(&manifest).await;
            let finished = bench.run(&plan).await;
            let what = format!("{call} {kind:?}: {:#?}", finished.failures);
            assert_eq!(finished.outcome, Outcome::RolledBack, "{what}");
            let moved: Vec<_> = (bench.snapshot.resources.iter().zip(&resources))
                .filter(|(after, before)| after != before)
                .collect();
            assert!(moved.is_empty(), "{what}\n{moved:#?}");
            assert_eq!(bench.snapshot.resources.len(), resources.len(), "{what}");
            assert_eq!(bench.sim.dump(), before, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_in_flight_is_told_to_stop_and_undone() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    let (before, resources) = (bench.sim.dump(), bench.snapshot.resources.clone());
    // Its check is tried for longer than a service may take to converge.
    let spec = &mut manifest.services[0].spec;
    spec.image = "example/unhealthy".into();
    spec.healthcheck = Some(HealthCheck {
        test: vec!["CMD".into(), "check".into()],
        interval: Some(200_000_000_000),
        retries: Some(3),
        ..HealthCheck::default()
    });
    let plan = bench.plan(&manifest).await;
    let clock = bench.world.clock.clone();
    let stop = Stop::new();
    let started = clock.now();
    let (finished, ()) = tokio::join!(bench.run_until(&plan, &stop), async {
        clock.sleep(Duration::from_secs(20)).await;
        stop.drain("SIGTERM");
    });
    let took = clock.now() - started;
    assert_eq!(finished.outcome, Outcome::RolledBack, "{:#?}", finished.failures);
    let (address, failure) = &finished.failures[0];
    assert_eq!(address.as_str(), "service.reply");
    assert!(failure.message.contains("SIGTERM asked to stop"), "{failure}");
    assert_eq!(bench.snapshot.resources, resources);
    assert_eq!(bench.sim.dump(), before);
    // The way back takes its time; the 280 s that were left of the limit are not waited for.
    assert!(took < Duration::from_secs(200), "{took:?}");
}
