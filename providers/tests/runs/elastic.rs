//! Elastic addresses: they stay when their instances stop, start and are replaced, change in place,
//! and are left behind by nobody.

use std::collections::BTreeMap;

use subako_engine::manifest::{Manifest, PublicIp};
use subako_engine::plan::{Action, Selection};
use subako_engine::world::Role;
use subako_providers::sim::FaultEffect;
use subako_state::{Outcome, Store};

use crate::bench::{Bench, WAYS, fault, replace, small};

/// As a small cluster, all of whose instances have an address of this sort.
fn with(managers: u32, public: PublicIp) -> Manifest {
    let mut manifest = small(managers);
    for pool in &mut manifest.pools {
        pool.public_ip = Some(public);
    }
    manifest
}

async fn applied(managers: u32, public: PublicIp) -> Bench {
    let bench = Bench::new(with(managers, public), vec![]);
    bench.converge(1, "at first").await;
    assert_in_place(&bench, "at first").await;
    bench
}

/// The elastic addresses of the cluster, by `address ip`, each with the address of its instance.
async fn addresses(bench: &Bench) -> BTreeMap<String, String> {
    let cloud = bench.sim.world().cloud;
    let survey = cloud
        .survey(&bench.manifest.cluster.name)
        .await
        .expect("a survey");
    let holder = |id: &Option<String>| {
        let instance = survey.instances.iter().find(|live| Some(&live.id) == id.as_ref());
        instance.map_or_else(String::new, |live| {
            assert!(
                survey
                    .elastic_ips
                    .iter()
                    .any(|one| Some(&one.public_ip) == live.public_ip.as_ref()),
                "{live:?} has another public address"
            );
            live.tags["subako:address"].clone()
        })
    };
    let all = survey.elastic_ips.iter();
    all.map(|one| {
        let name = format!("{} {}", one.tags["subako:address"], one.public_ip);
        (name, holder(&one.instance_id))
    })
    .collect()
}

/// Every instance of a pool that wants one has its own elastic address, and there is no other.
async fn assert_in_place(bench: &Bench, what: &str) {
    let there: Vec<(String, String)> = addresses(bench)
        .await
        .into_iter()
        .map(|(name, holder)| (name.split(' ').next().unwrap_or_default().to_owned(), holder))
        .collect();
    let wanted: Vec<(String, String)> = (bench.manifest.pools.iter())
        .filter(|pool| pool.public_ip == Some(PublicIp::Elastic))
        .flat_map(Manifest::instance_names)
        .map(|name| (format!("elastic_ip.{name}"), format!("instance.{name}")))
        .collect();
    assert_eq!(there, wanted, "{what}");
}

/// What the next plan does, `action address`.
async fn planned(bench: &Bench) -> Vec<String> {
    let plan = bench.plan(&Selection::default()).await;
    let mut steps: Vec<String> = (plan.steps.iter())
        .map(|step| format!("{} {}", step.action(), step.address))
        .collect();
    steps.sort();
    steps
}

#[tokio::test(start_paused = true)]
async fn an_elastic_address_stays_when_its_instance_stops_starts_and_is_replaced() {
    let bench = applied(3, PublicIp::Elastic).await;
    let before = addresses(&bench).await;
    assert_eq!(before.len(), 4);
    bench.sim.stop_instance("mgr-1").expect("it runs");
    bench.sim.stop_instance("wrk-0").expect("it runs");
    bench.converge(1, "stopped").await;
    assert_eq!(addresses(&bench).await, before);
    for name in ["instance.mgr-1", "instance.wrk-0", "instance.mgr-0"] {
        let ran = bench.apply(&replace(name)).await.expect("a run");
        assert_eq!(ran.outcome, Outcome::Applied, "{name}: {:#?}", ran.failures);
        assert_eq!(addresses(&bench).await, before, "{name}");
        bench.assert_settled(name).await;
    }
    bench.sim.terminate_instance("mgr-2").expect("it runs");
    bench.converge(1, "terminated").await;
    assert_eq!(addresses(&bench).await, before);
    bench.assert_destroyed("with elastic addresses").await;
}

/// Where two machines cannot be there at once the old one goes first, and takes the address nowhere.
#[tokio::test(start_paused = true)]
async fn an_address_waits_for_the_successor_of_a_pinned_instance() {
    let mut manifest = with(3, PublicIp::Elastic);
    manifest.pools[1].private_ips = vec!["172.31.0.77".to_owned()];
    let bench = Bench::new(manifest, vec![]);
    bench.converge(1, "at first").await;
    let before = addresses(&bench).await;
    let ran = bench.apply(&replace("instance.wrk-0")).await.expect("a run");
    assert_eq!(ran.outcome, Outcome::Applied, "{:#?}", ran.failures);
    assert_eq!(addresses(&bench).await, before);
    bench.assert_settled("replaced").await;
}

#[tokio::test(start_paused = true)]
async fn an_address_becomes_elastic_and_plain_again_in_place() {
    let mut bench = applied(1, PublicIp::Yes).await;
    let machines = bench.machines().await;
    bench.manifest = with(1, PublicIp::Elastic);
    assert_eq!(
        planned(&bench).await,
        ["create elastic_ip.mgr-0", "create elastic_ip.wrk-0"]
    );
    bench.converge(1, "elastic").await;
    assert_in_place(&bench, "elastic").await;
    bench.manifest.pools[0].public_ip = Some(PublicIp::Yes);
    assert_eq!(planned(&bench).await, ["delete elastic_ip.mgr-0"]);
    bench.converge(1, "plain again").await;
    assert_in_place(&bench, "plain again").await;
    assert_eq!(bench.machines().await, machines);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_somebody_took_away_is_put_back() {
    let bench = applied(1, PublicIp::Elastic).await;
    let before = addresses(&bench).await;
    let cloud = bench.sim.world().cloud;
    let survey = cloud.survey("sandbox").await.expect("a survey");
    let of = |name: &str| {
        let mut all = survey.elastic_ips.iter();
        let found = all.find(|one| one.tags["subako:address"] == name);
        found.expect("it is there").id.clone()
    };
    cloud
        .disassociate_address(&of("elastic_ip.wrk-0"))
        .await
        .expect("disassociated");
    cloud
        .release_address(&of("elastic_ip.mgr-0"))
        .await
        .expect("released");
    assert_eq!(
        planned(&bench).await,
        [
            "create elastic_ip.mgr-0",
            "forget elastic_ip.mgr-0",
            "update elastic_ip.wrk-0"
        ]
    );
    bench.converge(1, "by hand").await;
    assert_in_place(&bench, "by hand").await;
    let after = addresses(&bench).await;
    let kept = |all: &BTreeMap<String, String>| all.keys().any(|name| before.contains_key(name));
    assert!(kept(&after), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn addresses_without_a_state_are_adopted_and_those_of_no_pool_are_strays() {
    let mut bench = applied(1, PublicIp::Elastic).await;
    let before = addresses(&bench).await;
    bench.store = Store::in_memory();
    let plan = bench.plan(&Selection::default()).await;
    let adopted = |action| action == Action::Adopt;
    assert!(
        plan.steps.iter().all(|step| adopted(step.action())),
        "{:#?}",
        plan.steps
    );
    bench.converge(1, "adopted").await;
    assert_eq!(addresses(&bench).await, before);
    bench.store = Store::in_memory();
    bench.manifest.pools[1].public_ip = Some(PublicIp::Yes);
    bench.converge(1, "a stray").await;
    assert_in_place(&bench, "a stray").await;
    bench.store = Store::in_memory();
    bench.assert_destroyed("without a state").await;
}

/// What the tests below change: from one manifest to another, or by asking for a replacement.
fn changes() -> Vec<(&'static str, Option<Manifest>, Manifest, Selection)> {
    let (yes, elastic) = (with(1, PublicIp::Yes), with(1, PublicIp::Elastic));
    let plain = Selection::default;
    vec![
        ("up", None, elastic.clone(), plain()),
        ("to elastic", Some(yes.clone()), elastic.clone(), plain()),
        ("to plain", Some(elastic.clone()), yes, plain()),
        (
            "replacement",
            Some(elastic.clone()),
            elastic.clone(),
            replace("instance.*"),
        ),
        (
            "another address",
            Some(elastic.clone()),
            elastic,
            replace("elastic_ip.wrk-0"),
        ),
    ]
}

async fn begun(before: Option<Manifest>, after: Manifest) -> Bench {
    match before {
        Some(before) => {
            let mut bench = Bench::new(before, vec![]);
            bench.converge(1, "at first").await;
            bench.manifest = after;
            bench
        }
        None => Bench::new(after, vec![]),
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_with_elastic_addresses_killed_anywhere_always_has_a_way_out() {
    for (change, before, after, selection) in changes() {
        'kills: for entries in 2.. {
            for way in WAYS {
                let bench = begun(before.clone(), after.clone()).await;
                let killed = bench.killed(&selection, entries).await;
                if !killed.cut {
                    break 'kills;
                }
                let what = format!("{change}, killed after entry {entries}, then {way}");
                bench.go_on(way, &what).await;
                if way != "destroy" {
                    assert_in_place(&bench, &what).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_addresses_are_as_before_or_as_wanted() {
    let calls = [
        "allocate_address",
        "associate_address",
        "release_address",
        "swarm_join",
    ];
    let effects = [
        FaultEffect::Error("InternalError".into()),
        FaultEffect::TimeoutBeforeEffect,
        FaultEffect::TimeoutAfterEffect,
    ];
    let mut undone = 0;
    for (change, before, after, selection) in changes() {
        for (call, effect) in calls
            .iter()
            .flat_map(|call| effects.iter().map(move |effect| (call, effect)))
        {
            let what = format!("{change}: {call} {effect:?}");
            let bench = begun(before.clone(), after.clone()).await;
            let there = addresses(&bench).await;
            bench
                .sim
                .begin_run(&[fault(call, 9, effect.clone())], None)
                .expect("a known call");
            let ran = bench.apply(&selection).await.expect("a run");
            bench.sim.begin_run(&[], None).expect("no faults");
            if ran.outcome == Outcome::RolledBack {
                assert_eq!(addresses(&bench).await, there, "{what}");
                undone += 1;
            }
            bench.converge(2, &what).await;
            assert_in_place(&bench, &what).await;
        }
    }
    assert!(undone > 5, "only {undone} runs were undone");
}

/// Nobody logs in by an address that goes: whoever dials one that leads elsewhere gets no answer
/// from the simulator.
#[tokio::test(start_paused = true)]
async fn managers_and_workers_come_and_go_with_their_addresses() {
    let mut bench = applied(1, PublicIp::Elastic).await;
    bench.manifest.pools[0].count = 3;
    bench.manifest.pools[1].count = 2;
    bench.converge(1, "more").await;
    assert_in_place(&bench, "more").await;
    bench.manifest.pools[0].count = 1;
    bench.manifest.pools[1].count = 0;
    bench.converge(1, "fewer").await;
    assert_in_place(&bench, "fewer").await;
    assert!(bench.manifest.pools.iter().any(|pool| pool.role == Role::Manager));
}
