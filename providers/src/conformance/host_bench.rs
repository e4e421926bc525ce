//! What the cases of the seams `Hosts` and `Host` work on: a few machines, made once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use subako_world::{
    EngineRequest, Failure, Host, HostTarget, InstanceState, JoinRequest, Mode, NetworkSpec, Node, Port,
    Progress, Protocol, Result, Role, Rule, SecurityGroup, ServiceSpec, Source, SwarmInit, Task, TaskFilter,
    TaskState, World,
};

use super::case::{CaseError, eventually};
use super::cloud_bench::{CloudBench, CloudFixture};

/// How many machines a bench has.
const MACHINES: usize = 3;

/// What the cases of the seams `Hosts` and `Host` need to know of their counterpart.
#[derive(Debug, Clone)]
pub struct HostFixture {
    /// How to make machines.
    pub cloud: CloudFixture,
    /// A container image that runs for ever.
    pub image: String,
    /// Another one.
    pub other_image: String,
    /// A reference to an image that does not exist; the simulator knows it by `does-not-exist`.
    pub missing_image: String,
    /// An image whose program ends with an error at once; the simulator knows it by `crash`.
    pub crashing_image: String,
    /// An image with a shell.
    pub shell_image: String,
    /// How long a service may take to converge.
    pub patience: Duration,
}

/// Machines to work on, and the fixture they were made by.
pub struct HostBench {
    /// The world under test, with its cloud fixture.
    pub cloud: CloudBench,
    /// What is known of it.
    pub fixture: HostFixture,
    group: SecurityGroup,
    targets: Vec<HostTarget>,
}

impl HostBench {
    /// Makes three machines that reach each other on every port.
    pub async fn prepare(world: World, fixture: HostFixture) -> Result<Self> {
        let cloud = CloudBench::new(world, fixture.cloud.clone());
        cloud
            .world
            .cloud
            .import_key_pair(&cloud.key_request("hosts"))
            .await?;
        let group = cloud.group("hosts").await?;
        let ssh = CloudBench::rule(22, Source::Cidr("0.0.0.0/0".to_owned()));
        cloud
            .world
            .cloud
            .authorize_ingress(&group.id, &[Self::own_traffic(), ssh])
            .await?;
        let mut bench = Self {
            cloud,
            fixture,
            group,
            targets: Vec::new(),
        };
        for index in 0..MACHINES {
            let target = bench.machine(&format!("host-{index}")).await?;
            bench.targets.push(target);
        }
        Ok(bench)
    }

    fn own_traffic() -> Rule {
        Rule {
            description: "conformance".to_owned(),
            ports: Port { from: 0, to: 65535 },
            protocol: Protocol::All,
            source: Source::SelfGroup,
        }
    }

    /// Opens or closes all traffic between the machines.
    pub(super) async fn let_machines_talk(&self, talk: bool) -> Result<()> {
        let rules = [Self::own_traffic()];
        match talk {
            true => {
                self.cloud
                    .world
                    .cloud
                    .authorize_ingress(&self.group.id, &rules)
                    .await
            }
            false => {
                self.cloud
                    .world
                    .cloud
                    .revoke_ingress(&self.group.id, &rules)
                    .await
            }
        }
    }

    /// Runs one machine.
    pub(super) async fn machine(&self, name: &str) -> Result<HostTarget> {
        let mut request = self.cloud.instance_request(name, &self.group).await?;
        request.key_name = Some(self.cloud.named("hosts"));
        let made = self.cloud.world.cloud.run_instance(&request).await?;
        let instance = self.cloud.reach(&made.id, InstanceState::Running).await?;
        Ok(HostTarget {
            name: name.to_owned(),
            instance_id: instance.id,
            private_ip: instance.private_ip,
            public_ip: instance.public_ip,
            host_key: None,
            is_new: false,
        })
    }

    /// One of the machines.
    pub(super) fn target(&self, index: usize) -> &HostTarget {
        &self.targets[index]
    }

    /// Logs in to one of the machines.
    pub(super) async fn host(&self, index: usize) -> Result<Arc<dyn Host>> {
        self.cloud
            .world
            .hosts
            .connect(&self.targets[index], &Progress::silent())
            .await
    }

    /// Every machine, with an engine that is in no swarm.
    pub(super) async fn blank(&self) -> Result<Vec<Arc<dyn Host>>> {
        let mut hosts = Vec::new();
        for index in 0..self.targets.len() {
            let host = self.host(index).await?;
            host.install_engine(&EngineRequest::default(), &Progress::silent())
                .await?;
            host.swarm_leave(true).await?;
            hosts.push(host);
        }
        Ok(hosts)
    }

    /// How the first machine starts a swarm.
    pub(super) fn init(&self) -> SwarmInit {
        SwarmInit {
            advertise_addr: self.targets[0].private_ip.clone(),
            addr_pool: vec!["10.100.0.0/16".to_owned()],
            subnet_size: 24,
            labels: BTreeMap::from([("unit".to_owned(), "conformance".to_owned())]),
        }
    }

    /// How a machine joins the first one's swarm in a role.
    pub(super) async fn ticket(&self, first: &dyn Host, index: usize, role: Role) -> Result<JoinRequest> {
        let tokens = first.swarm_inspect().await?.tokens;
        Ok(JoinRequest {
            token: if role == Role::Manager {
                tokens.manager
            } else {
                tokens.worker
            },
            remote_addrs: vec![format!("{}:2377", self.targets[0].private_ip)],
            advertise_addr: self.targets[index].private_ip.clone(),
        })
    }

    /// A new swarm: the first machine leads, the others join in the roles given.
    pub(super) async fn swarm(&self, others: &[Role]) -> std::result::Result<Cluster, CaseError> {
        let hosts = self.blank().await?;
        let mut nodes = vec![hosts[0].swarm_init(&self.init()).await?];
        for (index, role) in others.iter().enumerate() {
            let ticket = self.ticket(&*hosts[0], index + 1, *role).await?;
            nodes.push(hosts[index + 1].swarm_join(&ticket, &Progress::silent()).await?);
        }
        Ok(Cluster { hosts, nodes })
    }

    /// A replicated service without ports or networks.
    pub(super) fn service(&self, name: &str, replicas: u64) -> ServiceSpec {
        ServiceSpec {
            mode: Mode::Replicated(replicas),
            ..ServiceSpec::new(name, &self.fixture.image)
        }
    }

    /// An overlay network of the swarm's choosing.
    pub(super) fn network(name: &str) -> NetworkSpec {
        NetworkSpec {
            attachable: false,
            driver: "overlay".to_owned(),
            encrypted: false,
            internal: false,
            labels: BTreeMap::from([("unit".to_owned(), "conformance".to_owned())]),
            name: name.to_owned(),
            options: BTreeMap::new(),
            subnet: None,
        }
    }

    /// Waits until a service has exactly so many tasks of its current spec that run, and none
    /// that shall run and does not. Returns them.
    pub(super) async fn converged(
        &self,
        manager: &dyn Host,
        service: &str,
        count: usize,
    ) -> std::result::Result<Vec<Task>, CaseError> {
        let look = async || {
            let wanted: Vec<Task> = current_tasks(manager, service)
                .await?
                .into_iter()
                .filter(|t| t.desired <= TaskState::Running)
                .collect();
            let running = wanted
                .iter()
                .filter(|task| task.state == TaskState::Running)
                .count();
            Ok((running == count && wanted.len() == count).then_some(wanted))
        };
        let what = format!("{count} running tasks of {service}");
        eventually(&*self.cloud.world.clock, self.fixture.patience, &what, look).await
    }

    /// Waits until a node is as wanted.
    pub(super) async fn node(
        &self,
        manager: &dyn Host,
        id: &str,
        what: &str,
        is: impl Fn(&Node) -> bool,
    ) -> std::result::Result<Node, CaseError> {
        let look = async || {
            Ok(manager
                .nodes()
                .await?
                .into_iter()
                .find(|node| node.id == id)
                .filter(|node| is(node)))
        };
        eventually(&*self.cloud.world.clock, self.fixture.patience, what, look).await
    }
}

/// Tasks of a service's current spec.
pub(super) async fn current_tasks(
    manager: &dyn Host,
    service: &str,
) -> std::result::Result<Vec<Task>, Failure> {
    let filter = TaskFilter {
        service: Some(service.to_owned()),
        node: None,
        up_to_date: true,
    };
    manager.tasks(&filter).await
}

/// A swarm on the bench's machines; `nodes[i]` is the node id of `hosts[i]`.
pub(super) struct Cluster {
    pub hosts: Vec<Arc<dyn Host>>,
    pub nodes: Vec<String>,
}

impl Cluster {
    /// The first manager.
    pub fn manager(&self) -> &dyn Host {
        &*self.hosts[0]
    }
}
