//! Managers that are lost, and what can still be done then.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use subako_engine::check::Severity;
use subako_engine::manifest::Manifest;
use subako_engine::plan::{Plan, Selection};
use subako_engine::world::Role;

use crate::bench::{Bench, steps};
use crate::manifest::{pool, sandbox};

/// The sandbox with so many managers.
fn with_managers(count: u32) -> Manifest {
    let mut manifest = sandbox();
    manifest.pools[0] = pool("manager", Role::Manager, count);
    manifest
}

/// A running cluster after this happened to it, once its nodes count as down.
async fn after(manifest: &Manifest, outside: impl FnOnce(&Bench)) -> Bench {
    let bench = Bench::of(manifest).await;
    outside(&bench);
    tokio::time::sleep(Duration::from_secs(120)).await;
    bench
}

#[tokio::test(start_paused = true)]
async fn workers_of_a_swarm_whose_managers_are_gone_join_the_new_one() {
    for managers in [1, 3] {
        let manifest = with_managers(managers);
        let mut bench = after(&manifest, |bench| {
            for number in 0..managers {
                let name = format!("manager-{number}");
                bench.sim.terminate_instance(&name).expect("terminated");
            }
        })
        .await;
        bench.apply(&manifest).await;
        bench.assert_settled(&manifest).await;
        let swarms = bench.sim.moment().swarms;
        let alive: Vec<usize> = swarms.values().map(|swarm| swarm.alive).collect();
        assert_eq!(alive.iter().sum::<usize>(), managers as usize, "{alive:?}");
    }
}

/// Its engine still thinks that it is in the swarm, which no manager lets it.
#[tokio::test(start_paused = true)]
async fn a_node_that_was_taken_out_while_it_was_stopped_joins_again() {
    for name in ["manager-2", "node-1"] {
        let manifest = with_managers(3);
        let mut bench = after(&manifest, |bench| {
            bench.sim.stop_instance(name).expect("stopped");
        })
        .await;
        let part = Selection {
            target: vec![format!("docker.{name}")],
            destroy: true,
            ..Selection::default()
        };
        let plan = bench.plan_with(&manifest, &part).await;
        bench.run(&plan).await;
        bench.apply(&manifest).await;
        bench.assert_settled(&manifest).await;
    }
}

fn severities(plan: &Plan) -> Vec<(Severity, &str)> {
    let about = plan.findings.iter().filter(|finding| finding.id == "quorum");
    about
        .map(|finding| (finding.severity, finding.message.as_str()))
        .collect()
}

#[track_caller]
fn refused(plan: &Plan, because: &str) {
    let said = severities(plan);
    let errors = said.iter().filter(|(severity, _)| *severity == Severity::Error);
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors.len(), 1, "{said:#?}");
    assert!(errors[0].1.contains(because), "{said:#?}");
}

fn retyped(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.pools[0].instance_type = "t3.small".into();
    manifest
}

#[tokio::test(start_paused = true)]
async fn managers_that_hang_take_the_quorum_and_are_restarted() {
    for (managers, dead) in [(1, 1), (2, 1), (3, 2), (3, 3)] {
        let manifest = with_managers(managers);
        let mut bench = after(&manifest, |bench| {
            for number in 0..dead {
                bench.sim.kill_node(&format!("manager-{number}")).expect("killed");
            }
        })
        .await;
        let plan = bench.plan(&manifest).await;
        let said = severities(&plan);
        assert_eq!(said.len(), 1, "{managers} {dead}: {:#?}", plan.findings);
        assert_eq!(said[0].0, Severity::Warning);
        assert!(said[0].1.contains("has lost its quorum"), "{said:#?}");
        let unread = plan.findings.iter().filter(|finding| finding.id == "refresh");
        assert_eq!(unread.count(), 1, "{:#?}", plan.findings);
        let expected: Vec<String> = (0..dead)
            .map(|number| format!("update docker.manager-{number}: running"))
            .collect();
        assert_eq!(steps(&plan), expected);
        bench.apply(&manifest).await;
        bench.assert_settled(&manifest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_service_waits_for_the_quorum_to_be_back() {
    for stop in [false, true] {
        let manifest = with_managers(2);
        let mut bench = after(&manifest, |bench| match stop {
            true => bench.sim.stop_instance("manager-1").expect("stopped"),
            false => bench.sim.kill_node("manager-1").expect("killed"),
        })
        .await;
        let mut scaled = manifest.clone();
        scaled.services[0].spec.mode = subako_engine::world::Mode::Replicated(4);
        bench.apply(&scaled).await;
        bench.assert_settled(&scaled).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_a_swarm_that_nobody_answers_for() {
    let mut manifest = with_managers(1);
    manifest.pools.truncate(1);
    let bench = after(&manifest, |bench| {
        bench.sim.kill_node("manager-0").expect("killed");
    })
    .await;
    let mut labelled = manifest.clone();
    labelled.pools[0].labels.insert("rack".into(), "r1".into());
    refused(&bench.plan(&labelled).await, "no manager answers about it");
    // What might open the way is tried.
    let mut opened = labelled.clone();
    opened.security_group.ssh_from.push("198.51.100.8/32".into());
    assert_eq!(severities(&bench.plan(&opened).await), []);
}

#[tokio::test(start_paused = true)]
async fn a_lone_manager_that_stopped_is_started_before_another_joins() {
    let mut bench = after(&with_managers(1), |bench| {
        bench.sim.stop_instance("manager-0").expect("stopped");
    })
    .await;
    let two = with_managers(2);
    bench.apply(&two).await;
    bench.assert_settled(&two).await;
}

#[tokio::test(start_paused = true)]
async fn the_dead_manager_leaves_before_a_living_one() {
    let mut bench = after(&with_managers(3), |bench| {
        bench.sim.kill_node("manager-1").expect("killed");
    })
    .await;
    let one = with_managers(1);
    let plan = bench.plan(&one).await;
    let leaves = |name: &str| {
        let address = format!("member.{name}");
        let of = |step: &subako_engine::plan::Step| step.address.to_string() == address;
        plan.steps.iter().position(of).expect("it leaves")
    };
    assert!(leaves("manager-1") < leaves("manager-2"));
    assert!(
        severities(&plan)[0].1.contains("tolerated 0 before"),
        "{:#?}",
        plan.findings
    );
    bench.apply(&one).await;
    bench.assert_settled(&one).await;
}

#[tokio::test(start_paused = true)]
async fn restarts_in_place_count() {
    let healthy = Bench::of(&with_managers(3)).await;
    let plan = healthy.plan(&retyped(&with_managers(3))).await;
    assert_eq!(
        severities(&plan),
        [(
            Severity::Warning,
            "managers 3: failures tolerated go from 1 to 0 on the way, and are 1 in the end"
        )]
    );
    let single = Bench::of(&with_managers(1)).await;
    let plan = single.plan(&retyped(&with_managers(1))).await;
    let said = severities(&plan);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_eq!(said[0].0, Severity::Warning);
    assert!(
        said[0].1.contains("no quorum while manager-0 restarts"),
        "{said:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_takes_the_majority_is_refused_and_the_cause_named() {
    let three = with_managers(3);
    let mut bench = after(&three, |bench| {
        bench.sim.kill_node("manager-1").expect("killed");
    })
    .await;
    let retyped = retyped(&three);
    let without_it = Selection {
        exclude: vec!["instance.manager-1".into()],
        ..Selection::default()
    };
    refused(
        &bench.plan_with(&retyped, &without_it).await,
        "with manager-1 dead",
    );
    // The way that the finding shows.
    bench.apply(&three).await;
    bench.apply_with(&retyped, &without_it).await;
    bench.apply(&retyped).await;
    bench.assert_settled(&retyped).await;
}

#[tokio::test(start_paused = true)]
async fn a_terminated_manager_has_a_successor_before_the_living_restart() {
    let manifest = with_managers(3);
    let mut bench = after(&manifest, |bench| {
        bench.sim.terminate_instance("manager-1").expect("terminated");
    })
    .await;
    let retyped = retyped(&manifest);
    refused(&bench.plan(&retyped).await, "with manager-1 dead");
    // The way that the finding shows.
    let least = least_of(&bench);
    bench.apply(&manifest).await;
    bench.apply(&retyped).await;
    bench.assert_settled(&retyped).await;
    assert_eq!(*least.lock().expect("least"), 2);
}

/// The fewest managers alive of all that is seen from now on.
fn least_of(bench: &Bench) -> Arc<Mutex<usize>> {
    let least = Arc::new(Mutex::new(usize::MAX));
    let seen = Arc::clone(&least);
    bench.sim.watch(move |moment| {
        for swarm in moment.swarms.values() {
            let mut least = seen.lock().expect("least");
            *least = swarm.alive.min(*least);
        }
    });
    least
}

#[tokio::test(start_paused = true)]
async fn a_hung_manager_comes_back_before_the_living_restart() {
    for managers in [3, 4] {
        let manifest = with_managers(managers);
        let mut bench = after(&manifest, |bench| {
            bench.sim.kill_node("manager-1").expect("killed");
        })
        .await;
        let least = least_of(&bench);
        let retyped = retyped(&manifest);
        bench.apply(&retyped).await;
        bench.assert_settled(&retyped).await;
        assert!(*least.lock().expect("least") > managers as usize / 2);
    }
}
