//! Waiting for instances: one reader for all who wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use subako_world::{Failure, Instance, InstanceState, NextCommand, Progress, Result};
use tokio::sync::oneshot;

use super::cloud::Inner;
use super::convert::{Seen, filter};
use super::instance::is_going;
use crate::codes::Ec2Code as _;

/// A filter takes two hundred values.
const VALUES: usize = 200;

/// Who waits for what. A task reads for all of them as long as there is anybody.
#[derive(Default)]
pub(super) struct Watch {
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Vec<Waiter>,
    reading: bool,
}

struct Waiter {
    id: String,
    wanted: InstanceState,
    since: Duration,
    last: Option<InstanceState>,
    /// When it was first seen as wanted.
    arrived: Option<Duration>,
    progress: Progress,
    done: oneshot::Sender<Result<Instance>>,
}

/// Drops whoever waits, when the task that serves them ends before its time.
struct Abandon<'a>(&'a Watch);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        let mut shared = self.0.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.reading = false;
        shared.waiting.clear();
    }
}

/// What a look says about one wait.
enum Finding {
    Wait(Option<InstanceState>),
    Done(Box<Result<Instance>>),
}

impl Inner {
    pub(super) async fn await_instance(
        self: Arc<Self>,
        id: &str,
        wanted: InstanceState,
        progress: &Progress,
    ) -> Result<Instance> {
        let (done, outcome) = oneshot::channel();
        let start = {
            let mut shared = self.watch.shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.waiting.push(Waiter {
                id: id.to_owned(),
                wanted,
                since: self.api.clock.now(),
                last: None,
                arrived: None,
                progress: progress.clone(),
                done,
            });
            !std::mem::replace(&mut shared.reading, true)
        };
        if start {
            let inner = Arc::clone(&self);
            tokio::spawn(async move { inner.read_for_all().await });
        }
        outcome
            .await
            .unwrap_or_else(|_| Err(Failure::not_applied(doing(id, wanted), "the wait was abandoned")))
    }

    /// Reads until nobody waits. The pace slows down while nothing changes, and is back at its
    /// usual tick when somebody joins or is served.
    async fn read_for_all(&self) {
        // Should the runtime end here, nobody must wait for this task.
        let abandon = Abandon(&self.watch);
        let tuning = &self.api.tuning;
        let mut wait = tuning.first_look;
        let mut known = 0;
        loop {
            self.api.clock.sleep(wait).await;
            let ids = {
                let mut shared = self.watch.shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.waiting.retain(|waiter| !waiter.done.is_closed());
                if shared.waiting.is_empty() {
                    shared.reading = false;
                    std::mem::forget(abandon);
                    return;
                }
                let mut ids: Vec<String> = shared.waiting.iter().map(|waiter| waiter.id.clone()).collect();
                ids.sort();
                ids.dedup();
                ids
            };
            let seen = self.see_all(&ids).await;
            let waiting = self.serve(&ids, &seen);
            let quiet = waiting == known;
            known = waiting;
            wait = if quiet && wait >= tuning.tick {
                (wait + wait / 4).min(tuning.slowest_tick)
            } else {
                tuning.tick
            };
        }
    }

    async fn see_all(&self, ids: &[String]) -> Result<BTreeMap<String, Seen>> {
        let mut all = BTreeMap::new();
        for some in ids.chunks(VALUES) {
            let filters = [filter("instance-id", some)];
            for seen in self.instances(&filters, "read the instances waited for").await? {
                all.insert(seen.instance.id.clone(), seen);
            }
        }
        Ok(all)
    }

    /// Tells everybody whose wait is over; the answer is how many wait on.
    fn serve(&self, asked: &[String], seen: &Result<BTreeMap<String, Seen>>) -> usize {
        let now = self.api.clock.now();
        let mut shared = self.watch.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for mut waiter in std::mem::take(&mut shared.waiting) {
            // Who joined during the read waits for the next one.
            if asked.binary_search(&waiter.id).is_err() {
                shared.waiting.push(waiter);
                continue;
            }
            let waited = now.saturating_sub(waiter.since);
            let there = seen.as_ref().ok().and_then(|seen| seen.get(&waiter.id));
            if there.is_some_and(|there| there.instance.state == waiter.wanted) {
                waiter.arrived.get_or_insert(now);
            }
            let finding = match seen {
                // The read has retried already: whoever waits is told.
                Err(failure) => Finding::Done(Box::new(Err(Failure {
                    doing: doing(&waiter.id, waiter.wanted),
                    ..failure.clone()
                }))),
                Ok(_) => self.judge(&waiter, there, waited, now),
            };
            match finding {
                // A caller that has given up no longer listens.
                Finding::Done(result) => drop(waiter.done.send(*result)),
                Finding::Wait(state) => {
                    if state != waiter.last {
                        let state = state.map_or_else(|| "not shown yet".to_owned(), |s| s.to_string());
                        waiter
                            .progress
                            .note(format!("{}: {state}, waiting for {}", waiter.id, waiter.wanted));
                    }
                    waiter.last = state;
                    shared.waiting.push(waiter);
                }
            }
        }
        shared.waiting.len()
    }

    fn judge(&self, waiter: &Waiter, seen: Option<&Seen>, waited: Duration, now: Duration) -> Finding {
        let tuning = &self.api.tuning;
        let failed = |message: String, code: &str| {
            Failure::not_applied(doing(&waiter.id, waiter.wanted), message).with_ec2_code(code)
        };
        let fail = |message: String, code: &str, hint: &str| {
            let failure = failed(message, code);
            Finding::Done(Box::new(Err(if hint.is_empty() {
                failure
            } else {
                failure.with_hint(hint)
            })))
        };
        let Some(seen) = seen else {
            // What is to be gone and was not made a moment ago is not shown because it is.
            let gone = waiter.wanted == InstanceState::Terminated && !self.is_newborn(&waiter.id);
            if !gone && waited < tuning.newborn {
                return Finding::Wait(waiter.last);
            }
            return fail(
                "EC2 does not show it".to_owned(),
                "InvalidInstanceID.NotFound",
                "",
            );
        };
        let state = seen.instance.state;
        if state == waiter.wanted {
            // The address is shown some seconds later (flocker#2237). Without it nobody could log in.
            let since = waiter.arrived.map_or(Duration::ZERO, |at| now.saturating_sub(at));
            let lacks = seen.instance.public_ip.is_none() && self.will_be_public(&seen.instance);
            if state == InstanceState::Running && lacks && since < tuning.address {
                return Finding::Wait(Some(state));
            }
            return Finding::Done(Box::new(Ok(seen.instance.clone())));
        }
        if is_going(state) && waiter.wanted != InstanceState::Terminated {
            let why = seen.reason.as_deref().unwrap_or("EC2 gives no reason");
            let hint = match seen.reason_code.as_deref() {
                // EC2 user guide, "Troubleshoot instance launch issues".
                Some("Client.InternalError") => {
                    let hint = "EC2 could not use the key of its disk: where the account encrypts disks with a KMS key of its own, these credentials need the permissions to use that key";
                    let failure =
                        failed(format!("it is {state}: {why}"), "InstanceTerminated").with_hint(hint);
                    return Finding::Done(Box::new(Err(failure.with_next(NextCommand::PolicyWithKms))));
                }
                Some("Client.VolumeLimitExceeded") => {
                    "the account's storage quota is used up: use smaller disks, or raise it in Service Quotas"
                }
                Some("Server.InsufficientInstanceCapacity") => {
                    "AWS has no room for it at the moment: name another zone in `availability_zones`, choose another `instance_type`, or try again later"
                }
                _ => "somebody or EC2 itself terminated it; the next plan makes a new one",
            };
            return fail(format!("it is {state}: {why}"), "InstanceTerminated", hint);
        }
        if waited >= tuning.instance_deadline {
            return fail(
                format!("it is still {state} after {} s", waited.as_secs()),
                "InstanceTimeout",
                "look at its system log in the EC2 console, then apply again",
            );
        }
        Finding::Wait(Some(state))
    }
}

fn doing(id: &str, wanted: InstanceState) -> String {
    format!("wait until instance {id} is {wanted}")
}
