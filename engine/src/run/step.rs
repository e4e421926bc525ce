//! One step, forward or back, with its journal entries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subako_state::{Digest, Effect, Entry, JournalWriter, Json, StateError};

use super::options::{ApplyOptions, OnFailure, Stop};
use super::status::{Progress, StepStatus};
use super::working::{View, Working};
use crate::event::{Event, Events};
use crate::in_flight::InFlight;
use crate::kind::{ErasedKind, Registry, StepContext};
use crate::plan::{Action, Plan, Step};
use crate::world::{self, Certainty, Failure, Ownership, World};

/// How often undoing a step is tried before it counts as failed.
const UNDO_ATTEMPTS: u32 = 3;
/// How often an unknown outcome is read before it counts as unresolved.
const SETTLE_ATTEMPTS: u32 = 5;
/// Between two such attempts.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(2);

/// What steps share while a run goes on.
pub(super) struct Crew<'a> {
    pub registry: &'a Registry,
    pub world: &'a World,
    pub plan: &'a Plan,
    pub working: Arc<Working>,
    pub journal: Pen,
    pub events: Events,
    pub options: &'a ApplyOptions,
    /// Who may ask it to stop.
    pub stop: &'a Stop,
    /// Makes tokens unique to this run.
    pub seed: String,
    pub progress: Mutex<Progress>,
    pub started: Duration,
    /// The steps at work.
    pub in_flight: InFlight,
}

/// Where entries go.
pub(super) enum Pen {
    /// Into the journal, durable before anything else happens.
    Journal(JournalWriter),
    /// Nowhere yet: what is only read is written when somebody has agreed to it.
    Draft(Mutex<Vec<Entry>>),
}

impl Pen {
    async fn write(&self, entry: &Entry) -> Result<(), StateError> {
        match self {
            Self::Journal(journal) => journal.append(entry).await,
            Self::Draft(entries) => {
                entries
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(entry.clone());
                Ok(())
            }
        }
    }

    /// The entries that were only drafted.
    pub fn into_draft(self) -> Vec<Entry> {
        match self {
            Self::Journal(_) => Vec::new(),
            Self::Draft(entries) => entries.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// What came of a step.
pub(super) enum Made {
    /// It is done.
    Done,
    /// It failed, and why.
    Failed(Failure),
}

impl Crew<'_> {
    pub fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn elapsed_ms(&self) -> u64 {
        self.world.clock.now().saturating_sub(self.started).as_millis() as u64
    }

    /// Tells that a step begins; when, to be handed to [`Crew::tell_done`].
    pub fn tell_started(&self, number: u32, undo: bool) -> u64 {
        let step = &self.plan.steps[number as usize];
        let elapsed_ms = self.elapsed_ms();
        let (address, action) = (step.address.clone(), step.action());
        self.events.emit(Event::StepStarted {
            step: number,
            address,
            action,
            undo,
            elapsed_ms,
        });
        elapsed_ms
    }

    /// Tells that a step is done, or undone: `done` of `of` by now.
    pub fn tell_done(&self, number: u32, undo: bool, began: u64, done: u32, of: u32) {
        let step = &self.plan.steps[number as usize];
        let elapsed_ms = self.elapsed_ms();
        self.events.emit(Event::StepDone {
            step: number,
            address: step.address.clone(),
            action: step.action(),
            undo,
            elapsed_ms,
            took_ms: elapsed_ms - began,
            done,
            of,
        });
    }

    /// Tells that a step, or undoing it, failed.
    pub fn tell_failed(&self, number: u32, undo: bool, failure: &Failure) {
        let step = &self.plan.steps[number as usize];
        self.events.emit(Event::StepFailed {
            step: number,
            address: step.address.clone(),
            action: step.action(),
            undo,
            failure: failure.clone(),
            elapsed_ms: self.elapsed_ms(),
        });
    }

    /// Makes an entry durable, then takes it in.
    pub async fn record(&self, entry: Entry) -> Result<(), StateError> {
        self.journal.write(&entry).await?;
        let taken = self.progress().record(&entry);
        debug_assert!(taken.is_ok(), "{taken:?}");
        Ok(())
    }

    fn kind(&self, step: &Step) -> world::Result<&Arc<dyn ErasedKind>> {
        self.registry.get(step.address.kind()).ok_or_else(|| {
            Failure::not_applied(
                format!("{} {}", step.action(), step.address),
                "no such kind is known",
            )
        })
    }

    fn token(&self, number: u32, way: &str) -> String {
        let step = &self.plan.steps[number as usize];
        let text = format!(
            "{}\n{}\n{}\n{number}\n{way}",
            self.seed, step.address, step.generation
        );
        format!("subako-{}", &Digest::of(text).hex()[..40])
    }

    fn view(&self, step: &Step) -> View {
        // A step on an object whose address has been, or is about to be, taken by a newer one.
        let old = self.working.is_old(&step.address, step.generation);
        View {
            working: Arc::clone(&self.working),
            old,
        }
    }

    fn context(&self, number: u32, token: &str) -> StepContext {
        let step = &self.plan.steps[number as usize];
        let (events, address) = (self.events.clone(), step.address.clone());
        let (clock, started) = (Arc::clone(&self.world.clock), self.started);
        StepContext {
            world: self.world.clone(),
            ownership: Ownership {
                cluster: self.plan.cluster.clone(),
                address: step.address.to_string(),
                generation: step.generation,
                token: token.to_owned(),
            },
            known: Arc::new(self.view(step)),
            progress: world::Progress::new(move |note| {
                let elapsed_ms = clock.now().saturating_sub(started).as_millis() as u64;
                events.emit(Event::StepProgress {
                    step: number,
                    address: address.clone(),
                    note,
                    elapsed_ms,
                });
            }),
            stop: None,
            former: None,
            in_flight: self.in_flight.clone(),
        }
    }

    fn resolved(&self, step: &Step, spec: Option<&Json>) -> world::Result<Json> {
        let doing = || format!("{} {}", step.action(), step.address);
        let spec = spec.ok_or_else(|| Failure::not_applied(doing(), "the plan does not say what it is"))?;
        self.view(step)
            .resolve(spec)
            .map_err(|missing| Failure::not_applied(doing(), missing.to_string()))
    }

    /// What a changed resource is before the change: as it was with the objects of that time.
    fn resolved_before(&self, step: &Step) -> world::Result<Json> {
        let view = View {
            working: Arc::clone(&self.working),
            old: true,
        };
        let before = step.spec_before();
        before
            .and_then(|spec| view.resolve(spec).ok())
            .map_or_else(|| self.resolved_or_raw(step, before), Ok)
    }

    /// As `resolved`, but what it refers to may be gone already.
    fn resolved_or_raw(&self, step: &Step, spec: Option<&Json>) -> world::Result<Json> {
        self.resolved(step, spec)
            .or_else(|failure| spec.cloned().ok_or(failure))
    }

    /// Makes a step of the plan.
    pub async fn make(&self, number: u32) -> Result<Made, StateError> {
        let step = &self.plan.steps[number as usize];
        let token = match &self.progress().steps[number as usize] {
            // What it had made was unmade, and the world remembers that token.
            StepStatus::Undone { token, .. } => self.token(number, &format!("do again after {token}")),
            // Tried before: the same token finds what that try may have made.
            tried if !tried.token().is_empty() => tried.token().to_owned(),
            _ => self.token(number, "do"),
        };
        if matches!(step.action(), Action::Adopt | Action::Forget) {
            let found = step.record().and_then(|record| record.outputs.clone());
            let outputs = found.unwrap_or_else(empty);
            return self.done(number, outputs).await.map(|()| Made::Done);
        }
        self.record(Entry::Intent {
            step: number,
            token: token.clone(),
        })
        .await?;
        let cx = self.context(number, &token);
        let mut making = self.context(number, &token);
        // What is going to be undone anyway need not be waited for.
        if !step.past_the_line && self.options.on_failure == OnFailure::Rollback {
            making.stop = Some(self.stop.clone());
        }
        match self.call(step, &making).await {
            Ok(outputs) => self.done(number, outputs).await.map(|()| Made::Done),
            Err(failure) => {
                let (effect, outputs) = self.effect(step, &cx, &failure).await;
                let why = failure.to_string();
                if let (Action::Create, Effect::Applied, Some(outputs)) = (step.action(), effect, &outputs) {
                    self.put(step, step.spec_after(), outputs);
                }
                if step.action() == Action::Delete && effect == Effect::Applied && outputs.is_none() {
                    self.working.remove(&step.address, step.generation);
                }
                self.record(Entry::Failed {
                    step: number,
                    effect,
                    outputs,
                    why,
                })
                .await?;
                Ok(Made::Failed(failure))
            }
        }
    }

    async fn call(&self, step: &Step, cx: &StepContext) -> world::Result<Json> {
        let kind = self.kind(step)?;
        let outputs = step.outputs_before().cloned().unwrap_or_else(empty);
        match step.action() {
            Action::Create => kind.create(&self.resolved(step, step.spec_after())?, cx).await,
            Action::Update => {
                let from = self.resolved_before(step)?;
                let to = self.resolved(step, step.spec_after())?;
                if from == to {
                    Ok(outputs)
                } else {
                    kind.update(&from, &to, &outputs, cx).await
                }
            }
            Action::Delete => {
                let spec = self.resolved_or_raw(step, step.spec_before())?;
                kind.delete(&spec, &outputs, cx).await.map(|()| outputs)
            }
            Action::Adopt | Action::Forget => Ok(outputs),
        }
    }

    async fn done(&self, number: u32, outputs: Json) -> Result<(), StateError> {
        let step = &self.plan.steps[number as usize];
        match step.action() {
            Action::Delete | Action::Forget => self.working.remove(&step.address, step.generation),
            _ => self.put(step, step.spec_after(), &outputs),
        }
        self.record(Entry::Done {
            step: number,
            outputs,
        })
        .await
    }

    fn put(&self, step: &Step, spec: Option<&Json>, outputs: &Json) {
        if let Some(spec) = spec {
            self.working.put(&step.address, step.generation, spec, outputs);
        }
    }

    /// What a failed step did nevertheless: for an unknown outcome, by reading.
    async fn effect(&self, step: &Step, cx: &StepContext, failure: &Failure) -> (Effect, Option<Json>) {
        if failure.certainty == Certainty::NotApplied {
            return (Effect::None, None);
        }
        self.read_effect(step, cx).await
    }

    /// Finds out by reading what an interrupted or failed step did.
    pub async fn read_effect(&self, step: &Step, cx: &StepContext) -> (Effect, Option<Json>) {
        for attempt in 1..=SETTLE_ATTEMPTS {
            match self.look(step, cx).await {
                Ok(found) => return found,
                Err(failure) => cx.progress.note(format!("finding out what was done: {failure}")),
            }
            if attempt < SETTLE_ATTEMPTS {
                self.world.clock.sleep(BETWEEN_ATTEMPTS).await;
            }
        }
        (Effect::Unresolved, None)
    }

    async fn look(&self, step: &Step, cx: &StepContext) -> world::Result<(Effect, Option<Json>)> {
        let kind = self.kind(step)?;
        Ok(match step.action() {
            Action::Create => {
                let spec = self.resolved_or_raw(step, step.spec_after())?;
                match kind.find(&spec, None, cx).await? {
                    Some(outputs) => (Effect::Applied, Some(outputs)),
                    None => (Effect::None, None),
                }
            }
            // Going back to what was before is right wherever on the way it stopped.
            Action::Update => (Effect::Applied, step.outputs_before().cloned()),
            Action::Delete => {
                let spec = self.resolved_or_raw(step, step.spec_before())?;
                match kind.find(&spec, step.outputs_before(), cx).await? {
                    // One call that did not get through. Others delete in several steps, and
                    // what is still there may have been changed by the first of them.
                    Some(_) if kind.traits().delete_is_undoable => (Effect::None, None),
                    found => (Effect::Applied, found),
                }
            }
            Action::Adopt | Action::Forget => (Effect::None, None),
        })
    }

    /// The context for settling a step whose token the journal gives.
    pub fn settling(&self, number: u32, token: &str) -> StepContext {
        self.context(number, token)
    }

    /// Undoes a step. `vanishes` says that what it made goes with what it lives on.
    pub async fn undo(&self, number: u32, vanishes: bool) -> Result<Made, StateError> {
        let step = &self.plan.steps[number as usize];
        let left = self.progress().steps[number as usize].outputs().cloned();
        let outputs = left
            .or_else(|| step.outputs_before().cloned())
            .unwrap_or_else(empty);
        let needs_no_call = matches!(step.action(), Action::Adopt | Action::Forget)
            || (step.action() == Action::Create && vanishes);
        if needs_no_call {
            return self.undone(number, outputs).await.map(|()| Made::Done);
        }
        let token = match &self.progress().steps[number as usize] {
            StepStatus::UndoIntended { undo_token, .. } => undo_token.clone(),
            // As often as the step is made, it may have to be undone.
            status => self.token(number, &format!("undo {}", status.token())),
        };
        self.record(Entry::UndoIntent {
            step: number,
            token: token.clone(),
        })
        .await?;
        let mut cx = self.context(number, &token);
        cx.former = step.outputs_before().cloned();
        let mut attempt = 1;
        loop {
            match self.call_back(step, &outputs, &cx).await {
                Ok(outputs) => return self.undone(number, outputs).await.map(|()| Made::Done),
                Err(failure) if attempt < UNDO_ATTEMPTS => {
                    cx.progress.note(format!("{failure}; trying again"));
                    attempt += 1;
                    self.world.clock.sleep(BETWEEN_ATTEMPTS).await;
                }
                Err(failure) => {
                    self.record(Entry::UndoFailed {
                        step: number,
                        why: failure.to_string(),
                    })
                    .await?;
                    return Ok(Made::Failed(failure));
                }
            }
        }
    }

    async fn call_back(&self, step: &Step, outputs: &Json, cx: &StepContext) -> world::Result<Json> {
        let kind = self.kind(step)?;
        match step.action() {
            Action::Create => {
                let spec = self.resolved_or_raw(step, step.spec_after())?;
                kind.delete(&spec, outputs, cx).await.map(|()| outputs.clone())
            }
            Action::Update => {
                let from = self.resolved_or_raw(step, step.spec_after())?;
                let to = self.resolved_before(step)?;
                if from == to {
                    Ok(outputs.clone())
                } else {
                    kind.update(&from, &to, outputs, cx).await
                }
            }
            Action::Delete => kind.create(&self.resolved_before(step)?, cx).await,
            Action::Adopt | Action::Forget => Ok(outputs.clone()),
        }
    }

    async fn undone(&self, number: u32, outputs: Json) -> Result<(), StateError> {
        let step = &self.plan.steps[number as usize];
        match step.action() {
            Action::Create | Action::Adopt => self.working.remove(&step.address, step.generation),
            _ => self.put(step, step.before.as_ref().map(|record| &record.spec), &outputs),
        }
        self.record(Entry::Undone {
            step: number,
            outputs,
        })
        .await
    }
}

pub(super) fn empty() -> Json {
    Json::canonical(&serde_json::json!({})).unwrap_or_else(|_| unreachable!("an empty object is JSON"))
}

impl Crew<'_> {
    /// Whether what a create made is there: `None` if that cannot be found out.
    pub async fn still_there(
        &self,
        step: &Step,
        outputs: Option<&Json>,
        cx: &StepContext,
    ) -> Option<Option<Json>> {
        let spec = self.resolved_or_raw(step, step.spec_after()).ok()?;
        self.kind(step).ok()?.find(&spec, outputs, cx).await.ok()
    }

    /// What undoing a deletion made, if it did: `None` if that cannot be found out.
    pub async fn made_again(&self, step: &Step, cx: &StepContext) -> Option<Option<Json>> {
        let spec = self.resolved_or_raw(step, step.spec_before()).ok()?;
        self.kind(step).ok()?.find(&spec, None, cx).await.ok()
    }
}
