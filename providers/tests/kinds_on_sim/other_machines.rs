//! Machines that are not EC2's instances: engines, nodes and the swarm stand on them as on those.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value as J;
use subako_engine::desired::DesiredSet;
use subako_engine::kind::{ErasedKind, Impact, Item, Machines, Phase, Plane, Sighting, StepContext, Traits};
use subako_engine::kinds;
use subako_engine::machine::{MACHINE, Machine};
use subako_engine::plan::{Plan, Planning, Selection, Step, Value};
use subako_engine::refresh::{Survey, refresh};
use subako_engine::world::Result;
use subako_state::{Address, Json, Outcome};

use crate::bench::{Bench, steps};
use crate::manifest::sandbox;

/// A kind of machine that answers with a `box_id`. What is behind it is an instance of the
/// simulator's, of which nothing but this file knows.
struct Boxes;

/// The kind that does the work.
fn instances() -> Arc<dyn ErasedKind> {
    Arc::clone(kinds::registry().get("instance").expect("a kind"))
}

fn with_field(outputs: &Json, from: &str, to: &str) -> Json {
    let mut fields = outputs.value();
    if let J::Object(fields) = &mut fields
        && let Some(id) = fields.remove(from)
    {
        fields.insert(to.to_owned(), id);
    }
    Json::sorted(&fields).expect("json")
}

fn of_box(outputs: &Json) -> Json {
    with_field(outputs, "box_id", "instance_id")
}

fn of_instance(outputs: &Json) -> Json {
    with_field(outputs, "instance_id", "box_id")
}

#[async_trait]
impl ErasedKind for Boxes {
    fn name(&self) -> &'static str {
        "box"
    }

    fn traits(&self) -> Traits {
        Traits {
            renamed_with: Some(MACHINE),
            ..Traits::of(Plane::Cloud, Phase::HOSTS)
        }
    }

    fn machines(&self) -> Option<&'static dyn Machines> {
        Some(&Boxes)
    }

    fn impact(&self, field: &str, before: &Value, after: &Value) -> Impact {
        instances().impact(field, before, after)
    }

    fn spelled_as(&self, spec: &Json, other: &Json, outputs: &Json) -> Json {
        instances().spelled_as(spec, other, &of_box(outputs))
    }

    fn coexists(&self, old: &Json, new: &Json) -> std::result::Result<(), String> {
        instances().coexists(old, new)
    }

    fn serial_group(&self, _: &Json) -> Option<String> {
        None
    }

    async fn sight(&self, survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
        let known = |item: &Item| Item {
            outputs: item.outputs.as_ref().map(of_box),
            ..item.clone()
        };
        let items: Vec<Item> = items.iter().map(known).collect();
        let seen = instances().sight(survey, &items).await?;
        let seen = seen.into_iter().map(|sighting| match sighting {
            Sighting::There {
                spec,
                outputs,
                generation,
                unconverged,
                whole,
            } => Sighting::There {
                spec,
                outputs: of_instance(&outputs),
                generation,
                unconverged,
                whole,
            },
            other => other,
        });
        Ok(seen.collect())
    }

    async fn create(&self, spec: &Json, cx: &StepContext) -> Result<Json> {
        instances()
            .create(spec, cx)
            .await
            .map(|outputs| of_instance(&outputs))
    }

    async fn update(&self, from: &Json, to: &Json, outputs: &Json, cx: &StepContext) -> Result<Json> {
        let updated = instances().update(from, to, &of_box(outputs), cx).await;
        updated.map(|outputs| of_instance(&outputs))
    }

    async fn delete(&self, spec: &Json, outputs: &Json, cx: &StepContext) -> Result<()> {
        instances().delete(spec, &of_box(outputs), cx).await
    }

    async fn find(&self, spec: &Json, outputs: Option<&Json>, cx: &StepContext) -> Result<Option<Json>> {
        let outputs = outputs.map(of_box);
        let found = instances().find(spec, outputs.as_ref(), cx).await?;
        Ok(found.map(|outputs| of_instance(&outputs)))
    }
}

#[async_trait]
impl Machines for Boxes {
    fn kind(&self) -> &'static str {
        "box"
    }

    fn recorded(&self, outputs: &Json) -> Option<Machine> {
        let recorded = instances().machines()?.recorded(&of_box(outputs))?;
        Some(boxed(recorded))
    }

    async fn find(&self, id: &str, cx: &StepContext) -> Result<Option<Machine>> {
        let behind = instances().machines().expect("machines");
        Ok(behind.find(id, cx).await?.map(boxed))
    }

    async fn of_cluster(&self, cx: &StepContext) -> Result<Vec<Machine>> {
        let behind = instances().machines().expect("machines");
        let all = behind.of_cluster(cx).await?;
        Ok(all.into_iter().map(boxed).collect())
    }

    async fn start(&self, machine: &Machine, cx: &StepContext) -> Result<Machine> {
        let behind = instances().machines().expect("machines");
        behind.start(machine, cx).await.map(boxed)
    }

    async fn stop(&self, machine: &Machine, cx: &StepContext) -> Result<()> {
        instances().machines().expect("machines").stop(machine, cx).await
    }
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn boxed(machine: Machine) -> Machine {
    Machine {
        kind: "box",
        ..machine
    }
}

/// A bench that knows boxes and no instances.
fn bench() -> Bench {
    let mut bench = Bench::new(vec![]);
    let others = kinds::registry();
    let others = others.iter().filter(|kind| kind.name() != "instance");
    bench.registry = others.fold(
        Default::default(),
        |registry: subako_engine::kind::Registry, kind| registry.with_erased(Arc::clone(kind)),
    );
    bench.registry = bench.registry.with_erased(Arc::new(Boxes));
    bench
}

/// The sandbox on boxes.
async fn desired(bench: &Bench) -> DesiredSet {
    let mut desired = bench.desired(&sandbox()).await;
    let boxed = |text: &str| text.replace("instance.", "box.").replace("instance_id", "box_id");
    let address = |address: &Address| self::address(&boxed(address.as_str()));
    for wanted in &mut desired.resources {
        wanted.address = address(&wanted.address);
        wanted.spec = serde_json::from_str(&boxed(wanted.spec.as_str())).expect("json");
        wanted.depends_on = wanted.depends_on.iter().map(address).collect();
    }
    desired
}

/// What goes with its host, and with which.
fn vanishing(plan: &Plan) -> Vec<String> {
    let with = |step: &Step| Some(format!("{} with {}", step.address, step.gone_with()?));
    plan.steps.iter().filter_map(with).collect()
}

async fn settled(bench: &Bench, desired: &DesiredSet) {
    let next = plan(bench, desired, Selection::default()).await;
    assert_eq!(steps(&next), Vec::<String>::new());
}

async fn plan(bench: &Bench, desired: &DesiredSet, selection: Selection) -> Plan {
    let observed = refresh(&bench.registry, &bench.world, &bench.snapshot, desired)
        .await
        .expect("a refresh");
    subako_engine::check::plan(&Planning {
        registry: &bench.registry,
        desired,
        snapshot: &bench.snapshot,
        base: None,
        observed: &observed,
        moved: &[],
        account: None,
        selection: &selection,
    })
    .expect("a plan")
}

async fn applied(bench: &mut Bench, plan: &Plan) {
    let finished = bench.run(plan).await;
    assert_eq!(finished.outcome, Outcome::Applied, "{:#?}", finished.failures);
}

#[tokio::test(start_paused = true)]
async fn engines_nodes_and_the_swarm_stand_on_machines_of_any_kind() {
    let mut bench = bench();
    let desired = desired(&bench).await;
    let first = plan(&bench, &desired, Selection::default()).await;
    applied(&mut bench, &first).await;
    settled(&bench, &desired).await;

    // An engine that does not answer is repaired by its machine's power switch.
    bench.sim.kill_node("node-0").expect("killed");
    tokio::time::sleep(Duration::from_secs(120)).await;
    let repair = plan(&bench, &desired, Selection::default()).await;
    assert_eq!(steps(&repair), ["update docker.node-0: running"]);
    applied(&mut bench, &repair).await;
    settled(&bench, &desired).await;

    // A machine is replaced with all that stands on it: its node leaves the swarm from the old one.
    let asked = Selection {
        replace: vec!["box.node-1".into()],
        ..Selection::default()
    };
    let replacement = plan(&bench, &desired, asked).await;
    let hosts = vanishing(&replacement);
    assert_eq!(hosts, ["docker.node-1 with box.node-1"]);
    applied(&mut bench, &replacement).await;
    settled(&bench, &desired).await;
    let part = Selection {
        replace: vec!["docker.node-1".into()],
        ..Selection::default()
    };
    let refused = plan(&bench, &desired, part).await;
    let remedies = refused
        .findings
        .iter()
        .filter_map(|finding| finding.remedy.as_deref());
    assert!(
        remedies
            .into_iter()
            .any(|remedy| remedy.contains("--replace box.node-1"))
    );

    let everything = Selection {
        destroy: true,
        ..Selection::default()
    };
    let destroy = plan(&bench, &desired, everything).await;
    let hosts = vanishing(&destroy);
    assert!(
        hosts.contains(&"swarm.sandbox with box.*".to_owned()),
        "{hosts:?}"
    );
    assert!(
        hosts.contains(&"docker.node-0 with box.node-0".to_owned()),
        "{hosts:?}"
    );
    applied(&mut bench, &destroy).await;
    assert_eq!(bench.snapshot.resources, []);
    let left = bench.world.cloud.residue("sandbox").await.expect("a survey");
    assert!(left.is_empty(), "{left:?}");
}
