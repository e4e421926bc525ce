//! The calls of a plan, for a provider that can be asked for permission before any is made.

use std::collections::BTreeSet;

use super::{Session, SessionError};
use crate::kind::{Plane, Registry};
use crate::plan::{Action, Plan};
use crate::world::{self, Ownership, PlannedCall};

impl Session {
    /// The cloud's calls that a plan will make, in its order.
    pub fn planned_calls(&self, plan: &Plan) -> Result<Vec<PlannedCall>, SessionError> {
        Ok(planned_calls(&self.registry, plan)?)
    }

    /// Whether a plan has steps that log in to machines.
    pub fn needs_hosts(&self, plan: &Plan) -> bool {
        let plane = |kind: &str| self.registry.plane(kind);
        plan.steps
            .iter()
            .any(|step| plane(step.address.kind()) != Some(Plane::Cloud))
    }
}

/// As [`Session::planned_calls`], of any kinds.
pub fn planned_calls(registry: &Registry, plan: &Plan) -> world::Result<Vec<PlannedCall>> {
    let mut calls = Vec::new();
    for step in &plan.steps {
        let (before, after) = match step.action() {
            Action::Create => (None, step.spec_after()),
            Action::Update => (step.spec_before(), step.spec_after()),
            Action::Delete => (step.spec_before(), None),
            Action::Adopt | Action::Forget => continue,
        };
        let Some(kind) = registry.get(step.address.kind()) else {
            continue;
        };
        let ownership = Ownership {
            cluster: plan.cluster.clone(),
            address: step.address.to_string(),
            generation: step.generation,
            token: "preflight".to_owned(),
        };
        calls.extend(kind.calls(&ownership, before, after, step.outputs_before())?);
    }
    without_what_is_yet_to_be_created(&mut calls);
    Ok(calls)
}

/// An instance cannot be asked for with a key pair that does not exist yet.
fn without_what_is_yet_to_be_created(calls: &mut [PlannedCall]) {
    let imported: BTreeSet<String> = calls
        .iter()
        .filter_map(|call| match call {
            PlannedCall::ImportKeyPair(request) => Some(request.name.clone()),
            _ => None,
        })
        .collect();
    for call in calls {
        if let PlannedCall::RunInstance(request) = call
            && request
                .key_name
                .as_ref()
                .is_some_and(|name| imported.contains(name))
        {
            request.key_name = None;
        }
    }
}
