//! After a run that did not end: find out what it did, then go on, go back, or keep what is there.
//!
//! Finding out only reads. Nothing is written before [`Session::settle`] or [`Session::recover`],
//! so that whoever declines has changed nothing.

use subako_state::{Address, Direction, Effect, Entry, JournalWriter, Outcome, Ran};

use super::apply::{Began, boxed, digest_of};
use super::knowledge::Unfinished;
use super::{Knowledge, RunReport, Session, SessionError};
use crate::event::Events;
use crate::plan::{Plan, Step};
use crate::run::{
    ApplyOptions, Run, RunStatus, Settlement, Settling, StepStatus, Stop, can_go_back, fold, settle,
};

/// What a run that did not end turned out to have done.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Steps whose effect was found out by reading, and whether there was one.
    pub found: Vec<(Address, bool)>,
    /// Steps whose effect cannot be found out now, for example because their host does not answer.
    /// What they were to make is not recorded: the next plan looks again.
    pub unknown: Vec<Address>,
    /// How many of its steps are done.
    pub kept: u32,
    /// Of how many.
    pub of: u32,
    unfinished: Unfinished,
    settlement: Settlement,
}

impl Settled {
    /// The plan of the run, and how far it came.
    pub(super) fn so_far(&self) -> (&Plan, &RunStatus) {
        (&self.unfinished.plan, &self.settlement.progress)
    }

    /// The steps that recovering in that direction makes or undoes, in the order of the plan
    /// (back: reversed).
    pub fn steps(&self, direction: Direction) -> Vec<&Step> {
        let steps = self.unfinished.plan.steps.iter();
        let steps = steps.zip(&self.settlement.progress.steps);
        match direction {
            Direction::Back => steps
                .filter(|(_, status)| status.may_have_effect())
                .map(|(step, _)| step)
                .rev()
                .collect(),
            Direction::Forward | Direction::Keep => steps
                .filter(|(_, status)| !matches!(status, StepStatus::Done { .. }))
                .map(|(step, _)| step)
                .collect(),
        }
    }
}

impl Session {
    /// Finds out by reading what the unfinished run did; `None` if there is none. Nothing is
    /// written.
    pub async fn look_into(
        &self,
        known: &Knowledge,
        options: &ApplyOptions,
    ) -> Result<Option<Settled>, SessionError> {
        let Some(unfinished) = &known.unfinished else {
            return Ok(None);
        };
        let settlement = settle(&Settling {
            registry: &self.registry,
            world: &self.world,
            plan: &unfinished.plan,
            resources: &known.snapshot.resources,
            progress: &unfinished.progress,
            options,
            seed: &unfinished.run,
        })
        .await?;
        let before = unfinished.progress.steps.iter();
        let found = before
            .zip(&settlement.progress.steps)
            .zip(&unfinished.plan.steps)
            .filter(|((before, after), _)| before != after && !is_unknown(after))
            .map(|((_, after), step)| (step.address.clone(), after.may_have_effect()))
            .collect();
        let done = |status: &&StepStatus| matches!(status, StepStatus::Done { .. });
        Ok(Some(Settled {
            found,
            unknown: settlement.unresolved.clone(),
            kept: settlement.progress.steps.iter().filter(done).count() as u32,
            of: unfinished.of,
            unfinished: unfinished.clone(),
            settlement,
        }))
    }

    /// What will be known once `settled` is written: a plan may be made from it.
    pub fn once_settled(&self, known: &Knowledge, settled: &Settled) -> Knowledge {
        let plan = &settled.unfinished.plan;
        let resources = fold(&known.snapshot.resources, plan, &settled.settlement.progress);
        let snapshot = self
            .successor(plan, known, resources)
            .unwrap_or_else(|| known.snapshot.clone());
        Knowledge {
            base: if snapshot.serial > 0 {
                digest_of(&snapshot)
            } else {
                known.base.clone()
            },
            snapshot,
            unfinished: None,
        }
    }

    /// Takes what an unfinished run did into the state and retires its journal. The lock must
    /// be held.
    pub async fn settle(
        &self,
        known: &Knowledge,
        settled: &Settled,
        options: &ApplyOptions,
    ) -> Result<Knowledge, SessionError> {
        let journal = self.reopen(settled, options).await?;
        let after = self.once_settled(known, settled);
        let is_newer = after.snapshot.serial != known.snapshot.serial;
        let outcome = Outcome::Remains;
        if is_newer {
            let ran = Ran {
                run: settled.unfinished.run.clone(),
                plan: settled.unfinished.plan.digest.clone(),
                outcome,
            };
            self.write_state(|| self.store.save_after(&after.snapshot, Some(&ran)))?;
        }
        let ended = async {
            journal.append(&Entry::End { outcome }).await?;
            self.store.retire_journal(settled.unfinished.serial)
        };
        match ended.await {
            Err(error) if is_newer => Err(SessionError::from(error).late()),
            other => Ok(other.map(|()| after)?),
        }
    }

    /// Refuses to go back where that is no longer possible, and to go on without what a secret
    /// contains that has to be made for it.
    pub fn check_recovery(&self, settled: &Settled, direction: Direction) -> Result<(), SessionError> {
        let (unfinished, progress) = (&settled.unfinished, &settled.settlement.progress);
        if direction == Direction::Back && !can_go_back(&unfinished.plan, progress) {
            return Err(SessionError::PastTheLine(crossed(unfinished, progress)));
        }
        match direction {
            Direction::Back => Ok(()),
            Direction::Forward | Direction::Keep => self.contents_for(settled.steps(direction)),
        }
    }

    /// Finishes an unfinished run, or undoes it. The lock must be held.
    pub async fn recover(
        &self,
        known: &Knowledge,
        settled: &Settled,
        direction: Direction,
        options: &ApplyOptions,
        events: &Events,
        stop: &Stop,
    ) -> Result<RunReport, SessionError> {
        self.check_recovery(settled, direction)?;
        self.record_connection()?;
        let unfinished = &settled.unfinished;
        let plan = &unfinished.plan;
        let journal = self.reopen(settled, options).await?;
        let run = Run {
            registry: &self.registry,
            world: &self.world,
            plan,
            resources: &known.snapshot.resources,
            journal: Some(journal.clone()),
            progress: settled.settlement.progress.clone(),
            events: events.clone(),
            options,
            stop,
            seed: unfinished.run.clone(),
        };
        let finished = match direction {
            Direction::Back => run.back("recover --back").await?,
            Direction::Forward | Direction::Keep => run.forward_again("recover --forward").await?,
        };
        let (run, serial) = (&*unfinished.run, unfinished.serial);
        let (began, seen) = (Began { run, serial }, (events, stop));
        self.conclude(plan, known, began, &journal, finished, seen).await
    }

    /// Opens the journal again and writes down what reading has found out.
    async fn reopen(&self, settled: &Settled, options: &ApplyOptions) -> Result<JournalWriter, SessionError> {
        let probe = boxed(options.probe.as_ref());
        let journal = self.store.continue_journal(&settled.unfinished.journal, probe)?;
        for entry in &settled.settlement.entries {
            journal.append(entry).await?;
        }
        Ok(journal)
    }
}

/// Whether nobody knows what a step did, even after reading.
fn is_unknown(status: &StepStatus) -> bool {
    matches!(
        status,
        StepStatus::Failed {
            effect: Effect::Unresolved,
            ..
        }
    )
}

/// The resources past the line that are touched.
fn crossed(unfinished: &Unfinished, progress: &RunStatus) -> Vec<Address> {
    let no_effect = |status: &StepStatus| {
        matches!(
            status,
            StepStatus::Failed {
                effect: Effect::None,
                ..
            }
        )
    };
    let steps = unfinished.plan.steps.iter().zip(&progress.steps);
    steps
        .filter(|(step, status)| step.past_the_line && status.may_have_effect() && !no_effect(status))
        .map(|(step, _)| step.address.clone())
        .collect()
}

#[cfg(test)]
#[path = "recover_tests.rs"]
mod tests;
