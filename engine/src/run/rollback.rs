//! The way back: everything a run did is undone in reverse, in parallel where the graph allows.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use subako_state::{Address, StateError};

use super::crew::Crew;
use super::ended::WalkEnd;
use super::options::Stop;
use super::status::{RunStatus, StepStatus};
use super::step::StepOutcome;
use crate::plan::{Departure, Plan};
use crate::walk::Walk;
use crate::world::Failure;

/// Whether everything the run did can be undone: nothing past the line took effect.
pub fn can_go_back(plan: &Plan, progress: &RunStatus) -> bool {
    !plan
        .steps
        .iter()
        .zip(&progress.steps)
        .any(|(step, status)| step.past_the_line && status.may_have_effect())
}

/// Undoes what may have an effect. A step whose undoing fails keeps what it depends on from
/// being undone; everything else is still undone.
pub(super) async fn roll_back(
    crew: &Crew<'_>,
    stop: &Stop,
    failures: &mut Vec<(Address, Failure)>,
) -> Result<WalkEnd, StateError> {
    let plan = crew.plan;
    let ways = crew.ways_back();
    let undo: Vec<bool> = crew
        .progress()
        .steps
        .iter()
        .map(StepStatus::may_have_effect)
        .collect();
    let of = undo.iter().filter(|undo| **undo).count() as u32;
    // The plan's edges, reversed; what is not undone is passed through.
    let edges: Vec<(u32, u32)> = (0..plan.nodes())
        .flat_map(|node| plan.after(node).iter().map(move |before| (node as u32, *before)))
        .collect();
    let mut walk = Walk::new(plan.nodes(), &edges);
    drop(edges);
    let mut flight = FuturesUnordered::new();
    let mut done = 0u32;
    loop {
        while flight.len() < crew.options.parallelism.max(1) {
            let Some(node) = walk.take() else { break };
            if node as usize >= plan.steps.len() || !undo[node as usize] {
                walk.done(node);
                continue;
            }
            if matches!(ways[node as usize], Departure::With { .. }) {
                // It is undone when its host is: until then it only lets the others pass.
                walk.done(node);
                continue;
            }
            let unresolved = matches!(
                crew.progress().steps[node as usize],
                StepStatus::Failed {
                    effect: subako_state::Effect::Unresolved,
                    ..
                } | StepStatus::Intended { .. }
            );
            if unresolved {
                // Nobody knows what to undo: what it depends on has to stay.
                continue;
            }
            let began = crew.tell_started(node, true);
            flight.push(async move { (node, began, crew.undo(node, false).await) });
        }
        let finished = tokio::select! {
            biased;
            () = stop.at_once() => return Ok(WalkEnd::Cut),
            finished = flight.next() => finished,
        };
        let Some((node, began, made)) = finished else {
            break;
        };
        let step = &plan.steps[node as usize];
        match made? {
            StepOutcome::Done => {
                walk.done(node);
                done += 1;
                crew.tell_done(node, true, began, done, of);
            }
            StepOutcome::Failed(failure) => {
                crew.tell_failed(node, true, &failure);
                failures.push((step.address.clone(), failure));
            }
        }
    }
    for node in crew.gone_along() {
        let began = crew.elapsed_ms();
        crew.undo(node, true).await?;
        done += 1;
        crew.tell_done(node, true, began, done, of);
    }
    Ok(WalkEnd::Through)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::samples::statuses;
    use crate::testing::{Draft, find};

    #[test]
    fn a_run_can_go_back_until_something_past_the_line_may_have_had_an_effect() {
        // A solid cannot be had back once it is deleted; a soft one can.
        let plan = Draft::new()
            .has("solid.a", json!({}))
            .has("soft.b", json!({}))
            .plan();
        let (solid, soft) = (find(&plan, "delete solid.a"), find(&plan, "delete soft.b"));
        assert!(solid.past_the_line);
        for (step, line) in [(solid, true), (soft, soft.past_the_line)] {
            let number = plan
                .steps
                .iter()
                .position(|other| other == step)
                .expect("it is there");
            for status in statuses() {
                let mut progress = RunStatus::new(plan.steps.len());
                assert!(can_go_back(&plan, &progress), "nothing has begun");
                let crossed = line && status.may_have_effect();
                progress.steps[number] = status;
                assert_eq!(
                    can_go_back(&plan, &progress),
                    !crossed,
                    "{} {progress:?}",
                    step.address
                );
            }
        }
    }
}
