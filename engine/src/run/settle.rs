//! After a crash: finds out by reading what the steps in flight did.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::sync::{Arc, Mutex};
use subako_state::{Address, Effect, Entry, Resource, StateError};

use super::crew::{Crew, Pen, empty};
use super::fold::{under_way, with_unrecorded};
use super::options::{ApplyOptions, Stop};
use super::status::{RunStatus, StepStatus};
use super::working::Working;
use crate::event::Events;
use crate::kind::Registry;
use crate::plan::{Action, Plan};
use crate::world::World;

/// A run that did not end, about to be settled.
pub struct Settling<'a> {
    /// The kinds.
    pub registry: &'a Registry,
    /// The provider.
    pub world: &'a World,
    /// What was being done.
    pub plan: &'a Plan,
    /// The resources before the run.
    pub resources: &'a [Resource],
    /// What the journal says.
    pub progress: &'a RunStatus,
    /// How many are read at once.
    pub options: &'a ApplyOptions,
    /// The run, as its tokens were made for it.
    pub seed: &'a str,
}

/// What reading found out about a run that did not end. Nothing is written: whoever goes on from
/// here appends [`Self::entries`] to the journal first.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// What is to be appended to the journal.
    pub entries: Vec<Entry>,
    /// What is known of each step, the entries included.
    pub progress: RunStatus,
    /// Steps about which nothing could be found out.
    pub unresolved: Vec<Address>,
}

/// Reads what every step did whose outcome the journal does not know. After it every step that
/// is not unresolved is pending, done, failed with a known effect, undone or not undone. A host that
/// does not answer leaves what was done on it unresolved: the next plan looks again.
pub async fn settle(run: &Settling<'_>) -> Result<Settlement, StateError> {
    let recorded = under_way(run.resources, run.plan, run.progress);
    let resources = with_unrecorded(recorded, run.plan, run.progress);
    let stop = Stop::new();
    let crew = Crew {
        registry: run.registry,
        world: run.world,
        plan: run.plan,
        resources: run.resources,
        working: Arc::new(Working::new(run.registry.clone(), &resources)),
        journal: Pen::Draft(Mutex::default()),
        events: Events::silent(),
        options: run.options,
        stop: &stop,
        seed: run.seed.to_owned(),
        progress: Mutex::new(run.progress.clone()),
        started: run.world.clock.now(),
        in_flight: Default::default(),
    };
    let open: Vec<u32> = (0..run.plan.steps.len() as u32)
        .filter(|number| {
            let made = run.plan.steps[*number as usize].action() == Action::Create;
            match run.progress.steps[*number as usize] {
                StepStatus::Intended { .. }
                | StepStatus::Failed {
                    effect: Effect::Unresolved,
                    ..
                }
                | StepStatus::UndoIntended { .. } => true,
                // The undo may have had its effect all the same.
                StepStatus::UndoFailed { .. } => made,
                _ => false,
            }
        })
        .collect();
    let mut queue = open.into_iter();
    let mut flight = FuturesUnordered::new();
    loop {
        while flight.len() < run.options.parallelism.max(1) {
            let Some(number) = queue.next() else { break };
            flight.push(settle_step(&crew, number));
        }
        match flight.next().await {
            Some(settled) => settled?,
            None => break,
        }
    }
    crew.vanish_with_hosts().await?;
    let progress = crew.progress().clone();
    let unresolved = run
        .plan
        .steps
        .iter()
        .zip(&progress.steps)
        .filter(|(_, status)| {
            matches!(
                status,
                StepStatus::Intended { .. }
                    | StepStatus::Failed {
                        effect: Effect::Unresolved,
                        ..
                    }
            )
        })
        .map(|(step, _)| step.address.clone())
        .collect();
    drop(flight);
    Ok(Settlement {
        entries: crew.journal.into_draft(),
        progress,
        unresolved,
    })
}

async fn settle_step(crew: &Crew<'_>, number: u32) -> Result<(), StateError> {
    let step = &crew.plan.steps[number as usize];
    let status = crew.progress().steps[number as usize].clone();
    match status {
        StepStatus::Intended { token } | StepStatus::Failed { token, .. } => {
            settle_forward(crew, number, &token).await
        }
        StepStatus::UndoIntended {
            undo_token, outputs, ..
        } => {
            let why = "the run was interrupted while this was being undone".to_owned();
            let cx = crew.settling(number, &undo_token);
            let undone = match step.action() {
                // What it made is gone, or still to be undone.
                Action::Create => crew
                    .still_there(step, outputs.as_ref(), &cx)
                    .await
                    .map(|found| found.is_none()),
                // Going back once more is harmless, and a refresh shows where it is.
                Action::Update => Some(false),
                // What it deleted was recreated, or not yet.
                Action::Delete => match crew.made_again(step, &cx).await {
                    Some(Some(outputs)) => {
                        return crew
                            .record(Entry::Undone {
                                step: number,
                                outputs,
                            })
                            .await;
                    }
                    Some(None) => Some(false),
                    None => None,
                },
                Action::Adopt | Action::Forget => Some(true),
            };
            match undone {
                Some(true) => {
                    crew.record(Entry::Undone {
                        step: number,
                        outputs: outputs.unwrap_or_else(empty),
                    })
                    .await
                }
                Some(false) | None => crew.record(Entry::UndoFailed { step: number, why }).await,
            }
        }
        StepStatus::UndoFailed { outputs, token, .. } => {
            let cx = crew.settling(number, &token);
            match crew.still_there(step, outputs.as_ref(), &cx).await {
                Some(None) => {
                    let outputs = outputs.unwrap_or_else(empty);
                    crew.record(Entry::Undone {
                        step: number,
                        outputs,
                    })
                    .await
                }
                Some(Some(_)) | None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

async fn settle_forward(crew: &Crew<'_>, number: u32, token: &str) -> Result<(), StateError> {
    let step = &crew.plan.steps[number as usize];
    let cx = crew.settling(number, token);
    let (effect, outputs) = crew.read_effect(step, &cx).await;
    let why = "the run was interrupted while this was being done".to_owned();
    crew.record(Entry::Failed {
        step: number,
        effect,
        outputs,
        why,
        output: Vec::new(),
    })
    .await
}
