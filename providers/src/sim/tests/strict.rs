//! Where the model is as strict as the real parts, and no real counterpart shows it in the
//! conformance cases.

use std::time::Duration;

use subako_world::{
    Code, DaemonConfig, EngineRequest, HealthCheck, InstanceChange, InstanceState, Mode, Mount, MountKind,
    NetworkSpec, NodeUpdate, Progress, Resources, ServiceNetwork, ServiceSpec, Source, Task, TaskFilter,
    TaskState, UpdateConfig, UpdateOrder, UpdateState,
};

use super::scenario::{Cluster, group, in_memory, request, rule, service, target};
use crate::sim::{Login, Pace, SimOptions, Simulator};

const GIB: u64 = 1 << 30;

fn reserving(name: &str, replicas: u64, memory: u64) -> ServiceSpec {
    let mut spec = service(name, replicas);
    spec.resources = Some(Resources {
        reserve_memory: Some(memory),
        ..Resources::default()
    });
    spec
}

async fn tasks(cluster: &Cluster, service: &str) -> Vec<Task> {
    let filter = TaskFilter {
        service: Some(service.to_owned()),
        up_to_date: true,
        ..TaskFilter::default()
    };
    cluster.manager().tasks(&filter).await.unwrap()
}

async fn reasons(cluster: &Cluster, service: &str) -> Vec<String> {
    let pending = tasks(cluster, service).await.into_iter();
    let mut reasons: Vec<String> = pending
        .filter(|task| task.state == TaskState::Pending)
        .filter_map(|task| task.error)
        .collect();
    reasons.dedup();
    reasons
}

#[tokio::test(start_paused = true)]
async fn a_task_without_a_node_says_why_of_every_node() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 2).await;
    let drain = NodeUpdate {
        availability: Some(subako_world::Availability::Drain),
        ..NodeUpdate::default()
    };
    cluster
        .manager()
        .update_node(&cluster.nodes[0], &drain)
        .await
        .unwrap();
    cluster
        .manager()
        .create_service(&reserving("big", 1, GIB))
        .await
        .unwrap();
    cluster.wait(5).await;
    let why = "no suitable node (insufficient resources on 2 nodes; 1 node not available for new tasks)";
    assert_eq!(reasons(&cluster, "big").await, [why]);
}

#[tokio::test(start_paused = true)]
async fn what_a_task_held_is_given_to_one_that_waits() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 0).await;
    let half = 500 << 20;
    cluster
        .manager()
        .create_service(&reserving("first", 1, half))
        .await
        .unwrap();
    cluster
        .manager()
        .create_service(&reserving("second", 1, half))
        .await
        .unwrap();
    cluster.wait(30).await;
    assert_eq!(reasons(&cluster, "second").await.len(), 1);
    cluster
        .manager()
        .update_service(&reserving("first", 0, half), false)
        .await
        .unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "second").await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_start_first_update_needs_room_for_both_tasks() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 0).await;
    let mut spec = reserving("app", 1, 600 << 20);
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(30).await;
    spec.image = "nginx:2".to_owned();
    spec.update_config = Some(subako_world::UpdateConfig {
        order: Some(subako_world::UpdateOrder::StartFirst),
        ..Default::default()
    });
    cluster.manager().update_service(&spec, false).await.unwrap();
    cluster.wait(300).await;
    assert_eq!(
        reasons(&cluster, "app").await,
        ["no suitable node (insufficient resources on 1 node)"]
    );
    assert_eq!(cluster.running(0, "app").await[0].image, "nginx:1");
    // With less of it there is room for both, for as long as both are there.
    spec.resources = reserving("app", 1, 300 << 20).resources;
    cluster.manager().update_service(&spec, false).await.unwrap();
    cluster.wait(60).await;
    assert_eq!(cluster.running(0, "app").await[0].image, "nginx:2");
    cluster
        .manager()
        .create_service(&reserving("rest", 1, 600 << 20))
        .await
        .unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "rest").await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_global_task_waits_for_room_on_its_own_node() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    let mut pinned = reserving("pinned", 1, 900 << 20);
    pinned.constraints = vec!["node.role == worker".to_owned()];
    cluster.manager().create_service(&pinned).await.unwrap();
    let mut spec = reserving("everywhere", 1, 100 << 20);
    spec.mode = Mode::Global;
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "everywhere").await, [1, 0]);
    assert_eq!(
        reasons(&cluster, "everywhere").await,
        ["insufficient resources on 1 node"]
    );
    cluster.manager().remove_service("pinned").await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "everywhere").await, [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_has_completed_holds_nothing_and_is_not_moved() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    let mut spec = reserving("migrate", 1, 700 << 20);
    spec.command = vec!["sleep".to_owned(), "3".to_owned()];
    spec.constraints = vec!["node.role == worker".to_owned()];
    spec.restart_policy = serde_json::from_value(serde_json::json!({ "condition": "none" })).unwrap();
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(30).await;
    let state = async || {
        tasks(&cluster, "migrate")
            .await
            .iter()
            .map(|task| task.state)
            .collect::<Vec<_>>()
    };
    assert_eq!(state().await, [TaskState::Complete]);
    let mut after = reserving("after", 1, 700 << 20);
    after.constraints.clone_from(&spec.constraints);
    cluster.manager().create_service(&after).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "after").await, [0, 1]);
    let drain = NodeUpdate {
        availability: Some(subako_world::Availability::Drain),
        ..NodeUpdate::default()
    };
    cluster
        .manager()
        .update_node(&cluster.nodes[1], &drain)
        .await
        .unwrap();
    cluster.wait(30).await;
    assert_eq!(state().await, [TaskState::Complete]);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_ends_is_started_again_under_any() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 0).await;
    let mut spec = service("again", 1);
    spec.image = "one-shot:1".to_owned();
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(60).await;
    let complete = tasks(&cluster, "again")
        .await
        .iter()
        .filter(|t| t.state == TaskState::Complete)
        .count();
    assert!(complete >= 2, "{:?}", tasks(&cluster, "again").await);
}

#[tokio::test(start_paused = true)]
async fn a_program_may_crash_until_another_service_runs() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    let mut app = service("app", 2);
    app.image = "shop/crash-until-db:1".to_owned();
    cluster.manager().create_service(&app).await.unwrap();
    cluster.wait(60).await;
    assert!(cluster.running(0, "app").await.len() < 2, "it does not stay up");
    let failed = tasks(&cluster, "app")
        .await
        .iter()
        .filter(|task| task.state == TaskState::Failed)
        .count();
    assert!(failed >= 4, "{:?}", tasks(&cluster, "app").await);
    cluster.manager().create_service(&service("db", 1)).await.unwrap();
    cluster.wait(40).await;
    for _ in 0..60 {
        assert_eq!(cluster.running(0, "app").await.len(), 2);
        cluster.wait(1).await;
    }
}

fn overlay(name: &str, subnet: &str) -> NetworkSpec {
    NetworkSpec {
        attachable: false,
        driver: "overlay".to_owned(),
        encrypted: false,
        internal: false,
        labels: Default::default(),
        name: name.to_owned(),
        options: Default::default(),
        subnet: Some(subnet.to_owned()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_in_the_range_of_a_bridge_lets_no_task_start() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 0).await;
    let spec = overlay("bad", "172.18.4.0/24");
    cluster.manager().create_network(&spec).await.unwrap();
    let mut on = service("on", 1);
    on.networks = vec![ServiceNetwork {
        aliases: vec![],
        name: "bad".to_owned(),
    }];
    cluster.manager().create_service(&on).await.unwrap();
    cluster.wait(30).await;
    let said = tasks(&cluster, "on").await;
    let rejected = said.iter().find(|task| task.state == TaskState::Rejected);
    let why = "invalid pool request: Pool overlaps with other one on this address space";
    assert_eq!(
        rejected.and_then(|task| task.error.as_deref()),
        Some(why),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bridge_is_where_its_engine_was_told_to_have_it() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 0).await;
    let engine = EngineRequest {
        version: None,
        daemon: Some(DaemonConfig {
            bip: Some("192.168.240.1/24".to_owned()),
            address_pools: vec!["192.168.248.0/21".to_owned()],
            ..DaemonConfig::default()
        }),
    };
    cluster.hosts[0]
        .install_engine(&engine, &Progress::silent())
        .await
        .unwrap();
    for (name, subnet) in [
        ("free", "172.18.4.0/24"),
        ("docker0", "192.168.240.0/24"),
        ("gwbridge", "192.168.248.0/24"),
    ] {
        let network = overlay(name, subnet);
        cluster.manager().create_network(&network).await.unwrap();
        let mut on = service(name, 1);
        on.networks = vec![ServiceNetwork {
            aliases: vec![],
            name: name.to_owned(),
        }];
        cluster.manager().create_service(&on).await.unwrap();
    }
    cluster.wait(30).await;
    assert_eq!(cluster.running(0, "free").await.len(), 1);
    for name in ["docker0", "gwbridge"] {
        let said = tasks(&cluster, name).await;
        assert!(
            said.iter().any(|task| task.state == TaskState::Rejected),
            "{name}: {said:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_with_a_health_check_runs_once_it_has_been_probed() {
    let starting = async |check: Option<HealthCheck>| {
        let cluster = Cluster::up(in_memory(vec![]), 1, 0).await;
        let mut spec = service("web", 1);
        spec.healthcheck = check;
        cluster.manager().create_service(&spec).await.unwrap();
        let (pulled, runs) = cluster.sim.inner.look(|model, _| {
            let service = &model.swarms.values().next().unwrap().services["web"];
            let task = service.slots.values().flatten().next().unwrap();
            (task.image_at, task.running)
        });
        let now = || cluster.sim.inner.look(|_, t| t);
        while cluster.running(0, "web").await.is_empty() {
            cluster.wait(1).await;
            assert!(now() < runs + 5_000, "{:?}", tasks(&cluster, "web").await);
        }
        assert!(now() >= runs);
        (runs - pulled) / 1_000
    };
    let check = |interval: Option<u64>, start_period: Option<u64>| {
        Some(HealthCheck {
            interval: interval.map(|seconds| seconds * 1_000_000_000),
            retries: None,
            start_period: start_period.map(|seconds| seconds * 1_000_000_000),
            test: vec!["CMD".to_owned(), "true".to_owned()],
            timeout: None,
        })
    };
    let none = starting(None).await;
    for (interval, start_period, first) in [
        (Some(60), None, 60),
        (None, None, 30),
        (Some(2), None, 2),
        (Some(60), Some(120), 5),
        (Some(2), Some(120), 2),
    ] {
        let took = starting(check(interval, start_period)).await;
        assert_eq!(took - none, first, "{interval:?} {start_period:?}");
    }
    let mut off = check(Some(60), None).unwrap();
    off.test = vec!["NONE".to_owned()];
    assert_eq!(starting(Some(off)).await, none);
}

#[tokio::test(start_paused = true)]
async fn a_node_has_no_more_tasks_of_a_service_than_it_may() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    let mut web = service("web", 5);
    web.max_replicas_per_node = Some(2);
    cluster.manager().create_service(&web).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "web").await, [2, 2]);
    let why = "no suitable node (max replicas per node limit exceed)";
    assert_eq!(reasons(&cluster, "web").await, [why]);
    // The old task and the new one count both.
    web.mode = Mode::Replicated(4);
    web.update_config = Some(UpdateConfig {
        order: Some(UpdateOrder::StartFirst),
        ..UpdateConfig::default()
    });
    cluster.manager().update_service(&web, false).await.unwrap();
    cluster.wait(30).await;
    web.image = "nginx:2".to_owned();
    cluster.manager().update_service(&web, false).await.unwrap();
    cluster.wait(60).await;
    let update = async || {
        let services = cluster.manager().services().await.unwrap();
        services[0].update.as_ref().map(|update| update.state)
    };
    assert_eq!(update().await, Some(UpdateState::Updating));
    // As many as fit with one to spare get through.
    web.mode = Mode::Replicated(3);
    cluster.manager().update_service(&web, false).await.unwrap();
    cluster.wait(120).await;
    assert_eq!(update().await, Some(UpdateState::Completed));
    let spread = cluster.spread(0, "web").await;
    assert!(spread == [2, 1] || spread == [1, 2], "{spread:?}");
}

#[tokio::test(start_paused = true)]
async fn a_volume_is_on_the_nodes_where_tasks_have_had_it() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    let mut spec = service("db", 1);
    spec.constraints = vec!["node.role == worker".to_owned()];
    spec.mounts = vec![Mount {
        kind: MountKind::Volume,
        read_only: false,
        source: Some("data".to_owned()),
        target: "/data".to_owned(),
        tmpfs_size: None,
    }];
    let volumes = || {
        cluster.sim.inner.look(|model, _| {
            let nodes = &model.swarms.values().next().unwrap().nodes;
            let there = |id: &String| nodes[id].volumes.iter().cloned().collect::<Vec<_>>();
            cluster.nodes.iter().map(there).collect::<Vec<_>>()
        })
    };
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(volumes(), [vec![], vec!["data".to_owned()]]);
    spec.constraints = vec!["node.role == manager".to_owned()];
    cluster.manager().update_service(&spec, false).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(volumes(), [["data"], ["data"]]);
}

#[tokio::test(start_paused = true)]
async fn a_manager_that_restarts_has_no_leader_for_a_while() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 0).await;
    let cloud = &cluster.world.cloud;
    let id = &cluster.instances[0].id;
    cloud.stop_instance(id).await.unwrap();
    cloud
        .await_instance(id, InstanceState::Stopped, &Progress::silent())
        .await
        .unwrap();
    cloud.start_instance(id).await.unwrap();
    let up = async || cluster.hosts[0].engine_info().await.is_ok();
    while !up().await {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let model = &cluster.sim.inner;
    let asked = model.look(|model, t| model.controlled_by(t, id).map(|_| ()).map_err(|r| r.code));
    assert_eq!(asked, Err(Code::NoLeader));
    // A caller waits the election out, as the real adapter does.
    cluster.manager().services().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_type_that_is_unknown_or_not_offered_is_refused_also_in_a_change() {
    let sim = in_memory(vec![]);
    let world = sim.world();
    let group = group(&world).await;
    let mut wanted = request(&world, &group, "node-0").await;
    wanted.instance_type = "t3.mirco".to_owned();
    let refused = world.cloud.run_instance(&wanted).await.unwrap_err();
    assert!(
        refused
            .message
            .contains("Invalid value 't3.mirco' for InstanceType"),
        "{refused}"
    );
    wanted.instance_type = "t3.micro".to_owned();
    wanted.disk_gib = 6;
    let refused = world.cloud.run_instance(&wanted).await.unwrap_err();
    assert!(refused.message.contains("expect size >= 8GB"), "{refused}");
    wanted.disk_gib = 8;
    let made = world.cloud.run_instance(&wanted).await.unwrap();
    world
        .cloud
        .await_instance(&made.id, InstanceState::Running, &Progress::silent())
        .await
        .unwrap();
    world.cloud.stop_instance(&made.id).await.unwrap();
    world
        .cloud
        .await_instance(&made.id, InstanceState::Stopped, &Progress::silent())
        .await
        .unwrap();
    let change = InstanceChange {
        instance_type: Some("t3.mirco".to_owned()),
        ..InstanceChange::default()
    };
    let refused = world.cloud.modify_instance(&made.id, &change).await.unwrap_err();
    assert!(
        refused
            .message
            .contains("Invalid value 't3.mirco' for InstanceType"),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_logs_in_where_no_rule_lets_somebody_in() {
    let sim = in_memory(vec![]);
    let world = sim.world();
    let group = group(&world).await;
    let open = rule(22, Source::Cidr("198.51.100.7/32".to_owned()));
    let made = world
        .cloud
        .run_instance(&request(&world, &group, "node-0").await)
        .await
        .unwrap();
    let progress = Progress::silent();
    let instance = world
        .cloud
        .await_instance(&made.id, InstanceState::Running, &progress)
        .await
        .unwrap();
    let target = target("node-0", &instance);
    world.hosts.connect(&target, &progress).await.unwrap();
    for closed in [None, Some("203.0.113.7/32")] {
        world
            .cloud
            .revoke_ingress(&group.id, std::slice::from_ref(&open))
            .await
            .unwrap();
        if let Some(cidr) = closed {
            let placeholder = rule(22, Source::Cidr(cidr.to_owned()));
            world
                .cloud
                .authorize_ingress(&group.id, &[placeholder])
                .await
                .unwrap();
        }
        let refused = world.hosts.connect(&target, &progress).await.err().unwrap();
        assert!(
            refused.message.contains("no answer on port 22 within 300 s"),
            "{refused}"
        );
        assert!(refused.hint.unwrap().contains("ssh_from"));
        assert!(world.hosts.reach(&target).await.is_err());
        world
            .cloud
            .authorize_ingress(&group.id, std::slice::from_ref(&open))
            .await
            .unwrap();
        assert!(world.hosts.reach(&target).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_a_public_address_is_reached_from_inside_only() {
    for private in [false, true] {
        let sim = Simulator::open(SimOptions {
            time: Pace::Instant,
            login: Login {
                private,
                ..Login::default()
            },
            ..SimOptions::default()
        })
        .unwrap();
        let world = sim.world();
        let group = group(&world).await;
        let mut wanted = request(&world, &group, "node-0").await;
        wanted.public_ip = Some(false);
        let made = world.cloud.run_instance(&wanted).await.unwrap();
        let progress = Progress::silent();
        let instance = world
            .cloud
            .await_instance(&made.id, InstanceState::Running, &progress)
            .await
            .unwrap();
        let connected = world.hosts.connect(&target("node-0", &instance), &progress).await;
        match connected {
            Ok(_) => assert!(private),
            Err(refused) => {
                assert!(!private);
                assert_eq!(refused.message, "it has no public address");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_there_gets_another_version_and_is_away_meanwhile() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 2).await;
    let host = &cluster.hosts[1];
    let progress = Progress::silent();
    let asked = |version: &str| subako_world::EngineRequest {
        version: Some(version.to_owned()),
        daemon: None,
    };
    let before = host.engine_info().await.unwrap().unwrap();
    // What it is already, however it is written, restarts nothing.
    let same = host.install_engine(&asked("25.0"), &progress).await.unwrap();
    assert_eq!(same.version, before.version);
    let refused = host.install_engine(&asked("99.0"), &progress).await.unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    let began = cluster.world.clock.now();
    let after = host.install_engine(&asked("24.0.9"), &progress).await.unwrap();
    assert_eq!(after.version, "24.0.9");
    assert!(cluster.world.clock.now() - began >= Duration::from_secs(15));
    let nodes = cluster.manager().nodes().await.unwrap();
    let versions: Vec<&str> = nodes.iter().map(|node| node.engine_version.as_str()).collect();
    assert_eq!(
        versions.iter().filter(|version| **version == "24.0.9").count(),
        1,
        "{versions:?}"
    );
}
