//! A swarm that has lost its quorum for good is re-formed from a surviving manager: only then, also
//! when it is killed anywhere; the next apply lets the others join again or replaces them.

use std::collections::BTreeMap;

use subako_engine::event::Events;
use subako_engine::plan::{Operation, Purpose, Selection};
use subako_engine::session::{Health, SessionError, Status};
use subako_providers::sim::FaultEffect;
use subako_state::{Direction, Outcome};

use crate::bench::{Bench, fault, small};
use crate::verbs::{done, drafted, planned, ran};

async fn status(bench: &Bench) -> Status {
    let session = bench.session();
    let known = session.load().expect("a state");
    session.status(&known).await.expect("a status")
}

/// A cluster of so many managers of which these are terminated.
async fn without(managers: u32, gone: &[&str]) -> Bench {
    let bench = Bench::new(small(managers), vec![]);
    bench.converge(1, "at first").await;
    for name in gone {
        bench.sim.terminate_instance(name).expect("it is there");
    }
    // Those that are left notice.
    bench
        .sim
        .pass(std::time::Duration::from_secs(60))
        .expect("a minute");
    bench
}

/// Running tasks by service.
fn running(bench: &Bench) -> BTreeMap<String, u64> {
    let moment = bench.sim.moment();
    let services = moment.swarms.values().flat_map(|swarm| &swarm.services);
    services
        .map(|(name, count)| (name.clone(), count.running))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_lost_quorum_is_recovered_on_a_manager_that_is_left_and_the_others_follow() {
    for (managers, gone, on) in [
        (3, &["mgr-1", "mgr-2"][..], "mgr-0"),
        (3, &["mgr-0", "mgr-2"], "mgr-1"),
        // Of two that are left, the other one has to join again.
        (5, &["mgr-0", "mgr-2", "mgr-4"], "mgr-1"),
        (2, &["mgr-0"], "mgr-1"),
    ] {
        let what = format!("{managers} managers without {gone:?}");
        let bench = without(managers, gone).await;
        let lost = status(&bench).await;
        assert!(lost.quorum_lost, "{what}");
        let refused = bench.plan(&Selection::default()).await;
        let quorum = refused.findings.iter().find(|finding| finding.id == "quorum");
        assert!(
            !quorum.expect(&what).next.is_empty(),
            "{what}: the way out is named"
        );

        let plan = planned(&bench, Purpose::Quorum).await;
        let [step] = &plan.steps[..] else {
            panic!("{what}: {:#?}", plan.steps);
        };
        let Operation::Reform { on: member } = &step.operation else {
            panic!("{what}: {step:?}");
        };
        assert_eq!(member.name(), on, "{what}");
        assert!(
            !step.past_the_line
                && step.before.as_ref().map(|b| &b.spec) == step.after.as_ref().map(|a| &a.spec)
        );
        let before = running(&bench);
        done(&bench, Purpose::Quorum, &what).await;
        for (service, before) in &before {
            assert!(
                running(&bench)[service] >= *before,
                "{what}: what runs goes on running"
            );
        }
        let seen = status(&bench).await;
        assert_eq!(seen.managers, (1, 1), "{what}");
        assert_eq!(seen.via.as_deref(), Some(on), "{what}");

        let again = drafted(&bench, Purpose::Quorum).await.err();
        assert!(
            matches!(again, Some(SessionError::QuorumHeld { .. })),
            "{what}: {again:?}"
        );
        bench.converge(1, &what).await;
        let seen = status(&bench).await;
        assert_eq!(seen.managers, (managers, managers), "{what}");
        assert_eq!(seen.health(), Health::Healthy, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_forced_on_a_swarm_that_can_agree_or_of_which_nothing_is_left() {
    let whole = without(3, &[]).await;
    let refused = drafted(&whole, Purpose::Quorum).await.err();
    assert!(
        matches!(refused, Some(SessionError::QuorumHeld { alive: 3, of: 3, .. })),
        "{refused:?}"
    );
    let booting = without(3, &["mgr-2"]).await;
    booting.sim.stop_instance("mgr-1").expect("it runs");
    booting.wait_a_minute().await;
    booting.sim.start_instance("mgr-1").expect("it is stopped");
    let refused = drafted(&booting, Purpose::Quorum).await.err();
    assert!(
        matches!(&refused, Some(SessionError::QuorumUnknown { unknown, .. }) if unknown == &["mgr-1 is starting"]),
        "{refused:?}"
    );
    let two = without(3, &["mgr-1"]).await;
    let refused = drafted(&two, Purpose::Quorum).await.err();
    assert!(
        matches!(refused, Some(SessionError::QuorumHeld { alive: 2, of: 3, .. })),
        "{refused:?}"
    );
    let nobody = without(3, &["mgr-0", "mgr-1", "mgr-2"]).await;
    let refused = drafted(&nobody, Purpose::Quorum).await.err();
    assert!(
        matches!(refused, Some(SessionError::NoManagerLeft { .. })),
        "{refused:?}"
    );
    done(&whole, Purpose::Park, "parked").await;
    let refused = drafted(&whole, Purpose::Quorum).await.err();
    assert!(
        matches!(refused, Some(SessionError::Parked { .. })),
        "{refused:?}"
    );
    let never = Bench::new(small(1), vec![]);
    let refused = drafted(&never, Purpose::Quorum).await.err();
    assert!(
        matches!(refused, Some(SessionError::NeverApplied { .. })),
        "{refused:?}"
    );
}

/// Managers that only hang or are stopped come back: that is said, and holds nobody up who knows better.
#[tokio::test(start_paused = true)]
async fn managers_that_may_come_back_are_named_and_join_again_when_they_do() {
    let bench = without(3, &[]).await;
    bench.sim.kill_node("mgr-1").expect("it is there");
    bench.sim.stop_instance("mgr-2").expect("it is there");
    bench
        .sim
        .pass(std::time::Duration::from_secs(60))
        .expect("a minute");
    let plan = planned(&bench, Purpose::Quorum).await;
    let said = plan.findings.iter().filter(|finding| finding.id == "quorum-lost");
    assert_eq!(said.count(), 2, "{:#?}", plan.findings);
    done(&bench, Purpose::Quorum, "forced").await;
    bench
        .converge(2, "those that come back join as other nodes")
        .await;
    assert_eq!(status(&bench).await.managers, (3, 3));
}

#[tokio::test(start_paused = true)]
async fn recovering_a_quorum_killed_anywhere_goes_on() {
    'kills: for entries in 2.. {
        for way in ["again", "forward", "back", "destroy"] {
            let bench = without(3, &["mgr-0", "mgr-2"]).await;
            let killed = ran(&bench, Purpose::Quorum, Some(entries), &Events::silent()).await;
            if !killed.cut {
                assert!(entries > 2);
                break 'kills;
            }
            let what = format!("killed after entry {entries}, then {way}");
            match way {
                "again" => done(&bench, Purpose::Quorum, &what).await,
                "destroy" => {
                    bench.assert_destroyed(&what).await;
                    continue;
                }
                _ => {
                    let direction = match way {
                        "forward" => Direction::Forward,
                        _ => Direction::Back,
                    };
                    bench.recover(direction).await.expect(&what).expect(&what);
                    // There is nothing to undo: where it was forced, it stays so.
                    if status(&bench).await.quorum_lost {
                        done(&bench, Purpose::Quorum, &what).await;
                    }
                }
            }
            bench.converge(1, &what).await;
            assert_eq!(status(&bench).await.managers, (3, 3), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_the_call_the_same_command_goes_on() {
    for effect in [
        FaultEffect::Error("InternalError".into()),
        FaultEffect::TimeoutBeforeEffect,
        FaultEffect::TimeoutAfterEffect,
    ] {
        let bench = without(3, &["mgr-1", "mgr-2"]).await;
        let what = format!("{effect:?}");
        bench
            .sim
            .begin_run(&[fault("swarm_force_new", 9, effect)], None)
            .expect("a known call");
        let ran = ran(&bench, Purpose::Quorum, None, &Events::silent()).await;
        bench.sim.begin_run(&[], None).expect("no faults");
        assert_ne!(ran.outcome, Outcome::Remains, "{what}: {:#?}", ran.failures);
        if status(&bench).await.quorum_lost {
            done(&bench, Purpose::Quorum, &what).await;
        }
        bench.converge(1, &what).await;
        assert_eq!(status(&bench).await.managers, (3, 3), "{what}");
    }
}
