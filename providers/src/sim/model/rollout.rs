//! Rolling updates: batch after batch, watched, paused or taken back at a failure.
//!
//! As swarmkit's updater, with one simplification: a batch is replaced as a whole and the next
//! one starts when all of it runs.

use subako_world::{UpdateOrder, UpdateState};

use super::events::Event;
use super::program::{Fate, Ground};
use super::service::{ServiceFacts, UpdateFacts};
use super::swarm::{At, SwarmFacts};
use super::tasks::Slot;
use super::world::Model;
use crate::sim::names::{Ms, swarm_id};

/// How long the last batch is watched where the spec does not say.
const MONITOR: Ms = 5_000;
/// When to look again at a task that waits for a node.
const PENDING_AGAIN: Ms = 5_000;

impl ServiceFacts {
    /// Whether the current task of a slot runs another template than the spec's.
    pub fn is_dirty(&self, slot: &Slot) -> bool {
        self.current(slot)
            .is_some_and(|task| task.template != self.template)
    }

    /// Of the tasks made last: the id of one that failed, how many did, and whether one still
    /// waits for a node.
    fn judge(&self, seed: u64, batch: &[(Slot, u32)], answers: Option<Ms>) -> (Option<String>, u64, bool) {
        let monitor = self.proceeding().monitor.map_or(MONITOR, |ns| ns / 1_000_000);
        let (mut example, mut failed, mut waiting) = (None, 0, false);
        for (slot, number) in batch {
            let Some(task) = self.current(slot).filter(|task| task.number == *number) else {
                continue;
            };
            if task.node.is_none() {
                waiting = true;
            } else if self
                .templates
                .get(&task.template)
                .is_some_and(|template| match &template.fate {
                    Fate::Runs => false,
                    // An end without an error is an early one all the same (swarmkit, updater.go).
                    Fate::Completes { after } => *after <= monitor,
                    Fate::CrashesUntil { .. } => answers.is_none_or(|from| from > task.running),
                    Fate::Rejected { .. } | Fate::Crashes { .. } | Fate::Unhealthy { .. } => true,
                })
            {
                failed += 1;
                let parts = [
                    "task",
                    &self.id,
                    &String::from(slot.clone()),
                    &number.to_string(),
                    "0",
                ];
                example.get_or_insert_with(|| swarm_id(seed, &parts));
            }
        }
        (example, failed, waiting)
    }
}

impl Model {
    /// A rolling update goes on, if it is still the service's latest and somebody can decide.
    pub(super) fn rollout(&mut self, t: Ms, swarm: &str, service: &str, epoch: u32) {
        let at = At {
            seed: self.place.seed,
            t,
        };
        let Some(facts) = self.swarms.get_mut(swarm) else {
            return;
        };
        let current = facts
            .services
            .get(service)
            .filter(|s| s.epoch == epoch)
            .and_then(|s| s.update.as_ref());
        let due = current.is_some_and(|update| update.under_way() && update.due <= t);
        if !due || !facts.decides(t) {
            return;
        }
        if let Some(due) = facts.roll(at, service) {
            let (swarm, service) = (swarm.to_owned(), service.to_owned());
            self.post(
                due,
                Event::Rollout {
                    swarm,
                    service,
                    epoch,
                },
            );
        }
    }
}

impl SwarmFacts {
    /// One step of an update; returns when the next is due.
    fn roll(&mut self, at: At, name: &str) -> Option<Ms> {
        let answers = self.services.get(name).and_then(|service| self.awaited(service));
        let service = self.services.get_mut(name)?;
        let mut update = service.update.take()?;
        let (example, failed, waiting) = service.judge(at.seed, &update.batch, answers);
        if waiting {
            update.due = at.t + PENDING_AGAIN;
            let due = update.due;
            service.update = Some(update);
            return Some(due);
        }
        update.failed += failed;
        service.update = Some(update);
        let cause = example.filter(|_| service.too_many_failures());
        let goes_on = cause.is_none_or(|task| self.give_up(at, name, &task));
        if goes_on { self.next_batch(at, name) } else { None }
    }

    /// An update has failed: pauses it, or starts the way back. Returns whether it goes on.
    fn give_up(&mut self, at: At, name: &str, task: &str) -> bool {
        let bridges = self.bridges();
        let Some(service) = self.services.get_mut(name) else {
            return false;
        };
        let action = service
            .proceeding()
            .failure_action
            .unwrap_or_else(|| "pause".to_owned());
        let Some(update) = service.update.as_mut() else {
            return false;
        };
        let back = update.state == UpdateState::RollbackStarted;
        if action == "continue" {
            return true;
        }
        let cause = format!("due to failure or early termination of task {task}");
        if action != "rollback" || back || service.previous.is_none() {
            (update.state, update.message) = match back {
                true => (UpdateState::RollbackPaused, format!("rollback paused {cause}")),
                false => (UpdateState::Paused, format!("update paused {cause}")),
            };
            update.batch.clear();
            return false;
        }
        if let Some(previous) = service.previous.take() {
            service.spec = previous.spec;
            service.forced = previous.forced;
        }
        service.renew_template(&Ground {
            networks: &self.networks,
            bridges: &bridges,
            images: self.images,
        });
        let message = format!("update rolled back {cause}");
        service.update = Some(UpdateFacts::new(UpdateState::RollbackStarted, message, at.t));
        self.fit_count(at, name);
        self.forget_spread(name);
        true
    }

    fn next_batch(&mut self, at: At, name: &str) -> Option<Ms> {
        let service = self.services.get_mut(name)?;
        let config = service.proceeding();
        let update = service.update.as_ref()?;
        let most = match config.parallelism {
            None => 1,
            Some(0) => usize::MAX,
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
        };
        let watching = update.watching;
        let (slots, last) = self.take_dirty(name, most)?;
        let service = self.services.get_mut(name)?;
        let update = service.update.as_mut()?;
        if slots.is_empty() {
            if watching || update.made == 0 {
                (update.state, update.message) = match update.state {
                    UpdateState::RollbackStarted => {
                        (UpdateState::RollbackCompleted, "rollback completed".to_owned())
                    }
                    _ => (UpdateState::Completed, "update completed".to_owned()),
                };
                update.batch.clear();
                return None;
            }
            update.watching = true;
            update.due = at.t + config.monitor.map_or(MONITOR, |ns| ns / 1_000_000);
            // Failures of the batch have been counted: they are not counted again.
            update.batch.clear();
            return Some(update.due);
        }
        let start_first = config.order == Some(UpdateOrder::StartFirst);
        for slot in &slots {
            self.replace_task(at, name, slot, start_first);
        }
        let service = self.services.get_mut(name)?;
        let mut next = at.t;
        let mut batch = Vec::new();
        for slot in &slots {
            let Some(task) = service.current(slot) else {
                continue;
            };
            let template = service.templates.get(&task.template);
            let early = template.and_then(|template| match template.fate {
                Fate::Completes { after } if after > MONITOR => None,
                _ => task.ends_after(&template.fate),
            });
            let done = early.map_or(task.running, |after| task.created + after);
            next = next.max(done);
            batch.push((slot.clone(), task.number));
        }
        let delay = if last {
            0
        } else {
            config.delay.map_or(0, |ns| ns / 1_000_000)
        };
        let update = service.update.as_mut()?;
        update.made += batch.len() as u64;
        update.batch = batch;
        update.due = next + delay;
        Some(update.due)
    }

    /// Takes at most `most` slots from those that an update has yet to replace; and whether there
    /// are no more of them.
    fn take_dirty(&mut self, name: &str, most: usize) -> Option<(Vec<Slot>, bool)> {
        let known = self.services.get_mut(name)?.update.as_mut()?.queue.take();
        let mut queue = match known {
            Some(queue) => queue,
            None => self.dirty(self.services.get(name)?),
        };
        let service = self.services.get_mut(name)?;
        let mut slots = Vec::new();
        while slots.len() < most
            && let Some(slot) = queue.pop()
        {
            slots.extend(service.is_dirty(&slot).then_some(slot));
        }
        while queue.last().is_some_and(|slot| !service.is_dirty(slot)) {
            queue.pop();
        }
        let last = queue.is_empty();
        service.update.as_mut()?.queue = Some(queue);
        Some((slots, last))
    }

    /// The slots that an update has to replace, the last one first: replicas by their number, nodes
    /// by their address, because ids mean nothing to a model that is made of what was read.
    fn dirty(&self, service: &ServiceFacts) -> Vec<Slot> {
        let address = |slot: &Slot| match slot {
            Slot::Replica(_) => None,
            Slot::Node(id) => self.nodes.get(id).map(|node| node.addr.clone()),
        };
        let slots = service.slots.keys().filter(|slot| service.is_dirty(slot));
        let mut slots: Vec<_> = slots.map(|slot| (address(slot), slot.clone())).collect();
        slots.sort();
        slots.into_iter().rev().map(|(_, slot)| slot).collect()
    }

    /// Replaces the task of one slot by one of the current template.
    fn replace_task(&mut self, at: At, name: &str, slot: &Slot, start_first: bool) {
        if self.reinstate(at, name, slot) {
            return;
        }
        if start_first {
            self.start_first(at, name, slot);
        } else {
            let stopped = self.end_task(at, name, slot, false);
            self.make_task(at, name, slot, stopped);
        }
    }
}

impl ServiceFacts {
    /// Whether more of the tasks made by the update have failed than it tolerates.
    fn too_many_failures(&self) -> bool {
        let tolerated = u64::from(self.proceeding().max_failure_ppm.unwrap_or(0));
        let total = self.slots.len().max(1) as u64;
        self.update
            .as_ref()
            .is_some_and(|update| update.failed * 1_000_000 > tolerated * total)
    }
}
