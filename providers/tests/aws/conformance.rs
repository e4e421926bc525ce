//! The cases that hold for every implementation of the seam `Cloud`, on EC2 through moto.

use std::sync::Arc;

use subako_engine::world::{ScaledClock, World};
use subako_providers::conformance::{
    CaseReport, CloudBench, CloudFixture, Counterpart, Verdict, cloud_cases, run,
};
use subako_providers::sim::{SimOptions, Simulator};

use super::support::*;

#[tokio::test]
async fn the_adapter_does_what_every_cloud_must() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world_in(&moto, "ca-central-1").await;
    let world = World {
        cloud: Arc::new(cloud),
        // The cases of this seam reach no host.
        hosts: Simulator::open(SimOptions::default()).unwrap().world().hosts,
        clock: Arc::new(ScaledClock::new(1)),
        vault: Default::default(),
    };
    let pid = std::process::id();
    let fixture = CloudFixture {
        cluster: cluster("conform"),
        image: image_query(),
        other_type: "t3.small".to_owned(),
        zones: Vec::new(),
        vpc: None,
        subnets: Vec::new(),
        public_key: PUBLIC_KEY.to_owned(),
        free_address: format!("172.31.{}.{}", pid / 200 % 16, 20 + pid % 200),
        crowd: 30,
        // What moto lacks; tokens it ignores, too, but the adapter sees to them itself.
        counterpart: Counterpart {
            client_tokens: true,
            dependency_violations: false,
            type_needs_stop: false,
            address_conflicts: false,
            protects_at_launch: false,
            enforces_groups: false,
            describes_groups: false,
            follows_addresses: false,
        },
    };
    let bench = CloudBench::new(world, fixture);
    let reports = run(&cloud_cases(), &bench).await;
    bench.sweep().await.unwrap();
    let broken: Vec<String> = reports
        .iter()
        .filter(|report| report.failed())
        .map(text)
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let skipped = reports
        .iter()
        .filter(|report| matches!(report.outcome, Ok(Verdict::Skipped(_))));
    let skipped: Vec<&str> = skipped.map(|report| report.name).collect();
    assert_eq!(
        skipped,
        [
            "a_group_in_use_is_deleted_only_after_termination",
            "an_address_outlives_its_instance"
        ]
    );
}

fn text(report: &CaseReport) -> String {
    match &report.outcome {
        Ok(_) => report.name.to_owned(),
        Err(error) => format!("{}: {error}", report.name),
    }
}
