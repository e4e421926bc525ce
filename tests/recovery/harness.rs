//! Drives the engine on the toy world: plan, run, crash, recover.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use subako_engine::check::plan;
use subako_engine::desired::{Desired, DesiredSet};
use subako_engine::event::Events;
use subako_engine::kind::Sighting;
use subako_engine::plan::{Plan, Planning, Selection};
use subako_engine::refresh::Observed;
use subako_engine::run::{ApplyOptions, Run, RunResult, RunStatus, Settling, Stop, fold, settle};
use subako_engine::world::{self as w, Result, ScaledClock, World};
use subako_state::{Address, Journal, Json, Memory, Resource, Snapshot, Store};

use crate::toy::Toys;

/// What is wanted of one toy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub kind: &'static str,
    pub name: String,
    pub value: u64,
    pub force: u64,
    pub needs: Vec<(&'static str, String)>,
}

pub fn desired(wanted: &[Wanted]) -> DesiredSet {
    let resource = |w: &Wanted| {
        let needs: Vec<_> = w
            .needs
            .iter()
            .map(|(kind, name)| serde_json::json!({"$ref": format!("{kind}.{name}"), "attr": "id"}))
            .collect();
        let spec = serde_json::json!({"force": w.force, "name": w.name, "needs": needs, "value": w.value});
        Desired {
            address: Address::new(w.kind, &w.name),
            spec: Json::canonical(&spec).expect("json"),
            depends_on: vec![],
            protect: false,
        }
    };
    DesiredSet {
        ignored: Default::default(),
        resources: wanted.iter().map(resource).collect(),
    }
}

/// The engine on one toy world, with the state it would have on disk.
pub struct Harness {
    pub toys: Toys,
    pub snapshot: Snapshot,
    /// The journal of the last run.
    pub memory: Memory,
    pub runs: u32,
}

/// How a run is disturbed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disturbance {
    /// Stop dead after so many durable journal entries.
    pub cut_after: Option<u64>,
}

impl Harness {
    pub fn new() -> Self {
        Self {
            toys: Toys::default(),
            snapshot: Snapshot::empty("toy".into(), "toys".into(), "toy".into()),
            memory: Memory::new(),
            runs: 0,
        }
    }

    /// What is recorded, without what differs between two ways to the same place.
    pub fn records(&self) -> Vec<(String, u32, String, String, bool)> {
        let record = |r: &Resource| {
            (
                r.address.to_string(),
                r.generation,
                r.spec.as_str().to_owned(),
                r.outputs.as_str().to_owned(),
                r.deposed,
            )
        };
        self.snapshot.resources.iter().map(record).collect()
    }

    fn world(&self) -> World {
        World {
            cloud: Arc::new(Nothing),
            hosts: Arc::new(Nothing),
            clock: Arc::new(ScaledClock::new(1)),
            vault: Default::default(),
        }
    }

    /// The text of the last run's journal.
    pub fn journal(&self) -> String {
        self.memory
            .objects()
            .remove("journal.jsonl")
            .map_or_else(String::new, |bytes| String::from_utf8(bytes).expect("UTF-8"))
    }

    /// Sees the toy world as a refresh would.
    pub fn observe(&self) -> Observed {
        let state = self.toys.state();
        let mut observed = Observed::as_recorded(&self.snapshot);
        let ids: BTreeMap<Address, String> = self
            .snapshot
            .resources
            .iter()
            .filter(|r| !r.deposed)
            .map(|r| {
                (
                    r.address.clone(),
                    r.outputs.value()["id"].as_str().unwrap_or_default().to_owned(),
                )
            })
            .collect();
        for (place, resource) in self.snapshot.resources.iter().enumerate() {
            let id = resource.outputs.value()["id"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let Some(object) = state.objects.get(&id) else {
                observed.recorded[place] = Sighting::Absent;
                continue;
            };
            let mut spec = resource.spec.value();
            let recorded: BTreeSet<String> = spec["needs"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|need| match need["$ref"].as_str() {
                    Some(address) => ids
                        .get(&address.parse().expect("an address"))
                        .cloned()
                        .unwrap_or_default(),
                    None => need.as_str().unwrap_or_default().to_owned(),
                })
                .collect();
            if recorded != object.needs {
                spec["needs"] = object.needs.iter().cloned().collect::<Vec<_>>().into();
            }
            spec["value"] = object.value.into();
            spec["force"] = object.force.into();
            let spec = Json::canonical(&spec).expect("json");
            if spec != resource.spec {
                observed.recorded[place] = Sighting::There {
                    spec,
                    outputs: resource.outputs.clone(),
                    generation: resource.generation,
                    unconverged: None,
                    whole: None,
                };
            }
        }
        observed
    }

    pub fn plan(&self, wanted: &[Wanted]) -> Plan {
        let desired = desired(wanted);
        let registry = self.toys.registry();
        plan(&Planning {
            registry: &registry,
            desired: &desired,
            snapshot: &self.snapshot,
            base: None,
            observed: &self.observe(),
            moved: &[],
            account: None,
            selection: &Selection::default(),
        })
        .expect("toys can be planned")
    }

    /// Runs a plan from its beginning. The journal stays for `recover`.
    pub async fn run(&mut self, plan: &Plan, disturbance: Disturbance) -> RunResult {
        self.runs += 1;
        let stop = Stop::new();
        let probe = disturbance.cut_after.map(|after| {
            let stop = stop.clone();
            Box::new(move |entries: u64| {
                if entries >= after {
                    stop.now();
                }
            }) as Box<dyn Fn(u64) + Send + Sync>
        });
        self.memory = Memory::new();
        let journal = Store::on(self.memory.clone())
            .begin_journal(probe)
            .expect("a journal");
        let (registry, world, options) = (self.toys.registry(), self.world(), ApplyOptions::default());
        let run = Run {
            registry: &registry,
            world: &world,
            plan,
            resources: &self.snapshot.resources,
            journal: Some(journal),
            progress: RunStatus::new(plan.steps.len()),
            events: Events::silent(),
            options: &options,
            stop: &stop,
            seed: format!("run {}", self.runs),
        };
        let finished = run.forward().await.expect("the disk holds");
        if !finished.cut {
            self.snapshot.resources = finished.resources.clone();
        }
        finished
    }

    /// Opens the journal of the last run, settles it, and goes on as asked.
    pub async fn recover(&mut self, plan: &Plan, way: Way) -> Recovered {
        let bytes = self.journal();
        let Some(journal) = Journal::parse(bytes.as_bytes(), "the journal").expect("whole") else {
            return Recovered::NothingBegun;
        };
        let file = Store::on(self.memory.clone())
            .continue_journal(&journal, None)
            .expect("a journal");
        let progress = RunStatus::replay(plan.steps.len(), &journal.entries).expect("possible");
        let (registry, world, options, stop) = (
            self.toys.registry(),
            self.world(),
            ApplyOptions::default(),
            Stop::new(),
        );
        let resources = self.snapshot.resources.clone();
        let run = |progress: RunStatus| Run {
            registry: &registry,
            world: &world,
            plan,
            resources: &resources,
            journal: Some(file.clone()),
            progress,
            events: Events::silent(),
            options: &options,
            stop: &stop,
            seed: format!("run {}", self.runs),
        };
        let settlement = settle(&Settling {
            registry: &registry,
            world: &world,
            plan,
            resources: &resources,
            progress: &progress,
            options: &options,
            seed: &format!("run {}", self.runs),
        })
        .await
        .expect("what was read can follow");
        for entry in &settlement.entries {
            file.append(entry).await.expect("the disk holds");
        }
        let progress = settlement.progress;
        if !settlement.unresolved.is_empty() {
            return Recovered::Stuck;
        }
        match way {
            Way::Keep => {
                self.snapshot.resources = fold(&self.snapshot.resources, plan, &progress);
                Recovered::Kept
            }
            Way::Back if !subako_engine::run::can_go_back(plan, &progress) => Recovered::PastTheLine,
            Way::Back => self.take(run(progress).back("test").await.expect("the disk holds")),
            Way::Forward => self.take(run(progress).forward_again("test").await.expect("the disk holds")),
        }
    }

    fn take(&mut self, finished: RunResult) -> Recovered {
        self.snapshot.resources = finished.resources.clone();
        Recovered::Ran(finished)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Back,
    Forward,
    Keep,
}

#[derive(Debug)]
pub enum Recovered {
    NothingBegun,
    Stuck,
    PastTheLine,
    Kept,
    Ran(RunResult),
}

/// Toys need neither cloud nor hosts.
struct Nothing;

fn none<T>() -> Result<T> {
    Err(w::Failure::not_applied(
        "do anything",
        "toys have no cloud and no hosts",
    ))
}

#[async_trait]
impl w::Hosts for Nothing {
    async fn connect(&self, _: &w::HostTarget, _: &w::Progress) -> Result<Arc<dyn w::Host>> {
        none()
    }
    async fn reach(&self, _: &w::HostTarget) -> Result<Arc<dyn w::Host>> {
        none()
    }
}

#[async_trait]
impl w::Cloud for Nothing {
    async fn account(&self) -> Result<w::Account> {
        none()
    }
    async fn lookup(&self, _: &w::Lookup) -> Result<w::LookupAnswer> {
        none()
    }
    async fn types(&self, _: &[String]) -> Result<w::TypesAnswer> {
        none()
    }
    async fn survey(&self, _: &str) -> Result<w::CloudSurvey> {
        none()
    }
    async fn residue(&self, _: &str) -> Result<Vec<w::Residue>> {
        none()
    }
    async fn import_key_pair(&self, _: &w::KeyPairRequest) -> Result<w::KeyPair> {
        none()
    }
    async fn find_key_pair(&self, _: &str) -> Result<Option<w::KeyPair>> {
        none()
    }
    async fn delete_key_pair(&self, _: &str) -> Result<()> {
        none()
    }
    async fn create_security_group(&self, _: &w::SecurityGroupRequest) -> Result<w::SecurityGroup> {
        none()
    }
    async fn security_group(&self, _: &str) -> Result<Option<w::SecurityGroup>> {
        none()
    }
    async fn find_security_group(&self, _: &str, _: &str) -> Result<Option<w::SecurityGroup>> {
        none()
    }
    async fn authorize_ingress(&self, _: &str, _: &[w::Rule]) -> Result<()> {
        none()
    }
    async fn describe_ingress(&self, _: &str, _: &[w::Rule]) -> Result<()> {
        none()
    }
    async fn revoke_ingress(&self, _: &str, _: &[w::Rule]) -> Result<()> {
        none()
    }
    async fn delete_security_group(&self, _: &str) -> Result<()> {
        none()
    }
    async fn run_instance(&self, _: &w::InstanceRequest) -> Result<w::Instance> {
        none()
    }
    async fn instance(&self, _: &str) -> Result<Option<w::Instance>> {
        none()
    }
    async fn find_instance_by_token(&self, _: &str) -> Result<Option<w::Instance>> {
        none()
    }
    async fn await_instance(&self, _: &str, _: w::InstanceState, _: &w::Progress) -> Result<w::Instance> {
        none()
    }
    async fn modify_instance(&self, _: &str, _: &w::InstanceChange) -> Result<()> {
        none()
    }
    async fn start_instance(&self, _: &str) -> Result<()> {
        none()
    }
    async fn stop_instance(&self, _: &str) -> Result<()> {
        none()
    }
    async fn terminate_instance(&self, _: &str, _: bool) -> Result<()> {
        none()
    }
    async fn allocate_address(&self, _: &w::ElasticIpRequest) -> Result<w::ElasticIp> {
        none()
    }
    async fn address(&self, _: &str) -> Result<Option<w::ElasticIp>> {
        none()
    }
    async fn find_address_by_token(&self, _: &str) -> Result<Option<w::ElasticIp>> {
        none()
    }
    async fn associate_address(&self, _: &str, _: &str) -> Result<()> {
        none()
    }
    async fn disassociate_address(&self, _: &str) -> Result<()> {
        none()
    }
    async fn release_address(&self, _: &str) -> Result<()> {
        none()
    }
    async fn retag(&self, _: &str, _: &BTreeMap<String, String>, _: &[String]) -> Result<()> {
        none()
    }
}
