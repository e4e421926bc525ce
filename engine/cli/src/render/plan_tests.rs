//! A whole plan in each of its forms, read by a person once and held here.

use serde_json::json;
use subako_engine::check::{About, Category, Finding, Place, Severity};
use subako_engine::display::Display;
use subako_engine::kind::Unconverged;
use subako_engine::plan::{Change, Drift, Operation, Plan, Reason, Step, Value};
use subako_state::Address;

use super::samples::{create, half, plan, record, step};
use super::{plan_json, plan_text};
use crate::hint::Invocation;
use crate::style::Paint;

static MANAGERS: About = About {
    id: "managers",
    category: Category::Availability,
    documentation: "Raft tolerates the loss of a minority.",
};

fn change(path: &str, before: serde_json::Value, after: serde_json::Value) -> Change {
    Change {
        path: path.to_owned(),
        before: Value::Known(before),
        after: Value::Known(after),
        forces_replacement: None,
        cost: None,
    }
}

/// What goes with an instance.
fn vanish(instance: &str) -> Operation {
    Operation::Vanish {
        host: Address::new("instance", instance),
    }
}

fn sample() -> Plan {
    let service = json!({"image": "nginx:1", "mode": "replicated", "name": "web", "replicas": 2});
    let mut steps = vec![Step {
        after: Some(record(&service)),
        ..step(Operation::Create, "service.web", &[])
    }];
    steps.extend((0..7).map(|n| create(&format!("instance.node-{n}"), &[])));
    steps.push(Step {
        changes: vec![change("replicas", json!(8), json!(12))],
        ..step(Operation::Update, "service.reply", &[])
    });
    let mut image = change("image_id", json!("ami-1"), json!("ami-2"));
    image.forces_replacement = Some("the image is chosen when an instance is made".into());
    steps.push(Step {
        changes: vec![image],
        reason: Some(Reason::Forced {
            field: "image_id".into(),
            why: "the image is chosen when an instance is made".into(),
        }),
        ..half(Operation::Create, "instance.manager-0")
    });
    steps.push(Step {
        reason: Some(Reason::Unrecorded),
        ..step(Operation::Adopt, "key_pair.k", &[])
    });
    steps.push(Step {
        past_the_line: true,
        ..half(Operation::Delete, "instance.manager-0")
    });
    steps.push(Step {
        past_the_line: true,
        reason: Some(Reason::GoesWith(Address::new("instance", "manager-0"))),
        ..half(vanish("manager-0"), "docker.manager-0")
    });
    steps.push(Step {
        past_the_line: true,
        reason: Some(Reason::Unwanted),
        ..step(Operation::Delete, "instance.old", &[])
    });
    let mut plan = plan(steps);
    plan.drift = vec![
        Drift {
            address: Address::new("instance", "gone"),
            changes: vec![],
            gone: true,
        },
        Drift {
            address: Address::new("service", "reply"),
            changes: vec![change("replicas", json!(8), json!(3))],
            gone: false,
        },
    ];
    let mut even = Finding::new(Severity::Warning, &MANAGERS, "2 managers tolerate the loss of 0")
        .with_remedy("use 1 or 3");
    even.place = Some(Place {
        line: 12,
        path: "pool manager count".into(),
    });
    plan.findings = vec![even];
    plan
}

#[test]
fn a_wait_says_how_far_the_service_has_come() {
    let mut step = step(Operation::Settle, "service.web", &[]);
    step.reason = Some(Reason::Unconverged(Unconverged {
        running: 3,
        wanted: 5,
        rollout: None,
    }));
    let text = plan_text::plan(
        &plan(vec![step]),
        &Display::built_in(),
        &Invocation::default(),
        Paint::PLAIN,
        false,
    );
    assert!(
        text.contains("  ~ service.web  3 of 5 running; waits for it to converge\n"),
        "{text}"
    );
}

#[test]
fn a_plan_for_people() {
    let text = plan_text::plan(
        &sample(),
        &Display::built_in(),
        &Invocation::default(),
        Paint::PLAIN,
        false,
    );
    let expected = "\
Changed outside of Subako since the last run:
  - instance.gone is gone
  ~ service.reply
      replicas: 8 → 3

To change sandbox on the simulator:
  + service.web                   nginx:1, 2 replicas
  + instance.node-0 … node-6 (7)  t2.micro
  ~ service.reply
      replicas: 8 → 12
-/+ instance.manager-0            must be replaced
      image_id: ami-1 → ami-2  (forces replacement: the image is chosen when an instance is made)
  ↻ key_pair.k                    it carries this cluster's tags, but the state does not know it
── from here on nothing can be undone ──
  - instance.manager-0            the old one of the replacement
  - docker.manager-0              goes with instance.manager-0
  - instance.old                  the manifest no longer has it

warning[managers]: 2 managers tolerate the loss of 0
  at: line 12 (pool manager count)
  help: use 1 or 3

Plan: 1 to destroy, 1 to replace, 1 to change, 8 to create, 1 to adopt.
Digest: sha256:b657092ac2263f2b6f09bb7ef3fdfc7c9d0fe5f9f1a8be1ac7f7ef0a4a9a4d76
";
    let digest_line = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("Digest"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(digest_line(&text), digest_line(expected), "{text}");
    assert!(text.ends_with(&format!("Digest: {}\n", sample().digest)));
}

#[test]
fn the_same_plan_unfolded_lists_every_step_and_field() {
    let text = plan_text::plan(
        &sample(),
        &Display::built_in(),
        &Invocation::default(),
        Paint::PLAIN,
        true,
    );
    assert!(
        text.contains("  + instance.node-3\n      instance_type: t2.micro\n      name:          node-3\n"),
        "{text}"
    );
}

#[test]
fn no_plan_is_read_by_its_colours_alone() {
    let coloured = plan_text::plan(
        &sample(),
        &Display::built_in(),
        &Invocation::default(),
        Paint::new(true),
        false,
    );
    assert!(coloured.contains('\u{1b}'));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = rest.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    assert_eq!(
        plain,
        plan_text::plan(
            &sample(),
            &Display::built_in(),
            &Invocation::default(),
            Paint::PLAIN,
            false
        )
    );
}

#[test]
fn what_goes_with_machines_of_its_own_says_so_when_it_is_folded() {
    let steps = (0..9).map(|n| {
        let name = format!("node-{n}");
        step(vanish(&name), &format!("docker.{name}"), &[])
    });
    let text = plan_text::plan(
        &plan(steps.collect()),
        &Display::built_in(),
        &Invocation::default(),
        Paint::PLAIN,
        false,
    );
    assert!(
        text.contains("  - docker.node-0 … node-8 (9)  each goes with its instance\n"),
        "{text}"
    );
}

#[test]
fn an_empty_plan_says_that_nothing_changes() {
    let mut empty = plan(vec![]);
    empty.summary.unchanged = 22;
    let text = plan_text::plan(
        &empty,
        &Display::built_in(),
        &Invocation::default(),
        Paint::PLAIN,
        false,
    );
    assert!(
        text.starts_with("No changes: sandbox is as the manifest wants it (22 resources).\n"),
        "{text}"
    );
}

#[test]
fn a_plan_for_machines() {
    let text = plan_json::plan(&sample(), None).expect("json");
    let value: serde_json::Value = serde_json::from_str(&text).expect("json");
    assert_eq!(value["format_version"], 1);
    assert_eq!(value["digest"], sample().digest.as_str());
    let summary = &value["summary"];
    assert_eq!(
        [
            &summary["create"],
            &summary["update"],
            &summary["replace"],
            &summary["delete"],
            &summary["unchanged"]
        ],
        [8, 1, 1, 1, 0]
    );
    let steps = value["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), sample().steps.len());
    assert_eq!(
        steps[8]["changes"][0],
        json!({"path": "replicas", "before": 8, "after": 12})
    );
    assert_eq!(steps[9]["replaces"], true);
    assert_eq!(steps[11]["past_the_line"], true);
    assert_eq!(
        value["findings"][0],
        json!({
            "severity": "warning",
            "id": "managers",
            "message": "2 managers tolerate the loss of 0",
            "remedy": "use 1 or 3",
            "category": "availability",
            "place": {"line": 12, "path": "pool manager count"},
            "documentation": "Raft tolerates the loss of a minority.",
        })
    );
    assert_eq!(
        value["drift"][0],
        json!({"address": "instance.gone", "gone": true, "changes": []})
    );
}
