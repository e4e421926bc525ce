//! The parts of the live kit (`tests/live/live`) that look at EC2 itself: the cases of the seam
//! `Cloud`, and what carries the kit's tags. They act on whatever account the environment's
//! credentials are for, so they are ignored unless the kit runs them.

#![expect(clippy::print_stdout, reason = "the kit's report is made of it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ec2::types::Filter;
use subako_engine::world::{Cloud, ImageQuery, Lookup, ScaledClock, World, tag};
use subako_providers::aws::{AwsOptions, connect};
use subako_providers::conformance::{CloudBench, CloudFixture, Counterpart, Verdict, cloud_cases, run};
use subako_providers::sim::{SimOptions, Simulator};

/// A setting of the kit.
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("tests/live/live sets {name}"))
}

/// One that may be empty.
fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[tokio::test]
#[ignore = "acts on a real account: tests/live/live runs it"]
async fn the_seam_holds() {
    let public_key = std::fs::read_to_string(setting("SUBAKO_LIVE_KEY")).expect("the public key");
    let cloud = connect(AwsOptions {
        region: Some(setting("SUBAKO_LIVE_REGION")),
        ..AwsOptions::default()
    })
    .await
    .unwrap_or_else(|failure| panic!("{failure}"));
    let image = ImageQuery {
        ami: setting("SUBAKO_LIVE_IMAGE"),
        instance_type: "t3.micro".to_owned(),
    };
    let vpc = optional("SUBAKO_LIVE_VPC");
    let free_address = free_address(&cloud, &image, vpc.as_deref()).await;
    let world = World {
        cloud: Arc::new(cloud),
        // The cases of this seam reach no host.
        hosts: Simulator::open(SimOptions::default())
            .expect("a simulator")
            .world()
            .hosts,
        clock: Arc::new(ScaledClock::new(1)),
        vault: Default::default(),
    };
    let bench = CloudBench::new(
        world,
        CloudFixture {
            cluster: setting("SUBAKO_LIVE_SEAM"),
            image,
            other_type: "t3.small".to_owned(),
            zones: Vec::new(),
            vpc,
            subnets: Vec::new(),
            public_key: public_key.trim().to_owned(),
            free_address,
            // A new account may run five or so processors at once.
            crowd: 2,
            counterpart: Counterpart::default(),
        },
    );
    let mut broken = 0;
    for case in cloud_cases() {
        // Each case is swept before the next begins: few instances at once, and none for long.
        let report = run(&[case], &bench).await.pop().expect("a report");
        let swept = bench.sweep().await;
        let said = match (&report.outcome, swept) {
            (Ok(Verdict::Skipped(why)), Ok(())) => format!("skipped: {why}"),
            (Ok(_), Ok(())) => "ok".to_owned(),
            (Err(error), _) => format!("FAILED: {error}"),
            (_, Err(failure)) => format!("FAILED to sweep: {failure}"),
        };
        broken += usize::from(said.starts_with("FAILED"));
        println!("case {}: {said}", report.name);
    }
    assert_eq!(broken, 0, "cases are broken");
}

/// The last but nine address of the first subnet: EC2 gives away those in the middle first, and
/// keeps the last one for itself.
async fn free_address(cloud: &impl Cloud, image: &ImageQuery, vpc: Option<&str>) -> String {
    let lookup = Lookup {
        images: vec![image.clone()],
        zones: Vec::new(),
        vpc: vpc.map(str::to_owned),
        subnets: Vec::new(),
        used: Vec::new(),
    };
    let found = cloud
        .lookup(&lookup)
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    let subnet = found.subnets.first().expect("a subnet");
    let range: ipnet::Ipv4Net = subnet.cidr.parse().expect("a range");
    std::net::Ipv4Addr::from(u32::from(range.broadcast()) - 10).to_string()
}

#[tokio::test]
#[ignore = "looks at a real account: tests/live/live runs it"]
async fn nothing_is_left() {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
            aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let config = aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(setting("SUBAKO_LIVE_REGION")))
        .http_client(http)
        .load()
        .await;
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let clusters = [setting("SUBAKO_LIVE_SEAM"), setting("SUBAKO_LIVE_CLUSTER")];
    let ours = Filter::builder()
        .name(format!("tag:{}", tag::CLUSTER))
        .set_values(Some(clusters.to_vec()))
        .build();
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();

    // Without the adapter: what it does not see would be what is left.
    let mut pages = ec2
        .describe_instances()
        .filters(ours.clone())
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.expect("DescribeInstances");
        let instances = page.reservations().iter().flat_map(|r| r.instances());
        let live = instances.filter(|one| {
            one.state().and_then(|state| state.name())
                != Some(&aws_sdk_ec2::types::InstanceStateName::Terminated)
        });
        found
            .entry("instance")
            .or_default()
            .extend(live.filter_map(|one| one.instance_id().map(str::to_owned)));
    }
    let volumes = ec2
        .describe_volumes()
        .filters(ours.clone())
        .send()
        .await
        .expect("DescribeVolumes");
    let volumes = volumes
        .volumes()
        .iter()
        .filter_map(|one| one.volume_id().map(str::to_owned));
    found.entry("volume").or_default().extend(volumes);
    let groups = ec2.describe_security_groups().filters(ours.clone()).send().await;
    let groups = groups.expect("DescribeSecurityGroups");
    let groups = groups
        .security_groups()
        .iter()
        .filter_map(|one| one.group_id().map(str::to_owned));
    found.entry("security group").or_default().extend(groups);
    let keys = ec2
        .describe_key_pairs()
        .filters(ours.clone())
        .send()
        .await
        .expect("DescribeKeyPairs");
    let keys = keys
        .key_pairs()
        .iter()
        .filter_map(|one| one.key_name().map(str::to_owned));
    found.entry("key pair").or_default().extend(keys);
    let addresses = ec2
        .describe_addresses()
        .filters(ours)
        .send()
        .await
        .expect("DescribeAddresses");
    let addresses = addresses
        .addresses()
        .iter()
        .filter_map(|one| one.allocation_id().map(str::to_owned));
    found.entry("address").or_default().extend(addresses);

    for (what, ids) in &found {
        println!(
            "left {what}: {}{}",
            ids.len(),
            ids.iter().map(|id| format!(" {id}")).collect::<String>()
        );
    }
    let left: usize = found.values().map(Vec::len).sum();
    assert_eq!(left, 0, "something of the kit is left in the account");
}
