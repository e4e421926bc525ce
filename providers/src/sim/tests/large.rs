//! Many nodes: nothing that is done once a node may look at all nodes.

use subako_world::{
    EngineRequest, Host, InstanceState, JoinRequest, Lookup, Progress, SecurityGroupRequest, Source,
    SwarmInit, TaskFilter,
};

use super::scenario::{CLUSTER, in_file, owner, request, rule, service, target};
use crate::sim::LARGE_VPC;

/// More than the tests need to be quick, and a fraction of what was measured: 30,000.
const NODES: usize = 600;

#[tokio::test(start_paused = true)]
async fn a_large_cluster_is_spread_evenly_and_read_back_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("world.json");
    let sim = in_file(&path);
    let world = sim.world();
    let vpc = Lookup {
        vpc: Some(LARGE_VPC.to_owned()),
        ..Lookup::default()
    };
    let found = world.cloud.lookup(&vpc).await.unwrap();
    let group = SecurityGroupRequest {
        name: "large".to_owned(),
        description: "large".to_owned(),
        vpc_id: found.vpc_id,
        tags: Default::default(),
        ownership: owner("security_group", "large"),
    };
    let group = world.cloud.create_security_group(&group).await.unwrap();
    let rules = [
        rule(2377, Source::SelfGroup),
        rule(7946, Source::SelfGroup),
        rule(22, Source::Cidr("198.51.100.7/32".to_owned())),
    ];
    world.cloud.authorize_ingress(&group.id, &rules).await.unwrap();
    let mut template = request(&world, &group, "any").await;
    template.subnet_id.clone_from(&found.subnets[0].id);
    let mut first: Option<(std::sync::Arc<dyn Host>, JoinRequest)> = None;
    for index in 0..NODES {
        let mut request = template.clone();
        request.name = format!("node-{index}");
        request.tags.insert("Name".to_owned(), request.name.clone());
        request.ownership = owner("instance", &request.name);
        let made = world.cloud.run_instance(&request).await.unwrap();
        let quiet = Progress::silent();
        let instance = world
            .cloud
            .await_instance(&made.id, InstanceState::Running, &quiet)
            .await
            .unwrap();
        let host = world
            .hosts
            .connect(&target(&request.name, &instance), &quiet)
            .await
            .unwrap();
        host.install_engine(&EngineRequest::default(), &quiet)
            .await
            .unwrap();
        match &first {
            Some((_, join)) => {
                let mut join = join.clone();
                join.advertise_addr = instance.private_ip;
                host.swarm_join(&join, &quiet).await.unwrap();
            }
            None => {
                let init = SwarmInit {
                    advertise_addr: instance.private_ip.clone(),
                    addr_pool: Vec::new(),
                    subnet_size: 0,
                    labels: Default::default(),
                };
                host.swarm_init(&init).await.unwrap();
                let join = JoinRequest {
                    token: host.swarm_inspect().await.unwrap().tokens.worker,
                    remote_addrs: vec![format!("{}:2377", instance.private_ip)],
                    advertise_addr: String::new(),
                };
                first = Some((host, join));
            }
        }
    }
    let (manager, _) = first.unwrap();
    let replicas = NODES * 2 + NODES / 2;
    manager
        .create_service(&service("reply", replicas as u64))
        .await
        .unwrap();
    world.clock.sleep(std::time::Duration::from_secs(30)).await;
    let filter = TaskFilter {
        service: Some("reply".to_owned()),
        ..TaskFilter::default()
    };
    let tasks = manager.tasks(&filter).await.unwrap();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for task in &tasks {
        *counts.entry(task.node_id.clone().unwrap()).or_default() += 1;
    }
    assert_eq!((tasks.len(), counts.len()), (replicas, NODES));
    assert!(counts.values().all(|count| (2..=3).contains(count)), "{counts:?}");

    manager
        .update_service(&service("reply", replicas as u64), true)
        .await
        .unwrap();
    world.clock.sleep(std::time::Duration::from_secs(7200)).await;
    assert_eq!(manager.nodes().await.unwrap().len(), NODES);
    let before = sim.dump();
    sim.close().unwrap();
    let again = in_file(&path);
    assert!(again.dump() == before, "the world read back is another one");
    let survey = again.world().cloud.survey(CLUSTER).await.unwrap();
    assert_eq!(survey.instances.len(), NODES);
}
