//! `depends_on` of services: who comes first, who goes first, and what is waited for.

use subako_engine::manifest::Manifest;
use subako_engine::plan::Plan;
use subako_engine::world::{Condition, RestartCondition, RestartPolicy};
use subako_state::Outcome;

use crate::bench::{Bench, steps};
use crate::manifest::{sandbox, service};

/// The sandbox with these services, each waiting for others.
fn with(services: &[(&str, &[(&str, Condition)])]) -> Manifest {
    let mut manifest = sandbox();
    manifest.services.clear();
    for (name, depends_on) in services {
        let mut one = service(name, 1, 80);
        one.spec.ports.clear();
        one.depends_on = depends_on
            .iter()
            .map(|(name, condition)| ((*name).to_owned(), *condition))
            .collect();
        manifest.services.push(one);
    }
    manifest
}

fn chain() -> Manifest {
    use Condition::{Healthy, Started};
    with(&[
        ("web", &[("api", Healthy), ("cache", Started)]),
        ("api", &[("db", Started)]),
        ("cache", &[]),
        ("db", &[]),
    ])
}

/// Whether one step waits for another, through gates or steps between them.
fn waits_for(plan: &Plan, later: &str, earlier: &str) -> bool {
    let number = |name: &str| {
        let mut all = plan.steps.iter();
        let found = all.position(|step| step.address.as_str() == format!("service.{name}"));
        found.unwrap_or_else(|| panic!("{name} is not in {:?}", steps(plan))) as u32
    };
    let (mut open, goal) = (vec![number(later)], number(earlier));
    while let Some(node) = open.pop() {
        if node == goal {
            return true;
        }
        open.extend(plan.after(node as usize));
    }
    false
}

#[tokio::test(start_paused = true)]
async fn services_come_after_those_they_wait_for_and_go_before_them() {
    let mut bench = Bench::new(vec![]);
    let made = bench.apply(&chain()).await;
    bench.assert_settled(&chain()).await;
    for (later, earlier) in [("web", "api"), ("web", "cache"), ("api", "db"), ("web", "db")] {
        assert!(waits_for(&made, later, earlier), "{later} {earlier}");
        assert!(!waits_for(&made, earlier, later), "{earlier} {later}");
    }
    assert!(!waits_for(&made, "api", "cache"));
    let gone = bench.apply(&with(&[])).await;
    for (first, second) in [("web", "api"), ("web", "cache"), ("api", "db")] {
        assert!(waits_for(&gone, second, first), "{first} goes before {second}");
    }
    bench.apply(&chain()).await;
    bench.destroy(&chain()).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_order_alone_restarts_nothing() {
    let mut bench = Bench::of(&with(&[("web", &[]), ("db", &[])])).await;
    let tasks = |bench: &Bench| bench.sim.dump()["swarms"].clone();
    let before = tasks(&bench);
    let ordered = with(&[("web", &[("db", Condition::Started)]), ("db", &[])]);
    let plan = bench.apply(&ordered).await;
    assert_eq!(steps(&plan), ["update service.web: depends_on"]);
    assert_eq!(tasks(&bench), before);
    bench.assert_settled(&ordered).await;
    // A removal goes by what was recorded.
    let gone = bench.apply(&with(&[])).await;
    assert!(waits_for(&gone, "db", "web"));
}

#[tokio::test(start_paused = true)]
async fn a_service_waits_until_another_has_completed() {
    let mut manifest = with(&[("web", &[("migrate", Condition::Completed)]), ("migrate", &[])]);
    let migrate = &mut manifest.services[1].spec;
    migrate.image = "alpine".into();
    migrate.command = vec!["sleep".into(), "40".into()];
    migrate.restart_policy = Some(RestartPolicy {
        condition: RestartCondition::OnFailure,
        delay: None,
        max_attempts: None,
        window: None,
    });
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
    assert!(bench.said("service.web: 0 of 1 tasks of migrate have completed"));
    // It has: nobody waits a second time.
    bench.notes.lock().expect("notes").clear();
    manifest.services[0]
        .spec
        .environment
        .insert("A".into(), "b".into());
    bench.apply(&manifest).await;
    assert!(!bench.said("of migrate have completed"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_whose_predecessor_fails() {
    let mut manifest = chain();
    manifest.services[3].spec.image = "shop/crash:1".into();
    let mut bench = Bench::new(vec![]);
    let plan = bench.plan(&manifest).await;
    let finished = bench.run(&plan).await;
    assert_eq!(finished.outcome, Outcome::RolledBack);
    let failed: Vec<&str> = finished
        .failures
        .iter()
        .map(|(address, _)| address.as_str())
        .collect();
    assert_eq!(failed, ["service.db"]);
    assert!(!bench.said("service.api") && !bench.said("service.web"));
}
