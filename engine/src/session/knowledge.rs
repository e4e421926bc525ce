//! What the store says before anything is asked of the world.

use std::time::{SystemTime, UNIX_EPOCH};

use subako_state::{Address, Digest, Direction, Effect, Entry, Journal, Snapshot, StateError};

use super::{Session, SessionError};
use crate::plan::Plan;
use crate::run::{RunStatus, StepStatus, can_go_back, fold};

/// The state, and the run that did not end if there is one.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// The last snapshot; an empty one with serial 0 if there is none.
    pub snapshot: Snapshot,
    /// Its digest; `None` if there is none.
    pub base: Option<Digest>,
    /// The run that did not end.
    pub unfinished: Option<Unfinished>,
}

/// A run that did not end.
#[derive(Debug, Clone)]
pub struct Unfinished {
    /// The command, for people.
    pub command: String,
    /// How many steps are done.
    pub done: u32,
    /// Of how many.
    pub of: u32,
    /// Which way it went.
    pub direction: Direction,
    /// Steps whose outcome is not known.
    pub in_flight: Vec<Address>,
    /// Steps that failed, and why.
    pub failed: Vec<(Address, String)>,
    pub(super) run: String,
    pub(super) serial: u64,
    pub(super) lineage: String,
    pub(super) plan: Plan,
    pub(super) progress: RunStatus,
    pub(super) journal: Journal,
}

impl Knowledge {
    /// The snapshot with what the unfinished run is known to have done.
    pub fn so_far(&self) -> Snapshot {
        let Some(unfinished) = &self.unfinished else {
            return self.snapshot.clone();
        };
        let mut snapshot = Snapshot {
            resources: fold(&self.snapshot.resources, &unfinished.plan, &unfinished.progress),
            ..self.snapshot.clone()
        };
        snapshot.sort();
        snapshot
    }
}

impl Unfinished {
    /// Whether everything that it may have done can be undone: nothing past the line may have
    /// taken effect.
    pub fn can_go_back(&self) -> bool {
        can_go_back(&self.plan, &self.progress)
    }
}

impl<W> Session<W> {
    /// Reads the store.
    pub fn load(&self) -> Result<Knowledge, SessionError> {
        let loaded = self.store.load()?;
        let unfinished = loaded.journal.map(unfinished).transpose()?;
        let (snapshot, base) = match loaded.snapshot {
            Some((snapshot, digest)) => (snapshot, Some(digest)),
            None => {
                let lineage = unfinished
                    .as_ref()
                    .map_or_else(|| self.new_lineage(), |run| run.lineage.clone());
                (
                    Snapshot::empty(
                        lineage,
                        self.manifest.cluster.name.clone(),
                        self.provider.to_owned(),
                    ),
                    None,
                )
            }
        };
        self.guard_cluster(&snapshot.cluster, &snapshot.provider)?;
        Ok(Knowledge {
            snapshot,
            base,
            unfinished,
        })
    }

    /// Writes the state. A failure is late unless the state is seen to be what it was.
    pub(super) fn write_state<T>(
        &self,
        write: impl FnOnce() -> Result<T, StateError>,
    ) -> Result<T, SessionError> {
        let before = self.store.state_version()?;
        write().map_err(|error| match self.store.state_version() {
            Ok(now) if now == before => error.into(),
            _ => SessionError::from(error).late(),
        })
    }

    /// Refuses the state of another cluster.
    pub(super) fn guard_cluster(&self, cluster: &str, provider: &str) -> Result<(), SessionError> {
        if cluster == self.manifest.cluster.name && provider == self.provider {
            return Ok(());
        }
        Err(SessionError::WrongCluster {
            recorded: cluster.to_owned(),
            recorded_provider: provider.to_owned(),
            wanted: self.manifest.cluster.name.clone(),
            wanted_provider: self.provider.to_owned(),
        })
    }

    /// Tells two histories of one cluster name apart, for example after its state was lost:
    /// their tokens must never be the same.
    pub(super) fn new_lineage(&self) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        let text = format!(
            "{}\n{}\n{now}\n{}",
            self.manifest.cluster.name,
            self.provider,
            std::process::id()
        );
        Digest::of(text).hex()[..32].to_owned()
    }
}

fn unfinished(journal: Journal) -> Result<Unfinished, SessionError> {
    let Some(Entry::Begin {
        run,
        command,
        lineage,
        serial,
        plan,
        ..
    }) = journal.entries.first()
    else {
        return Err(SessionError::JournalPlan(
            "it does not begin with a plan".to_owned(),
        ));
    };
    let plan = Plan::read(plan).map_err(|error| SessionError::JournalPlan(error.to_string()))?;
    let progress = RunStatus::replay(plan.steps.len(), &journal.entries)?;
    let steps = || plan.steps.iter().zip(&progress.steps);
    let unfinished = Unfinished {
        run: run.clone(),
        command: command.clone(),
        serial: *serial,
        lineage: lineage.clone(),
        done: steps()
            .filter(|(_, status)| matches!(status, StepStatus::Done { .. }))
            .count() as u32,
        of: plan.steps.len() as u32,
        direction: progress.direction,
        in_flight: steps()
            .filter(|(_, status)| match status {
                StepStatus::Intended { .. } | StepStatus::UndoIntended { .. } => true,
                StepStatus::Failed { effect, .. } => *effect == Effect::Unresolved,
                _ => false,
            })
            .map(|(step, _)| step.address.clone())
            .collect(),
        failed: steps()
            .filter_map(|(step, status)| match status {
                StepStatus::Failed { why, .. } | StepStatus::UndoFailed { why, .. } => {
                    Some((step.address.clone(), why.clone()))
                }
                _ => None,
            })
            .collect(),
        plan,
        progress,
        journal,
    };
    Ok(unfinished)
}
