//! The whole pipeline in one process: every example on the simulator, in virtual time.

use std::path::Path;

use subako_engine::check::Severity;
use subako_engine::event::Events;
use subako_engine::manifest::{self, Manifest, Source, Variables};
use subako_engine::plan::Selection;
use subako_engine::run::{ApplyOptions, Stop};
use subako_engine::session::Session;
use subako_providers::sim::{Login, Pace, SimOptions, Simulator};
use subako_state::{Outcome, Store};

fn example(name: &str) -> Manifest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name);
    let text = std::fs::read_to_string(&path).expect("the example");
    let source = Source {
        name: name.into(),
        text: text.into(),
        dir: path.parent().expect("a directory").into(),
    };
    let strings = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        owned.collect()
    };
    let used = |text: &str, name: &str| text.contains(&format!("${{var:{name}}}"));
    let values = [("version", "1.8.2"), ("web_replicas", "6")];
    let values: Vec<(&str, &str)> = values
        .into_iter()
        .filter(|(name, _)| used(&source.text, name))
        .collect();
    let variables = Variables {
        env: strings(&[("HOME", "/home/me"), ("DATABASE_PASSWORD", "not-a-password")]),
        vars: strings(&values),
        ..Variables::default()
    };
    manifest::parse(&source, &variables).expect("the example parses")
}

/// A session on a world of the manifest's region, zones and subnets, as the program opens it.
fn session(name: &str) -> (Session, Simulator) {
    let manifest = example(name);
    let pinned = manifest.pools.iter().flat_map(|pool| &pool.private_ips);
    let simulator = Simulator::open(SimOptions {
        seed: 1,
        time: Pace::Instant,
        faults: vec![],
        region: manifest
            .aws
            .region
            .clone()
            .unwrap_or_else(|| "ap-northeast-1".into()),
        zones: manifest.aws.availability_zones.clone(),
        vpc: manifest.aws.vpc.clone(),
        subnets: manifest.aws.subnets.clone(),
        pinned: pinned.filter_map(|ip| ip.parse().ok()).collect(),
        login: Login {
            port: manifest.ssh.port,
            private: manifest.ssh.dials_private(),
            registries: manifest.docker_config.is_some(),
        },
        world_file: None,
    })
    .expect("the simulator opens");
    let session = Session::offline(manifest, "sim", Store::in_memory());
    let session = session.online(simulator.world()).expect("a key for the secrets");
    (session, simulator)
}

/// Applies an example, plans it again, destroys it.
async fn live(name: &str) {
    let (session, _simulator) = session(name);
    let all = Selection::default();
    let known = session.load().expect("new");
    let plan = session.plan(&known, &all, true).await.expect("a plan");
    let options = ApplyOptions {
        parallelism: 64,
        ..ApplyOptions::default()
    };
    let ran = session
        .apply(&plan, &known, &options, "apply", &Events::silent(), &Stop::new())
        .await
        .expect("it runs");
    assert_eq!(ran.outcome, Outcome::Applied, "{:?}", ran.failures);
    let known = session.load().expect("loads");
    let again = session.plan(&known, &all, true).await.expect("a plan");
    assert!(again.is_empty(), "{:#?}", again.steps);
    let protected = known.snapshot.resources.iter().any(|resource| resource.protect);
    let destroy = Selection {
        destroy: true,
        ..Selection::default()
    };
    let plan = session.plan(&known, &destroy, true).await.expect("a plan");
    if protected {
        let refused = plan
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        assert!(refused, "what is protected cannot be destroyed");
        return;
    }
    let ran = session
        .apply(
            &plan,
            &known,
            &options,
            "destroy",
            &Events::silent(),
            &Stop::new(),
        )
        .await
        .expect("it runs");
    assert_eq!(ran.outcome, Outcome::Applied, "{:?}", ran.failures);
    assert_eq!(session.residue().await.expect("residue"), vec![]);
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_is_applied_planned_again_and_destroyed() {
    live("sandbox.toml").await;
}

#[tokio::test(start_paused = true)]
async fn the_least_example_is_applied_planned_again_and_destroyed() {
    live("minimal.toml").await;
}

#[tokio::test(start_paused = true)]
async fn the_production_example_is_applied_and_planned_again() {
    live("production.toml").await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_nodes_are_applied_planned_again_and_destroyed() {
    live("thousand.toml").await;
}

#[test]
fn every_example_is_here() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .expect("the examples")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["minimal.toml", "production.toml", "sandbox.toml", "thousand.toml"]
    );
}
