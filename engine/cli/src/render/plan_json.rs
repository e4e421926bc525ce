//! A plan for machines.

use std::collections::HashMap;

use serde::Serialize;
use subako_engine::check::Finding;
use subako_engine::plan::{
    Action, Change, Drift, Move, Plan, Purpose, Rehearsal, Selection, Step, Summary, Value,
};
use subako_state::{Address, Digest, Json};

use super::cost::{self, CostView};
use super::document::{self, UnfinishedRun};
use crate::error::Result;

#[derive(Serialize)]
struct PlanView<'a> {
    digest: &'a Digest,
    cluster: &'a str,
    provider: &'a str,
    /// What it is for; missing for a plan that makes the manifest real or destroys.
    #[serde(skip_serializing_if = "Purpose::is_change")]
    purpose: Purpose,
    selection: &'a Selection,
    summary: &'a Summary,
    /// Missing where nothing is.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    moved: &'a [Move],
    steps: Vec<StepView<'a>>,
    drift: Vec<DriftView<'a>>,
    findings: &'a [Finding],
    /// Missing where nothing is billed before or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<CostView<'a>>,
    /// Missing where nobody rehearses, or there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    rehearsal: Option<&'a Rehearsal>,
}

#[derive(Serialize)]
struct StepView<'a> {
    address: &'a Address,
    action: Action,
    /// One half of a replacement: the create, or the delete of the old one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replaces: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone_with: Option<&'a Address>,
    /// Whether it cannot be undone.
    past_the_line: bool,
    changes: Vec<ChangeView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Json>,
}

#[derive(Serialize)]
struct ChangeView<'a> {
    path: &'a str,
    /// Missing if there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a serde_json::Value>,
    /// Missing if there will be nothing, or if it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a serde_json::Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    known_after_apply: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    forces_replacement: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<&'a str>,
}

/// What of a resource is not as it was left.
#[derive(Serialize)]
pub struct DriftView<'a> {
    address: &'a Address,
    gone: bool,
    changes: Vec<ChangeView<'a>>,
}

/// The document, one line and a newline.
pub fn plan(plan: &Plan, unfinished: Option<&UnfinishedRun>) -> Result<String> {
    let view = PlanView {
        digest: &plan.digest,
        cluster: &plan.cluster,
        provider: &plan.provider,
        purpose: plan.purpose,
        selection: &plan.selection,
        summary: &plan.summary,
        moved: &plan.moved,
        steps: steps(plan),
        drift: plan.drift.iter().map(drift_view).collect(),
        findings: &plan.findings,
        cost: plan.cost.as_ref().map(cost::view),
        rehearsal: plan.rehearsal.as_ref(),
    };
    document::json("the plan", &view, unfinished)
}

/// Drift as machines read it.
pub fn drift_view(drift: &Drift) -> DriftView<'_> {
    DriftView {
        address: &drift.address,
        gone: drift.gone,
        changes: drift.changes.iter().map(change).collect(),
    }
}

fn steps(plan: &Plan) -> Vec<StepView<'_>> {
    // What a replacement begins with stands in the step that removes the old object.
    let old: HashMap<&Address, &Json> = plan
        .steps
        .iter()
        .filter(|step| step.replaces())
        .filter_map(|step| Some((&step.address, step.spec_before()?)))
        .collect();
    let before = |step: &'_ Step| old.get(&step.address).copied().filter(|_| step.replaces());
    plan.steps
        .iter()
        .map(|step| view(step, before(step).or(step.spec_before())))
        .collect()
}

fn view<'a>(step: &'a Step, before: Option<&'a Json>) -> StepView<'a> {
    StepView {
        address: &step.address,
        action: step.action(),
        replaces: step.replaces(),
        reason: step.reason.as_ref().map(ToString::to_string),
        gone_with: step.gone_with(),
        past_the_line: step.past_the_line,
        changes: step.changes.iter().map(change).collect(),
        before,
        after: step.spec_after(),
    }
}

fn side(value: &Value) -> Option<&serde_json::Value> {
    match value {
        Value::Known(value) => Some(value),
        Value::Absent | Value::KnownAfterApply => None,
    }
}

fn change(change: &Change) -> ChangeView<'_> {
    ChangeView {
        path: &change.path,
        before: side(&change.before),
        after: side(&change.after),
        known_after_apply: change.after == Value::KnownAfterApply,
        forces_replacement: change.forces_replacement.as_deref(),
        cost: change.cost.as_deref(),
    }
}
