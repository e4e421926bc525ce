//! The calls of a plan, for a provider that can be asked for permission before any is made, and
//! what its answers come to.

use std::collections::{BTreeMap, BTreeSet};

use super::{Session, SessionError};
use crate::kind::{ErasedIntent, Plane, Registry, StepCall};
use crate::plan::{Action, Plan};
use crate::world::{self, Ownership, PermissionFinding, PermissionVerdict, PlannedCall};

impl Session {
    /// The calls by which a plan changes the world, with the number of the step that makes each, in
    /// its order.
    pub fn step_calls(&self, plan: &Plan) -> Result<Vec<(u32, StepCall)>, SessionError> {
        Ok(step_calls(&self.registry, plan)?)
    }

    /// What the provider can be asked about the calls of a plan, in its order; those that ask for the
    /// same permission in the same way once.
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

/// The calls of a plan's steps, with the number of the step that makes each, in the plan's order.
///
/// # Errors
/// A recorded spec cannot be read.
pub fn step_calls(registry: &Registry, plan: &Plan) -> world::Result<Vec<(u32, StepCall)>> {
    let mut calls = Vec::new();
    for (number, step) in (0u32..).zip(&plan.steps) {
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
        let paths = step.changes.iter().map(|change| change.path.as_str());
        let fields = paths.filter_map(|path| path.split(['.', '[']).next());
        // What the record alone has, as its protection, is no field: nobody is called for it.
        let changed = fields
            .filter(|field| {
                [before, after]
                    .into_iter()
                    .flatten()
                    .any(|spec| spec.has_field(field))
            })
            .collect();
        let intent = ErasedIntent {
            ownership: &ownership,
            before,
            after,
            outputs: step.outputs_before(),
            changed: &changed,
        };
        let made = kind.calls(&intent)?.into_iter();
        calls.extend(made.map(|call| (number, call)));
    }
    Ok(calls)
}

/// As [`Session::planned_calls`], of any kinds.
pub fn planned_calls(registry: &Registry, plan: &Plan) -> world::Result<Vec<PlannedCall>> {
    let all = step_calls(registry, plan)?.into_iter();
    let mut calls: Vec<PlannedCall> = all.flat_map(|(_, call)| call.asks).collect();
    without_what_is_yet_to_be_created(&mut calls);
    let mut seen = BTreeSet::new();
    calls.retain(|call| seen.insert(permission_of(call)));
    Ok(calls)
}

/// What a call asks for: calls with the same text ask for the same permission in the same way.
fn permission_of(call: &PlannedCall) -> String {
    match call {
        PlannedCall::RunInstance(request) => format!(
            "run {} {} {}",
            request.image_id, request.instance_type, request.subnet_id
        ),
        PlannedCall::StartInstance(_) => "start".to_owned(),
        PlannedCall::StopInstance(_) => "stop".to_owned(),
        PlannedCall::TerminateInstance(_) => "terminate".to_owned(),
        PlannedCall::ModifyInstanceCredits(_) => "credits".to_owned(),
        PlannedCall::AllocateAddress(_) => "allocate".to_owned(),
        PlannedCall::AssociateAddress(..) => "associate".to_owned(),
        PlannedCall::ReleaseAddress(_) => "release".to_owned(),
        PlannedCall::ModifyVolume(..) => "enlarge".to_owned(),
        PlannedCall::SetTags(_) => "tag".to_owned(),
        PlannedCall::RemoveTags(_) => "untag".to_owned(),
        other => format!("{other:?}"),
    }
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

/// What a provider's answers about the calls of a plan come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// The actions that were asked about.
    pub asked: BTreeSet<String>,
    /// The actions that are not permitted, and why.
    pub missing: BTreeMap<String, String>,
    /// Answers that leave it open: the action, what it is about, and why.
    pub unclear: Vec<(String, String, String)>,
}

impl Permissions {
    /// Of these answers. Of several refusals of one action the first says why.
    pub fn of(findings: Vec<PermissionFinding>) -> Self {
        let mut found = Self::default();
        for PermissionFinding {
            action,
            about,
            verdict,
        } in findings
        {
            found.asked.insert(action.clone());
            match verdict {
                PermissionVerdict::Allowed => {}
                PermissionVerdict::Denied(why) => {
                    found.missing.entry(action).or_insert(why);
                }
                PermissionVerdict::Unclear(why) => found.unclear.push((action, about, why)),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(action: &str, about: &str, verdict: PermissionVerdict) -> PermissionFinding {
        PermissionFinding {
            action: action.to_owned(),
            about: about.to_owned(),
            verdict,
        }
    }

    #[test]
    fn answers_come_to_what_is_missing_and_what_is_open() {
        let denied = |why: &str| PermissionVerdict::Denied(why.to_owned());
        let found = Permissions::of(vec![
            finding("ec2:RunInstances", "node-0", denied("the first")),
            finding("ec2:RunInstances", "node-1", denied("the second")),
            finding("ec2:CreateTags", "i-1", PermissionVerdict::Allowed),
            finding(
                "ec2:StopInstances",
                "i-1",
                PermissionVerdict::Unclear("limit".to_owned()),
            ),
        ]);
        assert_eq!(found.asked.len(), 3);
        let missing: Vec<_> = found
            .missing
            .iter()
            .map(|(a, w)| (a.as_str(), w.as_str()))
            .collect();
        assert_eq!(missing, [("ec2:RunInstances", "the first")]);
        assert_eq!(
            found.unclear,
            [(
                "ec2:StopInstances".to_owned(),
                "i-1".to_owned(),
                "limit".to_owned()
            )]
        );
    }

    #[test]
    fn the_same_permission_is_asked_for_once() {
        let same = [
            PlannedCall::StopInstance("i-1".into()),
            PlannedCall::StopInstance("i-2".into()),
        ];
        assert_eq!(permission_of(&same[0]), permission_of(&same[1]));
        let apart = [
            PlannedCall::DeleteSecurityGroup("sg-1".into()),
            PlannedCall::DeleteSecurityGroup("sg-2".into()),
        ];
        assert_ne!(permission_of(&apart[0]), permission_of(&apart[1]));
    }
}
