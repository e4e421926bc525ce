//! Managers that are lost, and what can still be done then.

use std::time::Duration;

use subako_engine::manifest::Manifest;
use subako_engine::world::Role;

use crate::bench::Bench;
use crate::manifest::{pool, sandbox};

/// The sandbox with so many managers.
fn with_managers(count: u32) -> Manifest {
    let mut manifest = sandbox();
    manifest.pools[0] = pool("manager", Role::Manager, count);
    manifest
}

/// A running cluster after this happened to it, once its nodes count as down.
async fn after(manifest: &Manifest, outside: impl FnOnce(&Bench)) -> Bench {
    let mut bench = Bench::new(vec![]);
    bench.apply(manifest).await;
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
