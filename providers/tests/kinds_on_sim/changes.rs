//! A running cluster is changed.

use subako_engine::manifest::{Docker, Manifest};
use subako_engine::plan::Selection;
use subako_engine::refresh::Survey;
use subako_engine::world::{Availability, CpuCredits, Mode, Node, Port, Protocol, Role, Rule, Source};

use crate::bench::{Bench, steps};
use crate::manifest::{pool, sandbox, service};

async fn nodes(bench: &Bench, manifest: &Manifest) -> Vec<Node> {
    let desired = bench.desired(manifest).await;
    let survey = Survey::take(&bench.world, &bench.snapshot, &desired)
        .await
        .expect("a survey");
    survey.view().expect("a swarm").nodes.clone()
}

#[tokio::test(start_paused = true)]
async fn what_can_be_changed_in_place_is() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    manifest.cluster.tags.insert("Unit".into(), "Other".into());
    manifest.security_group.ingress.push(Rule {
        description: "metrics".into(),
        ports: Port { from: 9100, to: 9100 },
        protocol: Protocol::Tcp,
        source: Source::Cidr("10.0.0.0/8".into()),
    });
    manifest.pools[1].labels.insert("disk".into(), "ssd".into());
    manifest.pools[0].availability = Availability::Drain;
    manifest.pools[0].disk_gib = 10;
    manifest.services[0].spec.mode = Mode::Replicated(12);
    manifest.services[1].spec.image = "mingsiro71/replyhost:2".into();
    manifest.swarm.converge_timeout_s = 600;
    let plan = bench.apply(&manifest).await;
    assert_eq!(
        steps(&plan),
        [
            "update instance.manager-0: disk_gib, tags.Unit",
            "update instance.manager-1: disk_gib, tags.Unit",
            "update instance.manager-2: disk_gib, tags.Unit",
            "update instance.node-0: tags.Unit",
            "update instance.node-1: tags.Unit",
            "update key_pair.sandbox: tags.Unit",
            "update member.manager-0: availability",
            "update member.manager-1: availability",
            "update member.manager-2: availability",
            "update member.node-0: labels.disk",
            "update member.node-1: labels.disk",
            "update security_group.sandbox: rules, tags.Unit",
            "update service.reply2: image",
            "update service.reply: replicas",
            "update swarm.sandbox: converge_timeout_s",
        ]
    );
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn nodes_join_and_leave_as_pools_grow_and_shrink() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    manifest.pools[1].count = 4;
    bench.apply(&manifest).await;
    assert_eq!(nodes(&bench, &manifest).await.len(), 7);
    manifest.pools[1].count = 1;
    manifest.pools[0].count = 1;
    bench.apply(&manifest).await;
    assert!(bench.said("member.manager-2: demoting"));
    assert!(bench.said("member.node-3: draining"));
    assert_eq!(nodes(&bench, &manifest).await.len(), 2);
    bench.assert_settled(&manifest).await;
    bench.destroy(&manifest).await;
    assert_eq!(bench.world.cloud.residue("sandbox").await.expect("residue"), []);
}

/// Images that take minutes to be pulled: what Swarm starts elsewhere is not there at once.
fn slow_to_start() -> Manifest {
    let mut manifest = sandbox();
    for service in &mut manifest.services {
        service.spec.image = format!("shop/slow-pull-{}:1", service.spec.name);
    }
    manifest
}

#[tokio::test(start_paused = true)]
async fn what_a_node_ran_runs_elsewhere_before_a_plan_is_done() {
    type Edit = fn(&mut Manifest);
    let edits: [Edit; 4] = [
        |manifest| manifest.pools[1].count = 1,
        |manifest| manifest.pools[0].count = 1,
        |manifest| manifest.pools[0].availability = Availability::Drain,
        |manifest| manifest.pools[1].disk_encrypted = true,
    ];
    for edit in edits {
        let mut manifest = slow_to_start();
        let mut bench = Bench::of(&manifest).await;
        edit(&mut manifest);
        bench.apply(&manifest).await;
        bench.assert_settled(&manifest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_only_one_service_may_use_leaves_without_waiting_for_it() {
    let mut manifest = slow_to_start();
    manifest.pools[1].labels.insert("disk".into(), "ssd".into());
    let on_ssd = "node.labels.disk == ssd".to_owned();
    manifest.services[0].spec.constraints = vec![on_ssd];
    let mut bench = Bench::of(&manifest).await;
    let started = bench.world.clock.now();
    let part = Selection {
        replace: vec!["instance.node-0".into(), "instance.node-1".into()],
        ..Selection::default()
    };
    bench.apply_with(&manifest, &part).await;
    let took = bench.world.clock.now() - started;
    assert!(took.as_secs() < 1200, "{took:?}");
    assert!(!bench.said("do not have all their tasks yet"));
}

/// Settings of the engine that it is restarted for.
fn another_log() -> Docker {
    Docker {
        is_written: true,
        log_driver: "local".into(),
        ..Docker::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_steps_aside_before_its_engine_or_machine_restarts_and_comes_back() {
    type Edit = fn(&mut Manifest);
    let edits: [(&str, Edit); 2] = [
        ("instance", |manifest| {
            for pool in &mut manifest.pools {
                pool.instance_type = "t3.small".into();
            }
        }),
        ("docker", |manifest| manifest.docker = another_log()),
    ];
    for (kind, edit) in edits {
        let mut manifest = sandbox();
        let mut bench = Bench::of(&manifest).await;
        edit(&mut manifest);
        bench.apply(&manifest).await;
        for name in ["manager-0", "manager-1", "manager-2", "node-0", "node-1"] {
            assert!(bench.said(&format!("{kind}.{name}: draining")), "{kind} {name}");
            assert!(bench.said(&format!("{kind}.{name}: letting {name} take tasks again")));
        }
        let nodes = nodes(&bench, &manifest).await;
        assert!(
            nodes.iter().all(|node| node.availability == Availability::Active),
            "{kind}"
        );
        bench.assert_settled(&manifest).await;
    }
}

/// Nobody else could run its tasks: they run on until it restarts, and again before the apply ends.
#[tokio::test(start_paused = true)]
async fn a_node_without_others_keeps_its_tasks_until_it_restarts() {
    let mut manifest = slow_to_start();
    manifest.pools.truncate(1);
    manifest.pools[0].count = 1;
    let mut bench = Bench::of(&manifest).await;
    manifest.docker = another_log();
    bench.apply(&manifest).await;
    assert!(!bench.said("draining"));
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_paused_or_drained_in_the_manifest_stays_so_through_a_restart() {
    for availability in [Availability::Pause, Availability::Drain] {
        let mut manifest = sandbox();
        manifest.pools[0].availability = availability;
        let mut bench = Bench::of(&manifest).await;
        manifest.docker = another_log();
        bench.apply(&manifest).await;
        assert!(!bench.said("docker.manager-0: draining"));
        bench.assert_settled(&manifest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_becomes_a_manager_and_a_manager_a_worker() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    manifest.pools[1].role = Role::Manager;
    let plan = bench.apply(&manifest).await;
    assert_eq!(
        steps(&plan),
        ["update member.node-0: role", "update member.node-1: role"]
    );
    bench.assert_settled(&manifest).await;
    manifest.pools[0].role = Role::Worker;
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn managers_change_their_type_one_by_one_without_losing_quorum() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    manifest.pools[0].instance_type = "t3.small".into();
    let plan = bench.apply(&manifest).await;
    assert_eq!(plan.summary.update, 3);
    for name in ["manager-0", "manager-1", "manager-2"] {
        assert!(bench.said(&format!("instance.{name}: waiting for")), "{name}");
    }
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_replaced_machine_has_its_node_leave_properly() {
    let manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    for name in ["node-1", "manager-0", "manager-1"] {
        let replaced = Selection {
            replace: vec![format!("instance.{name}")],
            ..Selection::default()
        };
        let plan = bench.apply_with(&manifest, &replaced).await;
        assert_eq!(plan.summary.replace, 3, "{:#?}", steps(&plan));
        assert!(bench.said(&format!("member.{name}: draining")));
        assert_eq!(nodes(&bench, &manifest).await.len(), 5);
        bench.assert_settled(&manifest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pinned_worker_goes_before_its_successor_comes() {
    let mut manifest = sandbox();
    manifest.pools[1].private_ips = vec!["172.31.0.20".into(), "172.31.0.21".into()];
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    manifest.pools[1].disk_encrypted = true;
    bench.apply(&manifest).await;
    assert_eq!(nodes(&bench, &manifest).await.len(), 5);
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_lone_manager_lets_its_successor_in() {
    let mut manifest = sandbox();
    manifest.pools[0] = pool("manager", Role::Manager, 1);
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    let replaced = Selection {
        replace: vec!["instance.manager-0".into()],
        ..Selection::default()
    };
    bench.apply_with(&manifest, &replaced).await;
    assert_eq!(nodes(&bench, &manifest).await.len(), 3);
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_network_is_recreated_with_the_services_on_it() {
    let mut manifest = sandbox();
    manifest.services.push(service("apart", 1, 9000));
    manifest.services[2].spec.networks.clear();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    manifest.networks[0].attachable = true;
    let plan = bench.apply(&manifest).await;
    assert_eq!(
        steps(&plan),
        [
            "drop the old network.my-overlay",
            "drop the old service.reply",
            "drop the old service.reply2",
            "recreate network.my-overlay",
            "recreate service.reply",
            "recreate service.reply2",
        ]
    );
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn another_address_pool_is_another_swarm_on_the_same_machines() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    let before = nodes(&bench, &manifest).await;
    manifest.swarm.addr_pool = vec!["192.168.0.0/16".into()];
    let plan = bench.apply(&manifest).await;
    assert!(
        !steps(&plan).iter().any(|step| step.contains("instance.")),
        "{:#?}",
        steps(&plan)
    );
    let after = nodes(&bench, &manifest).await;
    assert_eq!(after.len(), 5);
    assert!(
        after
            .iter()
            .all(|node| before.iter().all(|old| old.id != node.id))
    );
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_renamed_security_group_is_made_before_the_machines_move_to_it() {
    let mut manifest = sandbox();
    manifest.security_group.name = "renamed".into();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    manifest.security_group.name = "renamed-again".into();
    let plan = bench.apply(&manifest).await;
    assert_eq!(plan.summary.replace, 1, "{:#?}", steps(&plan));
    assert_eq!(plan.summary.update, 5);
    bench.assert_settled(&manifest).await;
}

/// What each instance of the simulator does without CPU credits, by its name.
fn credits(bench: &Bench) -> Vec<(String, String)> {
    let dump = bench.sim.dump();
    let instances = dump["instances"].as_object().expect("instances").values();
    let mut found: Vec<(String, String)> = instances
        .map(|live| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            (text(&live["tags"]["subako:address"]), text(&live["cpu_credits"]))
        })
        .collect();
    found.sort();
    found
}

#[tokio::test(start_paused = true)]
async fn cpu_credits_change_in_place_there_and_back() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    let before = credits(&bench);
    assert!(
        before.iter().all(|(_, credits)| credits == "standard"),
        "{before:?}"
    );
    // Spelled out, the default is no change.
    manifest.pools[1].cpu_credits = Some(CpuCredits::Standard);
    bench.assert_settled(&manifest).await;
    manifest.pools[1].cpu_credits = Some(CpuCredits::Unlimited);
    let plan = bench.apply(&manifest).await;
    assert_eq!(
        steps(&plan),
        [
            "update instance.node-0: cpu_credits",
            "update instance.node-1: cpu_credits"
        ]
    );
    let unlimited = credits(&bench);
    let told = unlimited.iter().filter(|(_, credits)| credits == "unlimited");
    let told: Vec<&str> = told.map(|(address, _)| address.as_str()).collect();
    assert_eq!(told, ["instance.node-0", "instance.node-1"]);
    bench.assert_settled(&manifest).await;
    // A type that has no credits takes no word on them.
    manifest.pools[1].cpu_credits = None;
    manifest.pools[1].instance_type = "m5.large".into();
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
}
