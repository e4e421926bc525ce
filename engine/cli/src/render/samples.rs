//! Plans for tests of rendering.

use serde_json::json;
use subako_engine::plan::{
    Action, Components, Operation, PLAN_FORMAT, Plan, Purpose, Record, Replacement, Selection, Step, Summary,
    WRITTEN_BY,
};
use subako_engine::world::NextCommand;
use subako_state::{Digest, Json};

/// A plan of these steps.
pub fn plan(steps: Vec<Step>) -> Plan {
    let mut summary = Summary::default();
    for step in &steps {
        match step.action() {
            Action::Create if step.replaces() => summary.replace += 1,
            Action::Create => summary.create += 1,
            Action::Update => summary.update += 1,
            Action::Delete | Action::Forget if step.replaces() => {}
            Action::Delete | Action::Forget => summary.delete += 1,
            Action::Adopt => summary.adopt += 1,
        }
    }
    Plan {
        format_version: PLAN_FORMAT,
        written_by: WRITTEN_BY.to_owned(),
        digest: Digest::of("plan"),
        components: Components {
            manifest: Digest::of("manifest"),
            state: None,
            world: Digest::of("world"),
            format: Digest::of("format"),
        },
        cluster: "sandbox".into(),
        provider: "sim".into(),
        account: None,
        purpose: Purpose::Change,
        selection: Selection::default(),
        summary,
        steps,
        gates: Vec::new(),
        drift: Vec::new(),
        refreshed: Vec::new(),
        findings: Vec::new(),
        cost: None,
        rehearsal: None,
        moved: Vec::new(),
    }
}

/// A step that does `operation`, after the steps with these numbers.
pub fn step(operation: Operation, address: &str, after: &[u32]) -> Step {
    Step {
        after_nodes: after.to_vec(),
        ..Step::new(address.parse().expect("an address"), 0, operation, None, None)
    }
}

/// One half of a replacement whose new half comes first.
pub fn half(operation: Operation, address: &str) -> Step {
    Step {
        replacement: Some(Replacement::NewFirst),
        ..step(operation, address, &[])
    }
}

/// A record of something with that spec.
pub fn record(spec: &serde_json::Value) -> Record {
    Record {
        spec: Json::canonical(spec).expect("json"),
        outputs: None,
        depends_on: Vec::new(),
        made_with: Default::default(),
        protect: false,
        deposed: false,
    }
}

/// A create of something with that name.
pub fn create(address: &str, after: &[u32]) -> Step {
    let name = address.split_once('.').map_or(address, |(_, name)| name);
    Step {
        after: Some(record(&json!({"instance_type": "t2.micro", "name": name}))),
        ..step(Operation::Create, address, after)
    }
}

/// What can be run next, with a digest or a name.
pub fn next(text: &str) -> super::markdown::Next {
    super::markdown::Next {
        apply: NextCommand::ApplyExpecting {
            digest: text.to_owned(),
            more: Vec::new(),
        },
        all: NextCommand::PlanFull {
            file: text.to_owned(),
            more: Vec::new(),
        },
    }
}
