//! Asking managers for the swarm, when some of them may be dead.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt as _};
use futures::{FutureExt as _, pin_mut};

use super::managers::Answer;
use crate::survey::SwarmView;
use crate::world::{
    Code, Failure, FileKind, Host, HostTarget, LocalNodeState, Result, Swarm, TaskFilter, World,
};

/// A manager that has said nothing for so long is not waited for alone: the next is asked as well.
const SILENCE: Duration = Duration::from_secs(2);
/// So long a manager may take for its first answers. One whose leader has died keeps its callers
/// waiting until another is elected.
const PATIENCE: Duration = Duration::from_secs(8);

/// What is answered before patience ends; `None` if nothing is.
pub(super) async fn patiently<T>(world: &World, asked: impl Future<Output = T>) -> Option<T> {
    let limit = world.clock.sleep(PATIENCE);
    pin_mut!(asked, limit);
    match select(asked, limit).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(_) => None,
    }
}

/// Why a candidate gave no view of the swarm.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Who.
    pub name: String,
    /// How it answered.
    pub answer: Answer,
    /// Why.
    pub reason: String,
    /// Whether it may be in the swarm all the same.
    pub unsure: bool,
    /// The node that it is, where its certificate has run out.
    pub expired: Option<String>,
}

/// The view of the first candidate that has one, or why each has none, in their order.
pub(super) async fn first(world: &World, targets: &[HostTarget]) -> (Option<SwarmView>, Vec<Refusal>) {
    let mut waiting = targets.iter().enumerate();
    let mut asked = FuturesUnordered::new();
    let mut refusals = Vec::new();
    loop {
        // The next is asked when one has refused, or when all are silent.
        if let Some((index, target)) = waiting.next() {
            asked.push(ask(world, target).map(move |answer| (index, target, answer)));
        }
        let silence = world.clock.sleep(SILENCE);
        pin_mut!(silence);
        let (index, target, answer) = match select(asked.next(), silence).await {
            Either::Left((Some(answer), _)) => answer,
            Either::Left((None, _)) => break,
            Either::Right(_) => continue,
        };
        let refusal = match answer {
            Ok(Some(mut view)) => {
                // Those asked before have had the time to answer.
                view.silent = targets.iter().take(index).map(|t| t.name.clone()).collect();
                return (Some(view), Vec::new());
            }
            Ok(None) => Refusal {
                name: target.name.clone(),
                answer: Answer::Outside,
                reason: format!("{} is in no swarm", target.name),
                unsure: false,
                expired: None,
            },
            Err(Unseen::Expired(node)) => Refusal {
                name: target.name.clone(),
                answer: Answer::Outside,
                reason: format!("{}: the certificate of its node has run out", target.name),
                unsure: false,
                expired: Some(node),
            },
            Err(Unseen::Failed(answer, failure)) => Refusal {
                name: target.name.clone(),
                answer,
                reason: format!("{}: {}", target.name, failure.message),
                unsure: true,
                expired: None,
            },
        };
        refusals.push((index, refusal));
    }
    refusals.sort_by_key(|(index, _)| *index);
    (None, refusals.into_iter().map(|(_, refusal)| refusal).collect())
}

/// How a machine answered that gave a failure before anything of its swarm was known.
fn before_anything(failure: &Failure) -> Answer {
    match failure.code {
        Code::Unreachable | Code::Timeout | Code::ConnectionLost | Code::Other => Answer::Silent,
        _ => Answer::Refused,
    }
}

/// Whether any of these machines answers.
pub(super) async fn anybody(world: &World, targets: &[HostTarget]) -> bool {
    let mut asked: FuturesUnordered<_> = targets
        .iter()
        .map(|target| async move {
            let answer = async { world.hosts.reach(target).await?.engine_info().await };
            matches!(patiently(world, answer).await, Some(Ok(_)))
        })
        .collect();
    while let Some(answers) = asked.next().await {
        if answers {
            return true;
        }
    }
    false
}

/// Why a machine that is in a swarm, or may be, gives no view of it.
enum Unseen {
    /// It failed, and how that counts.
    Failed(Answer, Failure),
    /// No manager lets this node in any more.
    Expired(String),
}

async fn ask(world: &World, target: &HostTarget) -> std::result::Result<Option<SwarmView>, Unseen> {
    let in_swarm = Cell::new(false);
    let expired: RefCell<Option<String>> = RefCell::new(None);
    let begin = async {
        let host = world.hosts.reach(target).await?;
        let Some(info) = host.engine_info().await? else {
            return Ok(None);
        };
        if info.swarm == LocalNodeState::Inactive {
            return Ok(None);
        }
        if info.expired {
            *expired.borrow_mut() = info.node_id;
            return Ok(None);
        }
        in_swarm.set(true);
        if !info.control_available {
            return Err(Failure::not_applied(
                "read the swarm",
                "it does not answer as a manager",
            ));
        }
        let swarm = host.swarm_inspect().await?;
        Ok(Some((host, swarm)))
    };
    let began = patiently(world, begin).await.unwrap_or_else(|| {
        let message = format!(
            "no answer about the swarm within {} s: its managers may be electing a leader",
            PATIENCE.as_secs()
        );
        Err(Failure::not_applied("read the swarm", message))
    });
    let how = |failure: Failure| match in_swarm.get() {
        true => Unseen::Failed(Answer::InSwarm, failure),
        false => Unseen::Failed(before_anything(&failure), failure),
    };
    let Some((host, swarm)) = began.map_err(how)? else {
        return expired.take().map_or(Ok(None), |node| Err(Unseen::Expired(node)));
    };
    let read = read(host.as_ref(), target, swarm).await;
    read.map(Some).map_err(how)
}

/// What a manager says of the swarm.
async fn read(host: &dyn Host, target: &HostTarget, swarm: Swarm) -> Result<SwarmView> {
    let every = TaskFilter::default();
    let (nodes, networks, secrets, configs, services, tasks) = futures::try_join!(
        host.nodes(),
        host.networks(),
        host.files(FileKind::Secret),
        host.files(FileKind::Config),
        host.services(),
        host.tasks(&every),
    )?;
    Ok(SwarmView {
        via: target.name.clone(),
        silent: BTreeSet::new(),
        id: swarm.id,
        addr_pool: swarm.addr_pool,
        subnet_size: swarm.subnet_size,
        labels: swarm.labels,
        nodes,
        networks,
        secrets,
        configs,
        services,
        tasks,
    })
}
