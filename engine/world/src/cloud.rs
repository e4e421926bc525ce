//! The seam `Cloud`: what Subako asks of EC2, in EC2's own terms.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::elastic_ip::{ElasticIp, ElasticIpRequest};
use super::failure::Result;
use super::instance::{Instance, InstanceChange, InstanceRequest, InstanceState};
use super::key_pair::{KeyPair, KeyPairRequest};
use super::lookup::{Lookup, LookupAnswer, TypesAnswer};
use super::progress::Progress;
use super::security_group::{Rule, SecurityGroup, SecurityGroupRequest};

/// The account and region that a cluster lives in; the state refuses any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The twelve-digit account id; the simulator says `simulated`.
    pub id: String,
    /// The region, for example `ap-northeast-1`.
    pub region: String,
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
    /// Elastic addresses, sorted by id.
    pub elastic_ips: Vec<ElasticIp>,
    /// Why instances could not be listed, while the service is in trouble: then `instances` is empty,
    /// and those that are known are to be asked for by id.
    pub unlisted: Option<String>,
    /// Instances that were asked for by id and could not be read either, and why.
    pub unread: BTreeMap<String, String>,
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

    /// What instance types have, and which of them the region does not have.
    async fn types(&self, names: &[String]) -> Result<TypesAnswer>;

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

    /// Gives rules that are there the descriptions that these have, without an interruption of
    /// their traffic. What is said of one that is not there is the service's own matter.
    async fn describe_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()>;

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

    /// Allocates an elastic address, which nothing has yet. The same token again returns the first.
    async fn allocate_address(&self, request: &ElasticIpRequest) -> Result<ElasticIp>;

    /// The elastic address with that id.
    async fn address(&self, id: &str) -> Result<Option<ElasticIp>>;

    /// The elastic address that was allocated with that token.
    async fn find_address_by_token(&self, token: &str) -> Result<Option<ElasticIp>>;

    /// Gives an elastic address to an instance that runs or is stopped, whichever had it before:
    /// it keeps it when it stops and starts, and its own public address is gone. Fine if it has it.
    async fn associate_address(&self, id: &str, instance_id: &str) -> Result<()>;

    /// Takes an elastic address from the instance that has it, which gets a public address of its
    /// own again if it was launched with one. Fine if nothing has it.
    async fn disassociate_address(&self, id: &str) -> Result<()>;

    /// Gives an elastic address back, taking it from its instance first. Fine if it is gone.
    async fn release_address(&self, id: &str) -> Result<()>;

    /// Sets and removes tags on a group, key pair or elastic address, by id.
    async fn retag(&self, id: &str, set: &BTreeMap<String, String>, remove: &[String]) -> Result<()>;
}
