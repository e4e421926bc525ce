//! What engines are told in their daemon.json: one that is there already is left alone until the
//! manifest says something, and then restarted, one at a time.

use std::collections::BTreeMap;

use subako_engine::manifest::Docker;
use subako_engine::plan::Selection;
use subako_engine::reference::references;
use subako_engine::world::{HostTarget, Ownership};
use subako_providers::sim::FaultEffect;
use subako_state::{Json, Outcome};

use crate::bench::{Bench, WAYS, fault, small};

fn local() -> Docker {
    Docker {
        is_written: true,
        log_driver: "local".into(),
        ..Docker::default()
    }
}

async fn applied(managers: u32) -> Bench {
    let bench = Bench::new(small(managers), vec![]);
    bench.converge(1, "at first").await;
    bench
}

/// Where the engines' output goes, by the address of their instance.
async fn drivers(bench: &Bench) -> BTreeMap<String, String> {
    let world = bench.sim.world();
    let survey = world.cloud.survey("sandbox").await.expect("a survey");
    let mut found = BTreeMap::new();
    for live in survey.instances {
        let target = HostTarget {
            name: "host".into(),
            instance_id: live.id.clone(),
            private_ip: live.private_ip.clone(),
            public_ip: live.public_ip.clone(),
            host_key: None,
            is_new: false,
        };
        let host = world.hosts.reach(&target).await.expect("it runs");
        let info = host.engine_info().await.expect("it answers").expect("an engine");
        let owner = Ownership::from_tags(&live.tags).expect("ours");
        found.insert(owner.address, info.log_driver.unwrap_or_default());
    }
    found
}

fn all_are(drivers: &BTreeMap<String, String>, wanted: &str) -> bool {
    drivers.values().all(|driver| driver == wanted)
}

async fn planned(bench: &Bench) -> Vec<String> {
    let plan = bench.plan(&Selection::default()).await;
    let steps = plan.steps.iter();
    steps
        .map(|step| format!("{} {}", step.action(), step.address))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn engines_that_are_told_something_else_restart_one_at_a_time() {
    let mut bench = applied(3).await;
    assert!(all_are(&drivers(&bench).await, "json-file"));
    bench.manifest.docker = local();
    let plan = bench.plan(&Selection::default()).await;
    let mut restarts: Vec<usize> = Vec::new();
    for (number, step) in plan.steps.iter().enumerate() {
        assert_eq!(
            (step.action().to_string().as_str(), step.address.kind()),
            ("update", "docker")
        );
        assert!(
            step.changes.iter().all(|change| change.cost.is_some()),
            "{step:#?}"
        );
        if let Some(last) = restarts.last() {
            assert!(
                step.after_nodes.contains(&(*last as u32)),
                "two at once: {step:#?}"
            );
        }
        restarts.push(number);
    }
    assert_eq!(restarts.len(), 4);
    let said = plan.findings.iter().any(|finding| finding.id == "quorum");
    assert!(said, "{:#?}", plan.findings);
    bench.converge(1, "local").await;
    assert!(all_are(&drivers(&bench).await, "local"));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_subako_has_told_nothing_is_left_alone_until_the_section_is_written() {
    let mut bench = applied(1).await;
    // As a program that wrote no daemon.json has left it.
    let (mut snapshot, version) = bench.store.load().expect("a state").snapshot.expect("one");
    for resource in &mut snapshot.resources {
        if resource.address.kind() == "docker" {
            let mut spec = resource.spec.value().clone();
            spec.as_object_mut().expect("an object").remove("daemon");
            resource.spec = Json::sorted(&spec).expect("JSON");
            resource.spec_sha256 = resource.spec.digest();
            assert!(!references(&resource.spec).is_empty());
        }
    }
    let _ = version;
    snapshot.serial += 1;
    bench.store.save(&snapshot).expect("saved");
    assert_eq!(planned(&bench).await, Vec::<String>::new());
    bench.manifest.pools[1].count = 2;
    assert!(
        !planned(&bench)
            .await
            .iter()
            .any(|step| step.starts_with("update docker"))
    );
    bench.converge(1, "a new one").await;
    bench.manifest.docker = Docker {
        log_driver: "json-file".into(),
        is_written: true,
        ..Docker::default()
    };
    let steps = planned(&bench).await;
    let told: Vec<&String> = steps
        .iter()
        .filter(|step| step.starts_with("update docker"))
        .collect();
    assert_eq!(told, ["update docker.mgr-0", "update docker.wrk-0"], "{steps:?}");
    bench.converge(1, "written").await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_fails_is_undone_and_engines_are_told_what_they_were() {
    let effects = [
        FaultEffect::Error("X".into()),
        FaultEffect::TimeoutBeforeEffect,
        FaultEffect::TimeoutAfterEffect,
    ];
    for effect in effects {
        let mut bench = applied(1).await;
        bench.manifest.docker = local();
        let faulty = subako_providers::sim::FaultRule {
            nth: 2,
            ..fault("install_engine", 1, effect.clone())
        };
        bench.sim.begin_run(&[faulty], None).expect("a known call");
        let ran = bench.apply(&Selection::default()).await.expect("a run");
        assert_eq!(
            ran.outcome,
            Outcome::RolledBack,
            "{effect:?}: {:#?}",
            ran.failures
        );
        bench.sim.begin_run(&[], None).expect("no faults");
        assert!(all_are(&drivers(&bench).await, "json-file"), "{effect:?}");
        bench.converge(1, "afterwards").await;
        assert!(all_are(&drivers(&bench).await, "local"), "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn engines_that_are_told_something_else_killed_anywhere_have_a_way_out() {
    'kills: for entries in 2.. {
        for way in WAYS {
            let mut bench = applied(1).await;
            bench.manifest.docker = local();
            let killed = bench.killed(&Selection::default(), entries).await;
            if !killed.cut {
                break 'kills;
            }
            let what = format!("killed after entry {entries}, then {way}");
            bench.go_on(way, &what).await;
            if way != "destroy" {
                assert!(all_are(&drivers(&bench).await, "local"), "{what}");
            }
        }
    }
}
