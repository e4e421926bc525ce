//! The cases that hold for every implementation of the seam `Cloud`, on EC2 through moto: as moto
//! is, and as strict as the real one.

use std::sync::Arc;
use std::time::Duration;

use subako_engine::world::{ScaledClock, World};
use subako_providers::aws::AwsCloud;
use subako_providers::conformance::{
    CaseReport, CloudBench, CloudFixture, Counterpart, Verdict, cloud_cases, run,
};
use subako_providers::sim::{SimOptions, Simulator};

use super::strict::Strict;
use super::support::*;

/// What moto lacks; tokens it ignores, too, but the adapter sees to them itself.
const AS_MOTO: Counterpart = Counterpart {
    client_tokens: true,
    dependency_violations: false,
    type_needs_stop: false,
    address_conflicts: false,
    protects_at_launch: false,
    enforces_groups: false,
    describes_groups: false,
    follows_addresses: false,
};

fn bench(cloud: AwsCloud, cluster: String, crowd: usize, counterpart: Counterpart) -> CloudBench {
    let world = World {
        cloud: Arc::new(cloud),
        // The cases of this seam reach no host.
        hosts: Simulator::open(SimOptions::default()).unwrap().world().hosts,
        clock: Arc::new(ScaledClock::new(1)),
        vault: Default::default(),
    };
    let fixture = CloudFixture {
        cluster,
        image: image_query(),
        other_type: "t3.small".to_owned(),
        zones: Vec::new(),
        vpc: None,
        subnets: Vec::new(),
        public_key: PUBLIC_KEY.to_owned(),
        crowd,
        counterpart,
    };
    CloudBench::new(world, fixture)
}

/// Runs every case, one after the other, and takes everything away; which were skipped.
async fn hold(bench: &CloudBench) -> Vec<&'static str> {
    let reports = run(&cloud_cases(), bench).await;
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
    skipped.map(|report| report.name).collect()
}

fn text(report: &CaseReport) -> String {
    match &report.outcome {
        Ok(_) => report.name.to_owned(),
        Err(error) => format!("{}: {error}", report.name),
    }
}

#[tokio::test]
async fn the_adapter_does_what_every_cloud_must() {
    let Some(moto) = moto() else { return };
    let (_, cloud) = world_in(&moto, "ca-central-1").await;
    let bench = bench(cloud, cluster("conform"), 8, AS_MOTO);
    assert_eq!(
        hold(&bench).await,
        [
            "a_group_in_use_is_deleted_only_after_termination",
            "an_address_outlives_its_instance"
        ]
    );
}

#[tokio::test]
async fn the_adapter_does_what_every_cloud_must_in_a_strict_ec2() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world_in(&moto, "eu-west-1").await;
    proxy.be(Strict::all(Duration::from_millis(300)));
    let bench = bench(cloud, cluster("strictly"), 3, Counterpart::default());
    assert_eq!(hold(&bench).await, Vec::<&str>::new());
}
