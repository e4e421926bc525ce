//! After a rollback what was touched is read again: what is not as before is named.

use subako_engine::event::{Differs, Events};
use subako_engine::plan::Selection;
use subako_engine::run::{ApplyOptions, Stop};
use subako_engine::session::RunReport;
use subako_engine::world::NetworkSpec;
use subako_providers::sim::{FaultEffect, FaultRule, Simulator};
use subako_state::Outcome;

use crate::bench::{Bench, destroy, fault, small};
use crate::manifest::service;

/// What differs, `address how`.
fn differs(ran: &RunReport) -> Vec<String> {
    let differs = ran.aftermath.differs.iter();
    differs
        .map(|difference| {
            let how = match &difference.how {
                Differs::Gone => "gone".to_owned(),
                Differs::Left => "left".to_owned(),
                Differs::Taken { by } => format!("taken by {by}"),
                Differs::Changed { changes } => {
                    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
                    format!("changed: {}", paths.join(", "))
                }
            };
            format!("{} {how}", difference.address)
        })
        .collect()
}

async fn applied(managers: u32) -> Bench {
    let bench = Bench::new(small(managers), vec![]);
    bench.converge(1, "at first").await;
    bench
}

/// One manager restarts for another type while a network is replaced: whichever call fails, the
/// world is exactly before, and it is seen to be.
#[tokio::test(start_paused = true)]
async fn a_network_replaced_beside_the_restart_of_the_only_manager_is_there_again() {
    for nth in 1.. {
        let mut bench = applied(1).await;
        let networks = |bench: &Bench| {
            let dump = bench.sim.dump();
            let swarms = dump["swarms"]
                .as_object()
                .into_iter()
                .flat_map(|map| map.values());
            swarms.map(|swarm| swarm["networks"].clone()).collect::<Vec<_>>()
        };
        let before = networks(&bench);
        bench.manifest.pools[0].instance_type = "t3.small".into();
        bench.manifest.networks[0].encrypted = true;
        let rule = fault("*", 1, FaultEffect::Error("X".into()));
        let begun = bench.sim.begin_run(&[FaultRule { nth, ..rule }], None);
        begun.expect("a known call");
        let ran = bench.apply(&Selection::default()).await.expect("a run");
        if ran.outcome == Outcome::Applied {
            assert!(nth > 5, "only {nth} calls");
            return;
        }
        let what = format!("call {nth}: {:#?} {:#?}", ran.failures, ran.aftermath);
        assert_eq!(ran.outcome, Outcome::RolledBack, "{what}");
        assert!(ran.aftermath.is_clean(), "{what}");
        assert_eq!(networks(&bench), before, "{what}");
    }
}

/// Three networks and two services, of which an edit that cannot be made touches one network
/// (replaced), one service (changed) and a third network (new).
async fn touched() -> Bench {
    let mut bench = applied(1).await;
    let network = |name: &str| NetworkSpec {
        name: name.into(),
        ..bench.manifest.networks[0].clone()
    };
    let (other, untouched, new) = (network("other"), network("untouched"), network("new"));
    bench.manifest.networks.extend([other, untouched]);
    bench.manifest.services.push(service("calm", 1, 81));
    bench.converge(1, "with other networks").await;
    bench.manifest.networks[1].encrypted = true;
    bench.manifest.networks.push(new);
    bench.manifest.services[0].spec.image = "example/crash".into();
    bench
}

/// Whatever somebody does to what the run touched, once that is undone, is named; what it did not
/// touch is not its matter.
#[tokio::test(start_paused = true)]
async fn what_somebody_changes_during_a_rollback_is_named() {
    type Change = fn(&Simulator);
    let cases: [(&str, Change, &[&str]); 5] = [
        ("delete network.other", |_| {}, &[]),
        (
            "delete network.other",
            |sim| sim.remove_network("other").expect("nobody is on it"),
            &["network.other gone"],
        ),
        (
            "update service.web",
            |sim| sim.scale_service("web", 5).expect("it is there"),
            &["service.web changed: replicas"],
        ),
        (
            "update service.web",
            |sim| sim.remove_service("web").expect("it is there"),
            &["service.web gone"],
        ),
        (
            "delete network.other",
            |sim| sim.remove_network("untouched").expect("nobody is on it"),
            &[],
        ),
    ];
    for (once_undone, change, expected) in cases {
        let (bench, selection) = (touched().await, Selection::default());
        let ran = bench.apply_and_once_undone(&selection, once_undone, change);
        let ran = ran.await.expect("a run");
        assert_eq!(ran.outcome, Outcome::RolledBack, "{:#?}", ran.failures);
        assert_eq!(differs(&ran), expected);
        assert_eq!(ran.aftermath.unchecked, vec![]);
    }
}

/// A manager that hangs once all is undone: nobody can say what became of what lives in its swarm.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_after_a_rollback_is_said() {
    let (bench, selection) = (touched().await, Selection::default());
    let hang = |sim: &Simulator| sim.kill_node("mgr-0").expect("it runs");
    let ran = bench.apply_and_once_undone(&selection, "update service.web", hang);
    let ran = ran.await.expect("a run");
    let unchecked = ran.aftermath.unchecked.iter();
    let unchecked: Vec<&str> = unchecked.map(|unchecked| unchecked.address.as_str()).collect();
    assert_eq!(ran.outcome, Outcome::RolledBack, "{:#?}", ran.failures);
    assert_eq!(unchecked, ["network.new", "network.other", "service.web"]);
}

/// What fails before anything is changed is not looked at.
#[tokio::test(start_paused = true)]
async fn a_run_that_changed_nothing_reads_nothing_again() {
    let mut bench = applied(1).await;
    bench.manifest.networks[0].attachable = true;
    let fails = fault("remove_service", 1, FaultEffect::Error("X".into()));
    for (faults, reads) in [
        (vec![fails], 0),
        (
            vec![fault("create_network", 1, FaultEffect::Error("X".into()))],
            1,
        ),
    ] {
        bench.sim.begin_run(&faults, None).expect("a known call");
        let change = bench.draft(&Selection::default()).await.expect("a plan");
        let surveys = |bench: &Bench| bench.sim.calls().get("survey").copied().unwrap_or_default();
        let before = surveys(&bench);
        let (session, events, stop) = (bench.session(), Events::silent(), Stop::new());
        let options = ApplyOptions::default();
        let ran = session.carry_out(&change, &options, "apply", &events, &stop);
        let ran = ran.await.expect("a run");
        assert_eq!(ran.outcome, Outcome::RolledBack, "{:#?}", ran.failures);
        assert_eq!(
            surveys(&bench) - before,
            reads,
            "{:?} {faults:?}",
            bench.sim.calls()
        );
    }
}

/// A destroy that fails before the line brings back what it had removed, and that is looked at too.
#[tokio::test(start_paused = true)]
async fn what_a_destroy_that_failed_does_not_bring_back_is_named() {
    type Change = fn(&Simulator);
    let cases: [(Change, &[&str]); 2] = [
        (|_| {}, &[]),
        (
            |sim| sim.scale_service("web", 5).expect("it is there"),
            &["service.web changed: replicas"],
        ),
    ];
    for (change, expected) in cases {
        let bench = applied(1).await;
        let fails = fault("remove_network", 1, FaultEffect::Error("X".into()));
        bench.sim.begin_run(&[fails], None).expect("a known call");
        let selection = Selection {
            target: vec!["service.web".into(), "network.my-overlay".into()],
            ..destroy()
        };
        let ran = bench.apply_and_once_undone(&selection, "delete service.web", change);
        let ran = ran.await.expect("a run");
        assert_eq!(ran.outcome, Outcome::RolledBack, "{:#?}", ran.failures);
        assert_eq!(differs(&ran), expected);
    }
}
