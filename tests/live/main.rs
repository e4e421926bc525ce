//! The parts of the live kit (`tests/live/live`) that look at EC2 itself: the cases of the seam
//! `Cloud`, and what carries the kit's tags. They act on whatever account the environment's
//! credentials are for, so they are ignored unless the kit runs them.

#![expect(clippy::print_stdout, reason = "the kit's report is made of it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, InstanceStateName};
use subako_engine::world::{ImageQuery, ScaledClock, World, tag};
use subako_providers::aws::{AwsOptions, connect};
use subako_providers::conformance::{CloudBench, CloudFixture, Counterpart, Verdict, cloud_cases, run};
use subako_providers::sim::{SimOptions, Simulator};

/// What was made so long ago is shown, if it is there (usually within a second).
const SHOWN: Duration = Duration::from_secs(5);
/// How long what was deleted may still be shown.
const GONE: Duration = Duration::from_secs(300);

/// A setting of the kit.
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("tests/live/live sets {name}"))
}

/// One that may be empty.
fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn bench() -> CloudBench {
    let public_key = std::fs::read_to_string(setting("SUBAKO_LIVE_KEY")).expect("the public key");
    let cloud = connect(AwsOptions {
        region: Some(setting("SUBAKO_LIVE_REGION")),
        ..AwsOptions::default()
    })
    .await
    .unwrap_or_else(|failure| panic!("{failure}"));
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
    let fixture = CloudFixture {
        cluster: setting("SUBAKO_LIVE_SEAM"),
        image: ImageQuery {
            ami: setting("SUBAKO_LIVE_IMAGE"),
            instance_type: "t3.micro".to_owned(),
        },
        other_type: "t3.small".to_owned(),
        zones: Vec::new(),
        vpc: optional("SUBAKO_LIVE_VPC"),
        subnets: Vec::new(),
        public_key: public_key.trim().to_owned(),
        // A new account may run five or so processors at once.
        crowd: 2,
        counterpart: Counterpart::default(),
    };
    CloudBench::new(world, fixture)
}

#[tokio::test]
#[ignore = "acts on a real account: tests/live/live runs it"]
async fn the_seam_holds() {
    let bench = bench().await;
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
    // A case that failed may have made something that was not shown yet when it was swept.
    tokio::time::sleep(SHOWN).await;
    bench.sweep().await.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(broken, 0, "cases are broken");
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
    let ec2 = Client::new(&config);
    let clusters = [setting("SUBAKO_LIVE_SEAM"), setting("SUBAKO_LIVE_CLUSTER")];
    let ours = Filter::builder()
        .name(format!("tag:{}", tag::CLUSTER))
        .set_values(Some(clusters.to_vec()))
        .build();

    // What was just deleted is shown for a while, and what was just made is not: nothing is left
    // where two looks that are some seconds apart find nothing.
    let begun = Instant::now();
    let mut empty = 0;
    let left = loop {
        let left = everything(&ec2, &ours).await;
        empty = if left.values().all(Vec::is_empty) {
            empty + 1
        } else {
            0
        };
        if empty == 2 || (empty == 0 && begun.elapsed() >= GONE) {
            break left;
        }
        tokio::time::sleep(SHOWN).await;
    };
    for (what, ids) in &left {
        let ids_text: String = ids.iter().map(|id| format!(" {id}")).collect();
        println!("left {what}: {}{ids_text}", ids.len());
    }
    assert_eq!(empty, 2, "something of the kit is left in the account");
}

/// Everything of the kit's that is shown, by kind. Without the adapter: what it does not see would be
/// what is left. A page may be empty although another one follows.
async fn everything(ec2: &Client, ours: &Filter) -> BTreeMap<&'static str, Vec<String>> {
    let ours = || ours.clone();
    let mut found = BTreeMap::new();

    let mut ids = Vec::new();
    let mut pages = ec2.describe_instances().filters(ours()).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.expect("DescribeInstances");
        let instances = page.reservations().iter().flat_map(|r| r.instances());
        let live = instances
            .filter(|one| one.state().and_then(|state| state.name()) != Some(&InstanceStateName::Terminated));
        ids.extend(live.filter_map(|one| one.instance_id().map(str::to_owned)));
    }
    found.insert("instance", std::mem::take(&mut ids));

    let mut pages = ec2.describe_volumes().filters(ours()).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.expect("DescribeVolumes");
        let volumes = page.volumes().iter();
        ids.extend(volumes.filter_map(|one| one.volume_id().map(str::to_owned)));
    }
    found.insert("volume", std::mem::take(&mut ids));

    let groups = ec2.describe_security_groups().filters(ours());
    let mut pages = groups.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.expect("DescribeSecurityGroups");
        let groups = page.security_groups().iter();
        ids.extend(groups.filter_map(|one| one.group_id().map(str::to_owned)));
    }
    found.insert("security group", std::mem::take(&mut ids));

    let interfaces = ec2.describe_network_interfaces().filters(ours());
    let mut pages = interfaces.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.expect("DescribeNetworkInterfaces");
        let interfaces = page.network_interfaces().iter();
        ids.extend(interfaces.filter_map(|one| one.network_interface_id().map(str::to_owned)));
    }
    found.insert("network interface", ids);

    // These two come in one piece.
    let keys = ec2.describe_key_pairs().filters(ours()).send().await;
    let keys = keys.expect("DescribeKeyPairs");
    let names = keys.key_pairs().iter();
    found.insert(
        "key pair",
        names
            .filter_map(|one| one.key_name().map(str::to_owned))
            .collect(),
    );
    let addresses = ec2.describe_addresses().filters(ours()).send().await;
    let addresses = addresses.expect("DescribeAddresses");
    let ids = addresses.addresses().iter();
    found.insert(
        "address",
        ids.filter_map(|one| one.allocation_id().map(str::to_owned))
            .collect(),
    );
    found
}
