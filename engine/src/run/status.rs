//! What is known of each step: one total function from journal entries.

use subako_state::{Direction, Effect, Entry, Json};

/// What is known of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Begun; what came of it is not known.
    Intended {
        /// The token of its call.
        token: String,
    },
    /// Made.
    Done {
        /// What the world answered.
        outputs: Json,
    },
    /// Failed.
    Failed {
        /// What it did nevertheless.
        effect: Effect,
        /// What the world answers about what it did.
        outputs: Option<Json>,
        /// Why.
        why: String,
    },
    /// Being undone; what came of it is not known.
    UndoIntended {
        /// The token of its call.
        token: String,
        /// What the step had left, if known.
        outputs: Option<Json>,
    },
    /// Undone.
    Undone {
        /// What the world answered.
        outputs: Json,
    },
    /// Could not be undone.
    UndoFailed {
        /// What the step had left, if known.
        outputs: Option<Json>,
        /// Why.
        why: String,
    },
}

/// An entry that cannot follow what came before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal says {entry} of step {step}, which is impossible after {before}")]
pub struct Impossible {
    /// The step.
    pub step: u32,
    /// What was known.
    pub before: String,
    /// What the entry says.
    pub entry: String,
}

impl StepStatus {
    /// Whether something of it may be in the world.
    pub fn may_have_effect(&self) -> bool {
        match self {
            Self::Pending | Self::Undone { .. } => false,
            Self::Failed { effect, .. } => *effect != Effect::None,
            _ => true,
        }
    }

    /// What the step left in the world, if that is known.
    pub fn outputs(&self) -> Option<&Json> {
        match self {
            Self::Done { outputs } => Some(outputs),
            Self::Failed { outputs, .. }
            | Self::UndoIntended { outputs, .. }
            | Self::UndoFailed { outputs, .. } => outputs.as_ref(),
            _ => None,
        }
    }

    /// The status after an entry about this step.
    fn next(&self, entry: &Entry) -> Option<Self> {
        match (self, entry) {
            // A failed step may be tried again on the way forward.
            (Self::Pending | Self::Intended { .. } | Self::Failed { .. }, Entry::Intent { token, .. }) => {
                Some(Self::Intended { token: token.clone() })
            }
            // Steps without a call are done without an intent.
            (Self::Pending | Self::Intended { .. } | Self::Failed { .. }, Entry::Done { outputs, .. }) => {
                Some(Self::Done {
                    outputs: outputs.clone(),
                })
            }
            (
                Self::Intended { .. } | Self::Failed { .. },
                Entry::Failed {
                    effect, outputs, why, ..
                },
            ) => Some(Self::Failed {
                effect: *effect,
                outputs: outputs.clone(),
                why: why.clone(),
            }),
            (
                Self::Done { .. } | Self::Failed { .. } | Self::UndoIntended { .. } | Self::UndoFailed { .. },
                Entry::UndoIntent { token, .. },
            ) => Some(Self::UndoIntended {
                token: token.clone(),
                outputs: self.outputs().cloned(),
            }),
            (
                Self::Done { .. } | Self::Failed { .. } | Self::UndoIntended { .. } | Self::UndoFailed { .. },
                Entry::Undone { outputs, .. },
            ) => Some(Self::Undone {
                outputs: outputs.clone(),
            }),
            (
                Self::UndoIntended { outputs, .. } | Self::UndoFailed { outputs, .. },
                Entry::UndoFailed { why, .. },
            ) => Some(Self::UndoFailed {
                outputs: outputs.clone(),
                why: why.clone(),
            }),
            _ => None,
        }
    }
}

/// What is known of a whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Each step, by number.
    pub steps: Vec<StepStatus>,
    /// Which way the run goes.
    pub direction: Direction,
}

impl Progress {
    /// Nothing is done of so many steps.
    pub fn new(steps: usize) -> Self {
        Self {
            steps: vec![StepStatus::Pending; steps],
            direction: Direction::Forward,
        }
    }

    /// What a journal says of a plan with so many steps.
    pub fn replay(steps: usize, entries: &[Entry]) -> Result<Self, Impossible> {
        let mut progress = Self::new(steps);
        entries.iter().try_for_each(|entry| progress.record(entry))?;
        Ok(progress)
    }

    /// Takes in one entry.
    pub fn record(&mut self, entry: &Entry) -> Result<(), Impossible> {
        let step = match entry {
            Entry::Begin { .. } | Entry::End { .. } => return Ok(()),
            Entry::Turn { direction, .. } => {
                self.direction = *direction;
                return Ok(());
            }
            Entry::Intent { step, .. }
            | Entry::Done { step, .. }
            | Entry::Failed { step, .. }
            | Entry::UndoIntent { step, .. }
            | Entry::Undone { step, .. }
            | Entry::UndoFailed { step, .. } => *step,
        };
        let impossible = |before: String| Impossible {
            step,
            before,
            entry: format!("{entry:?}"),
        };
        let status = self
            .steps
            .get_mut(step as usize)
            .ok_or_else(|| impossible("a plan that has no such step".to_owned()))?;
        let next = status
            .next(entry)
            .ok_or_else(|| impossible(format!("{status:?}")))?;
        *status = next;
        Ok(())
    }
}
