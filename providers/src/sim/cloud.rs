//! The seam `Cloud` on the simulated world.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use subako_world::{
    Account, Cloud, CloudSurvey, Code, ElasticIp, ElasticIpRequest, Failure, Instance, InstanceChange,
    InstanceRequest, InstanceState, KeyPair, KeyPairRequest, Lookup, LookupAnswer, Progress, Residue, Result,
    Rule, SecurityGroup, SecurityGroupRequest, TypesAnswer, tag,
};

use super::faults::Call;
use super::inner::Inner;
use super::names::Ms;
use crate::codes::Ec2Code as _;

/// How long an instance may take to get anywhere.
const DEADLINE: Ms = 600_000;
/// The longest that a wait looks away.
const TICK: Ms = 2_000;

/// EC2, simulated.
pub(crate) struct SimCloud(pub Arc<Inner>);

impl SimCloud {
    /// A call on an instance known by its id.
    fn on_instance(&self, name: &'static str, verb: &str, id: &str) -> Call {
        let known = self
            .0
            .look(|model, _| model.instances.get(id).map(|instance| instance.name.clone()));
        match known {
            Some(known) => Call::new(name, known.clone(), format!("{verb} instance {known} ({id})")).also(id),
            None => Call::new(name, id, format!("{verb} instance {id}")),
        }
    }

    /// A call on an elastic address known by its id.
    fn on_address(&self, name: &'static str, verb: &str, id: &str) -> Call {
        let known = self.0.look(|model, _| {
            let address = model.elastic_ips.get(id)?;
            address.tags.get(tag::ADDRESS).cloned()
        });
        match known {
            Some(known) => Call::new(name, known.clone(), format!("{verb} {known} ({id})")).also(id),
            None => Call::new(name, id, format!("{verb} elastic address {id}")),
        }
    }

    /// A call on a security group known by its id.
    fn on_group(&self, name: &'static str, verb: &str, id: &str) -> Call {
        let known = self
            .0
            .look(|model, _| model.groups.get(id).map(|group| group.name.clone()));
        match known {
            Some(known) => Call::new(
                name,
                known.clone(),
                format!("{verb} security group {known} ({id})"),
            )
            .also(id),
            None => Call::new(name, id, format!("{verb} security group {id}")),
        }
    }
}

#[async_trait]
impl Cloud for SimCloud {
    async fn account(&self) -> Result<Account> {
        let region = self.0.place.region.clone();
        let call = Call::new("account", region.clone(), "ask who is calling");
        self.0
            .read(call, |_, _| {
                Ok(Account {
                    id: "simulated".to_owned(),
                    region: region.clone(),
                })
            })
            .await
    }

    async fn lookup(&self, query: &Lookup) -> Result<LookupAnswer> {
        let call = Call::new(
            "lookup",
            self.0.place.region.clone(),
            "look up images and subnets",
        );
        self.0.read(call, |model, _| model.lookup(query)).await
    }

    async fn types(&self, names: &[String]) -> Result<TypesAnswer> {
        let call = Call::new("types", self.0.place.region.clone(), "look up instance types");
        self.0
            .read(call, |model, _| {
                let mut answer = TypesAnswer::default();
                for name in names {
                    match model.type_facts(name) {
                        Some(facts) => drop(answer.known.insert(name.clone(), facts)),
                        None => drop(answer.missing.insert(name.clone())),
                    }
                }
                Ok(answer)
            })
            .await
    }

    async fn survey(&self, cluster: &str) -> Result<CloudSurvey> {
        let call = Call::new(
            "survey",
            cluster,
            format!("read what cluster {cluster} has in EC2"),
        );
        self.0.read(call, |model, t| Ok(model.survey(t, cluster))).await
    }

    async fn residue(&self, cluster: &str) -> Result<Vec<Residue>> {
        let call = Call::new(
            "residue",
            cluster,
            format!("search for what is left of cluster {cluster}"),
        );
        self.0.read(call, |model, t| Ok(model.residue(t, cluster))).await
    }

    async fn import_key_pair(&self, request: &KeyPairRequest) -> Result<KeyPair> {
        let call = Call::new(
            "import_key_pair",
            &request.name,
            format!("import key pair {}", request.name),
        )
        .also(&request.ownership.address);
        self.0
            .perform(call, |model, _| model.decide_import_key_pair(request))
            .await
    }

    async fn find_key_pair(&self, name: &str) -> Result<Option<KeyPair>> {
        let call = Call::new("find_key_pair", name, format!("read key pair {name}"));
        self.0
            .read(call, |model, _| Ok(model.key_pairs.get(name).cloned()))
            .await
    }

    async fn delete_key_pair(&self, name: &str) -> Result<()> {
        let call = Call::new("delete_key_pair", name, format!("delete key pair {name}"));
        self.0
            .perform(call, |model, _| model.decide_delete_key_pair(name))
            .await
    }

    async fn create_security_group(&self, request: &SecurityGroupRequest) -> Result<SecurityGroup> {
        let doing = format!("create security group {}", request.name);
        let call = Call::new("create_security_group", &request.name, doing).also(&request.ownership.address);
        self.0
            .perform(call, |model, _| model.decide_create_group(request))
            .await
    }

    async fn security_group(&self, id: &str) -> Result<Option<SecurityGroup>> {
        let call = self.on_group("security_group", "read", id);
        self.0
            .read(call, |model, _| Ok(model.groups.get(id).cloned()))
            .await
    }

    async fn find_security_group(&self, vpc_id: &str, name: &str) -> Result<Option<SecurityGroup>> {
        let call = Call::new("find_security_group", name, format!("read security group {name}"));
        self.0
            .read(call, |model, _| Ok(model.find_group(vpc_id, name).cloned()))
            .await
    }

    async fn authorize_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()> {
        let call = self.on_group("authorize_ingress", "add rules to", group_id);
        self.0
            .perform(call, |model, _| model.decide_authorize(group_id, rules))
            .await
    }

    async fn describe_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()> {
        let call = self.on_group("describe_ingress", "describe rules of", group_id);
        self.0
            .perform(call, |model, _| model.decide_describe(group_id, rules))
            .await
    }

    async fn revoke_ingress(&self, group_id: &str, rules: &[Rule]) -> Result<()> {
        let call = self.on_group("revoke_ingress", "remove rules from", group_id);
        self.0
            .perform(call, |model, _| model.decide_revoke(group_id, rules))
            .await
    }

    async fn delete_security_group(&self, id: &str) -> Result<()> {
        let call = self.on_group("delete_security_group", "delete", id);
        self.0
            .perform(call, |model, t| model.decide_delete_group(t, id))
            .await
    }

    async fn run_instance(&self, request: &InstanceRequest) -> Result<Instance> {
        let mut call = Call::new(
            "run_instance",
            &request.name,
            format!("run instance {}", request.name),
        )
        .also(&request.ownership.address);
        call.place = Some((request.instance_type.clone(), request.zone.clone()));
        let seed = self.0.place.seed;
        let decide = |model: &super::model::Model, t| {
            let (effect, facts) = model.decide_run(t, request)?;
            Ok((effect, facts.describe(seed, t)))
        };
        self.0.perform(call, decide).await
    }

    async fn instance(&self, id: &str) -> Result<Option<Instance>> {
        let call = self.on_instance("instance", "read", id);
        let seed = self.0.place.seed;
        self.0
            .read(call, |model, t| {
                Ok(model.shown(t, id).map(|facts| facts.describe(seed, t)))
            })
            .await
    }

    async fn find_instance_by_token(&self, token: &str) -> Result<Option<Instance>> {
        let call = Call::new("find_instance_by_token", token, "find an instance by its token");
        let seed = self.0.place.seed;
        // Exact from the first moment: an adapter looks again before it says that there is none.
        let read =
            |model: &super::model::Model, t| Ok(model.instance_of_token(token).map(|f| f.describe(seed, t)));
        self.0.read(call, read).await
    }

    async fn await_instance(&self, id: &str, state: InstanceState, progress: &Progress) -> Result<Instance> {
        let mut call = self.on_instance("await_instance", "wait for", id);
        call.doing = format!("{} to be {state}", call.doing);
        let doing = call.doing.clone();
        let begun = self.0.read(call, |_, t| Ok(t)).await?;
        let mut noted = None;
        loop {
            let seen = self.0.look(|model, t| {
                let facts = model.instances.get(id)?;
                let shown = model.shown(t, id).is_some() || t < facts.created + TICK;
                shown.then(|| (t, facts.settles, facts.describe(self.0.place.seed, t)))
            });
            let Some((t, settles, instance)) = seen else {
                let message = format!("The instance ID '{id}' does not exist");
                return Err(Failure::not_applied(doing, message).with_ec2_code("InvalidInstanceID.NotFound"));
            };
            if instance.state == state {
                return Ok(instance);
            }
            if out_of_reach(instance.state, state) {
                let message = format!("the instance is {}", instance.state);
                return Err(Failure::not_applied(doing, message).with_ec2_code("IncorrectInstanceState"));
            }
            if t >= begun + DEADLINE {
                let message = format!(
                    "the instance is still {} after {} s",
                    instance.state,
                    DEADLINE / 1_000
                );
                return Err(Failure::not_applied(doing, message).with_code(Code::Timeout));
            }
            if noted != Some(instance.state) {
                progress.note(format!("instance is {}", instance.state));
                noted = Some(instance.state);
            }
            let next = if settles > t {
                settles.min(t + TICK)
            } else {
                t + TICK
            };
            self.0.sleep_until(next).await;
        }
    }

    async fn modify_instance(&self, id: &str, change: &InstanceChange) -> Result<()> {
        let call = self.on_instance("modify_instance", "change", id);
        self.0
            .perform(call, |model, t| model.decide_modify(t, id, change))
            .await
    }

    async fn start_instance(&self, id: &str) -> Result<()> {
        let call = self.on_instance("start_instance", "start", id);
        self.0.perform(call, |model, t| model.decide_start(t, id)).await
    }

    async fn stop_instance(&self, id: &str) -> Result<()> {
        let call = self.on_instance("stop_instance", "stop", id);
        self.0.perform(call, |model, t| model.decide_stop(t, id)).await
    }

    async fn terminate_instance(&self, id: &str, unprotect: bool) -> Result<()> {
        let call = self.on_instance("terminate_instance", "terminate", id);
        self.0
            .perform(call, |model, t| model.decide_terminate(t, id, unprotect))
            .await
    }

    async fn allocate_address(&self, request: &ElasticIpRequest) -> Result<ElasticIp> {
        let address = &request.ownership.address;
        let call = Call::new(
            "allocate_address",
            address,
            format!("allocate an elastic address for {address}"),
        );
        self.0
            .perform(call, |model, _| model.decide_allocate_address(request))
            .await
    }

    async fn address(&self, id: &str) -> Result<Option<ElasticIp>> {
        let call = self.on_address("address", "read", id);
        self.0
            .read(call, |model, _| Ok(model.elastic_ips.get(id).cloned()))
            .await
    }

    async fn find_address_by_token(&self, token: &str) -> Result<Option<ElasticIp>> {
        let call = Call::new(
            "find_address_by_token",
            token,
            "find an elastic address by its token",
        );
        self.0
            .read(call, |model, _| Ok(model.address_of_token(token).cloned()))
            .await
    }

    async fn associate_address(&self, id: &str, instance_id: &str) -> Result<()> {
        let call = self.on_address("associate_address", "associate", id);
        self.0
            .perform(call, |model, t| {
                model.decide_associate_address(t, id, instance_id)
            })
            .await
    }

    async fn disassociate_address(&self, id: &str) -> Result<()> {
        let call = self.on_address("disassociate_address", "disassociate", id);
        self.0
            .perform(call, |model, _| model.decide_disassociate_address(id))
            .await
    }

    async fn release_address(&self, id: &str) -> Result<()> {
        let call = self.on_address("release_address", "release", id);
        self.0
            .perform(call, |model, _| model.decide_release_address(id))
            .await
    }

    async fn retag(&self, id: &str, set: &BTreeMap<String, String>, remove: &[String]) -> Result<()> {
        let call = Call::new("retag", id, format!("change tags of {id}"));
        self.0
            .perform(call, |model, _| model.decide_retag(id, set, remove))
            .await
    }
}

/// Whether an instance in one state will not get to another by itself.
fn out_of_reach(is: InstanceState, wanted: InstanceState) -> bool {
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    match wanted {
        Running | Pending => matches!(is, Stopping | Stopped | ShuttingDown | Terminated),
        Stopping | Stopped => matches!(is, ShuttingDown | Terminated),
        ShuttingDown | Terminated => false,
    }
}

impl super::model::Model {
    /// Everything with the cluster's tag, without what is ending.
    pub fn survey(&self, t: Ms, cluster: &str) -> CloudSurvey {
        let ours =
            |tags: &BTreeMap<String, String>| tags.get(tag::CLUSTER).is_some_and(|name| name == cluster);
        let mut key_pairs: Vec<KeyPair> = self
            .key_pairs
            .values()
            .filter(|pair| ours(&pair.tags))
            .cloned()
            .collect();
        key_pairs.sort_by(|a, b| a.id.cmp(&b.id));
        let instances = self.instances.values().filter(|instance| ours(&instance.tags));
        let shown = instances.filter(|instance| {
            instance.state(t) < InstanceState::ShuttingDown && self.shown(t, &instance.id).is_some()
        });
        CloudSurvey {
            key_pairs,
            security_groups: self
                .groups
                .values()
                .filter(|group| ours(&group.tags))
                .cloned()
                .collect(),
            instances: shown
                .map(|instance| instance.describe(self.place.seed, t))
                .collect(),
            elastic_ips: self
                .elastic_ips
                .values()
                .filter(|address| ours(&address.tags))
                .cloned()
                .collect(),
            unlisted: None,
            unread: BTreeMap::new(),
        }
    }
}
