//! What somebody else puts on what is ours is theirs: their tags, their protection.

use std::collections::BTreeMap;

use subako_engine::plan::Selection;
use subako_engine::world::{Code, InstanceChange, InstanceState};
use subako_state::Outcome;

use crate::bench::{Bench, steps};
use crate::manifest::sandbox;

const KEY: &str = "AutoTag_Creator";

fn tag() -> BTreeMap<String, String> {
    BTreeMap::from([(KEY.to_owned(), "AROAX:me".to_owned())])
}

/// Tags everything in the cloud that carries the cluster's tag, as an account's automation does.
async fn tag_everything(bench: &Bench) {
    let cloud = &bench.world.cloud;
    let survey = cloud.survey("sandbox").await.expect("a survey");
    let keys = survey.key_pairs.iter().map(|key| &key.id);
    let groups = survey.security_groups.iter().map(|group| &group.id);
    for id in keys.chain(groups) {
        cloud.retag(id, &tag(), &[]).await.expect("tagged");
    }
    for instance in &survey.instances {
        let change = InstanceChange {
            set_tags: tag(),
            ..InstanceChange::default()
        };
        cloud
            .modify_instance(&instance.id, &change)
            .await
            .expect("tagged");
    }
}

/// How many objects of the cluster carry the foreign tag.
async fn tagged(bench: &Bench) -> usize {
    let survey = bench.world.cloud.survey("sandbox").await.expect("a survey");
    let keys = survey.key_pairs.iter().map(|key| &key.tags);
    let groups = survey.security_groups.iter().map(|group| &group.tags);
    let instances = survey.instances.iter().map(|instance| &instance.tags);
    let all = keys.chain(groups).chain(instances);
    all.filter(|tags| tags.contains_key(KEY)).count()
}

#[tokio::test(start_paused = true)]
async fn tags_of_others_are_no_drift_and_stay_when_ours_change() {
    let mut manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    tag_everything(&bench).await;
    let all = tagged(&bench).await;
    assert!(all > 2);
    bench.assert_settled(&manifest).await;
    // Ours change, one of them goes: theirs stay.
    manifest.cluster.tags = BTreeMap::from([("Team".to_owned(), "b".to_owned())]);
    let plan = bench.apply(&manifest).await;
    assert_eq!(steps(&plan).len(), all);
    assert_eq!(tagged(&bench).await, all);
    let survey = bench.world.cloud.survey("sandbox").await.expect("a survey");
    for instance in &survey.instances {
        assert_eq!(instance.tags.get("Team").map(String::as_str), Some("b"));
        assert!(!instance.tags.contains_key("Unit"), "{:?}", instance.tags);
    }
    bench.assert_settled(&manifest).await;
    // A key that the manifest takes over is ours from then on.
    manifest.cluster.tags = BTreeMap::from([(KEY.to_owned(), "us".to_owned())]);
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
    manifest.cluster.tags.clear();
    bench.apply(&manifest).await;
    assert_eq!(tagged(&bench).await, 0);
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_somebody_protected_is_not_terminated() {
    let manifest = sandbox();
    let mut bench = Bench::new(vec![]);
    bench.apply(&manifest).await;
    let cloud = bench.world.cloud.clone();
    let survey = cloud.survey("sandbox").await.expect("a survey");
    let guarded = survey.instances[0].id.clone();
    let protect = |on| InstanceChange {
        protect: Some(on),
        ..InstanceChange::default()
    };
    cloud
        .modify_instance(&guarded, &protect(true))
        .await
        .expect("protected");
    let everything = Selection {
        destroy: true,
        ..Selection::default()
    };
    let plan = bench.plan_with(&manifest, &everything).await;
    let finished = bench.run_keeping(&plan).await;
    assert_ne!(finished.outcome, Outcome::Applied);
    let protected = finished
        .failures
        .iter()
        .any(|(_, failure)| failure.code == Code::Protected);
    assert!(protected, "{:#?}", finished.failures);
    let live = cloud
        .instance(&guarded)
        .await
        .expect("read")
        .expect("it is there");
    assert_eq!((live.state, live.protect), (InstanceState::Running, Some(true)));
    cloud
        .modify_instance(&guarded, &protect(false))
        .await
        .expect("free");
    bench.destroy(&manifest).await;
    let left = cloud.survey("sandbox").await.expect("a survey");
    assert!(left.instances.is_empty() && left.security_groups.is_empty());
}
