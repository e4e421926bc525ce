//! The way to a manager that answers.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use subako_state::Address;

use super::hosts;
use super::machine;
use super::specs::{RAFT, Swarm, SwarmOutputs};
use super::wait::Wait;
use crate::kind::StepContext;
use crate::world::{Certainty, Code, Host, HostTarget, Result};

/// How long the managers may be without a leader. Raft elects within seconds; a manager that
/// crashed is only missed after three heartbeats of 5 s (`facts`: Down after about 15 s), and
/// nodes show Unknown for a while after a change of the leader.
const LIMIT: Duration = Duration::from_secs(90);
/// Between two rounds.
const EVERY: Duration = Duration::from_secs(2);

/// A manager that answers, and its private address.
#[derive(Clone)]
pub(super) struct Manager {
    /// The host.
    pub host: Arc<dyn Host>,
    /// Its private address, by which other nodes reach it.
    pub private_ip: String,
}

/// Finds a manager among those that are known, and keeps to it until it is lost.
///
/// The swarm's first manager is asked first, the others only if it does not answer: a step
/// costs the same however many nodes there are.
pub(super) struct Managers<'a> {
    cx: &'a StepContext,
    fresh: Option<HostTarget>,
    except: Option<String>,
    limit: Duration,
    current: Option<Manager>,
}

impl<'a> Managers<'a> {
    /// All the managers that are known.
    pub fn new(cx: &'a StepContext) -> Self {
        Self {
            cx,
            fresh: None,
            except: None,
            limit: LIMIT,
            current: None,
        }
    }

    /// For one machine, this is the way to it now, whatever is recorded.
    #[must_use]
    pub fn with_target(mut self, target: HostTarget) -> Self {
        self.fresh = Some(target);
        self
    }

    /// Any manager but the node with that id.
    #[must_use]
    pub fn except_node(mut self, node_id: &str) -> Self {
        self.except = Some(node_id.to_owned());
        self
    }

    /// Gives up after this long.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The current manager's host, else that of one that answers now; tried again until the
    /// deadline, because a swarm between two leaders is soon back.
    pub async fn host(&mut self) -> Result<Arc<dyn Host>> {
        Ok(self.manager().await?.host)
    }

    /// As [`Managers::host`], with the manager's address.
    pub async fn manager(&mut self) -> Result<Manager> {
        if let Some(manager) = &self.current {
            return Ok(manager.clone());
        }
        let mut wait = Wait::new(self.cx, "reach a manager of the swarm", EVERY, self.limit);
        loop {
            match self.attempt().await {
                Ok(manager) => {
                    self.current = Some(manager.clone());
                    return Ok(manager);
                }
                Err(tried) => {
                    wait.tick(format!("waiting for a manager: {}", tried.join("; ")))
                        .await?
                }
            }
        }
    }

    /// What a manager answers. One that has stopped being one since it was found, because the same
    /// plan demotes it, has done nothing: another is asked, until the deadline.
    pub(super) async fn ask_any<'f, T>(
        &mut self,
        ask: impl Fn(Arc<dyn Host>) -> BoxFuture<'f, Result<T>> + Send + Sync,
    ) -> Result<T> {
        let mut wait = Wait::new(self.cx, "reach a manager of the swarm", EVERY, self.limit);
        loop {
            match ask(self.host().await?).await {
                Err(failure)
                    if failure.code == Code::NotAManager && failure.certainty == Certainty::NotApplied =>
                {
                    self.lost();
                    wait.tick(format!("waiting for a manager: {}", failure.message))
                        .await?;
                }
                answer => return answer,
            }
        }
    }

    /// The current manager does not answer any more: the next call looks for another.
    pub fn lost(&mut self) {
        self.current = None;
    }

    /// One round over all of them; else what each of them said.
    pub async fn attempt(&self) -> std::result::Result<Manager, Vec<String>> {
        let mut tried = Vec::new();
        let first = self.first();
        let mut names: Vec<String> = first.iter().cloned().collect();
        if let Some(name) = &first {
            match self.ask(name).await {
                Ok(manager) => return Ok(manager),
                Err(why) => tried.push(why),
            }
        }
        for address in self.cx.known.of_group(RAFT) {
            let name = address.name();
            if first.as_deref() == Some(name) {
                continue;
            }
            names.push(name.to_owned());
            match self.ask(name).await {
                Ok(manager) => return Ok(manager),
                Err(why) => tried.push(why),
            }
        }
        if let Some(manager) = self.elsewhere(&mut tried, &names).await {
            return Ok(manager);
        }
        if tried.is_empty() {
            tried.push("no manager is known".to_owned());
        }
        Err(tried)
    }

    /// Machines that had the managers' names before those that have them now: while a lone
    /// manager is replaced, its predecessor is the only one who can let it in.
    async fn elsewhere(&self, tried: &mut Vec<String>, names: &[String]) -> Option<Manager> {
        let machines = match machine::of_names(self.cx, names).await {
            Ok(machines) => machines,
            Err(failure) => {
                tried.push(failure.message);
                return None;
            }
        };
        for (name, machine) in &machines {
            let current = machine::recorded(self.cx, name).is_some_and(|known| known.id == machine.id);
            if !current && machine.is_running() {
                match self.ask_at(&hosts::target_of(self.cx, name, machine)).await {
                    Ok(manager) => return Some(manager),
                    Err(why) => tried.push(format!("{} ({})", why, machine.id)),
                }
            }
        }
        None
    }

    fn swarm(&self) -> Option<(Swarm, SwarmOutputs)> {
        self.cx
            .typed::<Swarm>(&Address::new("swarm", &self.cx.ownership.cluster))
    }

    /// The manager that the swarm was, or will be, started on.
    fn first(&self) -> Option<String> {
        Some(self.swarm()?.0.advertise)
    }

    async fn ask(&self, name: &str) -> std::result::Result<Manager, String> {
        let target = match &self.fresh {
            Some(fresh) if fresh.name == name => fresh.clone(),
            _ => hosts::target(self.cx, name).ok_or_else(|| format!("{name}: its machine is not known"))?,
        };
        match self.ask_at(&target).await {
            Ok(manager) => Ok(manager),
            Err(why) => match self.readdressed(&target).await {
                Some(target) => self.ask_at(&target).await,
                None => Err(why),
            },
        }
    }

    /// The way to a machine that has another public address by now than the recorded one: it was
    /// restarted, or its elastic address was taken from it.
    async fn readdressed(&self, target: &HostTarget) -> Option<HostTarget> {
        let live = hosts::machine_behind(self.cx, target).await.ok()??;
        let is_another = live.public_ip.is_some() && live.public_ip != target.public_ip;
        (is_another && live.is_running()).then(|| HostTarget {
            public_ip: live.public_ip,
            ..target.clone()
        })
    }

    async fn ask_at(&self, target: &HostTarget) -> std::result::Result<Manager, String> {
        let name = &target.name;
        let failed = |failure: crate::world::Failure| format!("{name}: {}", failure.message);
        let host = self.cx.world.hosts.reach(target).await.map_err(failed)?;
        let Some(info) = host.engine_info().await.map_err(failed)? else {
            return Err(format!("{name} has no Docker Engine"));
        };
        if self.except.is_some() && info.node_id == self.except {
            return Err(format!("{name} is the node itself"));
        }
        if !info.control_available {
            return Err(format!("{name} does not answer as a manager"));
        }
        if let (Some(found), Some((_, swarm))) = (&info.cluster_id, self.swarm())
            && *found != swarm.cluster_id
        {
            return Err(format!("{name} is in another swarm"));
        }
        Ok(Manager {
            host,
            private_ip: target.private_ip.clone(),
        })
    }
}
