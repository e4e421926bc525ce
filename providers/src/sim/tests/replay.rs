//! Whatever was done, and however often the world was looked at, its log gives the same world.

use std::fs;
use std::time::Duration;

use proptest::prelude::*;
use subako_world::{Availability, Mode, NodeUpdate, Role, UpdateConfig};

use super::scenario::{Cluster, in_file, service};
use crate::sim::Simulator;
use crate::sim::model::{Model, Slot, SwarmFacts};

/// Something that befalls a cluster of two or three managers and some workers.
#[derive(Debug, Clone)]
enum Deed {
    Kill(usize),
    Revive(usize),
    Stop(usize),
    Start(usize),
    Terminate(usize),
    Availability(usize, Availability),
    Role(usize, Role),
    Label(usize, u8),
    Leave(usize),
    Forget(usize),
    Create(u8, u64, u8),
    Update(u8, u64, u8, bool),
    Remove(u8),
    /// Nothing but a look at the world.
    Look,
}

const IMAGES: [&str; 4] = ["nginx:1", "nginx:2", "crash:1", "does-not-exist:1"];

fn deed() -> impl Strategy<Value = (Deed, u64)> {
    let node = 0..5_usize;
    let availability = prop_oneof![
        Just(Availability::Active),
        Just(Availability::Pause),
        Just(Availability::Drain)
    ];
    let deed = prop_oneof![
        node.clone().prop_map(Deed::Kill),
        node.clone().prop_map(Deed::Revive),
        node.clone().prop_map(Deed::Stop),
        node.clone().prop_map(Deed::Start),
        node.clone().prop_map(Deed::Terminate),
        (node.clone(), availability).prop_map(|(n, a)| Deed::Availability(n, a)),
        (node.clone(), prop_oneof![Just(Role::Manager), Just(Role::Worker)])
            .prop_map(|(n, r)| Deed::Role(n, r)),
        (node.clone(), 0..2_u8).prop_map(|(n, l)| Deed::Label(n, l)),
        node.clone().prop_map(Deed::Leave),
        node.prop_map(Deed::Forget),
        (0..3_u8, 0..7_u64, 0..4_u8).prop_map(|(s, n, i)| Deed::Create(s, n, i)),
        (0..3_u8, 0..7_u64, 0..4_u8, any::<bool>()).prop_map(|(s, n, i, f)| Deed::Update(s, n, i, f)),
        (0..3_u8).prop_map(Deed::Remove),
        Just(Deed::Look),
    ];
    (deed, prop_oneof![Just(0), 1..3_000_u64, 3_000..60_000_u64])
}

/// Does it, whether the world lets it happen or not.
async fn commit(cluster: &Cluster, deed: &Deed) {
    let manager = cluster.manager();
    let update = |update: NodeUpdate, node: usize| async move {
        manager.update_node(&cluster.nodes[node], &update).await
    };
    let spec = |name: u8, replicas: u64, image: u8| {
        let mut spec = service(&format!("service-{name}"), replicas);
        spec.image = IMAGES[usize::from(image)].to_owned();
        if name == 0 {
            spec.mode = Mode::Global;
        }
        if name == 1 {
            spec.constraints = vec!["node.labels.l != 1".to_owned()];
        }
        spec.update_config = Some(UpdateConfig {
            failure_action: replicas.is_multiple_of(2).then(|| "rollback".to_owned()),
            parallelism: Some(replicas % 3),
            ..UpdateConfig::default()
        });
        spec
    };
    // Refusals are part of the game: what is compared is the world.
    let _refused = match deed {
        Deed::Kill(node) => cluster.sim.kill_node(&cluster.names[*node]).is_ok(),
        Deed::Revive(node) => cluster.sim.revive_node(&cluster.names[*node]).is_ok(),
        Deed::Stop(node) => cluster.sim.stop_instance(&cluster.names[*node]).is_ok(),
        Deed::Start(node) => cluster.sim.start_instance(&cluster.names[*node]).is_ok(),
        Deed::Terminate(node) => cluster.sim.terminate_instance(&cluster.names[*node]).is_ok(),
        Deed::Availability(node, availability) => {
            let availability = Some(*availability);
            update(
                NodeUpdate {
                    availability,
                    ..NodeUpdate::default()
                },
                *node,
            )
            .await
            .is_ok()
        }
        Deed::Role(node, role) => update(
            NodeUpdate {
                role: Some(*role),
                ..NodeUpdate::default()
            },
            *node,
        )
        .await
        .is_ok(),
        Deed::Label(node, label) => {
            let labels = Some([("l".to_owned(), label.to_string())].into());
            update(
                NodeUpdate {
                    labels,
                    ..NodeUpdate::default()
                },
                *node,
            )
            .await
            .is_ok()
        }
        Deed::Leave(node) => cluster.hosts[*node].swarm_leave(node % 2 == 0).await.is_ok(),
        Deed::Forget(node) => manager
            .remove_node(&cluster.nodes[*node], node % 2 == 0)
            .await
            .is_ok(),
        Deed::Create(name, replicas, image) => manager
            .create_service(&spec(*name, *replicas, *image))
            .await
            .is_ok(),
        Deed::Update(name, replicas, image, force) => manager
            .update_service(&spec(*name, *replicas, *image), *force)
            .await
            .is_ok(),
        Deed::Remove(name) => manager.remove_service(&format!("service-{name}")).await.is_ok(),
        Deed::Look => cluster.manager().nodes().await.is_ok(),
    };
}

/// The world at some time after now.
fn later(sim: &Simulator, more: u64) -> Model {
    sim.inner.look(|model, t| {
        let mut model = model.clone();
        model.advance(t + more);
        model
    })
}

/// Holds that two worlds are one, showing the lines that differ.
fn assert_same(left: &Model, right: &Model, what: &str) {
    if left == right {
        return;
    }
    let lines = |model| {
        serde_json::to_string_pretty(model)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (left, right): (Vec<String>, Vec<String>) = (lines(left), lines(right));
    let from = left.iter().zip(&right).position(|(l, r)| l != r).unwrap_or(0);
    let show = |lines: &[String]| lines[from.saturating_sub(8)..(from + 8).min(lines.len())].join("\n");
    panic!("{what}:\n{}\n--- is not\n{}", show(&left), show(&right));
}

/// Holds what must be so in every world that has had time to settle.
fn check(model: &Model) {
    for swarm in model.swarms.values() {
        let mut rebuilt = swarm.clone();
        rebuilt.index_tasks(model.now);
        assert_eq!(
            rebuilt.board.loads, swarm.board.loads,
            "the loads are not those of the tasks"
        );
        assert_eq!(
            rebuilt.board.pending, swarm.board.pending,
            "the waiting are not those of the tasks"
        );
        for (name, service) in &swarm.services {
            if let Some(replicas) = service.replicas() {
                assert_eq!(service.slots.len() as u64, replicas, "slots of {name}");
            }
            for (slot, tasks) in &service.slots {
                let there = tasks.iter().filter(|task| task.live()).count();
                let wanted = tasks.last().is_some_and(|task| task.live());
                assert!(
                    there <= 2 && (wanted || matches!(slot, Slot::Node(_))),
                    "{name} {slot:?}: {tasks:?}"
                );
            }
            if !swarm.decides(model.now) {
                continue;
            }
            let waits = swarm.board.pending.contains_key(name);
            let suited = swarm
                .nodes
                .iter()
                .any(|(id, node)| service.replicas().is_some() && swarm.takes(service, id, node));
            assert!(!(waits && suited), "a task of {name} waits although a node suits");
            for (id, node) in swarm.nodes.iter().filter(|_| service.replicas().is_none()) {
                let runs = service.current(&Slot::Node(id.clone())).is_some();
                assert!(
                    runs || !SwarmFacts::suits(service, id, node),
                    "{id} lacks its task of {name}"
                );
            }
            for node in service
                .slots
                .keys()
                .filter_map(|slot| service.current(slot)?.node.as_ref())
            {
                let node = &swarm.nodes[node];
                assert!(node.seen, "a task of {name} is on a node that is down");
                assert!(
                    node.availability != Availability::Drain,
                    "a task of {name} is on a drained node"
                );
            }
        }
    }
}

/// The world that a log gives, at the time of another.
fn replayed(directory: &std::path::Path, log: &[u8], now: u64) -> Model {
    fs::write(directory.join("cut.log"), log).unwrap();
    let sim = in_file(&directory.join("cut.json"));
    let mut model = sim.inner.lock().model.clone();
    model.advance(now);
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn replay_gives_the_same_world_at_any_cut(
        deeds in prop::collection::vec(deed(), 1..25),
        managers in 2..4_usize,
        torn in 1..40_usize,
        snapshot in 0..25_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("world.json");
            let log = directory.path().join("world.log");
            let cluster = Cluster::up(in_file(&path), managers, 5 - managers).await;
            for (index, (deed, pause)) in deeds.iter().enumerate() {
                tokio::time::sleep(Duration::from_millis(*pause)).await;
                let before = fs::read(&log).unwrap();
                let unchanged = later(&cluster.sim, 200_000);
                commit(&cluster, deed).await;
                let after = fs::read(&log).unwrap();
                let memory = later(&cluster.sim, 100_000);
                check(&memory);
                assert_same(&replayed(directory.path(), &after, memory.now), &memory, &format!("after {deed:?}"));
                if after.len() > before.len() {
                    // A line that is not whole is as if it had never been begun.
                    let cut = after.len() - torn.min(after.len() - before.len());
                    let was = replayed(directory.path(), &after[..cut], unchanged.now);
                    assert_same(&was, &unchanged, &format!("cut in {deed:?}"));
                }
                if index == snapshot {
                    // A world that was written and read lacks what is only kept in memory.
                    let text = serde_json::to_string(&later(&cluster.sim, 0)).unwrap();
                    let mut read: Model = serde_json::from_str::<Model>(&text).unwrap().opened(memory.place.clone());
                    read.advance(memory.now);
                    assert_same(&read, &memory, &format!("from a snapshot after {deed:?}"));
                }
            }
        });
    }
}
