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
    /// Done.
    Done {
        /// The token of its call; empty if there was none.
        token: String,
        /// What the world answered.
        outputs: Json,
    },
    /// Failed.
    Failed {
        /// The token of its call.
        token: String,
        /// What it did nevertheless.
        effect: Effect,
        /// What the world answers about what it did.
        outputs: Option<Json>,
        /// Why.
        why: String,
    },
    /// Being undone; what came of it is not known.
    UndoIntended {
        /// The token of the call that made it.
        token: String,
        /// The token of the call that undoes it.
        undo_token: String,
        /// What the step had left, if known.
        outputs: Option<Json>,
    },
    /// Undone.
    Undone {
        /// The token of the call that had made it: used up.
        token: String,
        /// What the world answered.
        outputs: Json,
    },
    /// Could not be undone.
    UndoFailed {
        /// The token of the call that made it.
        token: String,
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
            Self::Done { outputs, .. } => Some(outputs),
            Self::Failed { outputs, .. }
            | Self::UndoIntended { outputs, .. }
            | Self::UndoFailed { outputs, .. } => outputs.as_ref(),
            _ => None,
        }
    }

    /// The token of the step's last call forward; empty if there was none.
    pub fn token(&self) -> &str {
        match self {
            Self::Pending => "",
            Self::Intended { token }
            | Self::Done { token, .. }
            | Self::Failed { token, .. }
            | Self::UndoIntended { token, .. }
            | Self::Undone { token, .. }
            | Self::UndoFailed { token, .. } => token,
        }
    }

    /// The status after an entry about this step.
    fn next(&self, entry: &Entry) -> Option<Self> {
        use StepStatus as S;
        let token = || self.token().to_owned();
        let left = || self.outputs().cloned();
        match (self, entry) {
            // What failed, was undone or could not be undone may be tried again on the way forward.
            (
                S::Pending | S::Intended { .. } | S::Failed { .. } | S::Undone { .. } | S::UndoFailed { .. },
                Entry::Intent { token, .. },
            ) => Some(S::Intended { token: token.clone() }),
            // Steps without a call are done without an intent.
            (
                S::Pending | S::Intended { .. } | S::Failed { .. } | S::Undone { .. } | S::UndoFailed { .. },
                Entry::Done { outputs, .. },
            ) => Some(S::Done {
                token: token(),
                outputs: outputs.clone(),
            }),
            (
                S::Intended { .. } | S::Failed { .. },
                Entry::Failed {
                    effect, outputs, why, ..
                },
            ) => Some(S::Failed {
                token: token(),
                effect: *effect,
                outputs: outputs.clone(),
                why: why.clone(),
            }),
            (
                S::Done { .. } | S::Failed { .. } | S::UndoIntended { .. } | S::UndoFailed { .. },
                Entry::UndoIntent {
                    token: undo_token, ..
                },
            ) => Some(S::UndoIntended {
                token: token(),
                undo_token: undo_token.clone(),
                outputs: left(),
            }),
            (
                S::Done { .. } | S::Failed { .. } | S::UndoIntended { .. } | S::UndoFailed { .. },
                Entry::Undone { outputs, .. },
            ) => Some(S::Undone {
                token: token(),
                outputs: outputs.clone(),
            }),
            (S::UndoIntended { .. } | S::UndoFailed { .. }, Entry::UndoFailed { why, .. }) => {
                Some(S::UndoFailed {
                    token: token(),
                    outputs: left(),
                    why: why.clone(),
                })
            }
            _ => None,
        }
    }
}

/// What is known of a whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStatus {
    /// Each step, by number.
    pub steps: Vec<StepStatus>,
    /// Which way the run goes.
    pub direction: Direction,
}

impl RunStatus {
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

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
