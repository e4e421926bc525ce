//! The cases of the seams `Hosts` and `Host`, as on the simulator, with real engines.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use subako_engine::world::{ImageQuery, ScaledClock, World};
use subako_providers::aws::{AwsOptions, Tuning, connect};
use subako_providers::conformance::{CloudFixture, Counterpart, HostBench, HostFixture, Verdict, host_cases};
use subako_providers::ssh::{SshHosts, SshOptions};

use super::bench::Lab;

/// One case alone, by its name.
const CASE: &str = "SUBAKO_LAB_CASE";

fn fixture(lab: &Lab) -> HostFixture {
    let key = fs::read_to_string(lab.text("/keys/ed25519/public")).expect("a public key");
    HostFixture {
        cloud: CloudFixture {
            cluster: "conformance".to_owned(),
            image: ImageQuery {
                ami: lab.hosts().ami.to_owned(),
                instance_type: "t3.micro".to_owned(),
            },
            other_type: "t3.small".to_owned(),
            zones: Vec::new(),
            vpc: None,
            subnets: Vec::new(),
            public_key: key.trim().to_owned(),
            crowd: 1,
            counterpart: Counterpart::default(),
        },
        image: "mingsiro71/replyhost:v1".to_owned(),
        other_image: "mingsiro71/replyhost:v2".to_owned(),
        missing_image: "no/does-not-exist:1".to_owned(),
        crashing_image: "crash".to_owned(),
        shell_image: "alpine".to_owned(),
        patience: Duration::from_secs(120),
    }
}

async fn world(lab: &Lab) -> World {
    let clock = Arc::new(ScaledClock::new(1));
    let cloud = connect(AwsOptions {
        region: Some(lab.text("/region").to_owned()),
        endpoint: Some(lab.text("/endpoint").to_owned()),
        tuning: Some(Tuning::local()),
        ..AwsOptions::default()
    })
    .await
    .expect("the lab's EC2");
    let options = SshOptions {
        user: lab.hosts().user.to_owned(),
        port: 22,
        private_key: Some(PathBuf::from(lab.text("/keys/ed25519/private"))),
        private: true,
        jump: None,
        known_hosts: None,
        docker_config: None,
        boot_timeout: Duration::from_secs(120),
        command_timeout: Duration::from_secs(300),
        docker_socket: "/var/run/docker.sock".to_owned(),
    };
    World {
        cloud: Arc::new(cloud),
        hosts: Arc::new(SshHosts::new(options, clock.clone()).expect("the key")),
        clock,
        vault: Default::default(),
    }
}

#[test]
#[ignore = "takes many minutes"]
fn real_hosts_do_what_every_host_must() {
    let Some(lab) = Lab::turn("the cases of the seam Host") else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let broken = runtime.block_on(async {
        let bench = HostBench::prepare(world(&lab).await, fixture(&lab))
            .await
            .expect("three machines");
        let mut broken = Vec::new();
        let only = std::env::var(CASE).ok();
        let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
        for case in host_cases().into_iter().filter(|case| wanted(case.name)) {
            let began = Instant::now();
            let outcome = (case.run)(&bench).await;
            let took = began.elapsed().as_secs_f64();
            match outcome {
                Ok(Verdict::Passed) => eprintln!("{took:6.1} s  {}", case.name),
                Ok(Verdict::Skipped(why)) => broken.push(format!("{} was skipped: {why}", case.name)),
                Err(error) => {
                    eprintln!("{took:6.1} s  {}: {error}", case.name);
                    broken.push(format!("{}: {error}", case.name));
                }
            }
        }
        bench.cloud.sweep().await.expect("nothing resists");
        broken
    });
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    lab.assert_empty("after the cases");
}
