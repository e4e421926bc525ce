//! One step forward, with its journal entries.

use std::time::Duration;

use subako_state::{Effect, Entry, Json, StateError};

use super::crew::{Crew, empty};
use super::options::OnFailure;
use super::status::StepStatus;
use crate::kind::StepContext;
use crate::plan::{Action, Operation, Step};
use crate::world::{self, Certainty, Code, Failure};

/// How often an unknown outcome is read before it counts as unresolved.
const SETTLE_ATTEMPTS: u32 = 5;
/// Between two attempts at something that failed.
pub(super) const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(2);

/// What came of a step.
pub(super) enum StepOutcome {
    /// It is done.
    Done,
    /// It failed, and why.
    Failed(Failure),
}

impl Crew<'_> {
    /// Makes a step of the plan.
    pub async fn make(&self, number: u32) -> Result<StepOutcome, StateError> {
        let step = &self.plan.steps[number as usize];
        // The object of a token that was used before may have been ended without a word.
        let may_be_spent = step.action() == Action::Create
            && !matches!(
                self.progress().steps[number as usize],
                StepStatus::Pending | StepStatus::Undone { .. }
            );
        let token = match &self.progress().steps[number as usize] {
            // What it had made was unmade, and the world remembers that token.
            StepStatus::Undone { token, .. } => self.token(number, &format!("do again after {token}")),
            // Tried before: the same token finds what that try may have made.
            tried if !tried.token().is_empty() => tried.token().to_owned(),
            _ => self.token(number, "do"),
        };
        if matches!(step.action(), Action::Adopt | Action::Forget) {
            let found = step.record().and_then(|record| record.outputs.clone());
            let outputs = found.unwrap_or_else(empty);
            return self.done(number, outputs).await.map(|()| StepOutcome::Done);
        }
        self.record(Entry::Intent {
            step: number,
            token: token.clone(),
        })
        .await?;
        let cx = self.context(number, &token);
        let mut making = self.context(number, &token);
        // What is going to be undone anyway need not be waited for.
        if !step.past_the_line && self.options.on_failure == OnFailure::Rollback {
            making.stop = Some(self.stop.clone());
        }
        match self.call(step, &making).await {
            Ok(outputs) => self.done(number, outputs).await.map(|()| StepOutcome::Done),
            Err(failure) if may_be_spent && failure.code == Code::TokenSpent => {
                self.end_the_spent(number, &cx, &failure).await?;
                match self.progress().steps[number as usize] {
                    StepStatus::Undone { .. } => {}
                    _ => return Ok(StepOutcome::Failed(failure)),
                }
                // With a token of its own this time.
                Box::pin(self.make(number)).await
            }
            Err(failure) => {
                let (effect, outputs) = self.effect(step, &cx, &failure).await;
                let why = failure.to_string();
                if let (Action::Create, Effect::Applied, Some(outputs)) = (step.action(), effect, &outputs) {
                    self.put(step, step.after.as_ref(), outputs);
                }
                if step.action() == Action::Delete && effect == Effect::Applied && outputs.is_none() {
                    self.working.remove(&step.address, step.generation);
                }
                self.record(Entry::Failed {
                    step: number,
                    effect,
                    outputs,
                    why,
                    output: failure.output.clone(),
                })
                .await?;
                Ok(StepOutcome::Failed(failure))
            }
        }
    }

    /// The world says that a token's object is gone, or going. What is left of it is undone, and
    /// what lived on it with it: then the step is as if it had never been made.
    async fn end_the_spent(
        &self,
        number: u32,
        cx: &StepContext,
        failure: &Failure,
    ) -> Result<(), StateError> {
        let step = &self.plan.steps[number as usize];
        let (effect, outputs) = self.read_effect(step, cx).await;
        let gone = effect == Effect::None;
        self.record(Entry::Failed {
            step: number,
            effect,
            outputs,
            why: failure.to_string(),
            output: failure.output.clone(),
        })
        .await?;
        if effect != Effect::Unresolved {
            self.undo(number, gone).await?;
            self.vanish_with_hosts().await?;
        }
        Ok(())
    }

    async fn call(&self, step: &Step, cx: &StepContext) -> world::Result<Json> {
        let kind = self.kind(step)?;
        let outputs = step.outputs_before().cloned().unwrap_or_else(empty);
        if step.operation.leaves_it_as_it_is() {
            let spec = self.resolved(step, step.spec_after())?;
            return match &step.operation {
                Operation::Reform { on } => kind.reform(&spec, &outputs, on.name(), cx).await,
                Operation::Spread => kind.spread(&spec, &outputs, cx).await,
                _ => kind.settle(&spec, &outputs, cx).await,
            };
        }
        match step.action() {
            Action::Create => kind.create(&self.resolved(step, step.spec_after())?, cx).await,
            Action::Update => {
                let from = self.resolved_before(step)?;
                let to = self.resolved(step, step.spec_after())?;
                if from == to && step.misnamed.is_none() {
                    Ok(outputs)
                } else {
                    kind.update(&from, &to, &outputs, cx).await
                }
            }
            Action::Delete => {
                let spec = self.resolved_or_raw(step, step.spec_before())?;
                kind.delete(&spec, &outputs, cx).await.map(|()| outputs)
            }
            Action::Adopt | Action::Forget => Ok(outputs),
        }
    }

    async fn done(&self, number: u32, outputs: Json) -> Result<(), StateError> {
        let step = &self.plan.steps[number as usize];
        match step.action() {
            Action::Delete | Action::Forget => self.working.remove(&step.address, step.generation),
            _ => self.put(step, step.after.as_ref(), &outputs),
        }
        self.record(Entry::Done {
            step: number,
            outputs,
        })
        .await
    }

    /// What a failed step did nevertheless: for an unknown outcome, by reading.
    async fn effect(&self, step: &Step, cx: &StepContext, failure: &Failure) -> (Effect, Option<Json>) {
        if failure.certainty == Certainty::NotApplied {
            return (Effect::None, None);
        }
        self.read_effect(step, cx).await
    }

    /// Finds out by reading what an interrupted or failed step did.
    pub async fn read_effect(&self, step: &Step, cx: &StepContext) -> (Effect, Option<Json>) {
        for attempt in 1..=SETTLE_ATTEMPTS {
            match self.look(step, cx).await {
                Ok(found) => return found,
                Err(failure) => {
                    cx.progress.note(format!("finding out what was done: {failure}"));
                    if failure.code == Code::Timeout {
                        // It has been waited for, up to a deadline of its own.
                        break;
                    }
                }
            }
            if attempt < SETTLE_ATTEMPTS {
                self.world.clock.sleep(BETWEEN_ATTEMPTS).await;
            }
        }
        (Effect::Unresolved, None)
    }

    async fn look(&self, step: &Step, cx: &StepContext) -> world::Result<(Effect, Option<Json>)> {
        let kind = self.kind(step)?;
        if step.operation.leaves_it_as_it_is() {
            return Ok((Effect::None, None));
        }
        Ok(match step.action() {
            Action::Create => {
                let spec = self.resolved_or_raw(step, step.spec_after())?;
                match kind.find(&spec, None, cx).await? {
                    Some(outputs) => (Effect::Applied, Some(outputs)),
                    None => (Effect::None, None),
                }
            }
            // Going back to what was before is right wherever on the way it stopped.
            Action::Update => (Effect::Applied, step.outputs_before().cloned()),
            Action::Delete => {
                let spec = self.resolved_or_raw(step, step.spec_before())?;
                match kind.find(&spec, step.outputs_before(), cx).await? {
                    // One call that did not get through. Others delete in several steps, and
                    // what is still there may have been changed by the first of them.
                    Some(_) if kind.traits().delete_is_undoable => (Effect::None, None),
                    found => (Effect::Applied, found),
                }
            }
            Action::Adopt | Action::Forget => (Effect::None, None),
        })
    }

    /// The context for settling a step whose token the journal gives.
    pub fn settling(&self, number: u32, token: &str) -> StepContext {
        self.context(number, token)
    }
}
