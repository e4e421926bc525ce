//! The seam `Hosts` on the simulated world: the way to its machines.

use std::sync::Arc;

use async_trait::async_trait;
use subako_world::{Code, Failure, Host, HostTarget, Hosts, InstanceState, Progress, Result};

use super::faults::Call;
use super::host::{SimHost, TICK};
use super::inner::Inner;
use super::model::NoWay;
use super::names::Ms;
use super::refusal::Refusal;

/// How long a machine may take to boot and let us in.
const BOOT_DEADLINE: Ms = 300_000;
/// How long one short attempt takes that gets no answer.
const SHORT_ATTEMPT: Ms = 2_000;

/// What to do where no rule lets the caller in.
const NOBODY: &str =
    "set ssh_from in [security_group] to your own address: nobody can log in from what it says now";

/// There is no address to dial.
fn no_address(doing: &str) -> Failure {
    Failure::not_applied(doing, "it has no public address")
        .with_code(Code::Unreachable)
        .with_hint(
            "dial private addresses with via = \"private\" in [ssh], or go through a bastion with jump",
        )
}

/// The address that is dialled is another machine's by now, or no machine's.
fn elsewhere(doing: &str, target: &HostTarget) -> Failure {
    let dialled = target.public_ip.as_deref().unwrap_or_default();
    Failure::not_applied(doing, format!("no route to host {dialled}")).with_code(Code::Unreachable)
}

/// The way to simulated machines.
pub(crate) struct SimHosts(pub Arc<Inner>);

impl SimHosts {
    fn logged_in(&self, target: &HostTarget) -> std::result::Result<Arc<dyn Host>, Refusal> {
        let shown = self.0.host_key(&target.instance_id);
        if target.host_key.as_ref().is_some_and(|pinned| *pinned != shown) {
            let message = format!(
                "the host key of {} is not the one pinned at first contact",
                target.name
            );
            return Err(Refusal::new(Code::Untrusted, message).hint(
                "if the machine was replaced on purpose, forget its key; if not, find out who answers",
            ));
        }
        Ok(Arc::new(SimHost {
            inner: Arc::clone(&self.0),
            name: target.name.clone(),
            instance: target.instance_id.clone(),
        }))
    }
}

#[async_trait]
impl Hosts for SimHosts {
    async fn connect(&self, target: &HostTarget, progress: &Progress) -> Result<Arc<dyn Host>> {
        let doing = format!("log in to {}", target.name);
        let call = Call::new("connect", &target.name, &doing).also(&target.instance_id);
        let begun = self.0.read(call, |_, t| Ok(t)).await?;
        let mut noted = String::new();
        loop {
            let (t, facts) = self
                .0
                .look(|model, t| (t, model.instances.get(&target.instance_id).cloned()));
            let facts = facts.filter(|facts| facts.private_ip.to_string() == target.private_ip);
            let Some(facts) = facts else {
                let message = format!("no route to host {}", target.private_ip);
                return Err(Failure::not_applied(doing, message).with_code(Code::Unreachable));
            };
            let dialled = target.public_ip.as_deref();
            let way = self
                .0
                .look(|model, _| model.way_in(&facts, self.0.login, dialled));
            if way == Err(NoWay::NoPublicAddress) {
                return Err(no_address(&doing));
            }
            if way == Err(NoWay::Elsewhere) {
                return Err(elsewhere(&doing, target));
            }
            if facts.up(t) && way.is_ok() {
                return self.logged_in(target).map_err(|refusal| refusal.failure(&doing));
            }
            let state = facts.state(t);
            if !matches!(state, InstanceState::Pending | InstanceState::Running) {
                let message = format!("the instance is {state}");
                return Err(Failure::not_applied(doing, message).with_code(Code::Unreachable));
            }
            if t >= begun + BOOT_DEADLINE {
                let message = format!(
                    "no answer on port {} within {} s",
                    self.0.login.port,
                    BOOT_DEADLINE / 1_000
                );
                let failure = Failure::not_applied(doing, message).with_code(Code::Timeout);
                return Err(failure.with_hint(match way {
                    Ok(()) => "look at the instance's console output",
                    Err(_) => NOBODY,
                }));
            }
            let note = match state {
                InstanceState::Pending => "waiting for the instance to run",
                _ if way.is_err() => "waiting for ssh: no answer",
                _ => "waiting for ssh: connection refused",
            };
            if noted != note {
                progress.note(note);
                note.clone_into(&mut noted);
            }
            let next = facts
                .up_from
                .filter(|from| *from > t)
                .map_or(t + TICK, |from| from.min(t + TICK));
            self.0.sleep_until(next).await;
        }
    }

    async fn reach(&self, target: &HostTarget) -> Result<Arc<dyn Host>> {
        let doing = format!("log in to {}", target.name);
        let call = Call::new("reach", &target.name, &doing).also(&target.instance_id);
        let login = self.0.login;
        let (up, way) = self
            .0
            .read(call, |model, t| {
                let facts = model.instances.get(&target.instance_id);
                let dialled = target.public_ip.as_deref();
                let way = facts.map(|facts| model.way_in(facts, login, dialled));
                Ok((facts.is_some_and(|facts| facts.up(t)), way.unwrap_or(Ok(()))))
            })
            .await?;
        if way == Err(NoWay::NoPublicAddress) {
            return Err(no_address(&doing));
        }
        if way == Err(NoWay::Elsewhere) {
            return Err(elsewhere(&doing, target));
        }
        if let Err(NoWay::Closed(address)) = way {
            self.0.sleep(SHORT_ATTEMPT).await;
            let message = format!("no answer from {address} on port {}", login.port);
            return Err(Failure::not_applied(doing, message)
                .with_code(Code::Unreachable)
                .with_hint(NOBODY));
        }
        if !up {
            self.0.sleep(SHORT_ATTEMPT).await;
            let message = format!("no answer from {} on port 22", target.private_ip);
            return Err(Failure::not_applied(doing, message).with_code(Code::Unreachable));
        }
        self.logged_in(target).map_err(|refusal| refusal.failure(&doing))
    }
}
