//! The seam `Host` on the simulated world.

use std::sync::Arc;

use async_trait::async_trait;
use subako_world::{
    Code, Content, EngineInfo, EngineRequest, Failure, FileKind, FileSpec, Host, JoinRequest, Network,
    NetworkSpec, Node, NodeUpdate, Progress, Result, Service, ServiceSpec, Swarm, SwarmFile, SwarmInit, Task,
    TaskFilter,
};

use super::faults::Call;
use super::inner::Inner;
use super::model::{At, Decision, InstanceFacts, Joining, Model, SwarmFacts, no_engine};
use super::names::{Ms, mix};
use super::refusal::Refusal;

/// The longest that a wait looks away.
pub(super) const TICK: Ms = 2_000;
/// How long an engine waits for its join.
const JOIN_TIMEOUT: Ms = 20_000;

/// One simulated machine, logged in to.
pub(super) struct SimHost {
    pub inner: Arc<Inner>,
    pub name: String,
    pub instance: String,
}

/// What the registry says of an image: always the same of the same tag.
fn digest_of(seed: u64, image: &str) -> std::result::Result<String, Refusal> {
    if image.contains("does-not-exist") {
        let message = format!("manifest unknown: manifest unknown for {image}");
        return Err(Refusal::new(Code::NotFound, message));
    }
    let word = |part: &str| format!("{:016x}", mix(seed, &["image", image, part]));
    let digits: Vec<String> = ["a", "b", "c", "d"].map(word).into();
    Ok(format!("sha256:{}", digits.concat()))
}

impl SimHost {
    /// A call about this host itself.
    fn about_host(&self, name: &'static str, verb: &str) -> Call {
        Call::new(name, &self.name, format!("{verb} {}", self.name)).also(&self.instance)
    }

    /// A call about an object of the swarm.
    fn about(&self, name: &'static str, verb: &str, object: &str) -> Call {
        Call::new(name, object, format!("{verb} {object}"))
    }

    /// The machine, if it answers.
    fn machine<'a>(&self, model: &'a Model, t: Ms) -> std::result::Result<&'a InstanceFacts, Refusal> {
        let facts = model.instances.get(&self.instance).filter(|facts| facts.up(t));
        facts.ok_or_else(|| {
            Refusal::new(
                Code::Unreachable,
                format!("{} does not answer: connection lost", self.name),
            )
        })
    }

    /// The swarm that this machine's engine manages.
    fn swarm<'a>(&self, model: &'a Model, t: Ms) -> std::result::Result<&'a SwarmFacts, Refusal> {
        if !self.machine(model, t)?.engine_up(t) {
            return Err(no_engine());
        }
        model.controlled_by(t, &self.instance)
    }

    fn at(&self, t: Ms) -> At {
        At {
            seed: self.inner.place.seed,
            t,
        }
    }

    /// Reads from the swarm.
    async fn ask<T>(&self, call: Call, read: impl Fn(&SwarmFacts, At) -> T + Send + Sync) -> Result<T> {
        self.inner
            .read(call, |model, t| Ok(read(self.swarm(model, t)?, self.at(t))))
            .await
    }

    /// Changes something in the swarm.
    async fn tell<T>(
        &self,
        call: Call,
        decide: impl Fn(&SwarmFacts, Ms) -> Decision<T> + Send + Sync,
    ) -> Result<T> {
        self.inner
            .perform(call, |model, t| decide(self.swarm(model, t)?, t))
            .await
    }

    /// Waits until `t`, unless the machine is lost before.
    async fn wait_on_machine(&self, doing: &str, until: Ms) -> Result<()> {
        loop {
            let (t, up) = self.inner.look(|model, t| (t, self.machine(model, t).is_ok()));
            if !up {
                let message = format!("the connection to {} was lost", self.name);
                return Err(Failure::unknown(doing, message).with_code(Code::Unreachable));
            }
            if t >= until {
                return Ok(());
            }
            self.inner.sleep_until(until.min(t + TICK * 5)).await;
        }
    }

    /// What a node is called: the name its instance was run under, and its ids.
    fn about_node(&self, name: &'static str, verb: &str, node: &str) -> Call {
        let known = self.inner.look(|model, _| {
            let of_node = |swarm: &SwarmFacts| swarm.nodes.get(node).map(|facts| facts.instance.clone());
            let instance = model.swarms.values().find_map(of_node)?;
            model.instances.get(&instance).map(|facts| facts.name.clone())
        });
        match known {
            Some(known) => Call::new(name, known.clone(), format!("{verb} node {known}")).also(node),
            None => Call::new(name, node, format!("{verb} node {node}")),
        }
    }
}

#[async_trait]
impl Host for SimHost {
    fn host_key(&self) -> String {
        self.inner.host_key(&self.instance)
    }

    async fn install_engine(&self, request: &EngineRequest, progress: &Progress) -> Result<EngineInfo> {
        let call = self.about_host("install_engine", "install the Docker Engine on");
        let doing = call.doing.clone();
        let decide = |model: &Model, t| {
            self.machine(model, t)?;
            model.decide_install(t, &self.instance, request)
        };
        progress.note("installing docker");
        let engine = self.inner.perform(call, decide).await?;
        // One that is restarted does not answer until it is back.
        let restarts = self.inner.look(|model, t| self.machine(model, t).is_err());
        if restarts {
            progress.note("restarting docker");
            self.inner.sleep_until(engine.ready_at).await;
        }
        self.wait_on_machine(&doing, engine.ready_at).await?;
        let info = self.inner.look(|model, t| {
            model
                .instances
                .get(&self.instance)
                .and_then(|i| model.engine_info(t, i))
        });
        info.ok_or_else(|| Failure::unknown(doing, "the engine does not answer").with_code(Code::NoEngine))
    }

    async fn engine_info(&self) -> Result<Option<EngineInfo>> {
        let call = self.about_host("engine_info", "read the Docker Engine of");
        let read = |model: &Model, t| Ok(model.engine_info(t, self.machine(model, t)?));
        self.inner.read(call, read).await
    }

    async fn swarm_init(&self, init: &SwarmInit) -> Result<String> {
        let call = self.about_host("swarm_init", "start a swarm on");
        let doing = call.doing.clone();
        let decide = |model: &Model, t| {
            self.machine(model, t)?;
            model.decide_init(t, &self.instance, init)
        };
        let (node, ready) = self.inner.perform(call, decide).await?;
        self.wait_on_machine(&doing, ready).await?;
        Ok(node)
    }

    async fn swarm_force_new(&self, advertise_addr: &str) -> Result<()> {
        let call = self.about_host("swarm_force_new", "re-form the swarm on");
        let doing = call.doing.clone();
        let decide = |model: &Model, t| {
            self.machine(model, t)?;
            model.decide_force_new(t, &self.instance, advertise_addr)
        };
        let ready = self.inner.perform(call, decide).await?;
        self.wait_on_machine(&doing, ready).await
    }

    async fn swarm_inspect(&self) -> Result<Swarm> {
        self.ask(
            self.about_host("swarm_inspect", "read the swarm from"),
            |swarm, at| swarm.describe(at.seed),
        )
        .await
    }

    async fn swarm_join(&self, join: &JoinRequest, progress: &Progress) -> Result<String> {
        let call = self.about_host("swarm_join", "join to the swarm");
        let doing = call.doing.clone();
        let decide = |model: &Model, t| {
            self.machine(model, t)?;
            model.decide_join(t, &self.instance, join)
        };
        progress.note("joining the swarm");
        match self.inner.perform(call, decide).await? {
            Joining::Accepted { node, ready } => {
                self.wait_on_machine(&doing, ready).await?;
                Ok(node)
            }
            Joining::Unanswered { why } => {
                self.inner.sleep(JOIN_TIMEOUT).await;
                let message = format!(
                    "Timeout was reached before node joined. The attempt to join the swarm will continue in the \
                     background. Use the \"docker info\" command to see the current swarm status of your node ({why})"
                );
                Err(Failure::unknown(doing, message).with_code(Code::Timeout).with_hint(
                    "let the cluster's machines reach each other on 2377/tcp and 7946/tcp+udp: rules of the \
                     security group whose source is the group itself",
                ))
            }
        }
    }

    async fn swarm_leave(&self, force: bool) -> Result<()> {
        let call = self.about_host("swarm_leave", "take out of the swarm");
        let decide = |model: &Model, t| {
            self.machine(model, t)?;
            model.decide_leave(t, &self.instance, force)
        };
        self.inner.perform(call, decide).await
    }

    async fn nodes(&self) -> Result<Vec<Node>> {
        self.ask(self.about_host("nodes", "list nodes on"), SwarmFacts::list_nodes)
            .await
    }

    async fn node(&self, node_id: &str) -> Result<Option<Node>> {
        let call = self.about_host("node", "read a node on");
        self.ask(call, |swarm, at| swarm.find_node(at, node_id)).await
    }

    async fn update_node(&self, node_id: &str, update: &NodeUpdate) -> Result<()> {
        let call = self.about_node("update_node", "change", node_id);
        self.tell(call, |swarm, t| swarm.decide_update_node(t, node_id, update))
            .await
    }

    async fn remove_node(&self, node_id: &str, force: bool) -> Result<()> {
        let call = self.about_node("remove_node", "remove", node_id);
        self.tell(call, |swarm, t| swarm.decide_remove_node(t, node_id, force))
            .await
    }

    async fn networks(&self) -> Result<Vec<Network>> {
        let call = self.about_host("networks", "list networks on");
        self.ask(call, |swarm, _| swarm.networks.values().cloned().collect())
            .await
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<String> {
        let seed = self.inner.place.seed;
        let call = self.about("create_network", "create network", &spec.name);
        self.tell(call, |swarm, _| swarm.decide_create_network(seed, spec))
            .await
    }

    async fn remove_network(&self, name: &str) -> Result<()> {
        let call = self.about("remove_network", "remove network", name);
        self.tell(call, |swarm, _| swarm.decide_remove_network(name))
            .await
    }

    async fn files(&self, kind: FileKind) -> Result<Vec<SwarmFile>> {
        let (name, verb) = match kind {
            FileKind::Secret => ("secrets", "list secrets on"),
            FileKind::Config => ("configs", "list configs on"),
        };
        self.ask(self.about_host(name, verb), |swarm, _| {
            swarm.files(kind).values().cloned().collect()
        })
        .await
    }

    async fn create_file(&self, kind: FileKind, spec: &FileSpec, content: &Content) -> Result<String> {
        let seed = self.inner.place.seed;
        let call = match kind {
            FileKind::Secret => self.about("create_secret", "create secret", &spec.name),
            FileKind::Config => self.about("create_config", "create config", &spec.name),
        };
        self.tell(call, |swarm, _| {
            swarm.decide_create_file(seed, kind, spec, content)
        })
        .await
    }

    async fn remove_file(&self, kind: FileKind, name: &str) -> Result<()> {
        let call = match kind {
            FileKind::Secret => self.about("remove_secret", "remove secret", name),
            FileKind::Config => self.about("remove_config", "remove config", name),
        };
        self.tell(call, |swarm, _| swarm.decide_remove_file(kind, name))
            .await
    }

    async fn image_digest(&self, image: &str) -> Result<String> {
        let call = self.about("image_digest", "look up the image", image);
        let seed = self.inner.place.seed;
        let read = |model: &Model, t| {
            self.swarm(model, t)?;
            digest_of(seed, image)
        };
        self.inner.read(call, read).await
    }

    async fn services(&self) -> Result<Vec<Service>> {
        let call = self.about_host("services", "list services on");
        self.ask(call, |swarm, _| {
            swarm
                .services
                .values()
                .map(|service| service.describe())
                .collect()
        })
        .await
    }

    async fn service(&self, name: &str) -> Result<Option<Service>> {
        let call = self.about_host("service", "read a service on");
        self.ask(call, |swarm, _| {
            let service = swarm.services.get(name)?;
            Some(service.describe())
        })
        .await
    }

    async fn create_service(&self, spec: &ServiceSpec) -> Result<String> {
        let seed = self.inner.place.seed;
        let call = self.about("create_service", "create service", &spec.name);
        self.tell(call, |swarm, _| swarm.decide_create_service(seed, spec))
            .await
    }

    async fn update_service(&self, spec: &ServiceSpec, force: bool) -> Result<()> {
        let call = self.about("update_service", "update service", &spec.name);
        self.tell(call, |swarm, _| swarm.decide_update_service(spec, force))
            .await
    }

    async fn refresh_logins(&self) -> Result<()> {
        if !self.inner.login.registries {
            return Ok(());
        }
        // A login is nothing that shows: what is asked of the swarm is that there is one.
        let call = self.about_host("refresh_logins", "hand on logins to registries from");
        self.tell(call, |_, _| Ok((None, ()))).await
    }

    async fn remove_service(&self, name: &str) -> Result<()> {
        let call = self.about("remove_service", "remove service", name);
        self.tell(call, |swarm, _| swarm.decide_remove_service(name))
            .await
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>> {
        let call = self.about_host("tasks", "list tasks on");
        self.ask(call, |swarm, at| swarm.list_tasks(at, filter)).await
    }

    async fn task_logs(&self, task_id: &str, most: u32) -> Result<Vec<String>> {
        let call = self.about_host("task_logs", "read the log of a task on");
        self.ask(call, |swarm, at| swarm.task_logs(at, task_id, most))
            .await
    }
}
