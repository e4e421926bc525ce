//! The whole cluster stopped and started again: in the order of the quorum, killed anywhere, with
//! machines that are lost meanwhile; and parked is a state that nothing repairs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use subako_engine::event::{Event, Events};
use subako_engine::manifest::{Manifest, PublicIp};
use subako_engine::plan::{Action, Purpose, Rehearsal, Selection};
use subako_engine::session::{Health, SessionError};
use subako_engine::world::InstanceState;
use subako_providers::sim::FaultEffect;
use subako_state::{Direction, Outcome};

use crate::bench::{Bench, destroy, fault, small};
use crate::manifest::service;
use crate::verbs::{done, planned, ran};

const VERBS: [Purpose; 2] = [Purpose::Park, Purpose::Resume];

async fn up(manifest: Manifest) -> Bench {
    let bench = Bench::new(manifest, vec![]);
    bench.converge(1, "at first").await;
    bench
}

/// How each machine of the cluster is, by name.
async fn power(bench: &Bench) -> Vec<(String, InstanceState)> {
    let cloud = bench.sim.world().cloud;
    let survey = cloud.survey(&bench.manifest.cluster.name).await;
    let there = survey.expect("a survey").instances.into_iter();
    let mut found: Vec<_> = there
        .filter(|instance| instance.state < InstanceState::ShuttingDown)
        .map(|instance| (instance.tags["subako:address"].clone(), instance.state))
        .collect();
    found.sort();
    found
}

async fn assert_parked(bench: &Bench, what: &str) {
    let power = power(bench).await;
    assert!(
        power
            .iter()
            .all(|(_, state)| matches!(state, InstanceState::Stopping | InstanceState::Stopped)),
        "{what}: {power:?}"
    );
    let refused = bench.draft(&Selection::default()).await.err();
    assert!(
        matches!(refused, Some(SessionError::Parked { .. })),
        "{what}: {refused:?}"
    );
    let session = bench.session();
    let known = session.load().expect("a state");
    let status = session.status(&known).await.expect("a status");
    assert_eq!(status.health(), Health::Parked, "{what}");
    let parked = status.parked.expect("parked");
    assert!(parked.since.is_some(), "{what}: since when");
    assert!(planned(bench, Purpose::Park).await.is_empty(), "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_parked_workers_first_and_its_leader_last_and_resumes_as_it_was() {
    let bench = up(small(3)).await;
    let session = bench.session();
    let status = session.status(&session.load().expect("a state")).await;
    let nodes = status.expect("a status").nodes;
    let leader = nodes
        .iter()
        .find(|node| node.leader)
        .expect("a leader")
        .name
        .clone();
    let order: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&order);
    let events = Events::new(move |event| {
        if let Event::StepDone { address, .. } = event {
            seen.lock().expect("unpoisoned").push(address.name().to_owned());
        }
    });
    let parked = ran(&bench, Purpose::Park, None, &events).await;
    assert_eq!(parked.outcome, Outcome::Applied, "{:#?}", parked.failures);
    let stopped = std::mem::take(&mut *order.lock().expect("unpoisoned"));
    assert_eq!(stopped.first().map(String::as_str), Some("wrk-0"), "{stopped:?}");
    assert_eq!(stopped.last(), Some(&leader), "{stopped:?}");
    assert_parked(&bench, "parked").await;

    let resumed = ran(&bench, Purpose::Resume, None, &events).await;
    assert_eq!(resumed.outcome, Outcome::Applied, "{:#?}", resumed.failures);
    let started = order.lock().expect("unpoisoned").clone();
    assert_eq!(started[3..], ["wrk-0"], "{started:?}");
    let session = bench.session();
    let known = session.load().expect("a state");
    let back = session.await_services(&known, Duration::from_secs(180)).await;
    assert_eq!(back.expect("a status").health(), Health::Healthy);
    bench.assert_settled("resumed").await;
    let plan = bench.plan(&Selection::default()).await;
    assert!(plan.findings.iter().all(|finding| finding.id != "power"));
    assert!(planned(&bench, Purpose::Resume).await.is_empty());
    assert_eq!(
        bench.store.parked().expect("a note"),
        None,
        "nothing says that it is parked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_parked_cluster_costs_its_volumes_and_elastic_addresses() {
    let mut manifest = small(1);
    manifest.pools[0].public_ip = Some(PublicIp::Elastic);
    let bench = up(manifest).await;
    let bill = planned(&bench, Purpose::Park).await.cost.expect("a bill");
    assert_eq!(bill.stopped, (0, 2));
    let named = |sort| {
        let of = bill.of(Some(sort));
        of.map(|line| (line.before, line.after)).collect::<Vec<_>>()
    };
    use subako_engine::money::Sort;
    assert_eq!(named(Sort::Instances), [(2, 0)]);
    assert_eq!(named(Sort::PublicIpv4), [(1, 0)]);
    assert_eq!(named(Sort::ElasticIps), [(1, 1)]);
    assert!(named(Sort::Volumes).iter().all(|(before, after)| before == after));
    done(&bench, Purpose::Park, "parked").await;
    let back = planned(&bench, Purpose::Resume).await.cost.expect("a bill");
    assert_eq!(back.before(None), bill.after(None));
    assert_eq!(back.after(None), bill.before(None));
}

/// Nobody can be asked how a parked swarm is: what is recorded of it is played, and takes as long.
#[tokio::test(start_paused = true)]
async fn a_resume_is_rehearsed_on_what_is_recorded_of_the_swarm() {
    for managers in [1, 3] {
        let bench = up(small(managers)).await;
        done(&bench, Purpose::Park, "parked").await;
        let plan = planned(&bench, Purpose::Resume).await;
        let Some(Rehearsal::Rehearsed(seen)) = &plan.rehearsal else {
            panic!("{:?}", plan.rehearsal);
        };
        assert!(
            seen.assumed[0].contains("as it is recorded"),
            "{:?}",
            seen.assumed
        );
        assert_eq!(seen.quorum, None, "nobody expects one before");
        // Two of three machines gone, managers cannot agree: the others are waited for in vain, for as
        // long as a resume gives them.
        let mut took = seen.took_ms;
        if managers == 3 {
            for name in ["mgr-0", "mgr-1"] {
                bench.sim.terminate_instance(name).expect("it is there");
            }
            let alone = planned(&bench, Purpose::Resume).await;
            let Some(Rehearsal::Rehearsed(seen)) = &alone.rehearsal else {
                panic!("{:?}", alone.rehearsal);
            };
            assert!(seen.took_ms > took, "{} {took}", seen.took_ms);
            took = seen.took_ms;
        }
        let clock = bench.sim.world().clock;
        let before = clock.now();
        let ran = ran(&bench, Purpose::Resume, None, &Events::silent()).await;
        assert_eq!(ran.outcome, Outcome::Applied, "{:#?}", ran.failures);
        let really = (clock.now() - before).as_millis() as u64;
        // Who leads, and so when, is nothing that a record says.
        assert!(took.abs_diff(really) < 30_000, "{took} {really}");
    }
}

/// However long it ran before, and was parked then: a node whose certificate has run out stays out, the
/// others come back, and the next apply lets it join again on the same machine.
#[tokio::test(start_paused = true)]
async fn a_node_whose_certificate_has_run_out_does_not_come_back_and_the_next_apply_replaces_it() {
    const DAY: u64 = 24 * 60 * 60;
    let (mut some, mut all, mut recovered) = (0, 0, 0);
    for (seed, ran_days, parked_days) in [
        (1, 50, 60),
        (2, 60, 45),
        (3, 50, 70),
        (4, 1, 17),
        (5, 0, 91),
        (6, 200, 400),
    ] {
        let what = format!("seed {seed}: {ran_days} days, then {parked_days} parked");
        let bench = Bench::in_world(small(3), seed);
        bench.converge(1, &what).await;
        bench.sim.pass(Duration::from_secs(ran_days * DAY)).expect("days");
        done(&bench, Purpose::Park, &what).await;
        bench
            .sim
            .pass(Duration::from_secs(parked_days * DAY))
            .expect("days");
        let machines = power(&bench).await.len();
        let ran = ran(&bench, Purpose::Resume, None, &Events::silent()).await;
        assert_eq!(ran.outcome, Outcome::Applied, "{what}: {:#?}", ran.failures);
        let session = bench.session();
        let known = session.load().expect("a state");
        let seen = session.status(&known).await.expect("a status");
        if seen.quorum_lost && seen.managers.0 > 0 {
            // Too few are left to let anybody in.
            recovered += 1;
            done(&bench, Purpose::Quorum, &what).await;
        }
        let plan = bench.plan(&Selection::default()).await;
        let on_machines = plan.steps.iter().filter(|step| step.address.kind() == "instance");
        assert_eq!(on_machines.count(), 0, "{what}: {:#?}", plan.steps);
        let joins = plan.steps.iter();
        let joins = joins.filter(|step| step.address.kind() == "member" && step.action() == Action::Create);
        let joins = joins.count();
        assert!(parked_days >= 18 || joins == 0, "{what}: {:#?}", plan.steps);
        some += u32::from((1..machines).contains(&joins));
        all += u32::from(joins == machines);
        bench.converge(1, &what).await;
        assert_eq!(power(&bench).await.len(), machines, "{what}");
    }
    assert!(some > 0 && all > 0 && recovered > 0, "{some} {all} {recovered}");
}

/// What parked means is written down; machines that were only found stopped are started again.
#[tokio::test(start_paused = true)]
async fn machines_that_somebody_stopped_are_not_parked() {
    let bench = up(small(1)).await;
    for name in ["mgr-0", "wrk-0"] {
        bench.sim.stop_instance(name).expect("it runs");
    }
    let plan = bench.plan(&Selection::default()).await;
    assert_eq!(plan.steps.len(), 2, "{:#?}", plan.steps);
    // Who parks them only writes that down.
    done(&bench, Purpose::Park, "stopped by hand").await;
    assert_parked(&bench, "stopped by hand").await;
    done(&bench, Purpose::Resume, "resumed").await;
    bench.assert_settled("resumed").await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_somebody_starts_or_terminates_meanwhile_is_seen() {
    let bench = up(small(3)).await;
    done(&bench, Purpose::Park, "parked").await;
    bench.sim.terminate_instance("wrk-0").expect("it is there");
    let plan = planned(&bench, Purpose::Resume).await;
    let about: Vec<_> = plan.findings.iter().filter_map(|f| f.address.clone()).collect();
    assert_eq!(about.len(), 1, "{:#?}", plan.findings);
    assert_eq!(about[0].as_str(), "instance.wrk-0");
    done(&bench, Purpose::Resume, "without a worker").await;
    bench.converge(1, "the next apply replaces it").await;
    done(&bench, Purpose::Park, "parked again").await;
    let id = {
        let survey = bench.sim.world().cloud.survey("sandbox").await.expect("a survey");
        let mut all = survey.instances.into_iter();
        let own =
            all.find(|i| i.tags["subako:address"] == "instance.wrk-0" && i.state == InstanceState::Stopped);
        own.expect("it is there").id
    };
    bench
        .sim
        .world()
        .cloud
        .start_instance(&id)
        .await
        .expect("started");
    let again = planned(&bench, Purpose::Park).await;
    assert_eq!(again.steps.len(), 1, "{:#?}", again.steps);
    done(&bench, Purpose::Park, "what was started by hand").await;
    assert_parked(&bench, "stopped again").await;
}

/// A service that was broken before stays broken, and keeps nobody else down.
#[tokio::test(start_paused = true)]
async fn a_service_that_never_converges_does_not_keep_the_cluster_parked() {
    let mut manifest = small(1);
    manifest.services.push(service("sick", 1, 81));
    let bench = up(manifest).await;
    bench
        .sim
        .set_service_image("sick", "example/crash")
        .expect("it is there");
    done(&bench, Purpose::Park, "parked").await;
    done(&bench, Purpose::Resume, "resumed").await;
    let session = bench.session();
    let known = session.load().expect("a state");
    let status = session.status(&known).await.expect("a status");
    let short: Vec<&str> = (status.services.iter())
        .filter(|service| service.is_short())
        .map(|service| service.name.as_str())
        .collect();
    assert_eq!(short, ["sick"]);
    bench.converge(1, "the next apply repairs it").await;
}

#[tokio::test(start_paused = true)]
async fn a_parked_cluster_is_destroyed_as_it_is() {
    let bench = up(small(3)).await;
    done(&bench, Purpose::Park, "parked").await;
    bench.assert_destroyed("parked").await;
    bench.converge(1, "from nothing").await;
}

/// After a kill at every journal entry of either verb: the same verb goes on, `recover` goes on or
/// back, and `destroy` takes everything away.
#[tokio::test(start_paused = true)]
async fn parking_and_resuming_killed_anywhere_go_on_or_back() {
    for verb in VERBS {
        'kills: for entries in 2.. {
            for way in ["again", "forward", "back", "other", "destroy"] {
                let bench = up(small(3)).await;
                if verb == Purpose::Resume {
                    done(&bench, Purpose::Park, "to be resumed").await;
                }
                let killed = ran(&bench, verb, Some(entries), &Events::silent()).await;
                if !killed.cut {
                    break 'kills;
                }
                let what = format!("{verb:?} killed after entry {entries}, then {way}");
                let other = VERBS[usize::from(verb == Purpose::Park)];
                let ends_as = match way {
                    "forward" | "back" => {
                        let direction = if way == "back" {
                            Direction::Back
                        } else {
                            Direction::Forward
                        };
                        let wanted = if way == "back" {
                            Outcome::RolledBack
                        } else {
                            Outcome::Applied
                        };
                        let ran = bench.recover(direction).await.expect(&what).expect(&what);
                        assert_eq!(ran.outcome, wanted, "{what}: {:#?}", ran.failures);
                        if way == "back" { other } else { verb }
                    }
                    "again" => {
                        done(&bench, verb, &what).await;
                        verb
                    }
                    "other" => {
                        done(&bench, other, &what).await;
                        other
                    }
                    _ => {
                        bench.assert_destroyed(&what).await;
                        continue;
                    }
                };
                match ends_as {
                    Purpose::Park => assert_parked(&bench, &what).await,
                    _ => bench.converge(1, &what).await,
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_the_cluster_is_parked_or_up() {
    let effects = [
        FaultEffect::Error("InternalError".into()),
        FaultEffect::TimeoutBeforeEffect,
        FaultEffect::TimeoutAfterEffect,
    ];
    let mut undone = 0;
    for verb in VERBS {
        for (nth, effect) in (1..=4).flat_map(|nth| effects.iter().map(move |effect| (nth, effect))) {
            let call = if verb == Purpose::Park {
                "stop_instance"
            } else {
                "start_instance"
            };
            let what = format!("{verb:?}: {call} {nth} {effect:?}");
            let bench = up(small(3)).await;
            if verb == Purpose::Resume {
                done(&bench, Purpose::Park, &what).await;
            }
            let mut rule = fault(call, 9, effect.clone());
            rule.nth = nth;
            bench.sim.begin_run(&[rule], None).expect("a known call");
            let ran = ran(&bench, verb, None, &Events::silent()).await;
            bench.sim.begin_run(&[], None).expect("no faults");
            assert_ne!(ran.outcome, Outcome::Remains, "{what}: {:#?}", ran.failures);
            undone += u32::from(ran.outcome == Outcome::RolledBack);
            match (verb, ran.outcome) {
                (Purpose::Park, Outcome::Applied) | (Purpose::Resume, Outcome::RolledBack) => {
                    assert_parked(&bench, &what).await;
                }
                _ => bench.converge(1, &what).await,
            }
        }
    }
    assert!(undone > 5, "only {undone} runs were undone");
    let bench = up(small(1)).await;
    done(&bench, Purpose::Park, "parked").await;
    assert!(bench.draft(&destroy()).await.is_ok());
}
