//! What a plan says of what was decided, step by step.

mod exclusive;
mod found;
mod hostless;
mod ignored;
mod strays;
mod through;

use serde_json::json;
use subako_state::Digest;

use super::{Because, GateKind, OldFirst, Operation, Plan, Reason, Rehearsal, Replacement, Value};
use crate::check::{Finding, Severity, planner};
use crate::kind::{Sighting, Unconverged};
use crate::money::Bill;
use crate::testing::{Draft, address, find, json_of, resource, spec, steps};

fn solid(value: u64) -> serde_json::Value {
    json!({"force": 0, "value": value})
}

/// Whether one step waits for another, through gates or steps between them.
fn waits_for(plan: &Plan, later: &str, earlier: &str) -> bool {
    let number = |what: &str| {
        let step = find(plan, what);
        plan.steps
            .iter()
            .position(|s| std::ptr::eq(s, step))
            .expect("there") as u32
    };
    let (mut open, goal) = (vec![number(later)], number(earlier));
    while let Some(node) = open.pop() {
        if node == goal {
            return true;
        }
        open.extend(plan.after(node as usize));
    }
    false
}

#[test]
fn what_is_as_wanted_needs_no_step() {
    let plan = Draft::new()
        .has("solid.a", solid(1))
        .wants("solid.a", solid(1))
        .plan();
    assert!(plan.is_empty() && plan.gates.is_empty());
    assert_eq!(plan.summary.unchanged, 1);
    assert!(plan.summary.is_empty());
}

#[test]
fn a_create_has_no_record_before_and_waits_for_what_it_refers_to() {
    let plan = Draft::new()
        .wants("soft.b", spec(json!({}), &["solid.a"]))
        .wants("solid.a", solid(1))
        .plan();
    assert_eq!(steps(&plan), ["create solid.a", "create soft.b"]);
    assert!(waits_for(&plan, "create soft.b", "create solid.a"));
    assert!(!waits_for(&plan, "create solid.a", "create soft.b"));
    let create = find(&plan, "create soft.b");
    assert_eq!(
        (create.operation.clone(), &create.before),
        (Operation::Create, &None)
    );
    let after = create.after.as_ref().expect("a record");
    assert_eq!(after.depends_on, [address("solid.a")]);
    assert_eq!(after.outputs, None, "only the call can tell");
    assert_eq!(plan.summary.create, 2);
}

#[test]
fn an_update_goes_from_the_record_to_the_record_and_keeps_what_was_read_beside_it() {
    let mut recorded = resource("solid.a", &solid(1));
    recorded.protect = true;
    let plan = Draft::new()
        .has_record(recorded)
        .wants("solid.a", solid(2))
        .sees_spec("solid.a", &solid(7))
        .plan();
    let update = find(&plan, "update solid.a");
    let (before, after) = (update.before.as_ref(), update.after.as_ref());
    let (before, after) = (before.expect("a record"), after.expect("a record"));
    assert_eq!(before.spec, json_of(&solid(1)));
    assert_eq!(update.live, Some(json_of(&solid(7))));
    assert_eq!(after.spec, json_of(&solid(2)));
    assert_eq!((before.protect, after.protect), (true, false));
    assert_eq!(update.spec_before(), update.live.as_ref());
    let paths: Vec<_> = update
        .changes
        .iter()
        .map(|c| (c.path.as_str(), &c.before))
        .collect();
    assert_eq!(paths[0], ("value", &Value::Known(json!(7))));
    assert_eq!(plan.drift.len(), 1);
    assert_eq!(plan.drift[0].changes[0].after, Value::Known(json!(7)));
}

#[test]
fn a_replacement_says_on_both_halves_which_goes_first() {
    let replaced = |kind: &str| {
        let name = format!("{kind}.a");
        Draft::new()
            .has(&name, json!({"force": 0}))
            .wants(&name, json!({"force": 1}))
            .plan()
    };
    let plan = replaced("solid");
    assert_eq!(steps(&plan), ["create solid.a", "delete solid.a"]);
    for step in &plan.steps {
        assert_eq!(step.replacement, Some(Replacement::NewFirst));
        assert!(!step.goes_first());
    }
    assert_eq!((plan.steps[0].generation, plan.steps[1].generation), (1, 0));
    let forced = Reason::Forced {
        field: "force".into(),
        why: "is chosen once".into(),
    };
    assert_eq!(plan.steps[0].reason, Some(forced));
    assert!(plan.steps[1].past_the_line && !plan.steps[0].past_the_line);
    assert_eq!(plan.gates.len(), 1);
    assert_eq!(plan.gates[0].kind, GateKind::Line);
    assert_eq!((plan.summary.replace, plan.summary.delete), (1, 0));

    let plan = replaced("soft");
    assert_eq!(steps(&plan), ["delete soft.a", "create soft.a"]);
    for step in &plan.steps {
        assert_eq!(step.replacement, Some(Replacement::OldFirst));
    }
    assert!(plan.steps[0].goes_first() && !plan.steps[1].goes_first());
    let why = OldFirst::CannotCoexist("names are unique".into());
    assert_eq!(plan.steps[0].reason, Some(Reason::OldFirst(why)));
    assert!(plan.gates.is_empty(), "everything can be undone");
}

#[test]
fn the_order_of_a_replacement_does_not_hang_on_a_reason() {
    let mut step = Draft::new()
        .has("solid.a", json!({"force": 0}))
        .wants("solid.a", json!({"force": 1}))
        .plan()
        .steps
        .remove(1);
    step.reason = Some(Reason::Text("the old one goes first".into()));
    assert!(!step.goes_first());
    step.replacement = Some(Replacement::OldFirst);
    step.reason = None;
    assert!(step.goes_first());
}

#[test]
fn a_guest_vanishes_with_its_host_and_a_crowd_with_the_last_of_its_hosts() {
    let guest = spec(json!({}), &["solid.a"]);
    let draft = Draft::new()
        .has("solid.a", solid(1))
        .has("guest.g", guest.clone())
        .has("crowd.c", json!({}));
    let plan = draft.plan();
    let host = |name: &str| Operation::Vanish { host: address(name) };
    assert_eq!(find(&plan, "forget guest.g").operation, host("solid.a"));
    assert_eq!(find(&plan, "forget crowd.c").operation, host("solid.*"));
    assert!(waits_for(&plan, "forget guest.g", "delete solid.a"));
    assert!(waits_for(&plan, "forget crowd.c", "delete solid.a"));
    let gone = GateKind::EveryOldGone("solid".into());
    assert!(
        plan.gates.iter().any(|gate| gate.kind == gone),
        "{:?}",
        plan.gates
    );
    assert_eq!(plan.summary.delete, 3);

    let plan = Draft::new()
        .has("solid.a", solid(1))
        .has("solid.b", solid(1))
        .has("guest.g", guest)
        .has("crowd.c", json!({}))
        .wants("solid.b", solid(1))
        .plan();
    assert_eq!(find(&plan, "forget guest.g").operation, host("solid.a"));
    assert_eq!(find(&plan, "delete crowd.c").operation, Operation::Delete);
}

#[test]
fn what_is_gone_already_is_forgotten_and_created_again() {
    let plan = Draft::new()
        .has("solid.a", solid(1))
        .has("solid.b", solid(1))
        .wants("solid.a", solid(1))
        .sees("solid.a", Sighting::Absent)
        .sees("solid.b", Sighting::Absent)
        .plan();
    assert_eq!(find(&plan, "forget solid.a").operation, Operation::Forget);
    assert_eq!(find(&plan, "create solid.a").reason, Some(Reason::Gone));
    assert_eq!(find(&plan, "create solid.a").generation, 1);
    assert!(waits_for(&plan, "create solid.a", "forget solid.a"));
    assert_eq!(find(&plan, "forget solid.b").reason, Some(Reason::Gone));
    assert_eq!(plan.summary.forget, 2);
    assert!(plan.drift.iter().all(|drift| drift.gone));
}

#[test]
fn what_carries_the_tags_is_adopted_as_found_and_then_changed() {
    let found = Sighting::There {
        spec: json_of(&solid(1)),
        outputs: json_of(&json!({"id": "x"})),
        generation: 3,
        unconverged: None,
        whole: None,
    };
    let plan = Draft::new()
        .wants("solid.a", solid(2))
        .sees("solid.a", found)
        .plan();
    assert_eq!(steps(&plan), ["adopt solid.a", "update solid.a"]);
    let (adopt, update) = (&plan.steps[0], &plan.steps[1]);
    assert_eq!(adopt.reason, Some(Reason::Unrecorded));
    assert_eq!((adopt.generation, update.generation), (3, 3));
    assert_eq!(adopt.before, None);
    assert_eq!(adopt.after, update.before, "what was adopted is what is changed");
    assert_eq!(update.outputs_before(), Some(&json_of(&json!({"id": "x"}))));
    assert!(waits_for(&plan, "update solid.a", "adopt solid.a"));
}

/// A refresh sees `solid.a` as `value` says, with some of its tasks running.
fn unconverged(value: u64) -> Sighting {
    Sighting::There {
        spec: json_of(&solid(value)),
        outputs: json_of(&json!({"id": "solid.a"})),
        generation: 0,
        unconverged: Some(Unconverged {
            running: 3,
            wanted: 5,
            rollout: None,
        }),
        whole: None,
    }
}

#[test]
fn what_has_not_converged_is_waited_for_and_nothing_of_it_changes() {
    // Recorded as it is, or as it was before a change that was kept half-way.
    for recorded in [1, 2] {
        let plan = Draft::new()
            .has("solid.a", solid(recorded))
            .wants("solid.a", solid(1))
            .sees("solid.a", unconverged(1))
            .plan();
        assert_eq!(steps(&plan), ["update solid.a"]);
        let step = &plan.steps[0];
        assert_eq!(step.operation, Operation::Settle);
        assert_eq!(
            step.reason.as_ref().map(ToString::to_string).as_deref(),
            Some("3 of 5 running")
        );
        assert!(step.changes.is_empty() && !step.past_the_line);
        assert_eq!(step.spec_before(), step.spec_after());
        assert_eq!((plan.summary.update, plan.summary.unchanged), (1, 0));
    }
}

#[test]
fn a_change_of_what_has_not_converged_says_so_and_a_target_leaves_it() {
    let draft = || {
        Draft::new()
            .has("solid.a", solid(1))
            .has("solid.b", solid(1))
            .sees("solid.a", unconverged(1))
    };
    let plan = draft()
        .wants("solid.a", solid(2))
        .wants("solid.b", solid(1))
        .plan();
    assert_eq!(plan.steps[0].operation, Operation::Update);
    assert_eq!(plan.steps[0].unconverged.map(|found| found.running), Some(3));
    let mut partial = draft().wants("solid.a", solid(1)).wants("solid.b", solid(1));
    partial.selection.target = vec!["solid.b".into()];
    assert!(partial.plan().is_empty());
}

#[test]
fn members_of_one_group_are_changed_one_after_the_other() {
    let grouped = |group: &str| json!({"group": group, "value": 1});
    let plan = Draft::new()
        .wants("solid.a", grouped("x"))
        .wants("solid.b", grouped("x"))
        .wants("solid.c", grouped("y"))
        .plan();
    assert!(waits_for(&plan, "create solid.b", "create solid.a"));
    assert!(find(&plan, "create solid.c").after_nodes.is_empty());
}

#[test]
fn restarts_and_changes_of_who_votes_are_made_one_after_the_other() {
    let grouped = |group: &str, value: u64| json!({"group": group, "value": value});
    let plan = Draft::new()
        .has("solid.a", grouped("restarts", 1))
        .has("solid.b", grouped("raft", 1))
        .has("solid.c", grouped("restarts", 1))
        .wants("solid.a", grouped("restarts", 2))
        .wants("solid.b", grouped("raft", 2))
        .wants("solid.c", grouped("restarts", 2))
        .wants("solid.d", grouped("raft", 1))
        .plan();
    let chained = [
        "update solid.a",
        "update solid.b",
        "update solid.c",
        "create solid.d",
    ];
    for pair in chained.windows(2) {
        assert!(waits_for(&plan, pair[1], pair[0]), "{pair:?}");
    }
}

fn sealed(change: impl FnOnce(&mut Plan)) -> Digest {
    let mut plan = Draft::new().wants("solid.a", solid(1)).plan();
    change(&mut plan);
    plan.sealed().expect("sealed")
}

fn bill() -> Bill {
    Bill {
        region: "us-east-1".into(),
        as_of: "2026-07-20".into(),
        own_prices: false,
        lines: Vec::new(),
        stopped: (0, 1),
        free_tier: None,
    }
}

#[test]
fn the_digest_covers_what_is_done_and_what_refuses_it_and_nothing_else() {
    let finding = |severity| Finding::new(severity, &planner::FOREIGN, "y");
    let as_planned = sealed(|_| {});
    assert_eq!(as_planned, Draft::new().wants("solid.a", solid(1)).plan().digest);
    assert_eq!(
        as_planned,
        sealed(|p| p.findings.push(finding(Severity::Warning)))
    );
    assert_eq!(as_planned, sealed(|p| p.findings.push(finding(Severity::Note))));
    assert_eq!(as_planned, sealed(|p| p.cost = Some(bill())));
    assert_eq!(
        as_planned,
        sealed(|p| p.rehearsal = Some(Rehearsal::not(Because::NotRead, "x")))
    );
    assert_eq!(as_planned, sealed(|p| p.written_by = "another version".into()));
    let other: [fn(&mut Plan); 12] = [
        |p| {
            p.findings
                .push(Finding::new(Severity::Error, &planner::FOREIGN, "y"))
        },
        |p| p.steps[0].generation = 1,
        |p| p.steps[0].operation = Operation::Forget,
        |p| p.steps[0].past_the_line = true,
        |p| p.steps[0].after = None,
        |p| p.steps.clear(),
        |p| p.components.manifest = Digest::of("x"),
        |p| p.components.state = Some(Digest::of("x")),
        |p| p.components.world = Digest::of("x"),
        |p| p.components.format = Digest::of("x"),
        |p| p.cluster = "another".into(),
        |p| p.selection.destroy = true,
    ];
    for (number, change) in other.into_iter().enumerate() {
        assert_ne!(as_planned, sealed(change), "change {number}");
    }
}

#[test]
fn each_component_moves_with_what_it_stands_for_alone() {
    let draft = || Draft::new().has("solid.a", solid(1)).wants("solid.a", solid(1));
    let still = draft().plan().components;
    let manifest = draft().wants("solid.b", solid(1)).plan().components;
    assert_ne!(still.manifest, manifest.manifest);
    assert_eq!((&still.state, &still.world), (&manifest.state, &manifest.world));
    let mut moved = draft();
    moved.base = Some(Digest::of("state"));
    let state = moved.plan().components;
    assert_eq!(state.state, Some(Digest::of("state")));
    assert_eq!((&still.manifest, &still.world), (&state.manifest, &state.world));
    let world = draft().sees_spec("solid.a", &solid(9)).plan().components;
    assert_ne!(still.world, world.world);
    assert_eq!((&still.manifest, &still.state), (&world.manifest, &world.state));
    assert_eq!(still.format, world.format);
}

#[test]
fn a_plan_is_read_as_it_was_written_and_a_newer_one_names_its_writer() {
    let plan = Draft::new()
        .has("soft.a", json!({"force": 0}))
        .wants("soft.a", json!({"force": 1}))
        .plan();
    let written = json_of(&serde_json::to_value(&plan).expect("json"));
    assert_eq!(Plan::read(&written).expect("read"), plan);
    let newer = json_of(&json!({"format_version": 3, "written_by": "9.8.7", "unknown": true}));
    let error = Plan::read(&newer).expect_err("newer").to_string();
    assert!(error.contains("subako 9.8.7 in plan format 3"), "{error}");
}

#[test]
fn what_can_be_had_back_is_removed_as_it_was_seen() {
    let (recorded, seen) = (json!({"value": 1}), json!({"value": 2}));
    let drifted = ["soft.a", "solid.b"]
        .into_iter()
        .fold(Draft::new(), |draft, name| {
            draft.has(name, recorded.clone()).sees_spec(name, &seen)
        });
    let plan = drifted.has("soft.c", recorded.clone()).plan();
    let before = |what| find(&plan, what).spec_before().cloned();
    assert_eq!(before("delete soft.a"), Some(json_of(&seen)));
    assert_eq!(before("delete soft.c"), Some(json_of(&recorded)));
    let record = |what| {
        find(&plan, what)
            .before
            .as_ref()
            .map(|record| record.spec.clone())
    };
    assert_eq!(record("delete soft.a"), Some(json_of(&recorded)));
    // A solid that was deleted cannot be had back: nothing but its record matters.
    assert_eq!(find(&plan, "delete solid.b").live, None);
}
