//! What whoever plans or applies does not want to happen: more destroyed than so much, findings of
//! some sort. A plan that goes beyond it gets a finding that refuses it, which is in no digest: the
//! plan itself is the same.

use super::Session;
use crate::check::{Finding, Severity, planner};
use crate::plan::Plan;

/// What is not to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guards {
    /// How many resources may be deleted or replaced at most.
    pub max_destroy: Option<u32>,
    /// Findings that refuse the plan: ids of checks, or `warnings` for all of them.
    pub deny: Vec<String>,
}

/// Stands for every warning, whatever its check.
pub const WARNINGS: &str = "warnings";

/// A check that there is none of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no check `{id}`")]
pub struct UnknownCheck {
    /// What was asked for.
    pub id: String,
    /// What there is, sorted.
    pub known: Vec<&'static str>,
}

impl<W> Session<W> {
    /// The ids of all findings that there may be, sorted.
    pub(super) fn known_checks(&self) -> Vec<&'static str> {
        let own = self.checks.list().map(|about| about.id);
        let mut known: Vec<&'static str> = own.chain(planner::ALL.iter().map(|about| about.id)).collect();
        known.sort_unstable();
        known.dedup();
        known
    }

    /// Fails if a guard denies what there is no check for: it would never hold.
    pub fn check_guards(&self, guards: &Guards) -> Result<(), UnknownCheck> {
        let mut known = self.known_checks();
        known.push(WARNINGS);
        known.sort_unstable();
        match guards.deny.iter().find(|id| !known.contains(&id.as_str())) {
            Some(id) => Err(UnknownCheck {
                id: id.clone(),
                known,
            }),
            None => Ok(()),
        }
    }
}

impl Guards {
    /// Makes an error of what the plan does or says that is not to happen. A plan that changes
    /// nothing is held by none.
    pub fn hold(&self, plan: &mut Plan) {
        if plan.is_empty() {
            return;
        }
        for finding in &mut plan.findings {
            let is_warning = finding.severity == Severity::Warning;
            let denied = self
                .deny
                .iter()
                .find(|id| **id == finding.id || (is_warning && *id == WARNINGS));
            if let Some(id) = denied {
                finding.matter(Severity::Error, &format!("--deny {id}"));
            }
        }
        let destroyed = plan.summary.delete + plan.summary.replace;
        if let Some(most) = self.max_destroy.filter(|most| destroyed > *most) {
            let message = format!(
                "{destroyed} resources would be deleted or replaced, and --max-destroy allows {most}"
            );
            let finding = Finding::new(Severity::Error, &planner::MAX_DESTROY, message)
                .with_remedy("if they are meant to go, allow as many");
            plan.findings.push(finding);
        }
        plan.findings.sort();
    }
}
