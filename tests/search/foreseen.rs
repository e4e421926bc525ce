//! A rehearsal predicts what an apply does, and how long it takes.

use std::time::Duration;

use subako_engine::plan::{Because, Plan, Rehearsal, Rehearsed};

use super::calls::installs_on_one_that_is_there;
use super::driver::{Ended, Exit};
use super::low::{Low, tolerance};
use super::verdict::{Verdict, Violation};

/// What a duration may be off by in any case: a few answers more or less.
const SLACK: Duration = Duration::from_secs(1);

/// Compares what a rehearsal said with what happened. What a destroy of a part leaves on the hosts
/// (engines installed, images pulled) is nothing that a survey shows, so after one its duration is
/// not foreseen (`timed`).
pub fn foreseen(ended: &Ended, timed: bool) -> Result<(), Verdict> {
    let (Some(plan), Some(took)) = (&ended.plan, ended.took) else {
        return Ok(());
    };
    match &plan.rehearsal {
        None => Ok(()),
        // A swarm that nobody could read is no model; everything else is.
        Some(Rehearsal::NotRehearsed {
            because: Because::SwarmUnreadable,
            ..
        }) => Ok(()),
        Some(Rehearsal::NotRehearsed { reason, .. }) => Err(broken("every plan is rehearsed", reason)),
        // Nor is what is recorded of one that nobody could read: machines that were stopped or hang are
        // played as if they ran.
        Some(Rehearsal::Rehearsed(seen)) if !seen.assumed.is_empty() => Ok(()),
        Some(Rehearsal::Rehearsed(seen)) => {
            outcome(seen, &ended.exit)?;
            if timed {
                duration(plan, seen, took)?;
            }
            lows(seen, &ended.low)
        }
    }
}

fn outcome(seen: &Rehearsed, exit: &Exit) -> Result<(), Verdict> {
    let outcome = "a rehearsal predicts the outcome";
    match (&seen.failed, exit) {
        (None, Exit::Done) => Ok(()),
        (None, Exit::RolledBack(why) | Exit::Remains(why)) => {
            Err(broken(outcome, format!("it went well, and then failed: {why}")))
        }
        (Some(failed), Exit::Done) => {
            let detail = format!(
                "it failed, and then went well: {}: {}",
                failed.address, failed.cause
            );
            Err(broken(outcome, detail))
        }
        // Nothing breaks for its user, who is told; but a finding should have said it, by name and
        // with the line of the manifest.
        (Some(failed), Exit::RolledBack(_) | Exit::Remains(_)) => {
            let detail = format!("{}: {}", failed.address, failed.cause);
            Err(broken("what cannot work is found before it is rehearsed", detail))
        }
        (
            _,
            Exit::Nothing
            | Exit::Early(_)
            | Exit::Unfit(_)
            | Exit::Circular(_)
            | Exit::Refused(_)
            | Exit::Killed
            | Exit::Hung,
        ) => Ok(()),
    }
}

fn duration(plan: &Plan, seen: &Rehearsed, took: Duration) -> Result<(), Verdict> {
    let said = Duration::from_millis(seen.took_ms);
    // No longer than if there were no engine yet.
    if said > took && installs_on_one_that_is_there(plan) {
        return Ok(());
    }
    if said.abs_diff(took) > SLACK.max(took / 10) {
        let kinds: std::collections::BTreeSet<String> = plan
            .steps
            .iter()
            .map(|step| format!("{} {}", step.action(), step.address.kind()))
            .collect();
        let kinds: Vec<String> = kinds.into_iter().collect();
        return Err(Verdict::Broken(Violation::of(
            "a rehearsal predicts the duration",
            match said > took {
                true => "too long",
                false => "too short",
            },
            format!("{said:?} said, {took:?} taken: {}", kinds.join(", ")),
        )));
    }
    Ok(())
}

/// Voters and tasks went as low as was said.
fn lows(seen: &Rehearsed, low: &Low) -> Result<(), Verdict> {
    let property = "a rehearsal predicts how low voters and tasks go";
    let [(swarm, tolerated)] = low.tolerance.iter().collect::<Vec<_>>()[..] else {
        // None that lives through it, or more than one.
        return Ok(());
    };
    if let Some(quorum) = seen.quorum {
        let said = tolerance(quorum.voters as usize, quorum.alive as usize);
        if said != *tolerated {
            let detail = format!("tolerance {said} said, {tolerated} seen");
            return Err(Verdict::Broken(Violation::of(property, "voters", detail)));
        }
    }
    for service in &seen.services {
        let Some(least) = low.running.get(&(swarm.clone(), service.name.clone())) else {
            continue;
        };
        if service.least != *least.min(&service.before) {
            let detail = format!(
                "{}: {} said, {least} seen, {} before",
                service.name, service.least, service.before
            );
            return Err(Verdict::Broken(Violation::of(property, "tasks", detail)));
        }
    }
    Ok(())
}

fn broken(property: &'static str, detail: impl Into<String>) -> Verdict {
    Verdict::Broken(Violation::new(property, detail))
}
