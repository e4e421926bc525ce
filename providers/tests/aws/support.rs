//! What the tests share: moto's address, clients, requests.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_ec2::types::Filter;
use subako_engine::world::{
    Cloud, ImageQuery, Instance, InstanceRequest, KeyPairRequest, Lookup, LookupAnswer, Ownership, Port,
    Protocol, Result, Rule, SecurityGroup, SecurityGroupRequest, Source, tag,
};
use subako_providers::aws::{AwsCloud, AwsOptions, Tuning, connect};

use super::proxy::Proxy;

pub const REGION: &str = "ap-northeast-1";

/// How long moto may take to forget.
const FORGETS_WITHIN: Duration = Duration::from_secs(60);

/// moto is one process, and counts and deadlines are looked at: one test at a time has it.
static TURN: Mutex<()> = Mutex::new(());

/// moto's `host:port`, for the test whose turn it is.
pub struct Moto {
    authority: String,
    _turn: MutexGuard<'static, ()>,
}

impl Moto {
    /// Makes moto forget everything: it keeps what was terminated, and every read wades through it.
    pub fn forget(&self) {
        let answer = TcpStream::connect(&self.authority).and_then(|mut stream| {
            stream.set_read_timeout(Some(FORGETS_WITHIN))?;
            stream.write_all(b"POST /moto-api/reset HTTP/1.0\r\nContent-Length: 0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        let answer = answer.expect("moto answers");
        assert!(answer.contains(" 200 "), "{answer}");
    }
}

impl Deref for Moto {
    type Target = str;

    fn deref(&self) -> &str {
        &self.authority
    }
}

/// moto, once it is this test's turn; `None` skips the test.
pub fn moto() -> Option<Moto> {
    let url = std::env::var("SUBAKO_MOTO").ok();
    let Some(url) = url else {
        assert!(
            std::env::var_os("CI").is_none(),
            "SUBAKO_MOTO must be set where CI is"
        );
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: SUBAKO_MOTO is not set (tests/run sets it)");
        }
        return None;
    };
    assert!(
        std::env::var_os("AWS_ACCESS_KEY_ID").is_some(),
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set to anything"
    );
    Some(Moto {
        authority: url.trim_start_matches("http://").trim_end_matches('/').to_owned(),
        // A test that failed has said so; the others go on.
        _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner),
    })
}

/// For an API on this machine. A busy one must not look like a silent one.
pub fn tuning() -> Tuning {
    Tuning {
        attempt_timeout: Duration::from_secs(60),
        ..Tuning::local()
    }
}

pub fn options(endpoint: &str, tuning: Tuning) -> AwsOptions {
    AwsOptions {
        region: Some(REGION.to_owned()),
        endpoint: Some(endpoint.to_owned()),
        tuning: Some(tuning),
        ..AwsOptions::default()
    }
}

/// A proxy before moto, and the adapter before the proxy.
pub async fn world(moto: &str) -> (Proxy, AwsCloud) {
    world_in(moto, REGION).await
}

/// The same in another region: moto keeps what was terminated, and every read wades through it.
pub async fn world_in(moto: &str, region: &str) -> (Proxy, AwsCloud) {
    let proxy = Proxy::start(moto).await.unwrap();
    let cloud = connect(AwsOptions {
        region: Some(region.to_owned()),
        ..options(&proxy.url(), tuning())
    })
    .await
    .unwrap();
    (proxy, cloud)
}

/// The SDK without the adapter, to look at moto independently and to change things by hand.
pub async fn by_hand(moto: &str) -> aws_sdk_ec2::Client {
    by_hand_in(moto, REGION).await
}

/// The same in another region.
pub async fn by_hand_in(moto: &str, region: &'static str) -> aws_sdk_ec2::Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(region))
        .endpoint_url(format!("http://{moto}"))
        .http_client(http)
        .load()
        .await;
    aws_sdk_ec2::Client::new(&config)
}

/// Every instance that was ever run for a cluster, terminated ones included.
pub async fn ever_run(ec2: &aws_sdk_ec2::Client, cluster: &str) -> Vec<aws_sdk_ec2::types::Instance> {
    let filter = Filter::builder()
        .name(format!("tag:{}", tag::CLUSTER))
        .values(cluster)
        .build();
    let answer = ec2
        .describe_instances()
        .max_results(1000)
        .filters(filter)
        .send()
        .await
        .unwrap();
    let reservations = answer.reservations.unwrap_or_default();
    reservations
        .into_iter()
        .flat_map(|r| r.instances.unwrap_or_default())
        .collect()
}

/// A cluster's name that no other test and no other run has.
pub fn cluster(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

pub fn ownership(cluster: &str, address: &str) -> Ownership {
    Ownership {
        cluster: cluster.to_owned(),
        address: address.to_owned(),
        generation: 0,
        token: format!("{cluster}-{address}-0"),
    }
}

pub fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

pub const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKXtIkl2Gz2zX0z6rN3rXoM0o0m1Vh4x0m3Qv0uKXl";

pub fn key_request(cluster: &str) -> KeyPairRequest {
    KeyPairRequest {
        name: format!("{cluster}-key"),
        public_key: format!("{PUBLIC_KEY} me@home"),
        tags: tags(&[("Unit", "Sandbox")]),
        ownership: ownership(cluster, "key_pair.main"),
    }
}

pub fn group_request(cluster: &str, vpc_id: &str) -> SecurityGroupRequest {
    SecurityGroupRequest {
        name: format!("{cluster}-group"),
        description: "made by a test".to_owned(),
        vpc_id: vpc_id.to_owned(),
        tags: tags(&[("Unit", "Sandbox")]),
        ownership: ownership(cluster, "security_group.main"),
    }
}

pub fn rule(protocol: Protocol, from: u16, to: u16, source: Source) -> Rule {
    Rule {
        description: format!("test {from}"),
        ports: Port { from, to },
        protocol,
        source,
    }
}

pub fn rules() -> Vec<Rule> {
    let anywhere = || Source::Cidr("0.0.0.0/0".to_owned());
    vec![
        rule(Protocol::Tcp, 22, 22, Source::Cidr("203.0.113.7/32".to_owned())),
        rule(Protocol::Tcp, 80, 80, anywhere()),
        rule(Protocol::Tcp, 2377, 2377, Source::SelfGroup),
        rule(Protocol::Udp, 4789, 4789, Source::SelfGroup),
        rule(Protocol::Esp, 0, 65535, Source::SelfGroup),
    ]
}

pub async fn look_up(cloud: &dyn Cloud) -> Result<LookupAnswer> {
    let query = Lookup {
        images: vec![image_query()],
        ..Lookup::default()
    };
    cloud.lookup(&query).await
}

/// What a look-up finds, and a group of a cluster's own.
pub async fn with_group(cloud: &dyn Cloud, cluster: &str) -> (LookupAnswer, SecurityGroup) {
    let found = look_up(cloud).await.unwrap();
    let request = group_request(cluster, &found.vpc_id);
    let group = cloud.create_security_group(&request).await.unwrap();
    (found, group)
}

/// The same with an instance in the group, just launched.
pub async fn with_instance(cloud: &dyn Cloud, cluster: &str) -> (LookupAnswer, SecurityGroup, Instance) {
    let (found, group) = with_group(cloud, cluster).await;
    let request = instance_request(cluster, "one", &found, &group.id);
    let instance = cloud.run_instance(&request).await.unwrap();
    (found, group, instance)
}

/// This test binary again, as one ignored test of it, in an environment with nothing but `variables`;
/// what that printed.
pub fn child(test: &str, variables: &[(&str, &str)]) -> String {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied());
    let output = child.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn image_query() -> ImageQuery {
    ImageQuery {
        ami: "amazon-linux-2023".to_owned(),
        instance_type: "t3.micro".to_owned(),
    }
}

/// A request for an instance in the first subnet that was found.
pub fn instance_request(cluster: &str, name: &str, found: &LookupAnswer, group: &str) -> InstanceRequest {
    let subnet = &found.subnets[0];
    InstanceRequest {
        name: name.to_owned(),
        image_id: found.images[&image_query()].image_id.clone(),
        instance_type: "t3.micro".to_owned(),
        subnet_id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        security_group_id: group.to_owned(),
        key_name: Some(format!("{cluster}-key")),
        private_ip: None,
        public_ip: None,
        disk_gib: 12,
        disk_encrypted: false,
        cpu_credits: Default::default(),
        protect: false,
        tags: tags(&[("Name", name), ("Unit", "Sandbox")]),
        ownership: ownership(cluster, &format!("instance.{name}")),
    }
}

/// The instance of that name in a survey.
pub fn named<'a>(instances: &'a [Instance], name: &str) -> &'a Instance {
    let found = instances
        .iter()
        .find(|i| i.tags.get("Name").map(String::as_str) == Some(name));
    found.unwrap_or_else(|| panic!("no instance is called {name}"))
}

/// Removes all that carries the cluster's tag.
pub async fn clean_up(cloud: &dyn Cloud, cluster: &str) -> Result<()> {
    let survey = cloud.survey(cluster).await?;
    for address in &survey.elastic_ips {
        cloud.release_address(&address.id).await?;
    }
    for instance in &survey.instances {
        cloud.terminate_instance(&instance.id, true).await?;
    }
    for group in &survey.security_groups {
        cloud.delete_security_group(&group.id).await?;
    }
    for key in &survey.key_pairs {
        cloud.delete_key_pair(&key.name).await?;
    }
    Ok(())
}
