//! Somebody changes the world from outside, and the next apply repairs what matters.

use subako_engine::world::{Availability, Port, Protocol, Rule, Source};

use crate::bench::{Bench, steps};
use crate::manifest::sandbox;

/// Changes a running cluster from outside, expects these steps of the next plan, and that they
/// repair it.
async fn repaired(outside: impl FnOnce(&Bench), seconds: u64, expected: &[&str]) {
    let manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    outside(&bench);
    tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
    let plan = bench.plan(&manifest).await;
    assert_eq!(steps(&plan), expected);
    assert!(!plan.drift.is_empty());
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_instance_is_started() {
    let outside = |bench: &Bench| bench.sim.stop_instance("node-0").expect("stopped");
    repaired(outside, 120, &["update instance.node-0: running"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_manager_is_started() {
    let outside = |bench: &Bench| bench.sim.stop_instance("manager-0").expect("stopped");
    repaired(outside, 120, &["update instance.manager-0: running"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_terminated_instance_is_replaced_and_its_old_node_is_forgotten() {
    let outside = |bench: &Bench| bench.sim.terminate_instance("node-0").expect("terminated");
    repaired(
        outside,
        120,
        &[
            "create docker.node-0",
            "create instance.node-0",
            "drop the old member.node-0",
            "forget docker.node-0",
            "forget instance.node-0",
            "recreate member.node-0",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_terminated_manager_is_replaced() {
    let outside = |bench: &Bench| bench.sim.terminate_instance("manager-0").expect("terminated");
    repaired(
        outside,
        120,
        &[
            "create docker.manager-0",
            "create instance.manager-0",
            "drop the old member.manager-0",
            "forget docker.manager-0",
            "forget instance.manager-0",
            "recreate member.manager-0",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_hangs_is_restarted() {
    let outside = |bench: &Bench| bench.sim.kill_node("node-1").expect("killed");
    repaired(outside, 120, &["update docker.node-1: running"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_scaled_by_hand_is_scaled_back_and_a_removed_one_made_again() {
    let outside = |bench: &Bench| {
        bench.sim.scale_service("reply", 3).expect("scaled");
        bench.sim.remove_service("reply2").expect("removed");
    };
    repaired(
        outside,
        30,
        &[
            "create service.reply2",
            "forget service.reply2",
            "update service.reply: replicas",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_opened_port_is_closed_and_a_closed_one_opened() {
    let rule = |port: u16, cidr: &str| Rule {
        description: "by hand".into(),
        ports: Port { from: port, to: port },
        protocol: Protocol::Tcp,
        source: Source::Cidr(cidr.into()),
    };
    let outside = move |bench: &Bench| {
        let group = "Sandbox-public-web-maintenance";
        bench
            .sim
            .authorize(group, rule(3306, "0.0.0.0/0"))
            .expect("opened");
        bench.sim.revoke(group, rule(80, "0.0.0.0/0")).expect("closed");
    };
    repaired(outside, 30, &["update security_group.sandbox: rules"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_drained_node_takes_tasks_again_and_a_tag_is_set_back() {
    let outside = |bench: &Bench| {
        bench
            .sim
            .drain_node("node-0", Availability::Drain)
            .expect("drained");
        bench
            .sim
            .set_instance_tag("node-1", "Unit", "Mine")
            .expect("tagged");
    };
    repaired(
        outside,
        30,
        &[
            "update instance.node-1: tags.Unit",
            "update member.node-0: availability",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_cluster_tag_was_changed_is_not_gone_and_gets_its_tag_back() {
    for name in ["node-0", "manager-1"] {
        let outside = |bench: &Bench| {
            bench
                .sim
                .set_instance_tag(name, "subako:cluster", "other")
                .expect("tagged");
        };
        let step = format!("update instance.{name}: tags.subako:cluster");
        repaired(outside, 120, &[&step]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_manager_whose_cluster_tag_was_changed_lets_its_successor_in() {
    let mut manifest = sandbox();
    manifest.pools[0].count = 1;
    let mut bench = Bench::of(&manifest).await;
    bench
        .sim
        .set_instance_tag("manager-0", "subako:cluster", "other")
        .expect("tagged");
    manifest.pools[0].private_ips = vec!["172.31.0.200".into()];
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_destroy_takes_a_machine_whose_cluster_tag_was_changed() {
    let manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    bench
        .sim
        .set_instance_tag("node-0", "subako:cluster", "other")
        .expect("tagged");
    bench.destroy(&manifest).await;
    for cluster in ["sandbox", "other"] {
        let residue = bench.world.cloud.residue(cluster).await.expect("a residue");
        assert_eq!(residue, vec![], "{cluster}");
    }
}

/// The warnings of a plan about what was found and does not match.
fn found_and_replaced(plan: &subako_engine::plan::Plan) -> Vec<String> {
    let findings = plan.findings.iter().filter(|finding| finding.id == "adoption");
    findings
        .filter_map(|finding| Some(finding.address.as_ref()?.to_string()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_found_and_only_a_replacement_could_change_is_replaced_in_the_same_plan() {
    let mut bench = Bench::of(&sandbox()).await;
    bench.snapshot.resources.clear();
    let mut changed = sandbox();
    changed.networks[0].attachable = true;
    changed.pools[1].private_ips = vec!["172.31.0.200".into(), "172.31.0.201".into()];
    let plan = bench.apply(&changed).await;
    let said = found_and_replaced(&plan);
    for address in ["instance.node-0", "instance.node-1", "network.my-overlay"] {
        assert!(said.contains(&address.to_owned()), "{address}: {said:?}");
        assert!(
            steps(&plan).contains(&format!("recreate {address}")),
            "{address}: {:?}",
            steps(&plan)
        );
    }
    assert!(
        !said.iter().any(|address| address.contains("manager")),
        "{said:?}"
    );
    bench.assert_settled(&changed).await;
}

#[tokio::test(start_paused = true)]
async fn where_and_from_what_a_machine_was_launched_is_kept_when_it_is_adopted() {
    let mut manifest = sandbox();
    manifest.aws.availability_zones = vec!["ap-northeast-1c".into(), "ap-northeast-1a".into()];
    let mut bench = Bench::of(&manifest).await;
    bench.snapshot.resources.clear();
    manifest.aws.availability_zones.reverse();
    let plan = bench.apply(&manifest).await;
    assert_eq!(found_and_replaced(&plan), [""; 0]);
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_is_repaired_in_the_plan_that_adopts_it() {
    let mut bench = Bench::of(&sandbox()).await;
    bench.sim.kill_node("node-1").expect("it hangs");
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    bench.snapshot.resources.clear();
    let plan = bench.apply(&sandbox()).await;
    assert!(
        steps(&plan).contains(&"update docker.node-1: running".to_owned()),
        "{:?}",
        steps(&plan)
    );
    bench.assert_settled(&sandbox()).await;
}
