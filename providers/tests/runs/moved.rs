//! A pool gets another name: its machines stay, and everything goes by the new name, or by the old
//! one where the run was undone.

use serde_json::Value;
use subako_engine::manifest::{Block, Manifest, Moved, PublicIp};
use subako_engine::plan::{Action, Plan, Selection};
use subako_engine::world::{HostTarget, Instance, Role, TaskFilter, tag};
use subako_providers::sim::FaultEffect;
use subako_state::{Direction, Outcome};

use crate::bench::{Bench, WAYS, destroy, fault, small};
use crate::manifest::pool;

/// A small cluster whose worker has an elastic address.
fn before() -> Manifest {
    let mut manifest = small(3);
    manifest.pools[1].public_ip = Some(PublicIp::Elastic);
    manifest
}

/// The same with both of its pools renamed, the second one twice.
fn after() -> Manifest {
    let mut manifest = before();
    manifest.pools[0].name = "boss".into();
    manifest.pools[1].name = "arm".into();
    let moved = |from: &str, to: &str| Moved {
        block: Block::Pool,
        from: from.into(),
        to: to.into(),
    };
    manifest.moved = vec![moved("mgr", "boss"), moved("hand", "arm"), moved("wrk", "arm")];
    manifest
}

async fn bench() -> Bench {
    let mut bench = Bench::new(before(), vec![]);
    bench.converge(1, "at first").await;
    bench.manifest = after();
    bench
}

/// What the objects of the cluster say of their names, tags and labels alike, sorted.
fn names(bench: &Bench) -> Vec<String> {
    fn gather(value: &Value, found: &mut Vec<String>) {
        const KEYS: [&str; 4] = ["Name", "subako:address", "subako.address", "subako.name"];
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| match value {
                Value::String(text) if KEYS.contains(&key.as_str()) => found.push(format!("{key}={text}")),
                value => gather(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather(&bench.sim.dump(), &mut found);
    found.sort();
    found
}

/// Names of pools that are no more.
fn old(bench: &Bench) -> Vec<String> {
    let mut old = names(bench);
    old.retain(|name| name.contains("mgr") || name.contains("wrk"));
    old
}

/// The ids of the tasks.
async fn tasks(bench: &Bench) -> Vec<String> {
    let world = bench.sim.world();
    let survey = world
        .cloud
        .survey(&bench.manifest.cluster.name)
        .await
        .expect("a survey");
    let manager = |live: &&Instance| {
        let name = &live.tags[tag::ADDRESS];
        name.contains("mgr") || name.contains("boss")
    };
    let live = survey.instances.iter().find(manager).expect("a manager");
    let target = HostTarget {
        name: "a manager".to_owned(),
        instance_id: live.id.clone(),
        private_ip: live.private_ip.clone(),
        public_ip: live.public_ip.clone(),
        host_key: None,
        is_new: false,
    };
    let host = world.hosts.reach(&target).await.expect("it answers");
    let tasks = host.tasks(&TaskFilter::default()).await.expect("tasks");
    tasks.into_iter().map(|task| task.id).collect()
}

/// The ids of machines and elastic addresses.
fn ids(bench: &Bench) -> Vec<String> {
    let dump = bench.sim.dump();
    let of = |kind: &str| {
        dump[kind]
            .as_object()
            .expect("objects")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    [of("instances"), of("elastic_ips")].concat()
}

fn verbs(plan: &Plan) -> Vec<Action> {
    let mut verbs: Vec<Action> = plan.steps.iter().map(|step| step.action()).collect();
    verbs.sort();
    verbs.dedup();
    verbs
}

/// What is recorded, without what the world answers: an address may have moved meanwhile.
fn recorded(bench: &Bench) -> Vec<String> {
    let known = bench.session().load().expect("a state");
    let all = known.snapshot.resources.iter();
    all.map(|record| {
        format!(
            "{} {} {}",
            record.address,
            record.generation,
            record.spec.as_str()
        )
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn its_machines_stay_and_go_by_the_new_name() {
    let mut bench = bench().await;
    let (was, ran) = (ids(&bench), tasks(&bench).await);
    let plan = bench.plan(&Selection::default()).await;
    assert_eq!(verbs(&plan), [Action::Update], "{:#?}", plan.steps);
    assert!(plan.drift.is_empty(), "{:#?}", plan.drift);
    let moves: Vec<(&str, usize)> = plan
        .moved
        .iter()
        .map(|one| (one.to.as_str(), one.resources.len()))
        .collect();
    assert_eq!(moves, [("pool.boss", 9), ("pool.arm", 4)]);
    bench.converge(1, "moved").await;
    assert_eq!(ids(&bench), was);
    assert_eq!(old(&bench), [""; 0]);
    assert_eq!(tasks(&bench).await, ran, "no task was restarted");
    // The block can stay, and can go.
    assert!(bench.plan(&Selection::default()).await.is_empty());
    bench.manifest.moved.clear();
    assert!(bench.plan(&Selection::default()).await.is_empty());
    // What a lost state is rebuilt from has the new names.
    let recorded = recorded(&bench);
    let addresses = |all: &[String]| -> Vec<String> {
        all.iter()
            .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
            .collect()
    };
    let lost = Bench {
        store: subako_state::Store::in_memory(),
        sim: bench.sim.clone(),
        manifest: bench.manifest.clone(),
    };
    let plan = lost.plan(&Selection::default()).await;
    assert_eq!(verbs(&plan), [Action::Adopt], "{:#?}", plan.steps);
    let mut adopted: Vec<String> = plan.steps.iter().map(|step| step.address.to_string()).collect();
    adopted.sort();
    assert_eq!(adopted, addresses(&recorded));
}

#[tokio::test(start_paused = true)]
async fn undone_it_has_the_old_names_everywhere() {
    for call in ["modify_instance", "update_node", "retag"] {
        let bench = bench().await;
        let (was, state) = (bench.sim.dump(), recorded(&bench));
        let broken = fault(call, 1, FaultEffect::Error("Broken".into()));
        bench.sim.begin_run(&[broken], None).expect("a fault");
        let ran = bench.apply(&Selection::default()).await.expect("a run");
        assert_eq!(ran.outcome, Outcome::RolledBack, "{call}: {:#?}", ran.failures);
        assert!(ran.aftermath.is_clean(), "{call}: {:#?}", ran.aftermath);
        assert_eq!(bench.sim.dump(), was, "{call}");
        assert_eq!(recorded(&bench), state, "{call}");
        bench.converge(1, call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_it_can_be_finished_or_undone() {
    let entries = {
        let bench = bench().await;
        2 * bench.plan(&Selection::default()).await.steps.len() as u64 + 2
    };
    for way in WAYS {
        for after in 1..entries {
            let what = format!("{way} after {after}");
            let bench = bench().await;
            let (was, state) = (bench.sim.dump(), recorded(&bench));
            bench.killed(&Selection::default(), after).await;
            if way == "back" {
                bench.recover(Direction::Back).await.expect("a way back");
                assert_eq!(bench.sim.dump(), was, "{what}");
                assert_eq!(recorded(&bench), state, "{what}");
            }
            bench.go_on(way, &what).await;
            if way != "destroy" {
                assert_eq!(old(&bench), [""; 0], "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_refuses_the_plan_and_a_destroy_moves_nothing() {
    let mut bench = bench().await;
    let plan = bench.plan(&destroy()).await;
    assert!(plan.moved.is_empty());
    // The new pool was made first, without a word about the old one.
    bench.manifest.moved.clear();
    bench.manifest.pools.push(pool("mgr", Role::Manager, 3));
    bench.manifest.pools.push(pool("wrk", Role::Worker, 1));
    bench.converge(2, "both").await;
    bench.manifest = after();
    let plan = bench.plan(&Selection::default()).await;
    let said: Vec<&str> = plan
        .findings
        .iter()
        .filter(|found| found.id == "moved")
        .map(|found| found.message.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "pool `mgr` cannot become `boss`: the state has docker.boss-0 already",
            "pool `wrk` cannot become `arm`: the state has docker.arm-0 already"
        ]
    );
    assert!(plan.moved.is_empty());
}
