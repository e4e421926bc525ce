//! A small cluster, made in a few lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::sim::{FaultRule, Pace};
use subako_world::{
    EngineRequest, Host, HostTarget, ImageQuery, Instance, InstanceRequest, InstanceState, JoinRequest,
    Lookup, Mode, Ownership, Port, Progress, Protocol, Role, Rule, SecurityGroup, SecurityGroupRequest,
    ServiceSpec, Source, SwarmInit, Task, TaskFilter, TaskState, World,
};

use crate::sim::{SimOptions, Simulator};

pub const CLUSTER: &str = "sandbox";

pub fn in_memory(faults: Vec<FaultRule>) -> Simulator {
    open(None, faults)
}

pub fn in_file(path: &Path) -> Simulator {
    open(Some(path), Vec::new())
}

fn open(path: Option<&Path>, faults: Vec<FaultRule>) -> Simulator {
    Simulator::open(SimOptions {
        seed: 7,
        time: Pace::Instant,
        faults,
        world_file: path.map(Path::to_owned),
        ..SimOptions::default()
    })
    .unwrap()
}

pub fn owner(kind: &str, name: &str) -> Ownership {
    Ownership {
        cluster: CLUSTER.to_owned(),
        address: format!("{kind}.{name}"),
        generation: 0,
        token: format!("token-{kind}-{name}"),
    }
}

pub fn rule(port: u16, source: Source) -> Rule {
    Rule {
        description: "test".to_owned(),
        ports: Port { from: port, to: port },
        protocol: Protocol::Tcp,
        source,
    }
}

/// A group whose members reach each other on the swarm's ports.
pub async fn group(world: &World) -> SecurityGroup {
    let request = SecurityGroupRequest {
        name: "swarm".to_owned(),
        description: "swarm".to_owned(),
        vpc_id: world.cloud.lookup(&Lookup::default()).await.unwrap().vpc_id,
        tags: BTreeMap::new(),
        ownership: owner("security_group", "swarm"),
    };
    let group = world.cloud.create_security_group(&request).await.unwrap();
    let rules = [
        rule(2377, Source::SelfGroup),
        rule(7946, Source::SelfGroup),
        rule(22, Source::Cidr("198.51.100.7/32".to_owned())),
    ];
    world.cloud.authorize_ingress(&group.id, &rules).await.unwrap();
    group
}

pub async fn request(world: &World, group: &SecurityGroup, name: &str) -> InstanceRequest {
    let image = ImageQuery {
        ami: "amazon-linux-2023".to_owned(),
        instance_type: "t3.micro".to_owned(),
    };
    let lookup = Lookup {
        images: vec![image.clone()],
        ..Lookup::default()
    };
    let found = world.cloud.lookup(&lookup).await.unwrap();
    InstanceRequest {
        name: name.to_owned(),
        image_id: found.images[&image].image_id.clone(),
        instance_type: image.instance_type,
        subnet_id: found.subnets[0].id.clone(),
        zone: found.subnets[0].zone.clone(),
        security_group_id: group.id.clone(),
        key_name: None,
        private_ip: None,
        public_ip: None,
        disk_gib: 8,
        disk_encrypted: false,
        cpu_credits: Default::default(),
        protect: false,
        tags: BTreeMap::from([("Name".to_owned(), format!("swarm-{name}"))]),
        ownership: owner("instance", name),
    }
}

/// A swarm with its machines: managers first.
pub struct Cluster {
    pub sim: Simulator,
    pub world: World,
    pub names: Vec<String>,
    pub instances: Vec<Instance>,
    pub hosts: Vec<Arc<dyn Host>>,
    pub nodes: Vec<String>,
}

impl Cluster {
    /// `managers` and `workers`, all joined one after the other.
    pub async fn up(sim: Simulator, managers: usize, workers: usize) -> Self {
        let world = sim.world();
        let group = group(&world).await;
        let names: Vec<String> = (0..managers)
            .map(|i| format!("manager-{i}"))
            .chain((0..workers).map(|i| format!("node-{i}")))
            .collect();
        let mut cluster = Self {
            sim,
            world,
            names,
            instances: Vec::new(),
            hosts: Vec::new(),
            nodes: Vec::new(),
        };
        for (index, name) in cluster.names.clone().iter().enumerate() {
            let request = request(&cluster.world, &group, name).await;
            let made = cluster.world.cloud.run_instance(&request).await.unwrap();
            let progress = Progress::silent();
            let instance = cluster
                .world
                .cloud
                .await_instance(&made.id, InstanceState::Running, &progress)
                .await
                .unwrap();
            let host = cluster
                .world
                .hosts
                .connect(&target(name, &instance), &progress)
                .await
                .unwrap();
            host.install_engine(&EngineRequest::default(), &progress)
                .await
                .unwrap();
            cluster.instances.push(instance);
            cluster.hosts.push(host);
            let role = if index < managers {
                Role::Manager
            } else {
                Role::Worker
            };
            cluster.join(index, role).await;
        }
        cluster
    }

    async fn join(&mut self, index: usize, role: Role) {
        let host = &self.hosts[index];
        let advertise_addr = self.instances[index].private_ip.clone();
        let node = if index == 0 {
            let init = SwarmInit {
                advertise_addr,
                addr_pool: Vec::new(),
                subnet_size: 0,
                labels: BTreeMap::new(),
            };
            host.swarm_init(&init).await.unwrap()
        } else {
            let tokens = self.hosts[0].swarm_inspect().await.unwrap().tokens;
            let join = JoinRequest {
                token: if role == Role::Manager {
                    tokens.manager
                } else {
                    tokens.worker
                },
                remote_addrs: vec![format!("{}:2377", self.instances[0].private_ip)],
                advertise_addr,
            };
            host.swarm_join(&join, &Progress::silent()).await.unwrap()
        };
        self.nodes.push(node);
    }

    pub fn manager(&self) -> &dyn Host {
        &*self.hosts[0]
    }

    pub async fn wait(&self, seconds: u64) {
        self.world.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Tasks of a service that run, asked of one of the hosts.
    pub async fn running(&self, host: usize, service: &str) -> Vec<Task> {
        let filter = TaskFilter {
            service: Some(service.to_owned()),
            ..TaskFilter::default()
        };
        let tasks = self.hosts[host].tasks(&filter).await.unwrap();
        let runs = |task: &Task| task.state == TaskState::Running && task.desired == TaskState::Running;
        tasks.into_iter().filter(runs).collect()
    }

    /// How many tasks of a service run on each node, in the nodes' order.
    pub async fn spread(&self, host: usize, service: &str) -> Vec<usize> {
        let tasks = self.running(host, service).await;
        let on = |node: &String| {
            tasks
                .iter()
                .filter(|task| task.node_id.as_ref() == Some(node))
                .count()
        };
        self.nodes.iter().map(on).collect()
    }

    /// The nodes' states, in the nodes' order, asked of one of the hosts.
    pub async fn states(&self, host: usize) -> Vec<subako_world::NodeState> {
        let listed = self.hosts[host].nodes().await.unwrap();
        let of = |id: &String| listed.iter().find(|node| node.id == *id).unwrap().state;
        self.nodes.iter().map(of).collect()
    }
}

pub fn target(name: &str, instance: &Instance) -> HostTarget {
    HostTarget {
        name: name.to_owned(),
        instance_id: instance.id.clone(),
        private_ip: instance.private_ip.clone(),
        public_ip: instance.public_ip.clone(),
        host_key: None,
        is_new: false,
    }
}

pub fn service(name: &str, replicas: u64) -> ServiceSpec {
    ServiceSpec {
        mode: Mode::Replicated(replicas),
        ..ServiceSpec::new(name, "nginx:1")
    }
}
