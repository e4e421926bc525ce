//! A model that is made of what was read of a world reads as that world does.

use std::sync::Mutex;
use std::time::Duration;

use subako_engine::desired::DesiredSet;
use subako_engine::kinds::registry;
use subako_engine::lower::{lower, needs};
use subako_engine::manifest::Manifest;
use subako_engine::plan::{Plan, Planning, Selection, draft};
use subako_engine::refresh::{Survey, SwarmSurvey, find};
use subako_engine::rehearsal::{Setting, scene};
use subako_providers::sim::{Login, Rehearsals};
use subako_state::{Snapshot, Store};
use subako_world::{Rehearse as _, Scene, TaskState, World};

use super::case::{Case, Mode};
use super::drift::Drift;
use super::driver::Driver;
use super::family::Families;

/// Cases that are tried.
const CASES: u64 = 60;

/// What is compared of a survey: what a task did before counts for nothing.
fn shown(survey: &Survey) -> Vec<String> {
    let mut lines = vec![format!("{:?}", survey.managers)];
    lines.extend(survey.cloud.key_pairs.iter().map(|pair| format!("{pair:?}")));
    lines.extend(
        survey
            .cloud
            .security_groups
            .iter()
            .map(|group| format!("{group:?}")),
    );
    lines.extend(
        survey
            .cloud
            .instances
            .iter()
            .map(|instance| format!("{instance:?}")),
    );
    let addresses = survey.cloud.elastic_ips.iter();
    lines.extend(addresses.map(|address| format!("{address:?}")));
    let view = match &survey.swarm {
        SwarmSurvey::Read(view) => view,
        other => {
            lines.push(format!("{other:?}"));
            return lines;
        }
    };
    lines.push(format!(
        "{} {:?} {} {:?}",
        view.id, view.addr_pool, view.subnet_size, view.labels
    ));
    lines.extend(view.nodes.iter().map(|node| format!("{node:?}")));
    lines.extend(view.networks.iter().map(|network| format!("{network:?}")));
    lines.extend(
        view.secrets
            .iter()
            .chain(&view.configs)
            .map(|file| format!("{file:?}")),
    );
    lines.extend(view.services.iter().map(|service| format!("{service:?}")));
    let live = view
        .tasks
        .iter()
        .filter(|task| task.desired == TaskState::Running);
    let mut tasks: Vec<String> = live
        .map(|task| {
            format!(
                "{} {:?} {:?} {:?} {}",
                task.service, task.slot, task.node_id, task.state, task.image
            )
        })
        .collect();
    tasks.sort();
    lines.extend(tasks);
    lines
}

/// What was read of a world, and the scene that is made of it.
struct Read {
    survey: Survey,
    scene: Scene,
}

async fn read(world: &World, manifest: &Manifest, snapshot: &Snapshot) -> (Read, DesiredSet) {
    let registry = registry();
    let looked_up = world
        .cloud
        .lookup(&needs(manifest, snapshot, &[]))
        .await
        .expect("an answer");
    let desired = lower(manifest, snapshot, &[], &looked_up).expect("lowered");
    let mut survey = Survey::take(world, snapshot, &desired).await.expect("a survey");
    let observed = find(&registry, &mut survey, snapshot, &desired)
        .await
        .expect("sightings");
    let plan: Plan = draft(&Planning {
        registry: &registry,
        desired: &desired,
        snapshot,
        base: None,
        observed: &observed,
        moved: &[],
        account: None,
        selection: &Selection::default(),
    })
    .expect("a plan");
    let setting = Setting {
        snapshot,
        survey: &survey,
        observed: &observed,
        looked_up: Some(&looked_up),
        types: &Default::default(),
        account: None,
    };
    let scene = scene(setting, &plan);
    (Read { survey, scene }, desired)
}

/// Tries a case; whether there was a scene at all.
async fn mirrored(case: &Case) -> Option<bool> {
    let driver = Driver::new(case.seed);
    let manifest = driver.parse(&case.before).ok()?;
    driver.apply(&manifest, &Selection::default()).await;
    let done = |drift: &&Drift| !matches!(drift, Drift::LostState | Drift::OldState);
    for drift in case.drift.iter().filter(done) {
        drift.happen(&driver.sim, &case.before);
    }
    driver.pass(Duration::from_secs(case.passes)).await;
    let snapshot = Store::on(driver.memory.clone()).load().ok()?.snapshot?.0;
    let (read, desired) = read(&driver.sim.world(), &manifest, &snapshot).await;
    let scene = &read.scene;
    // Of a swarm that could not be read there is only what is recorded.
    if !scene.assumed.is_empty() {
        return Some(false);
    }
    let model = Rehearsals {
        seed: case.seed,
        login: Login::default(),
        simulated: true,
    };
    let again: Mutex<Option<Survey>> = Mutex::default();
    let (kept, snapshot, desired) = (&again, &snapshot, &desired);
    model
        .rehearse(
            scene,
            Box::new(move |world| {
                Box::pin(async move {
                    let survey = Survey::take(&world, snapshot, desired).await.expect("a survey");
                    *kept.lock().expect("nobody panics with it") = Some(survey);
                })
            }),
        )
        .expect("a model");
    let again = again
        .into_inner()
        .expect("nobody panics with it")
        .expect("it was read");
    let (world, model) = (shown(&read.survey), shown(&again));
    for (one, other) in world.iter().zip(&model) {
        assert_eq!(
            one,
            other,
            "in the world, and in the model, of:\n{}",
            case.words()
        );
    }
    assert_eq!(world.len(), model.len(), "{}", case.words());
    Some(true)
}

#[test]
fn a_model_reads_as_the_world_that_it_is_made_of() {
    let families = Families::all();
    let mut read = 0;
    for seed in 0..CASES {
        let case = Case::of(Mode::Plans, seed, &families);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        read += u64::from(runtime.block_on(mirrored(&case)) == Some(true));
    }
    assert!(
        read * 10 > CASES * 7,
        "most worlds can be read: {read} of {CASES}"
    );
}
