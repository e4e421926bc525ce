//! Identity decides, not the order of arrival.

use std::collections::BTreeMap;

use futures::future::join_all;
use subako_world::{Instance, InstanceState, Progress};

use super::scenario::{group, in_memory, request};

/// Runs instances at once, in an order; returns what became of each, and after how long it ran.
async fn run_in(order: &[&str]) -> BTreeMap<String, (Instance, u64)> {
    let sim = in_memory(vec![]);
    let world = sim.world();
    let group = group(&world).await;
    let mut requests = Vec::new();
    for name in order {
        requests.push(request(&world, &group, name).await);
    }
    let begun = world.clock.now();
    let runs = requests.iter().map(async |request| {
        let made = world.cloud.run_instance(request).await.unwrap();
        let progress = Progress::silent();
        let running = world
            .cloud
            .await_instance(&made.id, InstanceState::Running, &progress)
            .await
            .unwrap();
        let took = (world.clock.now() - begun).as_millis();
        (request.name.clone(), (running, u64::try_from(took).unwrap()))
    });
    join_all(runs).await.into_iter().collect()
}

#[tokio::test(start_paused = true)]
async fn ids_addresses_and_durations_do_not_depend_on_the_order_of_calls() {
    let forwards = run_in(&["manager-0", "manager-1", "node-0", "node-1", "node-2"]).await;
    let backwards = run_in(&["node-2", "node-1", "node-0", "manager-1", "manager-0"]).await;
    assert_eq!(forwards, backwards);
    let times: std::collections::BTreeSet<u64> = forwards.values().map(|(_, took)| *took).collect();
    assert!(times.len() > 1, "every instance took equally long");
}
