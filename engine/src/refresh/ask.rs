//! Asking managers for the swarm, when some of them may be dead.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt as _};
use futures::{FutureExt as _, pin_mut};

use crate::survey::SwarmView;
use crate::world::{
    Failure, FileKind, Host, HostTarget, LocalNodeState, Result, SwarmFile, TaskFilter, World,
};

/// A manager that has said nothing for so long is not waited for alone: the next is asked as well.
const SILENCE: Duration = Duration::from_secs(2);
/// So long a manager may take for its first answers. One whose leader has died keeps its callers
/// waiting until another is elected.
const PATIENCE: Duration = Duration::from_secs(8);

/// Secrets and configs, and whether anybody has or wants any.
type Files = [(FileKind, bool); 2];

/// Why a candidate gave no view of the swarm.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Why.
    pub reason: String,
    /// Whether it may be in the swarm all the same.
    pub unsure: bool,
}

/// The view of the first candidate that has one, or why each has none, in their order.
pub(super) async fn first(
    world: &World,
    targets: &[HostTarget],
    files: Files,
) -> (Option<SwarmView>, Vec<Refusal>) {
    let mut waiting = targets.iter().enumerate();
    let mut asked = FuturesUnordered::new();
    let mut refusals = Vec::new();
    loop {
        // The next is asked when one has refused, or when all are silent.
        if let Some((index, target)) = waiting.next() {
            asked.push(ask(world, target, files).map(move |answer| (index, target, answer)));
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
                reason: format!("{} is in no swarm", target.name),
                unsure: false,
            },
            Err(failure) => Refusal {
                reason: format!("{}: {}", target.name, failure.message),
                unsure: true,
            },
        };
        refusals.push((index, refusal));
    }
    refusals.sort_by_key(|(index, _)| *index);
    (None, refusals.into_iter().map(|(_, refusal)| refusal).collect())
}

async fn ask(world: &World, target: &HostTarget, [secrets, configs]: Files) -> Result<Option<SwarmView>> {
    let host = world.hosts.reach(target).await?;
    let begin = async {
        let Some(info) = host.engine_info().await? else {
            return Ok(None);
        };
        if info.swarm == LocalNodeState::Inactive {
            return Ok(None);
        }
        if !info.control_available {
            return Err(Failure::not_applied(
                "read the swarm",
                "it does not answer as a manager",
            ));
        }
        host.swarm_inspect().await.map(Some)
    };
    let limit = world.clock.sleep(PATIENCE);
    pin_mut!(begin, limit);
    let swarm = match select(begin, limit).await {
        Either::Left((swarm, _)) => swarm?,
        Either::Right(_) => {
            let message = format!(
                "no answer about the swarm within {} s: its managers may be electing a leader",
                PATIENCE.as_secs()
            );
            return Err(Failure::not_applied("read the swarm", message));
        }
    };
    let Some(swarm) = swarm else {
        return Ok(None);
    };
    let every = TaskFilter::default();
    let (nodes, networks, secrets, configs, services, tasks) = futures::try_join!(
        host.nodes(),
        host.networks(),
        read_files(host.as_ref(), secrets),
        read_files(host.as_ref(), configs),
        host.services(),
        host.tasks(&every),
    )?;
    Ok(Some(SwarmView {
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
    }))
}

/// Files of a kind that nobody has or wants cost no call.
async fn read_files(host: &dyn Host, (kind, concerned): (FileKind, bool)) -> Result<Vec<SwarmFile>> {
    if concerned {
        host.files(kind).await
    } else {
        Ok(Vec::new())
    }
}
