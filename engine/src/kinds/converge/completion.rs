//! When a service's tasks have done what they are for, for those that wait for it.

use std::collections::HashSet;
use std::time::Duration;

use super::{Managers, standing};
use crate::kind::StepContext;
use crate::kinds::wait::Wait;
use crate::world::{Failure, Result, Task, TaskFilter};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// A wait until a service has completed.
pub(in crate::kinds) struct Completion<'a> {
    name: &'a str,
    limit: Duration,
}

impl<'a> Completion<'a> {
    /// Of the service of that name, within `limit`.
    pub fn of(name: &'a str, limit: Duration) -> Self {
        Self { name, limit }
    }

    /// Waits. Nothing has been changed where it fails.
    pub async fn wait(&self, managers: &mut Managers<'_>, cx: &StepContext) -> Result<()> {
        let doing = format!("wait until the service {} has completed", self.name);
        let mut wait = Wait::new(cx, doing.clone(), EVERY, self.limit);
        loop {
            let host = managers.host().await?;
            let read = futures::future::try_join(host.service(self.name), async {
                let filter = TaskFilter {
                    service: Some(self.name.to_owned()),
                    ..TaskFilter::default()
                };
                host.tasks(&filter).await
            });
            let waiting = match read.await {
                Ok((Some(service), tasks)) => {
                    let tasks: Vec<&Task> = tasks.iter().collect();
                    // A task that has completed counts wherever its node is.
                    let tally = standing(&service, &tasks, &HashSet::new());
                    if tally.complete == tally.wanted {
                        return Ok(());
                    }
                    format!(
                        "{} of {} tasks of {} have completed",
                        tally.complete, tally.wanted, self.name
                    )
                }
                Ok((None, _)) => {
                    return Err(Failure::not_applied(doing, "it does not exist any more"));
                }
                Err(failure) => {
                    managers.lost();
                    format!("waiting for a manager: {}", failure.message)
                }
            };
            wait.tick(waiting).await?;
        }
    }
}
