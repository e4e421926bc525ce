//! The whole pipeline in one process: the example cluster on the simulator, in virtual time.

use std::path::Path;

use subako_engine::event::Events;
use subako_engine::kinds::registry;
use subako_engine::manifest::{self, Source, Variables};
use subako_engine::plan::Selection;
use subako_engine::run::{ApplyOptions, Stop};
use subako_engine::session::Session;
use subako_providers::sim::{Pace, SimOptions, Simulator};
use subako_state::{Outcome, Store};

fn session() -> (Session, Simulator) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/sandbox.toml");
    let text = std::fs::read_to_string(&path).expect("the example");
    let source = Source {
        name: "sandbox.toml".into(),
        text: text.into(),
        dir: path.parent().expect("a directory").into(),
    };
    let manifest = manifest::parse(&source, &Variables::default()).expect("the example parses");
    let simulator = Simulator::open(SimOptions {
        seed: 1,
        time: Pace::Instant,
        faults: vec![],
        region: "ap-northeast-1".into(),
        zones: vec!["ap-northeast-1a".into()],
        ..SimOptions::default()
    })
    .expect("the simulator opens");
    let session = Session::new(manifest, "sim", Store::in_memory(), registry(), simulator.world());
    (session, simulator)
}

#[tokio::test(start_paused = true)]
async fn the_example_is_applied_planned_again_and_destroyed() {
    let (session, _simulator) = session();
    let all = Selection::default();
    let known = session.load().expect("new");
    let plan = session.plan(&known, &all, true).await.expect("a plan");
    let options = ApplyOptions::default();
    let ran = session
        .apply(&plan, &known, &options, "apply", &Events::silent(), &Stop::new())
        .await
        .expect("it runs");
    assert_eq!(ran.outcome, Outcome::Applied, "{:?}", ran.failures);
    let known = session.load().expect("loads");
    let again = session.plan(&known, &all, true).await.expect("a plan");
    assert!(again.is_empty(), "{:#?}", again.steps);
    let destroy = Selection {
        destroy: true,
        ..Selection::default()
    };
    let plan = session.plan(&known, &destroy, true).await.expect("a plan");
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
