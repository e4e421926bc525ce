//! A cluster comes, is found again, and goes.

use subako_engine::plan::Action;
use subako_engine::refresh::Survey;
use subako_engine::session::step_calls;
use subako_engine::world::{NodeState, Reachability, Role, TaskState};

use crate::bench::{Bench, steps};
use crate::calls::unlike_planned;
use crate::manifest::sandbox;

#[tokio::test(start_paused = true)]
async fn a_cluster_comes_up_is_found_as_recorded_and_goes_without_residue() {
    let manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    let nothing = bench.sim.dump();
    let plan = bench.apply(&manifest).await;
    assert_eq!(plan.summary.create, 21);
    bench.assert_settled(&manifest).await;

    let desired = bench.desired(&manifest).await;
    let survey = Survey::take(&bench.world, &bench.snapshot, &desired)
        .await
        .expect("a survey");
    let view = survey.view().expect("a swarm");
    assert_eq!(view.nodes.len(), 5);
    for node in &view.nodes {
        assert_eq!(node.state, NodeState::Ready);
        let name = &node.labels["subako.name"];
        assert_eq!(node.labels["subako.address"], format!("member.{name}"));
        let manages = name.starts_with("manager");
        assert_eq!(node.role == Role::Manager, manages);
        assert_eq!(node.reachability == Some(Reachability::Reachable), manages);
    }
    let running = |service: &str| {
        let tasks = view.tasks.iter().filter(|task| task.service == service);
        tasks.filter(|task| task.state == TaskState::Running).count()
    };
    assert_eq!((running("reply"), running("reply2")), (8, 5));
    assert!(bench.said("service.reply: 8/8 running"));

    bench.destroy(&manifest).await;
    assert!(bench.snapshot.resources.is_empty());
    assert_eq!(bench.world.cloud.residue("sandbox").await.expect("residue"), []);
    assert_eq!(bench.sim.dump(), nothing);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_its_state_is_adopted_not_made_again() {
    let manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    let before = bench.sim.dump();
    bench.snapshot.resources.clear();
    let plan = bench.apply(&manifest).await;
    assert!(
        plan.steps.iter().all(|step| step.action() == Action::Adopt),
        "{:#?}",
        steps(&plan)
    );
    assert_eq!(plan.steps.len(), 21);
    assert_eq!(bench.sim.dump(), before);
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_is_never_taken() {
    let manifest = sandbox();
    let mut other = sandbox();
    other.cluster.name = "other".into();
    let mut bench = Bench::new(vec![]);
    bench.snapshot.cluster = "other".into();
    bench.apply(&other).await;
    bench.snapshot.cluster = "sandbox".into();
    bench.snapshot.resources.clear();
    let plan = bench.plan(&manifest).await;
    let taken: Vec<&str> = plan
        .findings
        .iter()
        .filter(|finding| finding.id == "foreign")
        .filter_map(|finding| Some(finding.address.as_ref()?.as_str()))
        .collect();
    assert_eq!(taken, ["key_pair.sandbox", "security_group.sandbox"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_plan_does_not_make_and_one_that_is_not_made_are_told() {
    let manifest = sandbox();
    let bench = Bench::new(vec![]);
    let plan = bench.plan(&manifest).await;
    let planned = step_calls(&bench.registry, &plan).expect("calls");
    assert!(
        planned
            .iter()
            .any(|(_, call)| call.name == "swarm_join" && !call.certain)
    );
    let made = |left_out: &str, added: &str| {
        let certain = planned.iter().filter(|(_, call)| call.certain);
        let names = certain.map(|(_, call)| call.name).chain([added]);
        let made = names.filter(|name| *name != left_out);
        let made = made.map(|name| (name.to_owned(), 1)).collect();
        unlike_planned(&bench.registry, &plan, &made)
    };
    assert_eq!(made("", "swarm_join"), None);
    assert!(
        made("create_network", "swarm_join")
            .is_some_and(|why| why.contains("not made: [\"create_network\"]"))
    );
    assert!(made("", "remove_network").is_some_and(|why| why.contains("planned: [\"remove_network\"]")));
}
