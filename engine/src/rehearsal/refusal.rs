//! A plan that fails when it is played is refused.

use crate::finding::{Finding, Severity, planner};
use crate::plan::Rehearsal;

/// What refuses a plan, if its rehearsal does.
pub fn refusal(rehearsal: &Rehearsal) -> Option<Finding> {
    let Rehearsal::Rehearsed(seen) = rehearsal else {
        return None;
    };
    let failed = seen.failed.as_ref()?;
    let message = format!(
        "in a rehearsal on a model of the world this step fails ({}): {}",
        failed.action, failed.cause
    );
    let finding = Finding::new(Severity::Error, &planner::REHEARSAL, message).about(failed.address.clone());
    Some(finding.with_remedy(failed.hint.clone().unwrap_or_else(|| {
        "remove the cause; if the model is wrong about this world, `--rehearse=false` leaves the rehearsal out"
            .to_owned()
    })))
}
