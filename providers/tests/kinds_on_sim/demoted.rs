//! A manager that was found and is none any more when it is asked, because the same run, or
//! somebody else, demotes it meanwhile: it has done nothing, and another one is asked.

use std::collections::BTreeMap;

use subako_engine::manifest::{File, Manifest};
use subako_engine::plan::Selection;
use subako_engine::world::{Content, Mode, Role};
use subako_providers::sim::{FaultEffect, FaultRule};
use subako_state::Outcome;

use crate::bench::Bench;
use crate::manifest::{pool, sandbox, service};

/// What only a manager answers. Without a digest or new logins a step goes on, which others test.
const ASKED: [&str; 19] = [
    "configs",
    "create_config",
    "create_network",
    "create_secret",
    "create_service",
    "networks",
    "node",
    "nodes",
    "remove_config",
    "remove_network",
    "remove_node",
    "remove_secret",
    "remove_service",
    "secrets",
    "service",
    "swarm_inspect",
    "tasks",
    "update_node",
    "update_service",
];

fn file(name: &str, content: &str) -> File {
    File {
        name: name.into(),
        object: format!("{name}-{content}"),
        content: Some(Content::new(content.as_bytes().to_vec())),
        source: "the manifest".into(),
    }
}

fn before() -> Manifest {
    let mut manifest = sandbox();
    manifest.pools = vec![pool("manager", Role::Manager, 3), pool("node", Role::Worker, 1)];
    manifest.services = vec![service("reply", 1, 80), service("gone", 1, 8080)];
    let mut spare = manifest.networks[0].clone();
    spare.name = "spare".into();
    manifest.networks.push(spare);
    manifest.configs = vec![file("config", "one")];
    manifest.secrets = vec![file("secret", "one")];
    manifest
}

/// Something is created, changed and deleted of every kind that lives in the swarm.
fn after() -> Manifest {
    let mut manifest = before();
    manifest.pools[0].labels.insert("disk".into(), "ssd".into());
    manifest.pools[1].ami = "amazon-linux-2".into();
    manifest.services[0].spec.mode = Mode::Replicated(2);
    manifest.services[1] = service("fresh", 1, 8081);
    manifest.networks[1].name = "fresh".into();
    manifest.configs = vec![file("config", "two")];
    manifest.secrets = vec![file("secret", "two")];
    manifest
}

/// The change, with what befalls its calls; what it asked for, how often.
async fn changed(faults: &[FaultRule]) -> BTreeMap<String, u64> {
    let (from, to) = (before(), after());
    let mut bench = Bench::new(vec![]);
    bench.world.vault = from.vault();
    bench.apply(&from).await;
    bench.world.vault = to.vault();
    let plan = bench.plan_with(&to, &Selection::default()).await;
    bench.sim.begin_run(faults, None).expect("calls that there are");
    let ran = bench.run(&plan).await;
    assert_eq!(ran.outcome, Outcome::Applied, "{faults:?}: {:#?}", ran.failures);
    let calls = bench.sim.calls();
    bench.sim.begin_run(&[], None).expect("no faults");
    bench.assert_settled(&to).await;
    calls
}

#[tokio::test(start_paused = true)]
async fn a_manager_that_is_none_any_more_when_it_is_asked_is_passed_over_for_another() {
    let calls = changed(&[]).await;
    for call in ASKED {
        let count = calls.get(call).copied().unwrap_or(0);
        assert!(count > 0, "nobody asks for {call}");
        // The first two, which are other steps', and the last.
        for nth in (1..=count as u32).filter(|nth| *nth <= 2 || u64::from(*nth) == count) {
            changed(&[FaultRule {
                call: call.to_owned(),
                nth,
                times: 1,
                effect: FaultEffect::Error("not_a_manager".to_owned()),
            }])
            .await;
        }
    }
}
