//! The simulator's hosts, with every service on its way through the Engine API's JSON: what the
//! simulator is told, and what is read, is what an engine would have been sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use subako_engine::world::service::Ids;
use subako_engine::world::{
    Content, EngineInfo, EngineRequest, FileKind, FileSpec, Host, HostTarget, Hosts, JoinRequest, Network,
    NetworkSpec, Node, NodeUpdate, Progress, Result, Service, ServiceSpec, Swarm, SwarmFile, SwarmInit, Task,
    TaskFilter,
};

/// The bodies by service name, shared by all hosts as a swarm shares them.
type Bodies = Arc<Mutex<BTreeMap<String, Value>>>;

pub struct EngineApi {
    inner: Arc<dyn Hosts>,
    bodies: Bodies,
}

impl EngineApi {
    pub fn over(inner: Arc<dyn Hosts>) -> Self {
        Self {
            inner,
            bodies: Bodies::default(),
        }
    }

    fn host(&self, inner: Arc<dyn Host>) -> Arc<dyn Host> {
        Arc::new(EngineHost {
            inner,
            bodies: Arc::clone(&self.bodies),
        })
    }
}

#[async_trait]
impl Hosts for EngineApi {
    async fn connect(&self, target: &HostTarget, progress: &Progress) -> Result<Arc<dyn Host>> {
        Ok(self.host(self.inner.connect(target, progress).await?))
    }

    async fn reach(&self, target: &HostTarget) -> Result<Arc<dyn Host>> {
        Ok(self.host(self.inner.reach(target).await?))
    }
}

struct EngineHost {
    inner: Arc<dyn Host>,
    bodies: Bodies,
}

impl EngineHost {
    async fn ids(&self) -> Result<Ids> {
        let networks = self.inner.networks().await?.into_iter();
        let mut files = Vec::new();
        for kind in [FileKind::Secret, FileKind::Config] {
            let found = self.inner.files(kind).await?.into_iter();
            files.push(found.map(|file| (file.spec.name, file.id)).collect());
        }
        let [secrets, configs] = <[_; 2]>::try_from(files).expect("two kinds");
        let networks = networks.map(|network| (network.spec.name, network.id)).collect();
        Ok(Ids::new(networks).with_files(secrets, configs))
    }

    fn body(&self, name: &str) -> Value {
        let bodies = self.bodies.lock().expect("bodies");
        bodies.get(name).cloned().unwrap_or_else(|| json!({}))
    }

    fn keep(&self, name: &str, body: Value) {
        self.bodies.lock().expect("bodies").insert(name.to_owned(), body);
    }
}

fn read(body: &Value, ids: &Ids) -> ServiceSpec {
    ServiceSpec::from_engine(body, ids)
        .expect("what was written can be read")
        .expect("a service")
}

#[async_trait]
impl Host for EngineHost {
    async fn services(&self) -> Result<Vec<Service>> {
        let ids = self.ids().await?;
        let services = self.inner.services().await?.into_iter();
        Ok(services
            .map(|service| Service {
                spec: read(&self.body(&service.spec.name), &ids),
                ..service
            })
            .collect())
    }

    async fn create_service(&self, spec: &ServiceSpec) -> Result<String> {
        let ids = self.ids().await?;
        let body = spec.to_engine(&json!({}), &ids);
        let id = self.inner.create_service(&read(&body, &ids)).await?;
        self.keep(&spec.name, body);
        Ok(id)
    }

    async fn update_service(&self, spec: &ServiceSpec, force: bool) -> Result<()> {
        let ids = self.ids().await?;
        let body = spec.to_engine(&self.body(&spec.name), &ids);
        self.inner.update_service(&read(&body, &ids), force).await?;
        self.keep(&spec.name, body);
        Ok(())
    }

    fn host_key(&self) -> String {
        self.inner.host_key()
    }
    async fn install_engine(&self, request: &EngineRequest, progress: &Progress) -> Result<EngineInfo> {
        self.inner.install_engine(request, progress).await
    }
    async fn engine_info(&self) -> Result<Option<EngineInfo>> {
        self.inner.engine_info().await
    }
    async fn swarm_init(&self, init: &SwarmInit) -> Result<String> {
        self.inner.swarm_init(init).await
    }
    async fn swarm_force_new(&self, advertise_addr: &str) -> Result<()> {
        self.inner.swarm_force_new(advertise_addr).await
    }

    async fn swarm_inspect(&self) -> Result<Swarm> {
        self.inner.swarm_inspect().await
    }
    async fn swarm_join(&self, join: &JoinRequest, progress: &Progress) -> Result<String> {
        self.inner.swarm_join(join, progress).await
    }
    async fn swarm_leave(&self, force: bool) -> Result<()> {
        self.inner.swarm_leave(force).await
    }
    async fn nodes(&self) -> Result<Vec<Node>> {
        self.inner.nodes().await
    }
    async fn update_node(&self, node_id: &str, update: &NodeUpdate) -> Result<()> {
        self.inner.update_node(node_id, update).await
    }
    async fn remove_node(&self, node_id: &str, force: bool) -> Result<()> {
        self.inner.remove_node(node_id, force).await
    }
    async fn networks(&self) -> Result<Vec<Network>> {
        self.inner.networks().await
    }
    async fn create_network(&self, spec: &NetworkSpec) -> Result<String> {
        self.inner.create_network(spec).await
    }
    async fn remove_network(&self, name: &str) -> Result<()> {
        self.inner.remove_network(name).await
    }
    async fn files(&self, kind: FileKind) -> Result<Vec<SwarmFile>> {
        self.inner.files(kind).await
    }
    async fn create_file(&self, kind: FileKind, spec: &FileSpec, content: &Content) -> Result<String> {
        self.inner.create_file(kind, spec, content).await
    }
    async fn remove_file(&self, kind: FileKind, name: &str) -> Result<()> {
        self.inner.remove_file(kind, name).await
    }
    async fn image_digest(&self, image: &str) -> Result<String> {
        self.inner.image_digest(image).await
    }
    async fn refresh_logins(&self) -> Result<()> {
        self.inner.refresh_logins().await
    }

    async fn remove_service(&self, name: &str) -> Result<()> {
        self.inner.remove_service(name).await
    }
    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>> {
        self.inner.tasks(filter).await
    }

    async fn task_logs(&self, task_id: &str, most: u32) -> Result<Vec<String>> {
        self.inner.task_logs(task_id, most).await
    }
}
