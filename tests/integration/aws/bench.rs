//! A cluster in an empty folder, in a region of moto.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Instance, InstanceStateName, KeyPairInfo, SecurityGroup};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::proxy::Proxy;
use crate::support::{Ran, replace, root, subako};

/// How many clusters there have been.
static BEGUN: AtomicUsize = AtomicUsize::new(0);
/// Regions that no further test gets, while there are others.
static FULL: Mutex<Vec<&str>> = Mutex::new(Vec::new());

const ALL_REGIONS: [&str; 12] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// A region, and a number that no other cluster has. The regions are taken in turns: clusters
/// stay, names are not used twice, and moto forgets with its process.
fn take_region() -> (&'static str, usize) {
    let full = FULL.lock().unwrap_or_else(PoisonError::into_inner);
    let number = BEGUN.fetch_add(1, Ordering::SeqCst);
    let mut regions: Vec<&str> = ALL_REGIONS.to_vec();
    regions.retain(|region| !full.contains(region));
    if regions.is_empty() {
        regions.extend(ALL_REGIONS);
    }
    (regions[number % regions.len()], number)
}

/// moto's `host:port`; `None` skips the test.
pub fn moto() -> Option<String> {
    match std::env::var("SUBAKO_MOTO") {
        Ok(url) => Some(url.trim_start_matches("http://").trim_end_matches('/').to_owned()),
        Err(_) => {
            let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
            assert!(!ci, "SUBAKO_MOTO must be set where CI is");
            #[expect(clippy::print_stderr, reason = "a skipped test says so")]
            {
                eprintln!("skipped: SUBAKO_MOTO is not set (tests/run sets it)");
            }
            None
        }
    }
}

/// The command line of these tests: the instances and what they need, without any host.
pub const APPLY: [&str; 4] = ["apply", "--target", "instance.*", "--yes"];
/// Its plan.
pub const PLAN: [&str; 4] = ["plan", "--target", "instance.*", "--detailed-exitcode"];

/// A cluster in an empty folder, a region of moto, and a proxy between them.
pub struct Bench {
    pub dir: Arc<tempfile::TempDir>,
    pub region: &'static str,
    pub name: String,
    pub proxy: Proxy,
    pub ec2: Client,
    runtime: Runtime,
}

impl Bench {
    /// The example cluster, its text edited; `None` skips the test.
    pub fn with(edit: impl FnOnce(String) -> String) -> Option<Self> {
        let moto = moto()?;
        let (region, number) = take_region();
        let name = format!("e{}-{number}", std::process::id());
        let runtime = new_runtime();
        let bench = Self {
            dir: Arc::new(tempfile::tempdir().expect("a folder")),
            region,
            name: name.clone(),
            proxy: start_proxy(&moto),
            ec2: client(&runtime, &moto, region),
            runtime,
        };
        fs::copy(
            root().join("examples/sandbox.pub"),
            bench.dir.path().join("sandbox.pub"),
        )
        .expect("the key");
        let text = fs::read_to_string(root().join("examples/sandbox.toml")).expect("the example");
        let text = text.replace("ap-northeast-1", region);
        let text = replace(&text, "name = \"sandbox\"", &format!("name = \"{name}\""));
        let text = replace(&text, "Sandbox-master-key", &format!("{name}-key"));
        let text = replace(&text, "Sandbox-public-web-maintenance", &format!("{name}-group"));
        // moto's machines do not exist: whoever asks one gets an answer on this machine, "refused".
        let text = replace(
            &text,
            "private_key = \"~/.ssh/sandbox\"        # stays on your machine",
            "jump = \"nobody@127.0.0.1:1\"",
        );
        bench.write(&edit(text));
        Some(bench)
    }

    /// The example cluster: three managers, two workers.
    pub fn sandbox() -> Option<Self> {
        Self::with(|text| text)
    }

    /// One manager and one worker.
    pub fn small() -> Option<Self> {
        Self::with(|text| {
            let text = replace(&text, "count = 3", "count = 1");
            replace(&text, "count = 2", "count = 1")
        })
    }

    /// The same cluster behind a proxy that breaks nothing yet and has counted nothing.
    pub fn behind_another_proxy(&self, moto: &str) -> Self {
        let runtime = new_runtime();
        Self {
            dir: Arc::clone(&self.dir),
            region: self.region,
            name: self.name.clone(),
            proxy: start_proxy(moto),
            ec2: client(&runtime, moto, self.region),
            runtime,
        }
    }

    /// No later test gets this region, while there are others: moto keeps what was terminated,
    /// and every read wades through it.
    pub fn keep_region(&self) {
        let mut full = FULL.lock().unwrap_or_else(PoisonError::into_inner);
        full.push(self.region);
    }

    pub fn manifest(&self) -> PathBuf {
        self.dir.path().join("cluster.toml")
    }

    pub fn write(&self, text: &str) {
        fs::write(self.manifest(), text).expect("the manifest is written");
    }

    /// Replaces a text that must be there, once.
    pub fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.manifest()).expect("the manifest");
        self.write(&replace(&text, from, to));
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join(format!(".subako/{}.aws", self.name))
    }

    /// The binary without any credentials.
    pub fn anonymous(&self, args: &[&str]) -> Command {
        let mut command = subako();
        command
            .current_dir(self.dir.path())
            .args(args)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", self.proxy.url());
        command
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.anonymous(args);
        command
            .env("AWS_ACCESS_KEY_ID", "AKIATESTTESTTEST")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    pub fn apply(&self) -> Ran {
        self.run(&APPLY)
    }

    pub fn output(&self, args: &[&str], variable: (&str, String)) -> Output {
        self.command(args)
            .env(variable.0, variable.1)
            .output()
            .expect("the binary runs")
    }

    /// The plan as JSON.
    pub fn plan(&self) -> Value {
        self.run(&["plan", "--target", "instance.*", "--format", "json"])
            .expect(0)
            .json()
    }

    /// The resources in the state; none if there is no state.
    pub fn resources(&self) -> Vec<Value> {
        let Ok(text) = fs::read_to_string(self.state_dir().join("state.json")) else {
            return Vec::new();
        };
        let state: Value = serde_json::from_str(&text).expect("the state is JSON");
        state["resources"].as_array().expect("resources").clone()
    }

    /// Waits for something of the SDK.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The instances that are not terminated, by name: an independent look.
    pub fn instances(&self) -> Vec<Instance> {
        let ours = self.ever_run();
        let gone = [InstanceStateName::Terminated, InstanceStateName::ShuttingDown];
        ours.into_iter()
            .filter(|instance| !gone.iter().any(|state| state_of(instance) == *state))
            .collect()
    }

    /// The cluster's instances, terminated ones too. Found by their group and tags, so that one
    /// that lost either is still seen.
    pub fn ever_run(&self) -> Vec<Instance> {
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let look = self
                .ec2
                .describe_instances()
                .max_results(1000)
                .set_next_token(next);
            let answer = self.wait(look.send()).expect("moto answers");
            let reservations = answer.reservations.unwrap_or_default();
            found.extend(
                reservations
                    .into_iter()
                    .flat_map(|r| r.instances.unwrap_or_default()),
            );
            next = answer.next_token;
            if next.is_none() {
                break;
            }
        }
        found.retain(|instance| {
            instance.key_name() == Some(&format!("{}-key", self.name))
                || tags(instance).get("subako:cluster") == Some(&self.name)
        });
        found.sort_by_key(name);
        found
    }

    /// The cluster's security groups, by name or tag.
    pub fn groups(&self) -> Vec<SecurityGroup> {
        let answer = self
            .wait(self.ec2.describe_security_groups().send())
            .expect("moto answers");
        let mut groups = answer.security_groups.unwrap_or_default();
        let name = format!("{}-group", self.name);
        groups.retain(|group| group.group_name() == Some(&name));
        groups
    }

    /// The cluster's key pairs.
    pub fn keys(&self) -> Vec<KeyPairInfo> {
        let answer = self
            .wait(self.ec2.describe_key_pairs().send())
            .expect("moto answers");
        let mut keys = answer.key_pairs.unwrap_or_default();
        let name = format!("{}-key", self.name);
        keys.retain(|key| key.key_name() == Some(&name));
        keys
    }

    /// The volumes that carry the cluster's tag.
    pub fn volumes(&self) -> Vec<aws_sdk_ec2::types::Volume> {
        let answer = self
            .wait(self.ec2.describe_volumes().send())
            .expect("moto answers");
        let mut volumes = answer.volumes.unwrap_or_default();
        volumes.retain(|volume| {
            let mut tags = volume.tags().iter();
            tags.any(|tag| tag.key() == Some("subako:cluster") && tag.value() == Some(&self.name))
        });
        volumes
    }

    /// Everything of the cluster's that exists: how many instances, groups, key pairs, volumes.
    pub fn census(&self) -> [usize; 4] {
        [
            self.instances().len(),
            self.groups().len(),
            self.keys().len(),
            self.volumes().len(),
        ]
    }

    /// Nothing of the cluster's exists.
    #[track_caller]
    pub fn assert_nothing(&self, place: &str) {
        assert_eq!(self.census(), [0; 4], "left in EC2: {place}");
    }

    /// What exists is what is in the state, once each, and the next plan has no changes.
    #[track_caller]
    pub fn assert_whole(&self, instances: usize, place: &str) {
        assert_eq!(
            self.census(),
            [instances, 1, 1, instances],
            "instances, groups, key pairs, volumes: {place}"
        );
        let mut known: Vec<String> = self
            .resources()
            .iter()
            .filter(|resource| {
                resource["address"]
                    .as_str()
                    .is_some_and(|a| a.starts_with("instance."))
            })
            .map(|resource| {
                resource["outputs"]["instance_id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        let mut there: Vec<String> = self
            .instances()
            .iter()
            .map(|instance| instance.instance_id().unwrap_or_default().to_owned())
            .collect();
        known.sort();
        there.sort();
        assert_eq!(known, there, "the state and EC2: {place}");
        let plan = self.run(&PLAN);
        assert_eq!(plan.code, Some(0), "the next plan, {place}: {}", plan.said());
    }
}

fn new_runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// The proxy lives in a thread of its own, because the tests wait for processes.
/// A proxy before the EC2 API at `host:port`, for as long as the process lives.
pub fn start_proxy(moto: &str) -> Proxy {
    let (sender, receiver) = mpsc::channel();
    let moto = moto.to_owned();
    std::thread::spawn(move || {
        new_runtime().block_on(async {
            let proxy = Proxy::start(&moto).await.expect("the proxy starts");
            if sender.send(proxy).is_ok() {
                std::future::pending::<()>().await;
            }
        });
    });
    receiver.recv().expect("the proxy started")
}

/// The SDK without the adapter and past the proxy.
fn client(runtime: &Runtime, moto: &str, region: &'static str) -> Client {
    let config = runtime.block_on(
        aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new(region))
            .endpoint_url(format!("http://{moto}"))
            .test_credentials()
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .load(),
    );
    Client::new(&config)
}

pub fn state_of(instance: &Instance) -> InstanceStateName {
    let state = instance.state().and_then(|state| state.name());
    state.expect("a state").clone()
}

pub fn tags(instance: &Instance) -> BTreeMap<String, String> {
    let pairs = instance.tags().iter();
    pairs
        .map(|tag| {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            (text(tag.key()), text(tag.value()))
        })
        .collect()
}

/// The name that the manifest gives an instance.
pub fn name(instance: &Instance) -> String {
    let address = tags(instance).remove("subako:address").unwrap_or_default();
    address.trim_start_matches("instance.").to_owned()
}

pub fn id(instance: &Instance) -> &str {
    instance.instance_id().expect("an id")
}
