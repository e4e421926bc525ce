//! A security group is replaced while machines of both its generations are in the swarm.

use subako_engine::manifest::Manifest;
use subako_engine::plan::Selection;
use subako_engine::world::Source;
use subako_providers::sim::FaultEffect;
use subako_state::Outcome;

use crate::bench::{Bench, WAYS, destroy, fault, small};

/// The group gets another name, and every manager another image.
fn renamed(mut manifest: Manifest) -> Manifest {
    manifest.security_group.name = "renamed-group".into();
    manifest.pools[0].ami = "amazon-linux-2".into();
    manifest
}

async fn applied(managers: u32) -> Bench {
    let bench = Bench::new(small(managers), vec![]);
    bench.converge(1, "at first").await;
    bench
}

/// No group names another one.
async fn assert_no_bridge(bench: &Bench, what: &str) {
    let cloud = bench.sim.world().cloud;
    let survey = cloud
        .survey(&bench.manifest.cluster.name)
        .await
        .expect("a survey");
    let rules = survey.security_groups.iter().flat_map(|group| &group.rules);
    let named: Vec<_> = rules
        .filter(|rule| matches!(rule.source, Source::Group(_)))
        .collect();
    assert!(named.is_empty(), "{what}: {named:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_is_renamed_while_managers_are_replaced() {
    for managers in [1, 3] {
        let mut bench = applied(managers).await;
        bench.manifest = renamed(bench.manifest);
        let what = format!("{managers} managers");
        bench.converge(1, &what).await;
        assert_no_bridge(&bench, &what).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_renamed_group_whose_join_fails_is_undone_and_nothing_of_it_stays() {
    let mut bench = applied(1).await;
    let before = bench.nodes().await;
    bench.manifest = renamed(bench.manifest);
    bench
        .sim
        .begin_run(&[fault("swarm_join", 9, FaultEffect::Error("X".into()))], None)
        .expect("a known call");
    let ran = bench.apply(&Selection::default()).await.expect("a run");
    assert_eq!(ran.outcome, Outcome::RolledBack, "{:#?}", ran.failures);
    bench.sim.begin_run(&[], None).expect("no faults");
    assert_eq!(bench.nodes().await, before);
    assert_no_bridge(&bench, "undone").await;
    bench.converge(1, "afterwards").await;
}

#[tokio::test(start_paused = true)]
async fn a_renamed_group_killed_anywhere_always_has_a_way_out() {
    'kills: for entries in 2.. {
        for way in WAYS {
            let mut bench = applied(1).await;
            bench.manifest = renamed(bench.manifest);
            let killed = bench.killed(&Selection::default(), entries).await;
            if !killed.cut {
                break 'kills;
            }
            let what = format!("killed after entry {entries}, then {way}");
            bench.go_on(way, &what).await;
            if way != "destroy" {
                assert_no_bridge(&bench, &what).await;
            }
        }
    }
}

/// What was run just before the kill is found by its token before any other read shows it: it is not
/// taken for gone. Each world shows it after another while.
#[tokio::test(start_paused = true)]
async fn a_machine_that_reads_do_not_show_yet_is_not_run_twice() {
    for world in 0..15 {
        let mut bench = applied(1).await;
        bench.manifest = renamed(bench.manifest);
        // The machine is just being run when another step is done.
        bench.killed(&Selection::default(), 6).await;
        let change = bench.draft(&Selection::default()).await.expect("it can be read");
        let gone: Vec<_> = change.plan.drift.iter().filter(|drift| drift.gone).collect();
        assert!(gone.is_empty(), "world {world}: {gone:?}");
    }
}

/// The old group waits to be deleted, and the new one is gone: the next apply makes the new one again
/// and deletes the old one, which it does not take in as the new one first.
#[tokio::test(start_paused = true)]
async fn a_group_that_waits_to_be_deleted_is_not_adopted() {
    let mut bench = applied(1).await;
    let old = bench.manifest.security_group.name.clone();
    bench.manifest.security_group.name = "renamed-group".into();
    let error = || FaultEffect::Error("X".into());
    for (call, selection) in [
        ("revoke_ingress".to_owned(), Selection::default()),
        (format!("delete_security_group:{old}"), destroy()),
    ] {
        let refused = fault(&call, 99, error());
        bench.sim.begin_run(&[refused], None).expect("a known call");
        let ran = bench.apply(&selection).await.expect("a run");
        assert_eq!(ran.outcome, Outcome::Remains, "{call}: {:#?}", ran.failures);
    }
    bench.sim.begin_run(&[], None).expect("no faults");
    bench.converge(1, "afterwards").await;
    assert_no_bridge(&bench, "afterwards").await;
}

/// Both generations are deleted at once, each of which takes back what the other says of it.
#[tokio::test(start_paused = true)]
async fn two_generations_of_a_group_are_destroyed_together() {
    let mut bench = applied(1).await;
    bench.manifest.security_group.name = "renamed-group".into();
    let refused = fault("revoke_ingress", 1, FaultEffect::Error("X".into()));
    bench.sim.begin_run(&[refused], None).expect("a known call");
    let ran = bench.apply(&Selection::default()).await.expect("a run");
    assert_eq!(ran.outcome, Outcome::Remains, "{:#?}", ran.failures);
    bench.sim.begin_run(&[], None).expect("no faults");
    bench.assert_destroyed("both").await;
}
