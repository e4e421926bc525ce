//! One run, from `Begin` to the state that came of it.

use std::sync::Arc;

use subako_state::{
    Address, Digest, Entry, JOURNAL_FORMAT, JournalWriter, Json, Outcome, Ran, Resource, Snapshot, StateError,
};

use super::{Knowledge, Session, SessionError};
use crate::event::{Aftermath, Event, Events};
use crate::plan::{Plan, moved};
use crate::run::{ApplyOptions, Probe, Run, RunResult, RunStatus, Stop};
use crate::world::Failure;

/// How a run ended, and what is recorded now.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// How.
    pub outcome: Outcome,
    /// The snapshot that is recorded now.
    pub snapshot: Snapshot,
    /// What of the run remains to be finished or undone.
    pub remains: Vec<Address>,
    /// What failed, in the order it happened.
    pub failures: Vec<(Address, Failure)>,
    /// Whether it was stopped at once: the next command has to settle it.
    pub cut: bool,
    /// Whether everything that it may have done can be undone.
    pub can_go_back: bool,
    /// What is not as it was before, or cannot be said to be, where all of it was undone.
    pub aftermath: Aftermath,
    /// What could not be written. With `cut` the run stopped for it; without, the run is over all
    /// the same.
    pub broken: Option<Arc<StateError>>,
}

/// How a run began.
pub(super) struct Began<'a> {
    /// Its id.
    pub run: &'a str,
    /// The serial of the state that it began from.
    pub serial: u64,
}

impl Session {
    /// Makes a plan real, or undoes what it did of it. The lock must be held.
    pub async fn apply(
        &self,
        plan: &Plan,
        known: &Knowledge,
        options: &ApplyOptions,
        command: &str,
        events: &Events,
        stop: &Stop,
    ) -> Result<RunReport, SessionError> {
        if plan.is_empty() {
            return self.nothing_to_do(plan, known);
        }
        self.pin_bastion(plan).await?;
        let serial = known.snapshot.serial;
        let run = format!(
            "{}-{serial}-{}",
            known.snapshot.lineage,
            self.store.runs_from(serial)?
        );
        let journal = self.store.begin_journal(boxed(options.probe.as_ref()))?;
        let as_json = Json::sorted(plan).map_err(|error| SessionError::JournalPlan(error.to_string()))?;
        journal
            .append(&Entry::Begin {
                format: JOURNAL_FORMAT,
                written_by: plan.written_by.clone(),
                run: run.clone(),
                command: command.to_owned(),
                by: self.store.writer().map(Box::new),
                plan_digest: plan.digest.clone(),
                lineage: known.snapshot.lineage.clone(),
                serial,
                base: known.base.clone(),
                plan: as_json,
            })
            .await?;
        events.emit(Event::RunStarted {
            steps: plan.steps.len() as u32,
            digest: plan.digest.to_string(),
        });
        let finished = Run {
            registry: &self.registry,
            world: &self.world,
            plan,
            resources: &known.snapshot.resources,
            journal: Some(journal.clone()),
            progress: RunStatus::new(plan.steps.len()),
            events: events.clone(),
            options,
            stop,
            seed: run.clone(),
        }
        .forward()
        .await?;
        let began = Began { run: &run, serial };
        self.conclude(plan, known, began, &journal, finished, (events, stop))
            .await
    }

    /// Only outputs may have moved, for example a public address after a restart.
    fn nothing_to_do(&self, plan: &Plan, known: &Knowledge) -> Result<RunReport, SessionError> {
        let resources = crate::run::fold(&known.snapshot.resources, plan, &RunStatus::new(0));
        let snapshot = match self.successor(plan, known, resources) {
            Some(next) => {
                self.write_state(|| self.store.save(&next))?;
                next
            }
            None => known.snapshot.clone(),
        };
        Ok(RunReport {
            outcome: Outcome::Applied,
            snapshot,
            remains: vec![],
            failures: vec![],
            cut: false,
            can_go_back: true,
            aftermath: Aftermath::default(),
            broken: None,
        })
    }

    /// Records what came of a run. A run that is over is retired; one of which something
    /// remains keeps its journal, for `recover` and the next `apply`. One that was undone is looked
    /// at: `events` hears of it, and `stop` ends it at once.
    pub(super) async fn conclude(
        &self,
        plan: &Plan,
        known: &Knowledge,
        began: Began<'_>,
        journal: &JournalWriter,
        finished: RunResult,
        (events, stop): (&Events, &Stop),
    ) -> Result<RunReport, SessionError> {
        let RunResult {
            outcome,
            resources,
            remains,
            failures,
            cut,
            can_go_back,
            broken,
            progress,
        } = finished;
        let mut ran = RunReport {
            outcome,
            snapshot: known.snapshot.clone(),
            remains,
            failures,
            cut,
            can_go_back,
            aftermath: Aftermath::default(),
            broken,
        };
        if cut {
            // Steps in flight are not settled: the journal alone says what may be so.
            return Ok(ran);
        }
        let ran_as = Ran {
            run: began.run.to_owned(),
            plan: plan.digest.clone(),
            outcome,
        };
        match self.close(plan, known, journal, resources, &ran_as).await {
            Ok(snapshot) => ran.snapshot = snapshot,
            Err(error) => {
                // The journal has it all: whoever reads it next records it.
                ran.cut = true;
                ran.broken = Some(Arc::new(error));
                return Ok(ran);
            }
        }
        if outcome != Outcome::Remains
            && let Err(error) = self.store.retire_journal(began.serial)
        {
            ran.broken = Some(Arc::new(error));
        }
        if let Err(error) = self.forget_parked(known, &ran.snapshot) {
            ran.broken = Some(Arc::new(error));
        }
        if outcome == Outcome::RolledBack {
            // The plan's steps go by the names that it has for what it moves.
            let mut named = ran.snapshot.clone();
            named.resources = moved(&named.resources, &plan.moved);
            ran.aftermath = self.aftermath(plan, &progress, &named, stop).await;
            events.emit(Event::RollbackChecked(ran.aftermath.clone()));
        }
        Ok(ran)
    }

    /// Records what came of a run, and ends its journal unless something remains.
    async fn close(
        &self,
        plan: &Plan,
        known: &Knowledge,
        journal: &JournalWriter,
        resources: Vec<Resource>,
        ran: &Ran,
    ) -> Result<Snapshot, StateError> {
        let snapshot = self.record(plan, known, resources, ran)?;
        let outcome = ran.outcome;
        if outcome != Outcome::Remains {
            journal.append(&Entry::End { outcome }).await?;
        }
        Ok(snapshot)
    }

    /// Writes the next snapshot, unless nothing in it differs.
    fn record(
        &self,
        plan: &Plan,
        known: &Knowledge,
        resources: Vec<Resource>,
        ran: &Ran,
    ) -> Result<Snapshot, StateError> {
        match self.successor(plan, known, resources) {
            Some(next) => {
                self.store.save_after(&next, Some(ran))?;
                Ok(next)
            }
            None => Ok(known.snapshot.clone()),
        }
    }

    /// The snapshot that follows; `None` if nothing in it differs.
    pub(super) fn successor(
        &self,
        plan: &Plan,
        known: &Knowledge,
        resources: Vec<Resource>,
    ) -> Option<Snapshot> {
        let before = &known.snapshot;
        let mut next = Snapshot {
            resources,
            ..before.clone()
        };
        next.sort();
        if next.resources == before.resources {
            return None;
        }
        next.account = plan.account.clone().or(next.account);
        next.serial = before.serial + 1;
        next.previous = known.base.clone();
        Some(next)
    }
}

/// The probe in the form the journal takes.
pub(super) fn boxed(probe: Option<&Probe>) -> Option<Box<dyn Fn(u64) + Send + Sync>> {
    probe.map(|probe| {
        let probe = std::sync::Arc::clone(probe);
        Box::new(move |entries| probe(entries)) as Box<dyn Fn(u64) + Send + Sync>
    })
}

/// The digest of a snapshot as it is recorded.
pub(super) fn digest_of(snapshot: &Snapshot) -> Option<Digest> {
    subako_state::render(snapshot).ok().map(|(_, digest)| digest)
}
