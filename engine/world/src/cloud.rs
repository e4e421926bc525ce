//! The seam `Cloud`: what Subako asks of EC2, in EC2's own terms.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::failure::Result;
use super::progress::Progress;

/// Tag keys that Subako puts on everything it creates, in the creating call.
pub mod tag {
    /// The cluster's name.
    pub const CLUSTER: &str = "subako:cluster";
    /// The resource's address, `kind.name`.
    pub const ADDRESS: &str = "subako:address";
    /// How many times the address has been created before, as a decimal number.
    pub const GENERATION: &str = "subako:generation";
    /// The idempotency token of the creating step.
    pub const TOKEN: &str = "subako:token";
    /// The prefix of all of them: never user-set, never compared with the manifest.
    pub const PREFIX: &str = "subako:";
}

/// Whose an object is: carried as tags, set in the creating call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The cluster's name.
    pub cluster: String,
    /// The resource's address, `kind.name`.
    pub address: String,
    /// How many times the address has been created before.
    pub generation: u32,
    /// The idempotency token of the creating step: at most 64 ASCII characters.
    pub token: String,
}

impl Ownership {
    /// The ownership as tags, to be merged with the user's.
    pub fn tags(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (tag::CLUSTER.to_owned(), self.cluster.clone()),
            (tag::ADDRESS.to_owned(), self.address.clone()),
            (tag::GENERATION.to_owned(), self.generation.to_string()),
            (tag::TOKEN.to_owned(), self.token.clone()),
        ])
    }

    /// Reads the ownership back; `None` if a tag is missing or malformed.
    pub fn from_tags(tags: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            cluster: tags.get(tag::CLUSTER)?.clone(),
            address: tags.get(tag::ADDRESS)?.clone(),
            generation: tags.get(tag::GENERATION)?.parse().ok()?,
            token: tags.get(tag::TOKEN)?.clone(),
        })
    }

    /// The tags that are the user's own: all but those under [`tag::PREFIX`].
    pub fn user_tags(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        tags.iter()
            .filter(|(k, _)| !k.starts_with(tag::PREFIX))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}

/// The account and region that a cluster lives in; the state refuses any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The twelve-digit account id; the simulator says `simulated`.
    pub id: String,
    /// The region, for example `ap-northeast-1`.
    pub region: String,
}

/// An image wanted by the manifest: an id, a family name or a name pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageQuery {
    /// As written: `ami-…`, `amazon-linux-2023`, `debian-12`, `ubuntu-24.04`, or a name pattern with `*`.
    pub ami: String,
    /// The instance type, which decides the architecture.
    pub instance_type: String,
}

/// The answer to an [`ImageQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageAnswer {
    /// The image id, `ami-…`.
    pub image_id: String,
    /// The image's name, for people.
    pub name: String,
}

/// What a refresh has to look up before it can lower a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Images that the state does not know yet, sorted, without duplicates.
    pub images: Vec<ImageQuery>,
    /// Availability zones wanted; empty means every zone of the VPC that has a subnet.
    pub zones: Vec<String>,
    /// The VPC wanted; `None` means the default VPC.
    pub vpc: Option<String>,
    /// The subnets wanted; empty means the zones' default subnets.
    pub subnets: Vec<String>,
    /// Subnets that instances are in already, sorted, without duplicates.
    pub used: Vec<String>,
}

/// What the engine on an instance of a type offers to tasks, and where there is such a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeFacts {
    /// Processors, in billionths.
    pub nano_cpus: u64,
    /// Memory, bytes: what is left of the type's own once the kernel has its share.
    pub memory: u64,
    /// The zones that offer it, sorted; empty where that is not known.
    pub zones: Vec<String>,
}

/// A subnet to put instances in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The id, `subnet-…`.
    pub id: String,
    /// The availability zone.
    pub zone: String,
    /// The range, in CIDR notation.
    pub cidr: String,
}

/// The answer to a [`Lookup`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupAnswer {
    /// Images by query.
    pub images: BTreeMap<ImageQuery, ImageAnswer>,
    /// The VPC's id.
    pub vpc_id: String,
    /// The VPC's ranges, in CIDR notation.
    pub vpc_cidrs: Vec<String>,
    /// One subnet a zone, in the order of the zones wanted, else sorted by zone.
    pub subnets: Vec<Subnet>,
    /// Of the subnets in use those that the VPC has, sorted by id.
    pub used: Vec<Subnet>,
}

/// A key pair to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPairRequest {
    /// The name in EC2, unique in the region.
    pub name: String,
    /// The public key in OpenSSH's one-line form.
    pub public_key: String,
    /// The user's tags.
    pub tags: BTreeMap<String, String>,
    /// Whose it is.
    pub ownership: Ownership,
}

/// A key pair as EC2 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// The id, `key-…`.
    pub id: String,
    /// The name.
    pub name: String,
    /// EC2's fingerprint of the public key.
    pub fingerprint: String,
    /// The public key in OpenSSH's one-line form, where EC2 gives it.
    pub public_key: Option<String>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

/// An IP protocol of a rule.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, all types.
    Icmp,
    /// IP protocol 50 (encrypted overlay networks).
    Esp,
    /// Every protocol.
    All,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Esp => "esp",
            Self::All => "all",
        })
    }
}

/// A range of ports, both ends included; 0 to 65535 where the protocol has no ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// The first port.
    pub from: u16,
    /// The last port.
    pub to: u16,
}

/// Where a rule lets traffic in from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A range in CIDR notation, IPv4 or IPv6.
    Cidr(String),
    /// Members of another security group, by its id, `sg-…`.
    Group(String),
    /// Members of the same security group.
    SelfGroup,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(cidr) => f.write_str(cidr),
            Self::Group(id) => f.write_str(id),
            Self::SelfGroup => f.write_str("the group itself"),
        }
    }
}

/// One ingress rule. Two rules are the same rule if protocol, ports and source are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// What it is for, for people; EC2 allows 255 characters of a limited set.
    pub description: String,
    /// The ports.
    pub ports: Port,
    /// The protocol.
    pub protocol: Protocol,
    /// Where from.
    pub source: Source,
}

impl Rule {
    /// Whether two rules let the same traffic in, whatever their descriptions.
    pub fn same_traffic(&self, other: &Self) -> bool {
        self.protocol == other.protocol && self.ports == other.ports && self.source == other.source
    }
}

/// A security group to create, empty of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroupRequest {
    /// The name, unique in the VPC.
    pub name: String,
    /// The description, which EC2 never lets change.
    pub description: String,
    /// The VPC.
    pub vpc_id: String,
    /// The user's tags.
    pub tags: BTreeMap<String, String>,
    /// Whose it is.
    pub ownership: Ownership,
}

/// A security group as EC2 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// The id, `sg-…`.
    pub id: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The VPC.
    pub vpc_id: String,
    /// Ingress rules, sorted.
    pub rules: Vec<Rule>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

/// An instance to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRequest {
    /// The manifest name, for messages.
    pub name: String,
    /// The image, `ami-…`.
    pub image_id: String,
    /// The type, for example `t3.micro`.
    pub instance_type: String,
    /// The subnet, `subnet-…`.
    pub subnet_id: String,
    /// The zone of that subnet, for messages.
    pub zone: String,
    /// The security group, `sg-…`.
    pub security_group_id: String,
    /// The key pair's name; `None` for none.
    pub key_name: Option<String>,
    /// A fixed private address; `None` lets EC2 choose.
    pub private_ip: Option<String>,
    /// Whether to give it a public address; `None` leaves it to the subnet.
    pub public_ip: Option<bool>,
    /// Root volume (gp3), GiB.
    pub disk_gib: u32,
    /// Whether the root volume is encrypted.
    pub disk_encrypted: bool,
    /// Whether EC2 refuses to terminate it by API.
    pub protect: bool,
    /// The user's tags with `Name`, put on instance and volume.
    pub tags: BTreeMap<String, String>,
    /// Whose it is; `token` is also EC2's ClientToken.
    pub ownership: Ownership,
}

/// The life cycle of an instance, as in DescribeInstances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Running (its system may still be booting).
    Running,
    /// On its way to stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// On its way to terminated.
    ShuttingDown,
    /// Gone; EC2 shows it for about an hour.
    Terminated,
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        })
    }
}

/// An instance as EC2 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The id, `i-…`.
    pub id: String,
    /// Where it is in its life cycle.
    pub state: InstanceState,
    /// The image.
    pub image_id: String,
    /// The type.
    pub instance_type: String,
    /// The subnet.
    pub subnet_id: String,
    /// The availability zone.
    pub zone: String,
    /// The security groups, `sg-…`, sorted.
    pub security_group_ids: Vec<String>,
    /// The key pair's name.
    pub key_name: Option<String>,
    /// The private address; empty once terminated.
    pub private_ip: String,
    /// The public address, which changes at each start.
    pub public_ip: Option<String>,
    /// Root volume, GiB; `None` where EC2 does not say (not attached yet, or terminated).
    pub disk_gib: Option<u32>,
    /// Whether the root volume is encrypted; `None` as for `disk_gib`.
    pub disk_encrypted: Option<bool>,
    /// Termination protection; `None` where it was not read.
    pub protect: Option<bool>,
    /// Whether IMDSv2 is required.
    pub imdsv2_required: bool,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

/// Changes to an existing instance; `None` leaves the attribute as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceChange {
    /// A new type: the instance must be stopped.
    pub instance_type: Option<String>,
    /// A larger root volume, GiB.
    pub disk_gib: Option<u32>,
    /// Termination protection.
    pub protect: Option<bool>,
    /// The only security group from now on.
    pub security_group_id: Option<String>,
    /// Tags to set, on instance and volume.
    pub set_tags: BTreeMap<String, String>,
    /// Tag keys to remove, on instance and volume.
    pub remove_tags: Vec<String>,
}

/// Something that still carries the cluster's tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Residue {
    /// EC2's word for it: `instance`, `volume`, `security-group`, `key-pair`, `elastic-ip`, `network-interface`.
    pub what: String,
    /// Its id.
    pub id: String,
    /// Its `Name` tag or name, where it has one.
    pub name: Option<String>,
    /// Its `subako:address` tag, where it has one.
    pub address: Option<String>,
    /// What keeping it costs, US dollars an hour, where known.
    pub usd_per_hour: Option<f64>,
}

/// Everything in the cloud that carries the cluster's tag, read with one filtered, paginated
/// call per kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CloudSurvey {
    /// Key pairs, sorted by id.
    pub key_pairs: Vec<KeyPair>,
    /// Security groups, sorted by id.
    pub security_groups: Vec<SecurityGroup>,
    /// Instances, sorted by id, without those terminated or shutting down.
    pub instances: Vec<Instance>,
}

/// EC2, or something that behaves like it.
///
/// Deletes of what does not exist succeed. Calls retry throttling and transient failures
/// themselves, within their deadline.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Who is calling, and where. Fails with what to do when there are no credentials.
    async fn account(&self) -> Result<Account>;

    /// Looks up images, the VPC and its subnets.
    async fn lookup(&self, query: &Lookup) -> Result<LookupAnswer>;

    /// What instance types have, by name. A type that is missing from the answer is one of which
    /// nothing is known; one that does not exist is a failure where the provider can tell.
    async fn types(&self, names: &[String]) -> Result<BTreeMap<String, TypeFacts>>;

    /// Reads everything that carries the cluster's tag.
    async fn survey(&self, cluster: &str) -> Result<CloudSurvey>;

    /// What still carries the cluster's tag and is not terminated, of every kind that costs or
    /// clutters: sorted.
    async fn residue(&self, cluster: &str) -> Result<Vec<Residue>>;

    /// Imports a public key. The same token again returns the first key pair; another object
    /// of that name is the failure `InvalidKeyPair.Duplicate`.
    async fn import_key_pair(&self, request: &KeyPairRequest) -> Result<KeyPair>;

    /// The key pair of that name, whoever made it.
    async fn find_key_pair(&self, name: &str) -> Result<Option<KeyPair>>;

    /// Deletes the key pair of that name.
    async fn delete_key_pair(&self, name: &str) -> Result<()>;

    /// Creates an empty group. The same token again returns the first group; another object
    /// of that name is the failure `InvalidGroup.Duplicate`.
    async fn create_security_group(&self, request: &SecurityGroupRequest) -> Result<SecurityGroup>;

    /// The group with that id.
    async fn security_group(&self, id: &str) -> Result<Option<SecurityGroup>>;

    /// The group of that name in the VPC, whoever made it.
    async fn find_security_group(&self, vpc_id: &str, name: &str) -> Result<Option<SecurityGroup>>;

    /// Adds rules; those already there are left alone.
    async fn authorize_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()>;

    /// Removes rules; those not there are left alone.
    async fn revoke_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()>;

    /// Deletes a group; fails with `DependencyViolation` while an instance not yet terminated uses it.
    async fn delete_security_group(&self, id: &str) -> Result<()>;

    /// Runs one instance. The same token again returns the first instance, even if it has
    /// meanwhile stopped; if it is terminated, the failure is `IdempotentInstanceTerminated`.
    async fn run_instance(&self, request: &InstanceRequest) -> Result<Instance>;

    /// The instance with that id, terminated ones included for as long as EC2 shows them.
    async fn instance(&self, id: &str) -> Result<Option<Instance>>;

    /// The instance that was run with that token, terminated ones included.
    async fn find_instance_by_token(&self, token: &str) -> Result<Option<Instance>>;

    /// Waits until the instance is in `state`, saying so on `progress`. Fails at once when it
    /// can no longer get there (terminated while waiting for running), and at the adapter's
    /// deadline otherwise. Many waits cost one Describe a tick.
    async fn await_instance(&self, id: &str, state: InstanceState, progress: &Progress) -> Result<Instance>;

    /// Changes attributes and tags of an instance.
    async fn modify_instance(&self, id: &str, change: &InstanceChange) -> Result<()>;

    /// Asks a stopped instance to start; fine if it runs already.
    async fn start_instance(&self, id: &str) -> Result<()>;

    /// Asks a running instance to stop; fine if it is stopped already.
    async fn stop_instance(&self, id: &str) -> Result<()>;

    /// Asks EC2 to terminate an instance, taking termination protection away first if `unprotect`.
    async fn terminate_instance(&self, id: &str, unprotect: bool) -> Result<()>;

    /// Sets and removes tags on a group or key pair, by id.
    async fn retag(&self, id: &str, set: &BTreeMap<String, String>, remove: &[String]) -> Result<()>;
}
