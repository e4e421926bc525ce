//! A plan with what the built-in checks say of it.

use super::{Checked, Checks};
use crate::desired::DesiredSet;
use crate::plan::{Plan, PlanError, Planning, draft};

/// Makes the plan, checked by what this crate knows of resources alone, and sealed.
pub fn plan(planning: &Planning<'_>) -> Result<Plan, PlanError> {
    let plan = draft(planning)?;
    let nothing = DesiredSet::default();
    let findings = Checks::default().findings(&Checked {
        plan: &plan,
        desired: planning.wanted(&nothing),
        snapshot: planning.snapshot,
        managers: planning.observed.managers.as_ref(),
        instances: &[],
        registry: planning.registry,
        manifest: None,
        looked_up: None,
        types: &std::collections::BTreeMap::new(),
        missing_types: &std::collections::BTreeSet::new(),
    });
    plan.seal(findings)
}
