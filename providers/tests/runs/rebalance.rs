//! Tasks that a node's loss has piled up are spread again: of the skewed services only, one after the
//! other; killed anywhere it goes on or back.

use std::collections::BTreeMap;

use subako_engine::event::Events;
use subako_engine::manifest::Manifest;
use subako_engine::plan::{Operation, Plan, Purpose};
use subako_engine::session::{ServiceStatus, SessionError};
use subako_engine::world::{Availability, Role};
use subako_providers::sim::FaultEffect;
use subako_state::{Direction, Outcome};

use crate::bench::{Bench, fault};
use crate::manifest::{pool, sandbox, service};
use crate::verbs::{done, drafted, planned, ran};

const NODES: u64 = 3;

fn manifest() -> Manifest {
    Manifest {
        pools: vec![pool("mgr", Role::Manager, 1), pool("wrk", Role::Worker, 2)],
        services: vec![service("web", 7, 80), service("one", 1, 81)],
        ..sandbox()
    }
}

/// A cluster one of whose nodes was away for a while, and has come back to nothing.
async fn skewed() -> Bench {
    let bench = Bench::new(manifest(), vec![]);
    bench.converge(1, "at first").await;
    bench
        .sim
        .drain_node("wrk-1", Availability::Drain)
        .expect("it is there");
    bench.converge(1, "back again").await;
    bench
}

async fn services(bench: &Bench) -> BTreeMap<String, ServiceStatus> {
    let session = bench.session();
    let known = session.load().expect("a state");
    let status = session.status(&known).await.expect("a status");
    let services = status.services.into_iter();
    services.map(|service| (service.name.clone(), service)).collect()
}

/// Every service has as many tasks as before, and no node two more of one than another.
async fn assert_even(bench: &Bench, what: &str) {
    for (name, wanted) in [("web", 7), ("one", 1)] {
        let service = &services(bench).await[name];
        assert_eq!(service.running, wanted, "{what}: {service:?}");
        assert_eq!(service.skew, None, "{what}: {service:?}");
    }
    let web = &services(bench).await["web"].tasks_by_node;
    assert_eq!(web.len() as u64, NODES, "{what}: {web:?}");
    assert!(planned(bench, Purpose::Rebalance).await.is_empty(), "{what}");
    bench.assert_settled(what).await;
}

fn steps(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter();
    let steps = steps.map(|step| {
        assert_eq!(step.operation, Operation::Spread);
        assert!(step.changes.is_empty() && !step.past_the_line);
        step.address.to_string()
    });
    steps.collect()
}

#[tokio::test(start_paused = true)]
async fn only_what_is_skewed_is_restarted_and_is_even_afterwards() {
    let bench = skewed().await;
    let before = services(&bench).await;
    assert!(before["web"].skew.is_some(), "{before:?}");
    assert!(!before["web"].tasks_by_node.contains_key("wrk-1"), "{before:?}");
    let others = before["one"].tasks_by_node.clone();
    assert_eq!(steps(&planned(&bench, Purpose::Rebalance).await), ["service.web"]);
    done(&bench, Purpose::Rebalance, "rebalanced").await;
    assert_even(&bench, "rebalanced").await;
    assert_eq!(services(&bench).await["one"].tasks_by_node, others, "it was even");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_parked_is_even_after_resume_and_rebalance() {
    let bench = Bench::new(manifest(), vec![]);
    bench.converge(1, "at first").await;
    done(&bench, Purpose::Park, "parked").await;
    let refused = drafted(&bench, Purpose::Rebalance).await.err();
    assert!(
        matches!(refused, Some(SessionError::Parked { .. })),
        "{refused:?}"
    );
    done(&bench, Purpose::Resume, "resumed").await;
    done(&bench, Purpose::Rebalance, "rebalanced").await;
    assert_even(&bench, "rebalanced").await;
}

#[tokio::test(start_paused = true)]
async fn rebalancing_killed_anywhere_goes_on_or_back() {
    'kills: for entries in 2.. {
        for way in ["again", "forward", "back", "apply", "destroy"] {
            let bench = skewed().await;
            let killed = ran(&bench, Purpose::Rebalance, Some(entries), &Events::silent()).await;
            if !killed.cut {
                assert!(entries > 2);
                break 'kills;
            }
            let what = format!("killed after entry {entries}, then {way}");
            let direction = match way {
                "forward" => Some(Direction::Forward),
                "back" => Some(Direction::Back),
                _ => None,
            };
            if let Some(direction) = direction {
                bench.recover(direction).await.expect(&what).expect(&what);
            }
            match way {
                "destroy" => {
                    bench.assert_destroyed(&what).await;
                    continue;
                }
                "apply" => bench.converge(1, &what).await,
                _ => {}
            }
            done(&bench, Purpose::Rebalance, &what).await;
            assert_even(&bench, &what).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_the_call_the_service_is_whole() {
    for effect in [
        FaultEffect::Error("InternalError".into()),
        FaultEffect::TimeoutBeforeEffect,
        FaultEffect::TimeoutAfterEffect,
    ] {
        let bench = skewed().await;
        let what = format!("{effect:?}");
        bench
            .sim
            .begin_run(&[fault("update_service", 9, effect)], None)
            .expect("a known call");
        let ran = ran(&bench, Purpose::Rebalance, None, &Events::silent()).await;
        bench.sim.begin_run(&[], None).expect("no faults");
        assert_ne!(ran.outcome, Outcome::Remains, "{what}: {:#?}", ran.failures);
        bench.converge(1, &what).await;
        done(&bench, Purpose::Rebalance, &what).await;
        assert_even(&bench, &what).await;
    }
}
