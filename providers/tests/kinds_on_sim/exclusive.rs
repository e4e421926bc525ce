//! What only one can hold changes hands, and what restarts is waited for.

use subako_engine::manifest::Manifest;
use subako_engine::plan::Reason;
use subako_engine::world::Role;
use subako_providers::sim::{FaultEffect, FaultRule};
use subako_state::Outcome;

use crate::bench::{Bench, steps};
use crate::manifest::{pool, sandbox, service};

/// The manifest is applied, edited, applied again; the plan after that is empty.
async fn edited(edit: impl FnOnce(&mut Manifest)) -> (Bench, Manifest, subako_engine::plan::Plan) {
    edited_from(sandbox(), edit).await
}

async fn edited_from(
    mut manifest: Manifest,
    edit: impl FnOnce(&mut Manifest),
) -> (Bench, Manifest, subako_engine::plan::Plan) {
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    edit(&mut manifest);
    let plan = bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
    (bench, manifest, plan)
}

#[tokio::test(start_paused = true)]
async fn a_port_moves_from_one_service_to_another() {
    let (.., plan) = edited(|manifest| {
        let ports = std::mem::take(&mut manifest.services[1].spec.ports);
        manifest.services[0].spec.ports.extend(ports);
    })
    .await;
    assert_eq!(plan.summary.update, 3, "{:#?}", steps(&plan));
}

#[tokio::test(start_paused = true)]
async fn two_services_swap_their_ports_and_one_is_deleted_first() {
    let (.., plan) = edited(|manifest| {
        let ports = std::mem::take(&mut manifest.services[1].spec.ports);
        manifest.services[1].spec.ports = std::mem::replace(&mut manifest.services[0].spec.ports, ports);
    })
    .await;
    assert_eq!(
        (plan.summary.update, plan.summary.replace),
        (2, 1),
        "{:#?}",
        steps(&plan)
    );
    let said = plan
        .steps
        .iter()
        .any(|step| matches!(step.reason, Some(Reason::Exchanges(_))));
    assert!(said, "the plan says why, and what it costs");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_publishes_a_port_is_renamed() {
    edited(|manifest| manifest.services[0].spec.name = "answer".into()).await;
}

#[tokio::test(start_paused = true)]
async fn a_network_with_a_range_is_renamed() {
    let mut manifest = sandbox();
    manifest.networks[0].subnet = Some("10.140.0.0/24".into());
    edited_from(manifest, |manifest| {
        manifest.networks[0].name = "renamed".into();
        for service in &mut manifest.services {
            service.spec.networks[0].name = "renamed".into();
        }
    })
    .await;
}

fn pinned() -> Manifest {
    let mut manifest = sandbox();
    manifest.pools[1].private_ips = vec!["172.31.0.20".into(), "172.31.0.21".into()];
    manifest
}

#[tokio::test(start_paused = true)]
async fn two_instances_swap_their_addresses() {
    edited_from(pinned(), |manifest| manifest.pools[1].private_ips.reverse()).await;
}

#[tokio::test(start_paused = true)]
async fn three_managers_rotate_their_addresses_without_losing_quorum() {
    let mut manifest = sandbox();
    manifest.pools[0].private_ips = ["172.31.0.20", "172.31.0.21", "172.31.0.22"]
        .map(Into::into)
        .into();
    edited_from(manifest, |manifest| manifest.pools[0].private_ips.rotate_left(1)).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_moves_to_another_pool() {
    let mut manifest = pinned();
    manifest.pools.push(pool("other", Role::Worker, 1));
    manifest.pools[2].private_ips = vec!["172.31.0.30".into()];
    edited_from(manifest, |manifest| {
        manifest.pools[1].count = 1;
        manifest.pools[1].private_ips = vec!["172.31.0.20".into()];
        manifest.pools[2].private_ips = vec!["172.31.0.21".into()];
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_with_pinned_addresses_is_renamed() {
    edited_from(pinned(), |manifest| manifest.pools[1].name = "renamed".into()).await;
}

#[tokio::test(start_paused = true)]
async fn no_instance_is_given_an_address_that_another_pool_pins() {
    let mut manifest = sandbox();
    manifest.pools[0] = pool("manager", Role::Manager, 1);
    let mut first = Bench::new(vec![]);
    first.apply(&manifest).await;
    let given = first
        .snapshot
        .get(&"instance.manager-0".parse().expect("an address"));
    let outputs = given.expect("it is recorded").outputs.value();
    let address = outputs["private_ip"].as_str().expect("an address").to_owned();
    // The same world again gives the manager that address, unless another has it.
    manifest.pools.push(pool("zoo", Role::Worker, 1));
    manifest.pools[2].private_ips = vec![address];
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn managers_change_their_type_while_services_change() {
    edited(|manifest| {
        manifest.pools[0].instance_type = "t3.small".into();
        manifest.services[0].spec.image = "mingsiro71/replyhost:2".into();
        manifest.services.push(service("third", 2, 8081));
        manifest.services.remove(1);
        manifest.networks.push(manifest.networks[0].clone());
        manifest.networks[1].name = "second".into();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_host_is_started_before_the_swarm_on_it() {
    let mut manifest = sandbox();
    manifest.pools[0] = pool("manager", Role::Manager, 1);
    let mut bench = Bench::new(vec![FaultRule {
        call: "swarm_init".into(),
        nth: 1,
        times: 1,
        effect: FaultEffect::Error("X".into()),
    }]);
    let plan = bench.plan(&manifest).await;
    let failed = bench.run_keeping(&plan).await;
    assert_ne!(failed.outcome, Outcome::Applied);
    bench.sim.stop_instance("manager-0").expect("it is stopped");
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
}

/// What would have to change places around the whole swarm is refused with the way in two steps; it is
/// not said that steps wait for each other.
#[tokio::test(start_paused = true)]
async fn pinned_managers_renamed_while_services_change_are_refused() {
    let mut manifest = sandbox();
    let pinned = ["172.31.0.20", "172.31.0.21", "172.31.0.22"].map(String::from);
    manifest.pools[0].private_ips = pinned.to_vec();
    let bench = Bench::of(&manifest).await;
    manifest.pools[0].name = "data".into();
    manifest.services[0].spec.mode = subako_engine::world::Mode::Replicated(3);
    manifest.services.push(service("more", 1, 9090));
    let plan = bench.plan(&manifest).await;
    let refused = plan.findings.iter().filter(|finding| finding.id == "claims");
    let about: Vec<String> = refused
        .filter_map(|finding| Some(finding.address.as_ref()?.to_string()))
        .collect();
    assert_eq!(
        about,
        ["instance.data-0", "instance.data-1", "instance.data-2"],
        "{:#?}",
        steps(&plan)
    );
}
