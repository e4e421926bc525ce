//! A kind that nothing but its own answers makes known: planned, rendered, counted, renamed and
//! asked for by the preflight.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use subako_engine::check::plan;
use subako_engine::desired::{Desired, DesiredSet};
use subako_engine::display::{Display, Unit};
use subako_engine::event::Event;
use subako_engine::kind::{
    Claim, Impact, InTheWorld, Intent, Item, Kind, Lead, LivesOn, Phase, Plane, Registry, Sighting, StepCall,
    StepContext, Traits,
};
use subako_engine::kinds;
use subako_engine::plan::{Action, Plan, Planning, Selection, Value};
use subako_engine::reference::Ref;
use subako_engine::refresh::{Observed, Survey};
use subako_engine::session::{planned_calls, rename_in_the_state, rename_in_the_world};
use subako_engine::world::{Failure, PlannedCall, Result, World};
use subako_providers::sim::{Pace, SimOptions, Simulator};
use subako_state::{Address, Json, Resource, Snapshot};

use super::plan_text;
use super::progress::RunLog;
use crate::hint::Invocation;
use crate::style::Paint;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Disk {
    capacity: u64,
    instance: Ref,
    purpose: String,
    size: u32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct DiskOutputs {
    disk_id: String,
}

impl Kind for Disk {
    const NAME: &'static str = "disk";
    type Outputs = DiskOutputs;

    fn traits() -> Traits {
        Traits {
            lives_on: LivesOn::Dependency("instance"),
            renamed_with: Some("instance"),
            units: |field| (field == "capacity").then_some(Unit::Bytes),
            headline: const {
                &[
                    Lead::of("purpose").after("for"),
                    Lead::of("size").counting("block"),
                ]
            },
            ..Traits::of(
                Plane::Cloud,
                Phase {
                    place: 15,
                    name: "disks",
                },
            )
        }
    }

    fn impact(_: &str, _: &Value, _: &Value) -> Impact {
        Impact::Replaces("a disk stays as it is")
    }

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::swarm_name(Self::NAME, &self.purpose)]
    }

    fn calls(intent: Intent<'_, Self>) -> Vec<StepCall> {
        match (intent.after, intent.outputs) {
            (Some(wanted), None) => vec![StepCall::of("retag").asking(PlannedCall::SetTags(wanted.purpose))],
            _ => Vec::new(),
        }
    }

    async fn rename(outputs: DiskOutputs, to: &Address, _: &Survey, _: &World) -> Result<InTheWorld> {
        match (outputs.disk_id.as_str(), to.as_str()) {
            ("far", _) => Ok(InTheWorld::OutOfReach),
            ("stuck", "disk.worker-0") => Err(Failure::not_applied("rename a disk", "it is stuck")),
            _ => Ok(InTheWorld::Renamed),
        }
    }

    async fn sight(_: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        Ok(vec![Sighting::Absent; items.len()])
    }

    async fn create(&self, _: &StepContext) -> Result<DiskOutputs> {
        Ok(DiskOutputs {
            disk_id: self.purpose.clone(),
        })
    }

    async fn update(&self, _: &Self, outputs: DiskOutputs, _: &StepContext) -> Result<DiskOutputs> {
        Ok(outputs)
    }

    async fn delete(&self, _: DiskOutputs, _: &StepContext) -> Result<()> {
        Ok(())
    }

    async fn find(&self, outputs: Option<DiskOutputs>, _: &StepContext) -> Result<Option<DiskOutputs>> {
        Ok(outputs)
    }
}

fn registry() -> Registry {
    kinds::registry().with::<Disk>()
}

fn disk(purpose: &str) -> Json {
    Json::canonical(&Disk {
        capacity: 1 << 29,
        instance: Ref::to(Address::new("instance", "node-0"), "instance_id"),
        purpose: purpose.to_owned(),
        size: 3,
    })
    .expect("json")
}

fn recorded(address: Address, spec: Json, outputs: serde_json::Value) -> Resource {
    Resource {
        address,
        depends_on: Vec::new(),
        deposed: false,
        generation: 0,
        made_with: Default::default(),
        outputs: Json::canonical(&outputs).expect("json"),
        protect: false,
        spec_sha256: spec.digest(),
        spec,
    }
}

fn snapshot(resources: Vec<Resource>) -> Snapshot {
    let mut snapshot = Snapshot::empty("lineage".into(), "sandbox".into(), "sim".into());
    snapshot.resources = resources;
    snapshot
}

fn planned(snapshot: &Snapshot, wanted: &[(&str, Json)]) -> Plan {
    let desired = DesiredSet {
        ignored: Default::default(),
        resources: wanted
            .iter()
            .map(|(address, spec)| Desired {
                address: address.parse().expect("an address"),
                spec: spec.clone(),
                depends_on: Vec::new(),
                protect: false,
            })
            .collect(),
    };
    plan(&Planning {
        registry: &registry(),
        desired: &desired,
        snapshot,
        base: None,
        observed: &Observed::as_recorded(snapshot),
        moved: &[],
        account: None,
        selection: &Selection::default(),
    })
    .expect("a plan")
}

fn host() -> Resource {
    recorded(
        Address::new("instance", "node-0"),
        Json::canonical(&serde_json::json!({})).expect("json"),
        serde_json::json!({"instance_id": "i-1", "private_ip": "10.0.0.5"}),
    )
}

/// A plan that creates a disk on an instance that is there.
fn new_disk() -> Plan {
    let host = host();
    let spec = host.spec.clone();
    planned(
        &snapshot(vec![host]),
        &[("instance.node-0", spec), ("disk.node-0", disk("logs"))],
    )
}

#[test]
fn it_is_planned_and_rendered_with_its_own_headline() {
    let text = plan_text::plan(
        &new_disk(),
        &Display::of(&registry()),
        &Invocation::default(),
        Paint::PLAIN,
        false,
    );
    assert!(text.contains("+ disk.node-0  for logs, 3 blocks\n"), "{text}");
}

#[test]
fn its_numbers_have_its_own_units() {
    let kinds = Display::of(&registry());
    let text = plan_text::plan(&new_disk(), &kinds, &Invocation::default(), Paint::PLAIN, true);
    assert!(text.contains("capacity: 512 MiB\n"), "{text}");
    assert_eq!(kinds.units("instance")("capacity"), None);
}

#[test]
fn its_steps_are_counted_in_its_own_phase() {
    let log = Mutex::new(RunLog::of(&Display::of(&registry())));
    let note = |kind: &str, elapsed_ms: u64| {
        log.lock().expect("a log").note(&Event::StepStarted {
            step: 0,
            address: Address::new(kind, "node-0"),
            action: Action::Create,
            undo: false,
            elapsed_ms,
        });
    };
    note("instance", 0);
    note("disk", 1_000);
    note("disk", 3_000);
    note("secret", 3_000);
    note("config", 4_000);
    let text = log.lock().expect("a log").phases.text().expect("several phases");
    assert_eq!(text, "hosts 0.0 s, disks 2.0 s, services 1.0 s");
}

#[test]
fn the_preflight_asks_for_its_calls() {
    let calls = planned_calls(&registry(), &new_disk()).expect("calls");
    assert_eq!(calls, [PlannedCall::SetTags("logs".into())]);
}

#[test]
fn it_takes_the_new_name_of_its_machine() {
    let outputs = serde_json::json!({"disk_id": "d"});
    let of_host = recorded(Address::new("disk", "node-0"), disk("logs"), outputs);
    let mut snapshot = snapshot(vec![host(), of_host]);
    rename_in_the_state(&registry(), &mut snapshot, "node-0", "worker-0");
    let names: Vec<&str> = snapshot.resources.iter().map(|r| r.address.as_str()).collect();
    assert_eq!(names, ["disk.worker-0", "instance.worker-0"]);
    let spec = snapshot.resources[0].spec.as_str();
    assert!(spec.contains("instance.worker-0"), "{spec}");
}

#[test]
fn it_has_its_own_say_when_its_name_changes_in_the_world() {
    let simulator = Simulator::open(SimOptions {
        time: Pace::Instant,
        ..SimOptions::default()
    })
    .expect("a world");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let renamed = |disk_id: &str| {
        let outputs = serde_json::json!({ "disk_id": disk_id });
        let of_host = recorded(Address::new("disk", "node-0"), disk("logs"), outputs);
        let state = snapshot(vec![of_host, host()]);
        let (kinds, world) = (registry(), simulator.world());
        let renaming = rename_in_the_world(&kinds, &world, &state, "node-0", "worker-0");
        runtime.as_ref().expect("a runtime").block_on(renaming)
    };
    assert!(renamed("near").expect("renamed"));
    assert!(!renamed("far").expect("renamed as far as it goes"));
    let error = renamed("stuck").expect_err("it is stuck").to_string();
    assert!(error.contains("failed to rename a disk"), "{error}");
}

#[test]
fn what_it_claims_decides_whether_two_of_it_can_be() {
    let kinds = registry();
    let kind = kinds.get("disk").expect("the toy kind");
    assert!(kind.coexists(&disk("logs"), &disk("LOGS")).is_err());
    assert!(kind.coexists(&disk("logs"), &disk("data")).is_ok());
}
