//! The plan is run in a model of the world, and what was seen becomes a report.

use std::sync::{Arc, Mutex, PoisonError};

use subako_state::{Direction, Resource};

use crate::event::{Event, Events};
use crate::kind::Registry;
use crate::kinds::{Configs, File, Secrets};
use crate::plan::{
    Because, FailedStep, LowestQuorum, LowestService, Plan, PortAway, Purpose, Rehearsal, Rehearsed,
};
use crate::run::{ApplyOptions, OnFailure, Run, RunStatus, Stop};
use crate::world::{Content, FileKind, Rehearse, Scene, Seen, Vault};

/// Makes tokens of a rehearsal, which no run of a cluster has: the same plan gives the same
/// rehearsal wherever it is made.
const SEED: &str = "rehearsal";

/// What is played, and where.
pub struct Playing<'a> {
    /// The kinds.
    pub registry: &'a Registry,
    /// The plan.
    pub plan: &'a Plan,
    /// The resources before it.
    pub resources: &'a [Resource],
    /// The world as it was read.
    pub scene: &'a Scene,
    /// How many steps may be in flight at once.
    pub parallelism: usize,
    /// What was done of it before, and which way it goes now.
    pub begins: Begins<'a>,
    /// Ends it before its time.
    pub stop: &'a Stop,
}

/// Where a rehearsal begins.
#[derive(Debug, Clone, Copy)]
pub enum Begins<'a> {
    /// Nothing is done yet.
    AtTheStart,
    /// A run that did not end came so far, and is gone on with in a direction.
    Where(&'a RunStatus, Direction),
}

/// Runs the plan in a model of the scene, without a journal and without the contents of secrets.
pub fn play(playing: &Playing<'_>, model: &dyn Rehearse) -> Rehearsal {
    let failed: Arc<Mutex<Option<FailedStep>>> = Arc::default();
    let broken: Mutex<Option<String>> = Mutex::default();
    let (watched, stopped) = (&failed, &broken);
    let seen = model.rehearse(
        playing.scene,
        Box::new(move |mut world| {
            Box::pin(async move {
                world.vault = contents(playing.plan);
                let options = ApplyOptions {
                    parallelism: playing.parallelism,
                    // What was done need not be undone: nobody has it.
                    on_failure: OnFailure::Keep,
                    probe: None,
                };
                let run = Run {
                    registry: playing.registry,
                    world: &world,
                    plan: playing.plan,
                    resources: playing.resources,
                    journal: None,
                    progress: match playing.begins {
                        Begins::AtTheStart => RunStatus::new(playing.plan.steps.len()),
                        Begins::Where(progress, _) => progress.clone(),
                    },
                    events: watching(watched),
                    options: &options,
                    stop: playing.stop,
                    seed: SEED.to_owned(),
                };
                let ran = match playing.begins {
                    Begins::AtTheStart => run.forward().await,
                    Begins::Where(_, Direction::Back) => run.back("rehearsal").await,
                    Begins::Where(_, Direction::Forward | Direction::Keep) => {
                        run.forward_again("rehearsal").await
                    }
                };
                if let Err(error) = ran {
                    *stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                }
            })
        }),
    );
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (seen, broken) {
        (Ok(seen), None) => {
            let failed = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let mut report = report(seen, failed);
            report.assumed.splice(0..0, playing.scene.assumed.iter().cloned());
            if !matches!(playing.plan.purpose, Purpose::Change | Purpose::Rebalance) {
                // That there is none while all machines are stopped, or before it is recovered, is known.
                report.quorum = None;
            }
            Rehearsal::Rehearsed(Box::new(report))
        }
        (Err(why), _) | (Ok(_), Some(why)) => Rehearsal::not(Because::NoModel, why),
    }
}

/// Keeps the first failure.
fn watching(failed: &Arc<Mutex<Option<FailedStep>>>) -> Events {
    let failed = Arc::clone(failed);
    Events::new(move |event| {
        let Event::StepFailed {
            address,
            action,
            failure,
            elapsed_ms,
            ..
        } = event
        else {
            return;
        };
        let mut first = failed.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| FailedStep {
            address,
            action,
            after_ms: elapsed_ms,
            cause: failure.to_string(),
            hint: failure.hint,
        });
    })
}

/// Something for every secret and config that the plan makes: what they really contain is nobody's
/// business here.
fn contents(plan: &Plan) -> Vault {
    let specs = plan
        .steps
        .iter()
        .filter_map(|step| Some((step.address.kind(), step.spec_after()?)));
    Vault::new(specs.filter_map(|(kind, spec)| {
        let (kind, name) = if kind == FileKind::Secret.word() {
            (FileKind::Secret, spec.decode::<File<Secrets>>().ok()?.object)
        } else if kind == FileKind::Config.word() {
            (FileKind::Config, spec.decode::<File<Configs>>().ok()?.object)
        } else {
            return None;
        };
        Some((kind, name, Content::new(*b"rehearsal")))
    }))
}

fn report(seen: Seen, failed: Option<FailedStep>) -> Rehearsed {
    let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Rehearsed {
        failed,
        took_ms: ms(seen.took),
        quorum: seen.quorum.map(|(alive, voters)| LowestQuorum {
            alive: alive as u64,
            voters: voters as u64,
        }),
        services: seen
            .services
            .into_iter()
            .map(|service| LowestService {
                name: service.name,
                before: service.before,
                least: service.least,
                wanted: service.wanted,
            })
            .collect(),
        ports: seen
            .ports
            .into_iter()
            .map(|port| PortAway {
                port: port.port,
                protocol: port.protocol,
                away_ms: ms(port.away),
            })
            .collect(),
        assumed: seen.assumed,
        not_modelled: seen.not_modelled,
    }
}
