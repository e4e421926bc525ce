//! The run: a concurrent walk over the plan, and the turn when a step fails.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::sync::{Arc, Mutex};
use subako_state::{Address, Direction, Effect, Entry, JournalWriter, Outcome, Resource, StateError};

use super::crew::{Crew, Pen};
use super::ended::WalkEnd;
use super::fold::{fold, under_way, with_unrecorded};
use super::options::{ApplyOptions, OnFailure, Stop};
use super::rollback::{can_go_back, roll_back};
use super::status::{RunStatus, StepStatus};
use super::step::StepOutcome;
use super::working::Working;
use crate::event::{Event, Events};
use crate::in_flight::InFlight;
use crate::kind::Registry;
use crate::plan::Plan;
use crate::walk::Walk;
use crate::world::{Failure, World};

/// A run about to be made, or to be gone on with.
pub struct Run<'a> {
    /// The kinds.
    pub registry: &'a Registry,
    /// The provider.
    pub world: &'a World,
    /// What is done.
    pub plan: &'a Plan,
    /// The resources before it.
    pub resources: &'a [Resource],
    /// The journal, open for appending, its `Begin` written; `None` for a run in a model, which
    /// nobody has to know of.
    pub journal: Option<JournalWriter>,
    /// What the journal says so far.
    pub progress: RunStatus,
    /// Where to tell what happens.
    pub events: Events,
    /// How it is made.
    pub options: &'a ApplyOptions,
    /// Asks it to stop.
    pub stop: &'a Stop,
    /// Makes tokens unique to this run: the state's lineage and serial.
    pub seed: String,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct RunResult {
    /// How.
    pub outcome: Outcome,
    /// The resources to record.
    pub resources: Vec<Resource>,
    /// What of this run remains to be finished or undone.
    pub remains: Vec<Address>,
    /// What failed, forward and back, in the order it happened.
    pub failures: Vec<(Address, Failure)>,
    /// Whether it was stopped where the journal is whole: nothing was settled.
    pub cut: bool,
    /// Whether everything that it may have done can be undone: nothing past the line took effect.
    pub can_go_back: bool,
    /// Why the journal could not be written any more, if that is what stopped it.
    pub broken: Option<Arc<StateError>>,
    /// What is known of each step.
    pub progress: RunStatus,
}

impl Run<'_> {
    /// Goes forward; turns back on failure unless it is to be kept or the line is crossed.
    ///
    /// # Errors
    /// The journal could not be written before this run changed anything. Later the run stops, and
    /// says so in [`RunResult::broken`]: what it cannot write down it does not do.
    pub async fn forward(self) -> Result<RunResult, StateError> {
        let crew = self.crew();
        let mut failures = Vec::new();
        let ended = self.go_forward(&crew, &mut failures).await;
        self.ended(&crew, failures, ended)
    }

    /// What came of it, whether or not the journal could be written to the end.
    fn ended(
        &self,
        crew: &Crew<'_>,
        failures: Vec<(Address, Failure)>,
        ended: Result<(Outcome, bool), StateError>,
    ) -> Result<RunResult, StateError> {
        match ended {
            Ok((outcome, cut)) => Ok(self.finish(crew, outcome, failures, cut)),
            Err(error) if crew.progress().steps == self.progress.steps => Err(error),
            Err(error) => Ok(RunResult {
                broken: Some(Arc::new(error)),
                ..self.finish(crew, Outcome::Remains, failures, true)
            }),
        }
    }

    /// How it ended, and whether somebody asked it to stop at once.
    async fn go_forward(
        &self,
        crew: &Crew<'_>,
        failures: &mut Vec<(Address, Failure)>,
    ) -> Result<(Outcome, bool), StateError> {
        let ended = self.walk_forward(crew, failures).await?;
        if matches!(ended, WalkEnd::Cut) {
            self.settle_journal().await?;
            return Ok((Outcome::Remains, true));
        }
        let all_done = crew
            .progress()
            .steps
            .iter()
            .all(|status| matches!(status, StepStatus::Done { .. }));
        if all_done {
            return Ok((Outcome::Applied, false));
        }
        let why = match failures.first() {
            Some((address, failure)) => format!("{address}: {failure}"),
            None => format!("{} asked to stop", self.stop.signal()),
        };
        let past = !can_go_back(self.plan, &crew.progress());
        if self.options.on_failure == OnFailure::Keep || past {
            let why = if past {
                format!("{why}; the line of no return is crossed")
            } else {
                why
            };
            self.turn(crew, Direction::Keep, &why).await?;
            return Ok((Outcome::Remains, false));
        }
        self.turn(crew, Direction::Back, &why).await?;
        self.go_back(crew, failures).await
    }

    /// Goes forward again with a run that had stopped or turned.
    pub async fn forward_again(self, why: &str) -> Result<RunResult, StateError> {
        let crew = self.crew();
        self.turn(&crew, Direction::Forward, why).await?;
        drop(crew);
        let progress = RunStatus {
            direction: Direction::Forward,
            ..self.progress.clone()
        };
        Self { progress, ..self }.forward().await
    }

    /// Undoes everything the journal says was done.
    pub async fn back(self, why: &str) -> Result<RunResult, StateError> {
        let crew = self.crew();
        self.turn(&crew, Direction::Back, why).await?;
        let mut failures = Vec::new();
        let ended = self.go_back(&crew, &mut failures).await;
        self.ended(&crew, failures, ended)
    }

    async fn go_back(
        &self,
        crew: &Crew<'_>,
        failures: &mut Vec<(Address, Failure)>,
    ) -> Result<(Outcome, bool), StateError> {
        let ended = roll_back(crew, self.stop, failures).await?;
        let cut = matches!(ended, WalkEnd::Cut);
        if cut {
            self.settle_journal().await?;
        }
        let clean = !crew.progress().steps.iter().any(StepStatus::may_have_effect);
        let outcome = if clean {
            Outcome::RolledBack
        } else {
            Outcome::Remains
        };
        Ok((outcome, cut))
    }

    /// Returns when everything in the journal is durable.
    async fn settle_journal(&self) -> Result<(), StateError> {
        match &self.journal {
            Some(journal) => journal.settle().await,
            None => Ok(()),
        }
    }

    fn crew(&self) -> Crew<'_> {
        let recorded = under_way(self.resources, self.plan, &self.progress);
        let resources = with_unrecorded(recorded, self.plan, &self.progress);
        Crew {
            registry: self.registry,
            world: self.world,
            plan: self.plan,
            resources: self.resources,
            working: Arc::new(Working::new(self.registry.clone(), &resources)),
            journal: self.journal.clone().map_or(Pen::Nowhere, Pen::Journal),
            events: self.events.clone(),
            options: self.options,
            stop: self.stop,
            seed: self.seed.clone(),
            progress: Mutex::new(self.progress.clone()),
            started: self.world.clock.now(),
            in_flight: InFlight::default(),
        }
    }

    async fn turn(&self, crew: &Crew<'_>, direction: Direction, why: &str) -> Result<(), StateError> {
        crew.record(Entry::Turn {
            direction,
            why: why.to_owned(),
        })
        .await?;
        let undo = crew
            .progress()
            .steps
            .iter()
            .filter(|status| status.may_have_effect())
            .count() as u32;
        crew.events.emit(Event::Turned {
            direction,
            why: why.to_owned(),
            undo,
        });
        Ok(())
    }

    async fn walk_forward(
        &self,
        crew: &Crew<'_>,
        failures: &mut Vec<(Address, Failure)>,
    ) -> Result<WalkEnd, StateError> {
        let plan = self.plan;
        let edges: Vec<(u32, u32)> = (0..plan.nodes())
            .flat_map(|node| plan.after(node).iter().map(move |before| (*before, node as u32)))
            .collect();
        let mut walk = Walk::new(plan.nodes(), &edges);
        drop(edges);
        let of = plan.steps.len() as u32;
        let mut done = 0u32;
        let mut flight = FuturesUnordered::new();
        let mut stopping = self.stop.is_draining();
        loop {
            // A step that cannot get any further as things are takes nobody's turn.
            while !stopping && crew.in_flight.at_work() < self.options.parallelism.max(1) {
                let Some(node) = walk.take() else { break };
                if plan.steps.get(node as usize).is_none() {
                    walk.done(node);
                    continue;
                }
                if matches!(crew.progress().steps[node as usize], StepStatus::Done { .. }) {
                    walk.done(node);
                    done += 1;
                    continue;
                }
                let began = crew.tell_started(node, false);
                let at_work = crew.in_flight.enter();
                flight.push(async move {
                    let made = crew.make(node).await;
                    drop(at_work);
                    (node, began, made)
                });
            }
            crew.in_flight.queue(if stopping { 0 } else { walk.ready() });
            let finished = tokio::select! {
                biased;
                () = self.stop.at_once() => return Ok(WalkEnd::Cut),
                () = crew.in_flight.some_stuck(), if !stopping && walk.ready() > 0 => continue,
                () = self.stop.draining(), if !stopping => {
                    stopping = true;
                    let signal = self.stop.signal().to_owned();
                    crew.events.emit(Event::Interrupted { signal, in_flight: flight.len() as u32 });
                    continue;
                }
                finished = flight.next() => finished,
            };
            let Some((node, began, made)) = finished else {
                return Ok(WalkEnd::Through);
            };
            let step = &plan.steps[node as usize];
            match made? {
                StepOutcome::Done => {
                    walk.done(node);
                    done += 1;
                    crew.tell_done(node, false, began, done, of);
                }
                StepOutcome::Failed(failure) => {
                    stopping = true;
                    crew.tell_failed(node, false, &failure);
                    failures.push((step.address.clone(), failure));
                }
            }
        }
    }

    fn finish(
        &self,
        crew: &Crew<'_>,
        outcome: Outcome,
        failures: Vec<(Address, Failure)>,
        cut: bool,
    ) -> RunResult {
        let progress = crew.progress().clone();
        let resources = fold(self.resources, self.plan, &progress);
        let remains = remains(self.plan, &progress, outcome);
        crew.events.emit(Event::RunFinished {
            outcome,
            remains: remains.clone(),
            elapsed_ms: crew.elapsed_ms(),
        });
        RunResult {
            outcome,
            resources,
            remains,
            failures,
            cut,
            can_go_back: can_go_back(self.plan, &progress),
            broken: None,
            progress,
        }
    }
}

/// What is left to finish (after going forward) or to undo (after going back).
fn remains(plan: &Plan, progress: &RunStatus, outcome: Outcome) -> Vec<Address> {
    if outcome != Outcome::Remains {
        return Vec::new();
    }
    let back = progress.direction == Direction::Back;
    let mut remains: Vec<Address> = plan
        .steps
        .iter()
        .zip(&progress.steps)
        .filter(|(_, status)| match status {
            StepStatus::Done { .. } => back,
            StepStatus::Pending | StepStatus::Undone { .. } => !back,
            StepStatus::Failed { effect, .. } => !back || *effect != Effect::None,
            _ => true,
        })
        .map(|(step, _)| step.address.clone())
        .collect();
    remains.dedup();
    remains
}
