//! After a crash: finds out by reading what the steps in flight did.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use subako_state::{Address, Effect, Entry, Resource, StateError};

use super::crew::{Crew, Pen, empty};
use super::fold::fold;
use super::options::{ApplyOptions, Stop};
use super::status::{RunStatus, StepStatus};
use super::working::Working;
use crate::event::Events;
use crate::kind::{LivesOn, Registry};
use crate::plan::{Action, Plan, Step};
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
/// is not unresolved is pending, done, failed with a known effect, undone or not undone.
pub async fn settle(run: &Settling<'_>) -> Result<Settlement, StateError> {
    let resources = fold(run.resources, run.plan, run.progress);
    let stop = Stop::new();
    let crew = Crew {
        registry: run.registry,
        world: run.world,
        plan: run.plan,
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
            matches!(
                run.progress.steps[*number as usize],
                StepStatus::Intended { .. }
                    | StepStatus::Failed {
                        effect: Effect::Unresolved,
                        ..
                    }
                    | StepStatus::UndoIntended { .. }
            )
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
    vanish_with_hosts(&crew, run.resources).await?;
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
                // What it deleted was made again, or not yet.
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
    })
    .await
}

/// What lives on something whose making was undone went with it, although the way back was cut
/// short before it could say so: going forward again it has to be made again.
async fn vanish_with_hosts(crew: &Crew<'_>, resources: &[Resource]) -> Result<(), StateError> {
    loop {
        let progress = crew.progress().clone();
        let recorded = fold(resources, crew.plan, &progress);
        let existing: BTreeSet<&str> = recorded.iter().map(|resource| resource.address.kind()).collect();
        let steps = progress.steps;
        if !steps
            .iter()
            .any(|status| matches!(status, StepStatus::Undone { .. }))
        {
            return Ok(());
        }
        let gone: Vec<u32> = (0..crew.plan.steps.len() as u32)
            .filter(|number| {
                matches!(
                    steps[*number as usize],
                    StepStatus::Done { .. } | StepStatus::UndoFailed { .. }
                ) && lost_its_host(crew, &existing, &steps, &crew.plan.steps[*number as usize])
            })
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        for step in gone {
            let outputs = steps[step as usize].outputs().cloned().unwrap_or_else(empty);
            crew.record(Entry::Undone { step, outputs }).await?;
        }
    }
}

/// Whether what a made resource lived on was made by this run too, and is undone.
fn lost_its_host(crew: &Crew<'_>, existing: &BTreeSet<&str>, steps: &[StepStatus], step: &Step) -> bool {
    if step.action() != Action::Create {
        return false;
    }
    match crew
        .registry
        .get(step.address.kind())
        .map(|kind| kind.traits().lives_on)
    {
        Some(LivesOn::Dependency(kind)) => {
            let host = step
                .depends_on()
                .iter()
                .find(|dependency| dependency.kind() == kind);
            let mut makers = crew
                .plan
                .steps
                .iter()
                .zip(steps)
                .filter(|(maker, _)| maker.action() == Action::Create && Some(&maker.address) == host);
            makers.next().is_some_and(|(_, status)| !status.may_have_effect())
        }
        Some(LivesOn::Every(kind)) => !existing.contains(kind),
        Some(LivesOn::Itself) | None => false,
    }
}
