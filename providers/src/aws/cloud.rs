//! The adapter, and the seam that it implements.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use subako_world::{
    Account, Cloud, CloudSurvey, Code, ElasticIp, ElasticIpRequest, Instance, InstanceChange,
    InstanceRequest, InstanceState, KeyPair, KeyPairRequest, Lookup, LookupAnswer, Progress, Residue, Result,
    Rule, SecurityGroup, SecurityGroupRequest, TypesAnswer,
};
use tokio::sync::OnceCell;

use super::account::account;
use super::call::Api;
use super::terminate::Terminations;
use super::types::Described;
use super::watch::Watch;

/// EC2 in one account and region.
#[derive(Clone)]
pub struct AwsCloud {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) api: Api,
    region: String,
    account: OnceCell<Account>,
    /// Root device names by image: RunInstances needs them to size the root volume.
    pub(super) root_devices: tokio::sync::Mutex<BTreeMap<String, String>>,
    /// What EC2 said of instance types, which does not change.
    pub(super) described: tokio::sync::Mutex<BTreeMap<String, Described>>,
    /// Whether a subnet gives public addresses, of those that were looked up.
    pub(super) public_subnets: Mutex<BTreeMap<String, bool>>,
    /// Whether an instance was asked for with a public address, where the request said.
    asked_public: Mutex<BTreeMap<String, bool>>,
    /// When this process created what: EC2 may not show it yet.
    births: Mutex<BTreeMap<String, Duration>>,
    /// Tokens that this process has run instances with.
    tokens: Mutex<BTreeSet<String>>,
    /// The elastic address that this process has allocated with a token.
    allocated: Mutex<BTreeMap<String, String>>,
    pub(super) watch: Watch,
    pub(super) terminations: Terminations,
}

impl AwsCloud {
    pub(super) fn new(api: Api, region: String) -> Self {
        Self {
            inner: Arc::new(Inner {
                api,
                region,
                account: OnceCell::new(),
                root_devices: tokio::sync::Mutex::default(),
                described: tokio::sync::Mutex::default(),
                public_subnets: Mutex::default(),
                asked_public: Mutex::default(),
                births: Mutex::default(),
                tokens: Mutex::default(),
                allocated: Mutex::default(),
                watch: Watch::default(),
                terminations: Terminations::default(),
            }),
        }
    }

    /// How many calls were made, by operation, without retries.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.inner.api.calls()
    }

    /// How many further attempts were made, by operation.
    pub fn retries(&self) -> BTreeMap<String, u64> {
        self.inner.api.retries()
    }
}

impl Inner {
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Remembers that this process has just created `id`.
    pub(super) fn born(&self, id: &str) {
        let now = self.api.clock.now();
        self.births
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), now);
    }

    /// Remembers whether an instance was asked for with a public address.
    pub(super) fn asked_public(&self, id: &str, public: bool) {
        let mut asked = self.asked_public.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(id.to_owned(), public);
    }

    /// Whether an instance that runs will have a public address: as it was asked for, else as its
    /// subnet says.
    pub(super) fn will_be_public(&self, instance: &Instance) -> bool {
        let asked = self.asked_public.lock().unwrap_or_else(PoisonError::into_inner);
        let subnets = self.public_subnets.lock().unwrap_or_else(PoisonError::into_inner);
        let subnet = subnets.get(&instance.subnet_id);
        asked.get(&instance.id).or(subnet).copied().unwrap_or(false)
    }

    /// Forgets `id`, which is deleted: that EC2 does not show it is now the truth.
    pub(super) fn buried(&self, id: &str) {
        self.births
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }

    /// Remembers a token; `false` if it was known.
    pub(super) fn first_use(&self, token: &str) -> bool {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(token.to_owned())
    }

    /// Remembers what a token has allocated.
    pub(super) fn allocated_with(&self, token: &str, id: &str) {
        let mut allocated = self.allocated.lock().unwrap_or_else(PoisonError::into_inner);
        allocated.insert(token.to_owned(), id.to_owned());
    }

    /// What this process has allocated with a token, whether or not EC2 shows it yet.
    pub(super) fn allocated_by(&self, token: &str) -> Option<String> {
        let allocated = self.allocated.lock().unwrap_or_else(PoisonError::into_inner);
        allocated.get(token).cloned()
    }

    /// Whether this process created `id` so recently that EC2 may not show it yet.
    pub(super) fn is_newborn(&self, id: &str) -> bool {
        let births = self.births.lock().unwrap_or_else(PoisonError::into_inner);
        births
            .get(id)
            .is_some_and(|at| self.api.clock.now().saturating_sub(*at) < self.api.tuning.newborn)
    }

    /// Looks until it is there. What this process created a moment ago is believed in for a
    /// while; of anything else the first answer counts.
    pub(super) async fn look_for<T, F>(&self, id: &str, look: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let mut tries = 0;
        loop {
            let found = look().await?;
            if found.is_some() || !self.is_newborn(id) {
                return Ok(found);
            }
            tries += 1;
            self.api.clock.sleep(self.api.tuning.backoff(tries)).await;
        }
    }

    /// Looks for the effect of a call whose answer was lost: several times, because EC2 shows
    /// new objects with a delay.
    pub(super) async fn look_again<T, F>(&self, look: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        for wait in &self.api.tuning.looks {
            if !wait.is_zero() {
                self.api.clock.sleep(*wait).await;
            }
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Looks for what EC2 says is there already, although it may not show it yet.
    pub(super) async fn look_for_known<T, F>(&self, look: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let begun = self.api.clock.now();
        let mut tries = 0;
        loop {
            let found = look().await?;
            if found.is_some() || self.api.clock.now().saturating_sub(begun) >= self.api.tuning.newborn {
                return Ok(found);
            }
            tries += 1;
            self.api.clock.sleep(self.api.tuning.backoff(tries)).await;
        }
    }

    /// Changes something that must exist. "Not found" may only mean "not shown yet": it is
    /// believed after several looks, and of what was created a moment ago after a while.
    pub(super) async fn change<T, F>(&self, id: &str, call: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut tries: u32 = 0;
        loop {
            let failure = match call().await {
                Err(failure) if failure.code == Code::NotFound => failure,
                result => return result,
            };
            tries += 1;
            let known = self.api.tuning.looks.get(tries as usize).copied();
            let wait = match known {
                Some(wait) => wait,
                None if self.is_newborn(id) => self.api.tuning.backoff(tries),
                None => return Err(failure),
            };
            self.api.clock.sleep(wait).await;
        }
    }
}

#[async_trait]
impl Cloud for AwsCloud {
    async fn account(&self) -> Result<Account> {
        let inner = &self.inner;
        inner
            .account
            .get_or_try_init(|| account(&inner.api, &inner.region))
            .await
            .cloned()
    }

    async fn lookup(&self, query: &Lookup) -> Result<LookupAnswer> {
        self.inner.lookup(query).await
    }

    async fn types(&self, names: &[String]) -> Result<TypesAnswer> {
        self.inner.types(names).await
    }

    async fn survey(&self, cluster: &str) -> Result<CloudSurvey> {
        self.inner.survey(cluster).await
    }

    async fn residue(&self, cluster: &str) -> Result<Vec<Residue>> {
        self.inner.residue(cluster).await
    }

    async fn import_key_pair(&self, request: &KeyPairRequest) -> Result<KeyPair> {
        self.inner.import_key_pair(request).await
    }

    async fn find_key_pair(&self, name: &str) -> Result<Option<KeyPair>> {
        self.inner.find_key_pair(name).await
    }

    async fn delete_key_pair(&self, name: &str) -> Result<()> {
        self.inner.delete_key_pair(name).await
    }

    async fn create_security_group(&self, request: &SecurityGroupRequest) -> Result<SecurityGroup> {
        self.inner.create_security_group(request).await
    }

    async fn security_group(&self, id: &str) -> Result<Option<SecurityGroup>> {
        self.inner.security_group(id).await
    }

    async fn find_security_group(&self, vpc_id: &str, name: &str) -> Result<Option<SecurityGroup>> {
        self.inner.find_security_group(vpc_id, name).await
    }

    async fn authorize_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()> {
        self.inner.authorize_ingress(group_id, rules).await
    }

    async fn describe_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()> {
        self.inner.describe_ingress(group_id, rules).await
    }

    async fn revoke_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()> {
        self.inner.revoke_ingress(group_id, rules).await
    }

    async fn delete_security_group(&self, id: &str) -> Result<()> {
        self.inner.delete_security_group(id).await
    }

    async fn run_instance(&self, request: &InstanceRequest) -> Result<Instance> {
        self.inner.run_instance(request).await
    }

    async fn instance(&self, id: &str) -> Result<Option<Instance>> {
        self.inner.instance(id).await
    }

    async fn find_instance_by_token(&self, token: &str) -> Result<Option<Instance>> {
        self.inner.find_instance_by_token(token).await
    }

    async fn await_instance(&self, id: &str, state: InstanceState, progress: &Progress) -> Result<Instance> {
        self.inner.clone().await_instance(id, state, progress).await
    }

    async fn modify_instance(&self, id: &str, change: &InstanceChange) -> Result<()> {
        self.inner.modify_instance(id, change).await
    }

    async fn start_instance(&self, id: &str) -> Result<()> {
        self.inner.start_instance(id).await
    }

    async fn stop_instance(&self, id: &str) -> Result<()> {
        self.inner.stop_instance(id).await
    }

    async fn terminate_instance(&self, id: &str, unprotect: bool) -> Result<()> {
        self.inner.clone().terminate_instance(id, unprotect).await
    }

    async fn allocate_address(&self, request: &ElasticIpRequest) -> Result<ElasticIp> {
        self.inner.allocate_address(request).await
    }

    async fn address(&self, id: &str) -> Result<Option<ElasticIp>> {
        self.inner.address(id).await
    }

    async fn find_address_by_token(&self, token: &str) -> Result<Option<ElasticIp>> {
        self.inner.find_address_by_token(token).await
    }

    async fn associate_address(&self, id: &str, instance_id: &str) -> Result<()> {
        self.inner.associate_address(id, instance_id).await
    }

    async fn disassociate_address(&self, id: &str) -> Result<()> {
        self.inner.disassociate_address(id).await
    }

    async fn release_address(&self, id: &str) -> Result<()> {
        self.inner.release_address(id).await
    }

    async fn retag(&self, id: &str, set: &BTreeMap<String, String>, remove: &[String]) -> Result<()> {
        self.inner
            .retag(&[id.to_owned()], &format!("tag {id}"), set, remove)
            .await
    }
}
