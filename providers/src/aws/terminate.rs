//! Terminating instances: calls that come together go in one.

use std::sync::{Arc, Mutex, PoisonError};

use subako_world::{Code, Failure, Result};
use tokio::sync::oneshot;

use super::cloud::Inner;
use super::operations::Op;

/// TerminateInstances takes up to a thousand; fewer keep one bad id from holding up many.
const BATCH: usize = 100;

type Waiting = (String, oneshot::Sender<Result<()>>);

/// Terminations that wait for company. Terminating is idempotent by id, so that a batch needs no
/// token, and a batch that is refused is sent again one by one.
#[derive(Default)]
pub(super) struct Terminations {
    queue: Mutex<Vec<Waiting>>,
}

/// Drops whoever waits, when the task that serves them ends before its time.
struct Abandon<'a>(&'a Terminations);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.clear();
    }
}

impl Inner {
    pub(super) async fn terminate_instance(self: Arc<Self>, id: &str, unprotect: bool) -> Result<()> {
        let doing = format!("terminate instance {id}");
        let (done, outcome) = oneshot::channel();
        let first = {
            let mut queue = self
                .terminations
                .queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            queue.push((id.to_owned(), done));
            queue.len() == 1
        };
        if first {
            let inner = Arc::clone(&self);
            tokio::spawn(async move { inner.flush_terminations().await });
        }
        let result = match outcome.await {
            Ok(Err(failure)) if unprotect && failure.code == Code::Protected => {
                self.terminate_protected(id, &doing).await
            }
            Ok(result) => result,
            Err(_) => Err(Failure::unknown(
                &doing,
                "the batch that it went with was abandoned",
            )),
        };
        result.map_err(|failure| Failure { doing, ..failure })
    }

    /// Protection is taken away only where it stands in the way: most instances have none, and
    /// it would be a call for each of them.
    async fn terminate_protected(&self, id: &str, doing: &str) -> Result<()> {
        self.set_protection(id, false, doing).await?;
        self.terminate_one(id).await.map_err(Failure::after_effect)
    }

    async fn flush_terminations(&self) {
        // Should the runtime end here, nobody must wait for this batch.
        let abandon = Abandon(&self.terminations);
        self.api.clock.sleep(self.api.tuning.gather).await;
        std::mem::forget(abandon);
        let waiting = {
            let mut queue = self
                .terminations
                .queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *queue)
        };
        let mut waiting = waiting.into_iter().peekable();
        while waiting.peek().is_some() {
            let batch: Vec<Waiting> = waiting.by_ref().take(BATCH).collect();
            let ids: Vec<String> = batch.iter().map(|(id, _)| id.clone()).collect();
            if batch.len() > 1 && self.terminate(&ids).await.is_ok() {
                for (_, done) in batch {
                    // A caller that has given up no longer listens.
                    let _ = done.send(Ok(()));
                }
                continue;
            }
            // One bad or protected id refuses a whole batch.
            for (id, done) in batch {
                let result = self.terminate_one(&id).await;
                let _ = done.send(result);
            }
        }
    }

    async fn terminate_one(&self, id: &str) -> Result<()> {
        let ids = [id.to_owned()];
        match self.change(id, || self.terminate(&ids)).await {
            Err(failure) if failure.code == Code::NotFound => Ok(()),
            result => result,
        }
    }

    async fn terminate(&self, ids: &[String]) -> Result<()> {
        let terminated = self
            .api
            .call(Op::TerminateInstances, "terminate instances", || {
                self.api
                    .ec2
                    .terminate_instances()
                    .set_instance_ids(Some(ids.to_vec()))
                    .send()
            })
            .await;
        terminated.map(drop)
    }
}
