//! Clocks that jump.

use std::time::Duration;

use super::scenario::{Cluster, in_memory, service};

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_by_a_century_costs_no_more_than_a_day() {
    let cluster = Cluster::up(in_memory(vec![]), 3, 2).await;
    cluster
        .manager()
        .create_service(&service("reply", 8))
        .await
        .unwrap();
    // A service that fails again and again is what a jump would have to work through.
    cluster.sim.kill_node("node-0").unwrap();
    let before = cluster.sim.inner.look(|_, t| t);
    tokio::time::advance(Duration::from_secs(100 * 31_556_952)).await;
    assert_eq!(cluster.spread(0, "reply").await.iter().sum::<usize>(), 8);
    let passed = cluster.sim.inner.look(|_, t| t) - before;
    assert!(passed <= 3 * 24 * 3_600_000, "the world moved by {passed} ms");
}
