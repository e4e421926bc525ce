//! Rolling updates, failing images, placement.

use subako_world::{
    Endpoint, NodeUpdate, PublishMode, TaskFilter, TaskState, UpdateConfig, UpdateOrder, UpdateState,
};

use super::scenario::{Cluster, in_memory, service};

const SECOND: u64 = 1_000_000_000;

#[tokio::test(start_paused = true)]
async fn an_update_goes_batch_by_batch_with_its_delay() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    cluster
        .manager()
        .create_service(&service("reply", 4))
        .await
        .unwrap();
    cluster.wait(20).await;
    let mut spec = service("reply", 4);
    spec.image = "nginx:2".to_owned();
    spec.update_config = Some(UpdateConfig {
        parallelism: Some(2),
        delay: Some(30 * SECOND),
        ..UpdateConfig::default()
    });
    cluster.manager().update_service(&spec, false).await.unwrap();
    cluster.wait(25).await;
    let images = |tasks: Vec<subako_world::Task>| tasks.iter().filter(|t| t.image == "nginx:2").count();
    assert_eq!(
        images(cluster.running(0, "reply").await),
        2,
        "the second batch waits for the delay"
    );
    let state = async || {
        cluster.manager().services().await.unwrap()[0]
            .update
            .as_ref()
            .unwrap()
            .state
    };
    assert_eq!(state().await, UpdateState::Updating);
    cluster.wait(60).await;
    assert_eq!(images(cluster.running(0, "reply").await), 4);
    assert_eq!(state().await, UpdateState::Completed);
}

#[tokio::test(start_paused = true)]
async fn start_first_never_runs_fewer_tasks_than_wanted() {
    for image in ["nginx:2", "does-not-exist:2", "crash:2", "unhealthy:2"] {
        let cluster = Cluster::up(in_memory(vec![]), 1, 2).await;
        cluster
            .manager()
            .create_service(&service("reply", 3))
            .await
            .unwrap();
        cluster.wait(20).await;
        let mut spec = service("reply", 3);
        spec.image = image.to_owned();
        spec.update_config = Some(UpdateConfig {
            order: Some(UpdateOrder::StartFirst),
            failure_action: Some("rollback".to_owned()),
            ..UpdateConfig::default()
        });
        cluster.manager().update_service(&spec, false).await.unwrap();
        for _ in 0..240 {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            let running = cluster.running(0, "reply").await.len();
            assert!(running >= 3, "{running} tasks run while updating to {image}");
        }
        let update = cluster.manager().services().await.unwrap()[0]
            .update
            .clone()
            .unwrap();
        let (wanted, there) = match image {
            "nginx:2" => (UpdateState::Completed, "nginx:2"),
            _ => (UpdateState::RollbackCompleted, "nginx:1"),
        };
        assert_eq!(update.state, wanted, "{image}: {}", update.message);
        let running = cluster.running(0, "reply").await;
        assert!(
            running.len() == 3 && running.iter().all(|task| task.image == there),
            "{image}: {running:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unhealthy_container_is_killed_and_tried_again() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 0).await;
    let mut spec = service("sick", 1);
    spec.image = "unhealthy:1".to_owned();
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(120).await;
    let tasks = cluster.manager().tasks(&TaskFilter::default()).await.unwrap();
    let failed: Vec<_> = tasks
        .iter()
        .filter(|task| task.state == TaskState::Failed)
        .collect();
    assert!(failed.len() >= 2, "{tasks:?}");
    assert!(
        failed
            .iter()
            .all(|task| task.error.as_ref().unwrap().contains("unhealthy container"))
    );
    assert!(
        tasks.iter().all(|task| task.state != TaskState::Running),
        "{tasks:?}"
    );
    let wanted: Vec<_> = tasks
        .iter()
        .filter(|task| task.desired <= TaskState::Running)
        .collect();
    assert_eq!(wanted.len(), 1, "one attempt at a time: {tasks:?}");
}

#[tokio::test(start_paused = true)]
async fn a_port_of_the_node_is_given_to_one_task_a_node() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 1).await;
    let mut spec = service("host", 3);
    spec.ports = vec![Endpoint {
        mode: PublishMode::Host,
        protocol: "tcp".to_owned(),
        published: 9000,
        target: 90,
    }];
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "host").await, [1, 1]);
    spec.name = "second".to_owned();
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "second").await, [0, 0]);
    cluster.manager().remove_service("host").await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "second").await, [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_label_that_goes_takes_its_tasks_along() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 2).await;
    let label = |value: &str| NodeUpdate {
        labels: Some([("disk".to_owned(), value.to_owned())].into()),
        ..NodeUpdate::default()
    };
    cluster
        .manager()
        .update_node(&cluster.nodes[1], &label("fast"))
        .await
        .unwrap();
    let mut spec = service("picky", 2);
    spec.constraints = vec!["node.labels.disk==fast".to_owned()];
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "picky").await, [0, 2, 0]);
    cluster
        .manager()
        .update_node(&cluster.nodes[2], &label("fast"))
        .await
        .unwrap();
    cluster
        .manager()
        .update_node(&cluster.nodes[1], &label("slow"))
        .await
        .unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "picky").await, [0, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_preference_spreads_over_a_labels_values_first() {
    let cluster = Cluster::up(in_memory(vec![]), 1, 3).await;
    for (node, zone) in cluster.nodes.iter().zip(["a", "a", "a", "b"]) {
        let update = NodeUpdate {
            labels: Some([("zone".to_owned(), zone.to_owned())].into()),
            ..NodeUpdate::default()
        };
        cluster.manager().update_node(node, &update).await.unwrap();
    }
    let mut spec = service("zoned", 6);
    spec.preferences = vec!["node.labels.zone".to_owned()];
    cluster.manager().create_service(&spec).await.unwrap();
    cluster.wait(30).await;
    assert_eq!(cluster.spread(0, "zoned").await, [1, 1, 1, 3]);
}
