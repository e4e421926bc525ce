//! What was observed is what a rollback restores, not what was recorded: somebody has changed a
//! service by hand, and an apply that fails changes, renames or replaces it.

use subako_engine::manifest::Manifest;
use subako_engine::plan::Selection;
use subako_engine::world::ServiceSpec;
use subako_engine::world::service::{Resources, UpdateConfig};
use subako_providers::sim::{FaultEffect, FaultRule, Simulator};
use subako_state::Outcome;

use crate::bench::{Bench, fault, small};

type ByHand = fn(&Simulator);
type Edit = fn(&mut Manifest);

/// What somebody does to the service by hand.
const BY_HAND: [(&str, ByHand); 5] = [
    ("nothing", |_| {}),
    ("scaled", |sim| sim.scale_service("web", 5).expect("it is there")),
    ("another image", |sim| {
        sim.set_service_image("web", "nginx").expect("it is there");
    }),
    (UNMANAGED, |sim| {
        let change = |spec: &mut ServiceSpec| {
            spec.stop_grace_period = Some(30_000_000_000);
            spec.user = Some("1000".to_owned());
            spec.init = Some(true);
            spec.update_config = Some(UpdateConfig {
                delay: Some(1_000_000_000),
                ..UpdateConfig::default()
            });
            spec.resources = Some(Resources {
                reserve_memory: Some(16 << 20),
                ..Resources::default()
            });
        };
        sim.change_service("web", change).expect("it is there");
    }),
    ("both", |sim| {
        sim.set_service_image("web", "nginx").expect("it is there");
        sim.scale_service("web", 5).expect("it is there");
    }),
];

/// Sets what the manifest leaves out.
const UNMANAGED: &str = "settings that nobody manages";

/// What is set there of what the manifest leaves out.
fn unmanaged(bench: &Bench) -> Vec<serde_json::Value> {
    let keys = ["init", "resources", "stop_grace_period", "update_config", "user"];
    let services = services(bench);
    keys.map(|key| services[0]["web"][key].clone()).to_vec()
}

/// What an apply is to do with it.
const EDITS: [(&str, Edit); 5] = [
    ("changed", |manifest| {
        let spec = &mut manifest.services[0].spec;
        spec.environment.insert("A".into(), "b".into());
    }),
    ("given another image", |manifest| {
        manifest.services[0].spec.image = "httpd".into();
    }),
    ("renamed", |manifest| {
        manifest.services[0].spec.name = "renamed".into()
    }),
    ("removed", |manifest| manifest.services.clear()),
    ("replaced with its network", |manifest| {
        manifest.networks[0].attachable = true;
    }),
];

/// The services and how many tasks each has, without what differs between two of one spec.
fn services(bench: &Bench) -> Vec<serde_json::Value> {
    let dump = bench.sim.dump();
    let swarms = dump["swarms"]
        .as_object()
        .into_iter()
        .flat_map(|map| map.values());
    let mut services: Vec<_> = swarms.map(|swarm| swarm["services"].clone()).collect();
    for service in services
        .iter_mut()
        .flat_map(|all| all.as_object_mut())
        .flat_map(|all| all.values_mut())
    {
        let labels = service["labels"].as_object_mut();
        labels
            .expect("labels")
            .retain(|label, _| !label.starts_with("subako"));
    }
    services
}

#[tokio::test(start_paused = true)]
async fn what_was_observed_of_a_service_is_what_a_rollback_restores() {
    let mut failed = 0;
    for (hand, by_hand) in BY_HAND {
        for (edit, change) in EDITS {
            for nth in 1.. {
                let mut bench = Bench::new(small(1), vec![]);
                bench.converge(1, "at first").await;
                by_hand(&bench.sim);
                // The tasks of the changed service run.
                let clock = bench.sim.world().clock;
                clock.sleep(std::time::Duration::from_secs(120)).await;
                let before = services(&bench);
                let (own, in_place) = (
                    unmanaged(&bench),
                    ["changed", "given another image"].contains(&edit),
                );
                change(&mut bench.manifest);
                let rule = fault("*", 1, FaultEffect::TimeoutAfterEffect);
                let begun = bench.sim.begin_run(&[FaultRule { nth, ..rule }], None);
                begun.expect("a known call");
                let ran = bench.apply(&Selection::default()).await.expect("a run");
                let what = format!("{hand}, {edit}, call {nth}: {:#?}", ran.failures);
                match ran.outcome {
                    Outcome::Applied => {
                        // A change leaves alone what it does not speak of.
                        if hand == UNMANAGED && in_place {
                            assert_eq!(unmanaged(&bench), own, "{what}");
                            assert!(own.iter().all(|value| !value.is_null()), "{own:?}");
                        }
                        break;
                    }
                    Outcome::Remains => panic!("{what}"),
                    Outcome::RolledBack => failed += 1,
                }
                assert!(ran.aftermath.is_clean(), "{what} {:#?}", ran.aftermath);
                assert_eq!(services(&bench), before, "{what}");
                bench.sim.begin_run(&[], None).expect("no faults");
                bench.converge(1, &what).await;
            }
        }
    }
    assert!(failed > 20, "only {failed} rollbacks");
}
