//! After a run that did not end: settle it, then go on, go back, or keep what is there.

use subako_state::{Address, Direction, Effect, Entry, JournalFile, Outcome};

use super::apply::{boxed, digest_of};
use super::knowledge::Unfinished;
use super::{Knowledge, Ran, Session, SessionError};
use crate::event::Events;
use crate::run::{ApplyOptions, Progress, Run, StepStatus, Stop, can_go_back, fold, settle};

/// What settling an unfinished run found.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The command that did not end.
    pub command: String,
    /// Steps whose effect was found out by reading, and whether there was one.
    pub found: Vec<(Address, bool)>,
    /// How many of its steps are in the state now.
    pub kept: u32,
    /// Of how many.
    pub of: u32,
}

struct Opened {
    journal: JournalFile,
    progress: Progress,
    found: Vec<(Address, bool)>,
}

impl Session {
    /// Finds out what an unfinished run did, takes that into the state and retires its journal.
    /// After it a plan starts from what is. The lock must be held.
    pub async fn settle(
        &self,
        mut known: Knowledge,
        options: &ApplyOptions,
        events: &Events,
    ) -> Result<(Knowledge, Option<Settled>), SessionError> {
        let Some(unfinished) = known.unfinished.take() else {
            return Ok((known, None));
        };
        let stop = Stop::new();
        let opened = self.open(&known, &unfinished, options, events, &stop).await?;
        let plan = &unfinished.plan;
        let resources = fold(&known.snapshot.resources, plan, &opened.progress);
        known.snapshot = self.record(plan, &known, resources)?;
        if known.snapshot.serial > 0 {
            known.base = digest_of(&known.snapshot);
        }
        opened
            .journal
            .append(&Entry::End {
                outcome: Outcome::Remains,
            })
            .await?;
        self.store.retire_journal(unfinished.serial)?;
        let kept = opened
            .progress
            .steps
            .iter()
            .filter(|status| matches!(status, StepStatus::Done { .. }))
            .count();
        let settled = Settled {
            command: unfinished.command,
            found: opened.found,
            kept: kept as u32,
            of: plan.steps.len() as u32,
        };
        Ok((known, Some(settled)))
    }

    /// Finishes an unfinished run, or undoes it. The lock must be held.
    pub async fn recover(
        &self,
        mut known: Knowledge,
        direction: Direction,
        options: &ApplyOptions,
        events: &Events,
        stop: &Stop,
    ) -> Result<Ran, SessionError> {
        let unfinished = known.unfinished.take().ok_or(SessionError::NothingToRecover)?;
        let opened = self.open(&known, &unfinished, options, events, stop).await?;
        let plan = &unfinished.plan;
        let run = Run {
            registry: &self.registry,
            world: &self.world,
            plan,
            resources: &known.snapshot.resources,
            journal: opened.journal.clone(),
            progress: opened.progress,
            events: events.clone(),
            options,
            stop,
            seed: unfinished.run.clone(),
        };
        let finished = match direction {
            Direction::Back => {
                if !can_go_back(plan, &run.progress) {
                    return Err(SessionError::PastTheLine(crossed(&unfinished, &run.progress)));
                }
                run.back("recover --back").await?
            }
            Direction::Forward | Direction::Keep => run.forward_again("recover --forward").await?,
        };
        self.conclude(plan, &known, unfinished.serial, &opened.journal, finished)
            .await
    }

    /// Opens the journal again and settles every step in flight.
    async fn open(
        &self,
        known: &Knowledge,
        unfinished: &Unfinished,
        options: &ApplyOptions,
        events: &Events,
        stop: &Stop,
    ) -> Result<Opened, SessionError> {
        let probe = boxed(options.probe.as_ref());
        let journal = JournalFile::reopen(&self.store.journal_path(), &unfinished.journal, probe)?;
        let run = Run {
            registry: &self.registry,
            world: &self.world,
            plan: &unfinished.plan,
            resources: &known.snapshot.resources,
            journal: journal.clone(),
            progress: unfinished.progress.clone(),
            events: events.clone(),
            options,
            stop,
            seed: unfinished.run.clone(),
        };
        let (progress, unresolved) = settle(&run).await?;
        if !unresolved.0.is_empty() {
            return Err(SessionError::Unsettled(unresolved.0));
        }
        let found = unfinished
            .plan
            .steps
            .iter()
            .zip(unfinished.progress.steps.iter().zip(&progress.steps))
            .filter(|(_, (before, after))| before != after)
            .map(|(step, (_, after))| (step.address.clone(), after.may_have_effect()))
            .collect();
        Ok(Opened {
            journal,
            progress,
            found,
        })
    }
}

/// The resources past the line that are touched.
fn crossed(unfinished: &Unfinished, progress: &Progress) -> Vec<Address> {
    unfinished
        .plan
        .steps
        .iter()
        .zip(&progress.steps)
        .filter(|(step, status)| {
            step.past_the_line
                && status.may_have_effect()
                && !matches!(
                    status,
                    StepStatus::Failed {
                        effect: Effect::None,
                        ..
                    }
                )
        })
        .map(|(step, _)| step.address.clone())
        .collect()
}
