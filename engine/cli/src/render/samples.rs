//! Plans for tests of rendering.

use serde_json::json;
use subako_engine::plan::{Action, PLAN_FORMAT, Plan, Selection, Step, Summary};
use subako_state::{Digest, Json};

/// A plan of these steps.
pub fn plan(steps: Vec<Step>) -> Plan {
    let mut summary = Summary::default();
    for step in &steps {
        match step.action {
            Action::Create if step.replaces => summary.replace += 1,
            Action::Create => summary.create += 1,
            Action::Update => summary.update += 1,
            Action::Delete | Action::Forget if step.replaces => {}
            Action::Delete | Action::Forget => summary.delete += 1,
            Action::Adopt => summary.adopt += 1,
        }
    }
    Plan {
        format_version: PLAN_FORMAT,
        digest: Digest::of("plan"),
        cluster: "sandbox".into(),
        provider: "sim".into(),
        account: None,
        desired: Digest::of("desired"),
        base: None,
        selection: Selection::default(),
        summary,
        steps,
        gates: Vec::new(),
        drift: Vec::new(),
        refreshed: Vec::new(),
        findings: Vec::new(),
    }
}

/// A step that does `action`, after the steps with these numbers.
pub fn step(action: Action, address: &str, after: &[u32]) -> Step {
    Step {
        address: address.parse().expect("an address"),
        action,
        replaces: false,
        generation: 0,
        before: None,
        after: None,
        outputs: None,
        recorded: None,
        depended_on: None,
        made_with: Default::default(),
        was_made_with: None,
        was_protected: None,
        depends_on: Vec::new(),
        protect: false,
        deposed: false,
        changes: Vec::new(),
        reason: None,
        gone_with: None,
        past_the_line: false,
        after_nodes: after.to_vec(),
    }
}

/// A create of something with that name.
pub fn create(address: &str, after: &[u32]) -> Step {
    let name = address.split_once('.').map_or(address, |(_, name)| name);
    Step {
        after: Some(Json::canonical(&json!({"instance_type": "t2.micro", "name": name})).expect("json")),
        ..step(Action::Create, address, after)
    }
}
