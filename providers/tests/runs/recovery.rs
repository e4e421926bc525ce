//! Killed, failed and repeated runs come to their end.

use subako_engine::plan::Selection;
use subako_providers::sim::FaultEffect;
use subako_state::{Direction, Outcome};

use crate::bench::{Bench, WAYS, fault, replace, small};

/// Where the undo of a machine ended it without saying so, the way forward runs another.
#[tokio::test(start_paused = true)]
async fn a_machine_whose_undo_failed_is_run_again_with_a_token_of_its_own() {
    for effect in [FaultEffect::TimeoutAfterEffect, FaultEffect::TimeoutBeforeEffect] {
        let bench = Bench::new(
            small(1),
            vec![
                fault("swarm_init", 1, FaultEffect::Error("X".into())),
                fault("terminate_instance:wrk-0", 3, effect.clone()),
            ],
        );
        let ran = bench.apply(&Selection::default()).await.expect("a run");
        assert_eq!(ran.outcome, Outcome::Remains, "{:#?}", ran.failures);
        let ran = bench.recover(Direction::Forward).await.expect("it can be read");
        let ran = ran.expect("it did not end");
        assert_eq!(ran.outcome, Outcome::Applied, "{effect:?}: {:#?}", ran.failures);
        bench.assert_settled(&format!("{effect:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_killed_anywhere_and_asked_for_again_converges() {
    for (managers, pattern) in [
        (1, "instance.wrk-0"),
        (1, "instance.mgr-0"),
        (3, "instance.mgr-0"),
    ] {
        for entries in 2.. {
            let bench = Bench::new(small(managers), vec![]);
            bench.converge(1, "at first").await;
            let killed = bench.killed(&replace(pattern), entries).await;
            if !killed.cut {
                break;
            }
            let what = format!("{pattern} of {managers}, killed after entry {entries}");
            let again = bench.apply(&replace(pattern)).await.expect("it can be read");
            assert_eq!(again.outcome, Outcome::Applied, "{what}: {:#?}", again.failures);
            bench.converge(1, &what).await;
        }
    }
}

/// What is done to a host while nobody looks.
const LOSSES: [&str; 3] = ["stop", "hang", "terminate"];

fn lose(bench: &Bench, host: &str, loss: &str) -> bool {
    let lost = match loss {
        "stop" => bench.sim.stop_instance(host),
        "hang" => bench.sim.kill_node(host),
        _ => bench.sim.terminate_instance(host),
    };
    // There may be no such host yet.
    lost.is_ok()
}

/// Kills an apply after each of its entries, loses a host, and goes on in each way: none refuses,
/// and what it does not finish the next apply or destroy does.
async fn survives(begin: impl AsyncFn() -> (Bench, Selection), hosts: &[&str]) {
    for (host, loss) in hosts.iter().flat_map(|host| LOSSES.map(|loss| (*host, loss))) {
        'kills: for entries in 2.. {
            for way in WAYS {
                let (bench, selection) = begin().await;
                let killed = bench.killed(&selection, entries).await;
                if !killed.cut {
                    break 'kills;
                }
                if !lose(&bench, host, loss) {
                    continue;
                }
                bench.wait_a_minute().await;
                let what = format!("{loss} {host} after entry {entries}, then {way}");
                bench.wait_a_minute().await;
                bench.go_on(way, &what).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_run_killed_anywhere_whose_host_is_lost_always_has_a_way_out() {
    let begin = async || (Bench::new(small(1), vec![]), Selection::default());
    survives(begin, &["mgr-0", "wrk-0"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_killed_anywhere_whose_host_is_lost_always_has_a_way_out() {
    let begin = async || {
        let bench = Bench::new(small(3), vec![]);
        bench.converge(1, "at first").await;
        (bench, replace("instance.mgr-1"))
    };
    survives(begin, &["mgr-1"]).await;
}

/// However far a manager's join has come: once the run is undone, raft has the voters of before.
#[tokio::test(start_paused = true)]
async fn undoing_a_replaced_manager_leaves_raft_as_it_was() {
    for pattern in ["instance.mgr-0", "instance.mgr-1"] {
        for entries in 2.. {
            let bench = Bench::new(small(3), vec![]);
            bench.converge(1, "at first").await;
            let before = bench.nodes().await;
            let killed = bench.killed(&replace(pattern), entries).await;
            if !killed.cut {
                break;
            }
            let what = format!("{pattern} killed after entry {entries}");
            match bench.recover(Direction::Back).await {
                Err(subako_engine::session::SessionError::PastTheLine(_)) => continue,
                other => {
                    let ran = other.expect("it can be read").expect("it did not end");
                    assert_eq!(ran.outcome, Outcome::RolledBack, "{what}: {:#?}", ran.failures);
                }
            }
            assert_eq!(bench.nodes().await, before, "{what}");
            bench.assert_settled(&what).await;
        }
    }
}

/// A machine is gone, and the apply that replaces it is killed anywhere: what the swarm still lists of
/// the old one is not taken for the new one.
#[tokio::test(start_paused = true)]
async fn an_apply_that_replaces_a_terminated_machine_may_be_killed_anywhere() {
    // A new machine has another address, or the same.
    for pinned in [vec![], vec!["172.31.0.20".to_owned()]] {
        for entries in 2.. {
            let mut manifest = small(1);
            manifest.pools[1].private_ips.clone_from(&pinned);
            let bench = Bench::new(manifest, vec![]);
            bench.converge(1, "at first").await;
            bench.sim.terminate_instance("wrk-0").expect("it runs");
            bench.wait_a_minute().await;
            let killed = bench.killed(&Selection::default(), entries).await;
            if !killed.cut {
                break;
            }
            let what = format!("{pinned:?}, killed after entry {entries}");
            bench.converge(1, &what).await;
        }
    }
}

/// A host that hangs while it is set up is started again by the next plan, which says so.
#[tokio::test(start_paused = true)]
async fn a_machine_in_flight_that_hangs_is_planned_to_be_restarted() {
    let bench = Bench::new(small(1), vec![]);
    let mut entries = 2;
    // Killed while the engines are installed: the machines are there, and nothing is on them.
    loop {
        bench.killed(&Selection::default(), entries).await;
        let known = bench.session().load().expect("a state").so_far();
        let made = |kind: &str| {
            known
                .resources
                .iter()
                .filter(|r| r.address.kind() == kind)
                .count()
        };
        if made("instance") == 2 {
            assert_eq!(made("docker"), 0);
            break;
        }
        entries += 1;
    }
    bench.wait_a_minute().await;
    bench.sim.kill_node("wrk-0").expect("it runs");
    let plan = bench
        .draft(&Selection::default())
        .await
        .expect("it can be read")
        .plan;
    let restarts =
        |step: &&subako_engine::plan::Step| step.changes.iter().any(|change| change.path == "running");
    let restarted: Vec<String> = plan
        .steps
        .iter()
        .filter(restarts)
        .map(|step| step.address.to_string())
        .collect();
    assert_eq!(restarted, ["instance.wrk-0"], "{:#?}", plan.steps);
    bench.converge(1, "restarted").await;
}

/// An engine that has left the swarm, by hand or in an undo that was cut short, joins again: nobody
/// waits for the node that it was.
#[tokio::test(start_paused = true)]
async fn a_node_that_has_left_the_swarm_joins_again() {
    for (managers, name) in [(1, "wrk-0"), (3, "wrk-0"), (3, "mgr-1")] {
        let bench = Bench::new(small(managers), vec![]);
        bench.converge(1, "at first").await;
        bench.leave(name).await;
        let clock = bench.sim.world().clock;
        bench.wait_a_minute().await;
        let began = clock.now();
        bench.converge(2, &format!("{name} of {managers} managers")).await;
        let took = clock.now() - began;
        assert!(took < std::time::Duration::from_secs(300), "{took:?}");
    }
}

/// Nothing is killed and nothing fails: workers leave while the manager that they are taken out by is
/// demoted. Which of them comes first is another in each world.
#[tokio::test(start_paused = true)]
async fn a_lone_manager_and_its_workers_are_replaced_together() {
    for seed in 0..24 {
        let mut bench = Bench::in_world(small(1), seed);
        bench.manifest.pools[1].count = 3;
        bench.converge(1, "at first").await;
        bench.manifest.key_pair.as_mut().expect("a key pair").name = "renamed-key".into();
        bench.converge(1, &format!("world {seed}")).await;
    }
}

/// The only manager stepped aside for a restart and comes back: nobody could read that it had.
#[tokio::test(start_paused = true)]
async fn a_change_of_type_killed_at_any_call_leaves_no_node_drained() {
    for call in 1.. {
        let mut bench = Bench::new(small(1), vec![]);
        bench.manifest.services.clear();
        bench.converge(1, "at first").await;
        "t3.medium".clone_into(&mut bench.manifest.pools[0].instance_type);
        if bench.killed_at(&Selection::default(), call).await.is_none() {
            break;
        }
        bench.wait_a_minute().await;
        bench.converge(1, &format!("killed after call {call}")).await;
    }
}
