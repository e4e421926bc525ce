//! The seam `Host`: one machine, logged in to.

use std::sync::Arc;

use async_trait::async_trait;
use subako_world::{
    Code, Content, EngineInfo, EngineRequest, FileKind, FileSpec, Host, JoinRequest, Network, NetworkSpec,
    Node, NodeUpdate, Progress, Result, Service, ServiceSpec, Swarm, SwarmFile, SwarmInit, Task, TaskFilter,
};

use super::api::Api;
use super::install::install;
use super::link::Link;

/// A host over SSH. Its connection is opened again when it was lost between two calls.
pub(super) struct SshHost {
    link: Arc<Link>,
    host_key: String,
}

impl SshHost {
    /// The host at the end of `link`, which showed `host_key`.
    pub(super) fn new(link: Arc<Link>, host_key: String) -> Self {
        Self { link, host_key }
    }

    fn api(&self) -> Api<'_> {
        Api::new(&self.link)
    }
}

#[async_trait]
impl Host for SshHost {
    fn host_key(&self) -> String {
        self.host_key.clone()
    }

    async fn install_engine(&self, request: &EngineRequest, progress: &Progress) -> Result<EngineInfo> {
        install(&self.link, request, progress).await
    }

    /// Also `None` when an engine is installed but stopped, or not open to the login user: what
    /// cures both is `install_engine`.
    async fn engine_info(&self) -> Result<Option<EngineInfo>> {
        match self.api().info().await {
            Ok(info) => Ok(Some(info)),
            Err(failure) if failure.code == Code::NoEngine => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn swarm_init(&self, init: &SwarmInit) -> Result<String> {
        self.api().swarm_init(init).await
    }

    async fn swarm_force_new(&self, advertise_addr: &str) -> Result<()> {
        self.api().swarm_force_new(advertise_addr).await
    }

    async fn swarm_inspect(&self) -> Result<Swarm> {
        self.api().swarm_inspect().await
    }

    async fn swarm_join(&self, join: &JoinRequest, progress: &Progress) -> Result<String> {
        self.api().swarm_join(join, progress).await
    }

    async fn swarm_leave(&self, force: bool) -> Result<()> {
        self.api().swarm_leave(force).await
    }

    async fn nodes(&self) -> Result<Vec<Node>> {
        self.api().nodes().await
    }

    async fn node(&self, node_id: &str) -> Result<Option<Node>> {
        self.api().node(node_id).await
    }

    async fn update_node(&self, node_id: &str, update: &NodeUpdate) -> Result<()> {
        self.api().update_node(node_id, update).await
    }

    async fn remove_node(&self, node_id: &str, force: bool) -> Result<()> {
        self.api().remove_node(node_id, force).await
    }

    async fn networks(&self) -> Result<Vec<Network>> {
        self.api().networks().await
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<String> {
        self.api().create_network(spec).await
    }

    async fn remove_network(&self, name: &str) -> Result<()> {
        self.api().remove_network(name).await
    }

    async fn files(&self, kind: FileKind) -> Result<Vec<SwarmFile>> {
        self.api().files(kind).await
    }

    async fn create_file(&self, kind: FileKind, spec: &FileSpec, content: &Content) -> Result<String> {
        self.api().create_file(kind, spec, content).await
    }

    async fn remove_file(&self, kind: FileKind, name: &str) -> Result<()> {
        self.api().remove_file(kind, name).await
    }

    async fn image_digest(&self, image: &str) -> Result<String> {
        self.api().image_digest(image).await
    }

    async fn services(&self) -> Result<Vec<Service>> {
        self.api().services().await
    }

    async fn service(&self, name: &str) -> Result<Option<Service>> {
        self.api().service(name).await
    }

    async fn create_service(&self, spec: &ServiceSpec) -> Result<String> {
        self.api().create_service(spec).await
    }

    async fn update_service(&self, spec: &ServiceSpec, force: bool) -> Result<()> {
        self.api().update_service(spec, force).await
    }

    async fn refresh_logins(&self) -> Result<()> {
        self.api().refresh_logins().await
    }

    async fn remove_service(&self, name: &str) -> Result<()> {
        self.api().remove_service(name).await
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>> {
        self.api().tasks(filter).await
    }

    async fn task_logs(&self, task_id: &str, most: u32) -> Result<Vec<String>> {
        self.api().task_logs(task_id, most).await
    }
}
