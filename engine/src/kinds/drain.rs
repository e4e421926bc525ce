//! A node that is given no more tasks, and is rid of those that it has.

use std::time::Duration;

use super::logins;
use super::nodes::state_word;
use super::swarm_access::Managers;
use super::wait::Wait;
use crate::kind::StepContext;
use crate::world::{Availability, Failure, Node, NodeState, NodeUpdate, Result, TaskFilter, TaskState};

/// How long a drained node's tasks may take to end. Docker gives a task 10 s unless the service
/// says otherwise; this leaves room for many that stop one after the other.
const LIMIT: Duration = Duration::from_secs(300);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Has Swarm give a node no more tasks. Says whether that changed anything.
pub(super) async fn begin(node: &Node, managers: &mut Managers<'_>, cx: &StepContext) -> Result<bool> {
    if node.availability == Availability::Drain {
        return Ok(false);
    }
    logins::refresh(managers, cx).await;
    cx.progress.note("draining");
    set(&node.id, Availability::Drain, managers).await?;
    Ok(true)
}

/// Gives a node this availability.
pub(super) async fn set(id: &str, availability: Availability, managers: &mut Managers<'_>) -> Result<()> {
    let update = NodeUpdate {
        availability: Some(availability),
        ..NodeUpdate::default()
    };
    managers.update_node(id, &update).await
}

/// Waits until a drained node has no task that runs. Says whether it is still up.
pub(super) async fn emptied(
    node_id: &str,
    doing: String,
    managers: &mut Managers<'_>,
    cx: &StepContext,
) -> Result<bool> {
    let filter = TaskFilter {
        node: Some(node_id.to_owned()),
        ..TaskFilter::default()
    };
    let mut wait = Wait::new(cx, doing, EVERY, LIMIT);
    loop {
        let manager = managers.host().await?;
        let looked = async {
            let tasks = manager.tasks(&filter).await?;
            Ok::<_, Failure>((tasks, manager.node(node_id).await?))
        };
        let waiting = match looked.await {
            Ok((_, None)) => return Ok(false),
            Ok((_, Some(node))) if node.state == NodeState::Down => return Ok(false),
            Ok((tasks, Some(node))) => {
                let live = tasks
                    .iter()
                    .filter(|task| task.state <= TaskState::Running)
                    .count();
                if live == 0 && node.state == NodeState::Ready {
                    return Ok(true);
                }
                match live {
                    0 => format!("waiting for its state to be known: {}", state_word(node.state)),
                    1 => "waiting for 1 task to end".to_owned(),
                    _ => format!("waiting for {live} tasks to end"),
                }
            }
            Err(failure) => {
                managers.lost();
                format!("waiting for a manager: {}", failure.message)
            }
        };
        wait.tick(waiting).await?;
    }
}
