//! One step back, with its journal entries.

use subako_state::{Entry, Json, StateError};

use super::crew::{Crew, empty};
use super::status::StepStatus;
use super::step::{BETWEEN_ATTEMPTS, StepOutcome};
use crate::kind::StepContext;
use crate::plan::{Action, Step};
use crate::world;

/// How often undoing a step is tried before it counts as failed.
const UNDO_ATTEMPTS: u32 = 3;

impl Crew<'_> {
    /// Undoes a step. `vanishes` says that what it made goes with what it lives on.
    pub async fn undo(&self, number: u32, vanishes: bool) -> Result<StepOutcome, StateError> {
        let step = &self.plan.steps[number as usize];
        let left = self.progress().steps[number as usize].outputs().cloned();
        let outputs = left
            .or_else(|| step.outputs_before().cloned())
            .unwrap_or_else(empty);
        let needs_no_call = matches!(step.action(), Action::Adopt | Action::Forget)
            || step.operation.leaves_it_as_it_is()
            || (step.action() == Action::Create && vanishes);
        if needs_no_call {
            return self.undone(number, outputs).await.map(|()| StepOutcome::Done);
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
        cx.had_converged = step.unconverged.is_none();
        if let Some(found) = &step.misnamed {
            cx.ownership.address.clone_from(found);
        }
        let mut attempt = 1;
        loop {
            match self.call_back(step, &outputs, &cx).await {
                Ok(outputs) => return self.undone(number, outputs).await.map(|()| StepOutcome::Done),
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
                    return Ok(StepOutcome::Failed(failure));
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
                if from == to && step.misnamed.is_none() {
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
            _ => self.put(step, step.before.as_ref(), &outputs),
        }
        self.record(Entry::Undone {
            step: number,
            outputs,
        })
        .await
    }

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
