//! Plans are rehearsed before they are shown.

use std::sync::Arc;

use subako_state::{Direction, Resource};

use super::{Knowledge, Session, SessionError, Settled};
use crate::check::locate;
use crate::desired::{Desired, DesiredSet};
use crate::finding::{Finding, Severity};
use crate::plan::{Because, Plan, Purpose, Rehearsal, Selection};
use crate::rehearsal::{Begins, Playing, Setting, play, refusal, scene, unread};
use crate::run::{RunStatus, Stop};
use crate::world::{Rehearse, Scene};

/// Whether plans are rehearsed, and where.
#[derive(Clone, Default)]
pub enum Rehearsing {
    /// They are not, and say nothing of it.
    #[default]
    Silent,
    /// They are not, because nobody wants it; what says so, one clause.
    Off(String),
    /// They are, in a model.
    On {
        /// Makes the model.
        model: Arc<dyn Rehearse>,
        /// Plans of more steps are not; `None` for no limit.
        most: Option<usize>,
        /// How many steps may be in flight at once.
        parallelism: usize,
    },
}

impl<W> Session<W> {
    /// Says whether its plans are rehearsed.
    #[must_use]
    pub fn with_rehearsal(mut self, rehearsing: Rehearsing) -> Self {
        self.rehearsing = rehearsing;
        self
    }
}

/// What is played, and where it begins.
struct Played {
    plan: Plan,
    resources: Vec<Resource>,
    /// How far a run that did not end came, and which way it is gone on with.
    begins: Option<(RunStatus, Direction)>,
}

/// The scene that a plan is played in, and why its swarm could not be read, where it could not.
///
/// # Errors
/// Why it is not played.
fn staged(
    played: &Played,
    setting: Option<Setting<'_>>,
    most: Option<usize>,
) -> Result<(Scene, Option<String>), (Because, String)> {
    let plan = &played.plan;
    let refuses = |finding: &Finding| finding.severity == Severity::Error;
    if played.begins.is_none() && plan.findings.iter().any(refuses) {
        return Err((Because::Refused, "the plan is refused as it is".to_owned()));
    }
    let Some(setting) = setting else {
        return Err((Because::NotRead, "the world was not read".to_owned()));
    };
    if let Some(most) = most.filter(|most| plan.steps.len() > *most) {
        let reason = format!("a plan of more than {most} steps is rehearsed only when asked to (--rehearse)");
        return Err((Because::TooLarge, reason));
    }
    let mut scene = scene(setting, plan);
    // A run that was just interrupted leaves machines that have not answered anybody yet.
    if played.begins.is_some() && !scene.silent.is_empty() {
        scene.silent.clear();
        let clause = "machines that were just launched and do not answer yet are starting";
        scene.assumed.push(clause.to_owned());
    }
    // What switches machines on and off asks nobody for the swarm in any case.
    let asks = matches!(plan.purpose, Purpose::Change | Purpose::Rebalance);
    let unread = unread(setting.survey).filter(|_| asks);
    Ok((scene, unread.map(str::to_owned)))
}

/// What a plan makes or changes: of a swarm in the making, who is going to be a manager can be asked.
fn wanted(plan: &Plan) -> DesiredSet {
    let made = plan.steps.iter().filter_map(|step| {
        Some(Desired {
            address: step.address.clone(),
            spec: step.spec_after()?.clone(),
            depends_on: Vec::new(),
            protect: false,
        })
    });
    DesiredSet {
        resources: made.collect(),
        ..DesiredSet::default()
    }
}

/// What is played on a swarm that nobody could read refuses nothing.
fn guessed(rehearsal: Rehearsal, why: &str) -> Rehearsal {
    let Rehearsal::Rehearsed(seen) = &rehearsal else {
        return rehearsal;
    };
    match &seen.failed {
        None => rehearsal,
        Some(failed) => Rehearsal::not(
            Because::SwarmUnreadable,
            format!(
                "the swarm could not be read ({why}); as it is recorded, {} fails: {}",
                failed.address, failed.cause
            ),
        ),
    }
}

/// Stops a rehearsal that nobody waits for any more.
struct StopsWhenDropped(Stop);

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        self.0.now();
    }
}

impl Session {
    /// The plan with what its rehearsal gave, if it does anything; `setting` is `None` where the
    /// world was not read. One that fails there is refused. Dropping the future ends the rehearsal.
    pub(super) async fn rehearse(
        &self,
        plan: Plan,
        resources: &[Resource],
        setting: Option<Setting<'_>>,
        destroys: bool,
    ) -> Plan {
        if plan.steps.is_empty() {
            return plan;
        }
        let played = Played {
            plan,
            resources: resources.to_vec(),
            begins: None,
        };
        let (mut plan, rehearsal) = self.rehearsal_of(played, setting).await;
        let Some(rehearsal) = rehearsal else {
            return plan;
        };
        if let Some(mut finding) = refusal(&rehearsal) {
            if !destroys {
                locate(&mut finding, &self.manifest);
            }
            plan.findings.push(finding);
            plan.findings.sort();
        }
        plan.rehearsal = Some(rehearsal);
        plan
    }

    /// The plan of a verb that goes by what is recorded, sealed and rehearsed.
    pub(super) async fn concluded(&self, mut plan: Plan, setting: Setting<'_>) -> Result<Plan, SessionError> {
        let mut findings = std::mem::take(&mut plan.findings);
        findings.sort();
        let plan = plan.seal(findings)?;
        let resources = &setting.snapshot.resources;
        Ok(self.rehearse(plan, resources, Some(setting), true).await)
    }

    /// What comes of going on with a run that did not end, or back, played on a model of the world as
    /// it is; `None` where nobody rehearses, or nothing is left to do. It only reads.
    pub async fn rehearse_recovery(
        &self,
        known: &Knowledge,
        settled: &Settled,
        direction: Direction,
    ) -> Option<Rehearsal> {
        if settled.steps(direction).is_empty() {
            return None;
        }
        match &self.rehearsing {
            Rehearsing::Silent => None,
            Rehearsing::Off(why) => Some(Rehearsal::not(Because::NotWanted, why.clone())),
            Rehearsing::On { .. } => match self.recovery_played(known, settled, direction).await {
                Ok(rehearsal) => rehearsal,
                // What cannot be read now is no reason not to go on.
                Err(error) => {
                    let why = format!("the world could not be read ({error})");
                    Some(Rehearsal::not(Because::NotRead, why))
                }
            },
        }
    }

    async fn recovery_played(
        &self,
        known: &Knowledge,
        settled: &Settled,
        direction: Direction,
    ) -> Result<Option<Rehearsal>, SessionError> {
        let so_far = self.once_settled(known, settled).snapshot;
        let (plan, progress) = settled.so_far();
        let wanted = wanted(plan);
        let (survey, observed) = self.read(&so_far, &wanted).await?;
        let account = self.guard_account(&so_far).await?;
        // What is created has to have its image and its subnet in the model, too.
        let looked_up = match direction {
            Direction::Back => None,
            Direction::Forward | Direction::Keep => self.look_up(&so_far, &Selection::default()).await?,
        };
        let setting = Setting {
            looked_up: looked_up.as_ref(),
            ..Setting::recorded(&so_far, &survey, &observed, &account)
        };
        let played = Played {
            plan: plan.clone(),
            resources: known.snapshot.resources.clone(),
            begins: Some((progress.clone(), direction)),
        };
        Ok(self.rehearsal_of(played, Some(setting)).await.1)
    }

    /// The plan again, with its rehearsal.
    async fn rehearsal_of(&self, played: Played, setting: Option<Setting<'_>>) -> (Plan, Option<Rehearsal>) {
        let (model, most, parallelism) = match &self.rehearsing {
            Rehearsing::Silent => return (played.plan, None),
            Rehearsing::Off(why) => {
                let not = Rehearsal::not(Because::NotWanted, why.clone());
                return (played.plan, Some(not));
            }
            Rehearsing::On {
                model,
                most,
                parallelism,
            } => (Arc::clone(model), *most, *parallelism),
        };
        let staged = staged(&played, setting, most);
        let (scene, unread_swarm) = match staged {
            Ok(staged) => staged,
            Err((because, reason)) => return (played.plan, Some(Rehearsal::not(because, reason))),
        };
        let registry = self.registry.clone();
        let stop = Stop::new();
        let stops = StopsWhenDropped(stop.clone());
        let played = Arc::new(played);
        let mine = Arc::clone(&played);
        // On a thread of its own, so that who waits for it hears signals meanwhile.
        let rehearsal = tokio::task::spawn_blocking(move || {
            let playing = Playing {
                registry: &registry,
                plan: &mine.plan,
                resources: &mine.resources,
                scene: &scene,
                parallelism,
                begins: match &mine.begins {
                    None => Begins::AtTheStart,
                    Some((progress, direction)) => Begins::Where(progress, *direction),
                },
                stop: &stop,
            };
            play(&playing, model.as_ref())
        });
        let rehearsal = rehearsal
            .await
            .unwrap_or_else(|_| Rehearsal::not(Because::NoModel, "the model failed (this is a bug)"));
        drop(stops);
        let rehearsal = match unread_swarm {
            Some(why) => guessed(rehearsal, &why),
            None => rehearsal,
        };
        let plan = Arc::try_unwrap(played).map_or_else(|shared| shared.plan.clone(), |played| played.plan);
        (plan, Some(rehearsal))
    }
}
