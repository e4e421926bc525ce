//! The manifest after parsing: complete, checked, in the units the engine uses.
//!
//! Nothing here knows TOML. Every default has been filled in; every name refers to something
//! that exists in the same manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use subako_state::{Address, Digest, SealKey};

use super::lines::Lines;
use crate::desired::Ignored;
use crate::finding::Severity;
use crate::money::Prices;
use crate::world::{
    Availability, Condition, Content, CpuCredits, FileKind, NetworkSpec, Role, Rule, ServiceSpec, Vault,
};

/// A whole manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// `[cluster]`.
    pub cluster: Cluster,
    /// `[aws]`.
    pub aws: Aws,
    /// `[key_pair]`; `None` runs instances without one.
    pub key_pair: Option<KeyPair>,
    /// `[ssh]`.
    pub ssh: Ssh,
    /// `[security_group]`.
    pub security_group: SecurityGroup,
    /// `[swarm]`.
    pub swarm: SwarmSettings,
    /// `[docker]`.
    pub docker: Docker,
    /// `[[pool]]`, in the order written.
    pub pools: Vec<Pool>,
    /// `[[network]]`, in the order written.
    pub networks: Vec<NetworkSpec>,
    /// `[secret.NAME]`, by name.
    pub secrets: Vec<File>,
    /// `[config.NAME]`, by name.
    pub configs: Vec<File>,
    /// `[[service]]`, in the order written.
    pub services: Vec<Service>,
    /// `[registry]`: the Docker client's configuration, which has the logins.
    pub docker_config: Option<PathBuf>,
    /// Services, networks, secrets and configs with `protect = true`.
    pub protected: BTreeSet<Address>,
    /// What of it is left as it is where it is there: `ignore_changes`.
    pub ignored: Ignored,
    /// `[checks.ID]`, by id.
    pub checks: BTreeMap<String, CheckSetting>,
    /// `[prices]`.
    pub prices: Prices,
    /// `[[moved]]`, in the order written.
    pub moved: Vec<Moved>,
    /// `[state]`.
    pub state: StateBackend,
    /// `[sim]`.
    pub sim: Sim,
    /// Where all of it stands.
    pub lines: Lines,
}

impl Manifest {
    /// Names the secrets, each after its content under this key, as configs are after theirs.
    /// Until then nothing that is made from the manifest may be kept or compared.
    pub fn seal(&mut self, key: &SealKey) {
        for secret in &mut self.secrets {
            if let Some(content) = &secret.content {
                let digest = key.digest(&[secret.name.as_bytes(), content.expose()]);
                secret.object = File::object(&secret.name, &digest);
            }
        }
    }

    /// The secrets whose contents are not at hand: each keeps the name that is recorded for it.
    pub fn without_content(&self) -> impl Iterator<Item = &File> {
        self.secrets.iter().filter(|secret| secret.content.is_none())
    }

    /// What its secrets and configs contain, as far as it is at hand.
    pub fn vault(&self) -> Vault {
        let of = |kind, files: &[File]| -> Vec<_> {
            let files = files.iter();
            files
                .filter_map(|file| Some((kind, file.object.clone(), file.content.clone()?)))
                .collect()
        };
        let secrets = of(FileKind::Secret, &self.secrets);
        Vault::new(secrets.into_iter().chain(of(FileKind::Config, &self.configs)))
    }

    /// The names of a pool's instances, `pool-0` to `pool-(count-1)`.
    pub fn instance_names(pool: &Pool) -> impl Iterator<Item = String> + '_ {
        (0..pool.count).map(|index| format!("{}-{index}", pool.name))
    }
}

/// What acts on the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon EC2.
    Aws,
    /// The simulator.
    Sim,
}

/// `[checks.ID]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckSetting {
    /// What its findings matter.
    pub severity: Severity,
    /// Why.
    pub reason: String,
}

/// `[cluster]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The name: lower-case letters, digits and hyphens; it becomes part of tags and file names.
    pub name: String,
    /// The provider.
    pub provider: Provider,
    /// Tags for everything that can carry them.
    pub tags: BTreeMap<String, String>,
}

/// `[state]`: what keeps the state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StateBackend {
    /// A directory, which the command line names.
    #[default]
    Local,
    /// A bucket.
    S3(StateBucket),
}

/// A bucket that keeps states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateBucket {
    /// Its name.
    pub bucket: String,
    /// What the keys begin with, without a slash at the end; `None` for nothing.
    pub prefix: Option<String>,
    /// Its region; `None` leaves it to the environment or profile.
    pub region: Option<String>,
    /// The URL of another service than AWS's; `None` leaves it to the environment.
    pub endpoint: Option<String>,
    /// How long a holder that is not heard of keeps the lock, seconds.
    pub lease_s: u64,
}

/// `[aws]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    /// The account that it has to be; `None` leaves it to the credentials.
    pub account: Option<String>,
    /// The region; `None` leaves it to the environment or profile.
    pub region: Option<String>,
    /// Zones to spread over, in this order; empty for the first zone of the VPC that has a subnet.
    pub availability_zones: Vec<String>,
    /// The VPC; `None` for the default one.
    pub vpc: Option<String>,
    /// Subnets to use, at most one a zone; empty for the zones' default ones.
    pub subnets: Vec<String>,
}

/// `[key_pair]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The name in EC2.
    pub name: String,
    /// The public key in OpenSSH's one-line form, already read from its file.
    pub public_key: String,
}

/// `[ssh]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The login user.
    pub user: String,
    /// The port.
    pub port: u16,
    /// The private key's file; `None` leaves it to the agent.
    pub private_key: Option<PathBuf>,
    /// Whether hosts are dialled by their private addresses.
    pub private: bool,
    /// A bastion, `user@host[:port]`.
    pub jump: Option<String>,
    /// A known_hosts file to honour; `None` for none.
    pub known_hosts: Option<PathBuf>,
    /// How long a host may take to boot and let us in, seconds.
    pub boot_timeout_s: u64,
    /// How long one remote command may take, seconds.
    pub command_timeout_s: u64,
}

impl Ssh {
    /// Whether hosts are dialled by their private addresses, from here or from a bastion.
    pub fn dials_private(&self) -> bool {
        self.private || self.jump.is_some()
    }
}

/// `[security_group]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// The name in EC2; the cluster's name when not given.
    pub name: String,
    /// Ranges that may reach the port of `[ssh]`, in CIDR notation.
    pub ssh_from: Vec<String>,
    /// Ranges that may reach published ports; everyone when not given.
    pub publish_to: Vec<String>,
    /// Further rules, as written.
    pub ingress: Vec<Rule>,
}

/// `[swarm]`: all optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmSettings {
    /// Ranges that overlay networks are cut from; empty lets Subako choose one that does not
    /// collide with the VPC.
    pub addr_pool: Vec<String>,
    /// The mask length of each network, 1 to 29.
    pub subnet_size: u8,
    /// A Docker Engine version wanted on every host; `None` for the distribution's newest.
    pub engine_version: Option<String>,
    /// How long a service may take to converge, seconds.
    pub converge_timeout_s: u64,
}

/// `[[pool]]`: instances alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The name: instances are `name-0`, `name-1`, …
    pub name: String,
    /// The role of its nodes.
    pub role: Role,
    /// How many.
    pub count: u32,
    /// The instance type.
    pub instance_type: String,
    /// The image: `ami-…`, a family name or a name pattern.
    pub ami: String,
    /// Root volume, GiB.
    pub disk_gib: u32,
    /// Whether the root volume is encrypted.
    pub disk_encrypted: bool,
    /// Node labels.
    pub labels: BTreeMap<String, String>,
    /// Availability of its nodes.
    pub availability: Availability,
    /// Fixed private addresses, one an instance; empty for none.
    pub private_ips: Vec<String>,
    /// Whether instances get a public address, and of which sort; `None` leaves it to the subnet.
    pub public_ip: Option<PublicIp>,
    /// What instances do without CPU credits; `None` is `standard`.
    pub cpu_credits: Option<CpuCredits>,
    /// Whether its instances refuse to be terminated.
    pub protect: bool,
    /// Further tags for its instances.
    pub tags: BTreeMap<String, String>,
}

/// `[docker]`: what every engine is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Docker {
    /// Whether the manifest has the section: what it leaves out are defaults either way, but engines
    /// that are there already are restarted for what is written only.
    pub is_written: bool,
    /// Where containers' output goes, as Docker calls it.
    pub log_driver: String,
    /// Options of that.
    pub log_options: BTreeMap<String, String>,
    /// The address of docker0 with its mask; `None` lets Subako choose.
    pub bip: Option<String>,
    /// Ranges for networks of one host; empty lets Subako choose.
    pub address_pools: Vec<String>,
    /// Mirrors of Docker Hub.
    pub registry_mirrors: Vec<String>,
}

/// The public address of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicIp {
    /// None.
    No,
    /// One of EC2's, another at each start.
    Yes,
    /// One of the account's, which stays.
    Elastic,
}

/// `[[service]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What Swarm is told.
    pub spec: ServiceSpec,
    /// The services that it waits for, by name, each until when.
    pub depends_on: BTreeMap<String, Condition>,
    /// How long tasks that keep ending are waited for, seconds; `None` for a few attempts.
    pub give_up_after_s: Option<u64>,
}

/// `[secret.NAME]` or `[config.NAME]`, its content read if it is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name in the manifest.
    pub name: String,
    /// Its name in the swarm, made from its content.
    pub object: String,
    /// What it contains; `None` for a secret whose content is not at hand.
    pub content: Option<Content>,
    /// Where the content comes from, for people: `the variable TOKEN of the environment`.
    pub source: String,
}

impl File {
    /// The name in the swarm: 16 digits of the digest tell the contents of one name apart.
    pub(super) fn object(name: &str, digest: &Digest) -> String {
        format!("{name}-{}", &digest.hex()[..16])
    }
}

/// A kind of block that `[[moved]]` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Block {
    /// `[[pool]]`.
    Pool,
}

impl Block {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Pool];

    /// The word that names are written with.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pool => "pool",
        }
    }
}

/// `[[moved]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The kind of block.
    pub block: Block,
    /// The name that it had.
    pub from: String,
    /// The name that it has now, however often it was moved.
    pub to: String,
}

/// How the simulator's time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SimTime {
    /// Virtual: nothing waits.
    Instant,
    /// So fast that the example cluster is up in a few seconds.
    #[default]
    Fast,
    /// As on EC2.
    Real,
}

/// What a simulated fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimFaultKind {
    /// The call fails with this code and changes nothing.
    Error(String),
    /// The call times out and changed nothing.
    TimeoutBeforeEffect,
    /// The call times out and took effect.
    TimeoutAfterEffect,
}

/// One line of the simulator's fault table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimFault {
    /// The call, for example `run_instance`; `*` for any call that changes something.
    pub call: String,
    /// Which call of that name in one run of the program, from 1.
    pub nth: u32,
    /// For how many calls in a row.
    pub times: u32,
    /// What happens.
    pub kind: SimFaultKind,
}

/// `[sim]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sim {
    /// Decides every duration and id.
    pub seed: u64,
    /// How time runs.
    pub time: SimTime,
    /// Faults.
    pub faults: Vec<SimFault>,
}
