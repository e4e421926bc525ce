//! A cluster in a directory of its own.

use std::path::{Path, PathBuf};

use subako_providers::sim::LARGE_VPC;
use tempfile::TempDir;

use super::process::{self, Failed, Used};

/// The default VPC of the simulated region has room for so many instances in three zones.
const DEFAULT_VPC: u32 = 12_000;

/// A manifest with three managers, workers and a service, and the state beside it.
pub struct Workload {
    directory: TempDir,
    nodes: u32,
}

impl Workload {
    /// A cluster of so many nodes, of which nothing exists yet.
    pub fn new(nodes: u32) -> Result<Self, Failed> {
        // Not in memory: a step costs a sync of the journal, and that has to show.
        let directory =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(Failed::of("make a directory"))?;
        let workload = Self { directory, nodes };
        std::fs::write(workload.path("cluster.toml"), manifest(nodes))
            .map_err(Failed::of("write a manifest"))?;
        Ok(workload)
    }

    /// From now on its service runs another image.
    pub fn change(&self) -> Result<(), Failed> {
        let changed = manifest(self.nodes).replace("nginx:1.27", "nginx:1.28");
        std::fs::write(self.path("cluster.toml"), changed).map_err(Failed::of("write a manifest"))
    }

    /// A file in its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// How many resources it has: an instance, an engine and a member for each node; key pair,
    /// security group, swarm and service.
    pub fn resources(&self) -> u32 {
        3 * self.nodes + 4
    }

    /// Runs the binary on it.
    pub fn run<const N: usize>(&self, arguments: [&str; N]) -> Result<Used, Failed> {
        self.run_into(None, &arguments)
    }

    /// Runs the binary on it, standard output into a file.
    pub fn run_into(&self, out: Option<&Path>, arguments: &[&str]) -> Result<Used, Failed> {
        let file = self.path("cluster.toml").display().to_string();
        let mut all = vec!["--sim", "-f", &file];
        all.extend(arguments);
        process::subako(out, &all)
    }
}

fn manifest(nodes: u32) -> String {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/sandbox.pub");
    let vpc = if nodes > DEFAULT_VPC {
        format!("vpc = \"{LARGE_VPC}\"")
    } else {
        String::new()
    };
    let workers = nodes - 3;
    let replicas = 2 * nodes;
    format!(
        r#"[cluster]
name = "bench"

[aws]
region = "ap-northeast-1"
availability_zones = ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"]
{vpc}

[key_pair]
name = "bench"
public_key = {key:?}

[security_group]
ssh_from = "198.51.100.7/32"

[[pool]]
name = "manager"
role = "manager"
count = 3
instance_type = "t3.small"
availability = "drain"

[[pool]]
name = "worker"
role = "worker"
count = {workers}
instance_type = "t3.micro"

[swarm]
subnet_size = 15

[[service]]
name = "web"
image = "nginx:1.27"
replicas = {replicas}
ports = ["80:80"]
update_config = {{ parallelism = 50, order = "start-first" }}

[sim]
time = "instant"
"#
    )
}
