//! What the steps of a run share: the resources as they are, the journal, the events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subako_state::{Digest, Entry, JournalWriter, Json, Resource, StateError};

use super::options::{ApplyOptions, Stop};
use super::status::RunStatus;
use super::working::{View, Working, made_with};
use crate::event::{Event, Events};
use crate::in_flight::InFlight;
use crate::kind::{ErasedKind, Registry, StepContext};
use crate::plan::{Action, Operation, Plan, Record, Step};
use crate::world::{self, Failure, Ownership, World};

/// What steps share while a run goes on.
pub(super) struct Crew<'a> {
    pub registry: &'a Registry,
    pub world: &'a World,
    pub plan: &'a Plan,
    /// The resources before the run.
    pub resources: &'a [Resource],
    pub working: Arc<Working>,
    pub journal: Pen,
    pub events: Events,
    pub options: &'a ApplyOptions,
    /// Who may ask it to stop.
    pub stop: &'a Stop,
    /// Makes tokens unique to this run.
    pub seed: String,
    pub progress: Mutex<RunStatus>,
    pub started: Duration,
    /// The steps at work.
    pub in_flight: InFlight,
}

/// Where entries go.
pub(super) enum Pen {
    /// Into the journal, durable before anything else happens.
    Journal(JournalWriter),
    /// Nowhere: nothing that the run does outlives it.
    Nowhere,
    /// Nowhere yet: what is only read is written when somebody has agreed to it.
    Draft(Mutex<Vec<Entry>>),
}

impl Pen {
    async fn write(&self, entry: &Entry) -> Result<(), StateError> {
        match self {
            Self::Journal(journal) => journal.append(entry).await,
            Self::Nowhere => Ok(()),
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
            Self::Journal(_) | Self::Nowhere => Vec::new(),
            Self::Draft(entries) => entries.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl Crew<'_> {
    pub fn progress(&self) -> MutexGuard<'_, RunStatus> {
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

    pub fn kind(&self, step: &Step) -> world::Result<&Arc<dyn ErasedKind>> {
        self.registry.get(step.address.kind()).ok_or_else(|| {
            Failure::not_applied(
                format!("{} {}", step.action(), step.address),
                "no such kind is known",
            )
        })
    }

    pub fn token(&self, number: u32, way: &str) -> String {
        let step = &self.plan.steps[number as usize];
        let text = format!(
            "{}\n{}\n{}\n{number}\n{way}",
            self.seed, step.address, step.generation
        );
        format!("subako-{}", &Digest::of(text).hex()[..40])
    }

    /// The resources as a step sees them: those that its object was, or is to be, made with.
    pub fn view(&self, step: &Step) -> View {
        let with = match (step.action(), &step.before, &step.after) {
            (Action::Create | Action::Adopt | Action::Update, _, Some(after)) => after.made_with.clone(),
            (_, Some(before), _) => made_with(before),
            _ => BTreeMap::new(),
        };
        View {
            working: Arc::clone(&self.working),
            // A step on an object whose address has been taken by a newer one. A stray refers to
            // nothing, and finds what is there now.
            old: !with.is_empty() && self.working.is_old(&step.address, step.generation),
            with,
        }
    }

    pub fn context(&self, number: u32, token: &str) -> StepContext {
        let step = &self.plan.steps[number as usize];
        let (events, address) = (self.events.clone(), step.address.clone());
        let (clock, started) = (Arc::clone(&self.world.clock), self.started);
        StepContext {
            world: self.world.clone(),
            address: step.address.clone(),
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
            lost: self.lost(step),
            in_flight: self.in_flight.clone(),
            had_converged: true,
        }
    }

    /// What is known of the object whose place a create takes: its record is dropped just before.
    fn lost(&self, step: &Step) -> Option<Json> {
        if step.operation != Operation::Create {
            return None;
        }
        let before = step.after_nodes.iter();
        before
            .filter_map(|number| self.plan.steps.get(*number as usize))
            .find(|other| other.operation == Operation::Forget && other.address == step.address)
            .and_then(|other| other.outputs_before().cloned())
    }

    pub fn resolved(&self, step: &Step, spec: Option<&Json>) -> world::Result<Json> {
        let doing = || format!("{} {}", step.action(), step.address);
        let spec = spec.ok_or_else(|| Failure::not_applied(doing(), "the plan does not say what it is"))?;
        self.view(step)
            .resolve(spec)
            .map_err(|missing| Failure::not_applied(doing(), missing.to_string()))
    }

    /// What a changed resource is before the change: as it was with the objects of that time. Where
    /// one of those is gone nothing that came later stands in for it: the reference stays one.
    pub fn resolved_before(&self, step: &Step) -> world::Result<Json> {
        let view = View {
            working: Arc::clone(&self.working),
            with: step.before.as_ref().map(made_with).unwrap_or_default(),
            old: true,
        };
        let before = step.spec_before();
        if let Some(spec) = before.filter(|_| !view.has_what_it_was_made_with()) {
            return Ok(spec.clone());
        }
        before
            .and_then(|spec| view.resolve(spec).ok())
            .map_or_else(|| self.resolved_or_raw(step, before), Ok)
    }

    /// As `resolved`, but what it refers to may be gone already.
    pub fn resolved_or_raw(&self, step: &Step, spec: Option<&Json>) -> world::Result<Json> {
        self.resolved(step, spec)
            .or_else(|failure| spec.cloned().ok_or(failure))
    }

    /// Makes a resource the one that later steps see at its address.
    pub fn put(&self, step: &Step, record: Option<&Record>, outputs: &Json) {
        if let Some(record) = record {
            self.working.put(&step.address, step.generation, record, outputs);
        }
    }
}

/// Outputs of which there are none.
pub(super) fn empty() -> Json {
    Json::canonical(&serde_json::json!({})).unwrap_or_else(|_| unreachable!("an empty object is JSON"))
}
