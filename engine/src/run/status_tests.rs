//! The whole table of what may follow what, and what is known then.

use serde_json::json;

use super::*;
use crate::run::samples::{outputs, statuses};
use crate::testing::json_of;

fn found() -> Json {
    json_of(&json!({"id": "found"}))
}

/// Every entry about step 0.
fn entries() -> Vec<Entry> {
    let mut all = vec![
        Entry::Intent {
            step: 0,
            token: "new".into(),
        },
        Entry::Done {
            step: 0,
            outputs: found(),
        },
        Entry::UndoIntent {
            step: 0,
            token: "back".into(),
        },
        Entry::Undone {
            step: 0,
            outputs: found(),
        },
        Entry::UndoFailed {
            step: 0,
            why: "stuck".into(),
        },
    ];
    for effect in [Effect::None, Effect::Applied, Effect::Unresolved] {
        for outputs in [None, Some(found())] {
            all.push(Entry::Failed {
                step: 0,
                effect,
                outputs,
                why: "broke".into(),
                output: Vec::new(),
            });
        }
    }
    all
}

fn name(status: &StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "pending",
        StepStatus::Intended { .. } => "intended",
        StepStatus::Done { .. } => "done",
        StepStatus::Failed { .. } => "failed",
        StepStatus::UndoIntended { .. } => "undo intended",
        StepStatus::Undone { .. } => "undone",
        StepStatus::UndoFailed { .. } => "undo failed",
    }
}

/// What each entry may follow.
fn may_follow(entry: &Entry) -> &'static [&'static str] {
    match entry {
        Entry::Intent { .. } | Entry::Done { .. } => {
            &["pending", "intended", "failed", "undone", "undo failed"]
        }
        Entry::Failed { .. } => &["intended", "failed"],
        Entry::UndoIntent { .. } | Entry::Undone { .. } => {
            &["done", "failed", "undo intended", "undo failed"]
        }
        Entry::UndoFailed { .. } => &["undo intended", "undo failed"],
        Entry::Begin { .. } | Entry::Turn { .. } | Entry::End { .. } => unreachable!("of no step"),
    }
}

/// What is known after an entry that may follow.
fn becomes(before: &StepStatus, entry: &Entry) -> StepStatus {
    let token = if name(before) == "pending" { "" } else { "t" }.to_owned();
    let left = before.outputs().cloned();
    match entry.clone() {
        Entry::Intent { token, .. } => StepStatus::Intended { token },
        Entry::Done { outputs, .. } => StepStatus::Done { token, outputs },
        Entry::Failed {
            effect, outputs, why, ..
        } => StepStatus::Failed {
            token,
            effect,
            outputs,
            why,
        },
        Entry::UndoIntent {
            token: undo_token, ..
        } => StepStatus::UndoIntended {
            token,
            undo_token,
            outputs: left,
        },
        Entry::Undone { outputs, .. } => StepStatus::Undone { token, outputs },
        Entry::UndoFailed { why, .. } => StepStatus::UndoFailed {
            token,
            outputs: left,
            why,
        },
        Entry::Begin { .. } | Entry::Turn { .. } | Entry::End { .. } => unreachable!("of no step"),
    }
}

#[test]
fn every_entry_follows_what_it_may_follow_and_nothing_else() {
    for before in statuses() {
        for entry in entries() {
            let mut run = RunStatus {
                steps: vec![before.clone()],
                direction: Direction::Forward,
            };
            let recorded = run.record(&entry);
            if may_follow(&entry).contains(&name(&before)) {
                assert_eq!(recorded, Ok(()), "{entry:?} after {before:?}");
                assert_eq!(
                    run.steps,
                    [becomes(&before, &entry)],
                    "{entry:?} after {before:?}"
                );
            } else {
                let impossible = recorded.expect_err("it cannot follow");
                assert_eq!(impossible.step, 0);
                assert_eq!(
                    run.steps,
                    std::slice::from_ref(&before),
                    "an entry that cannot follow changes nothing"
                );
            }
        }
    }
}

#[test]
fn what_may_be_in_the_world_and_what_is_known_of_it() {
    for status in statuses() {
        let (effect, known, token) = match &status {
            StepStatus::Pending => (false, None, ""),
            StepStatus::Intended { .. } => (true, None, "t"),
            StepStatus::Done { .. } => (true, Some(outputs()), "t"),
            StepStatus::Failed { effect, outputs, .. } => (*effect != Effect::None, outputs.clone(), "t"),
            StepStatus::UndoIntended { outputs, .. } | StepStatus::UndoFailed { outputs, .. } => {
                (true, outputs.clone(), "t")
            }
            // What undoing answered is not in the world any more.
            StepStatus::Undone { .. } => (false, None, "t"),
        };
        assert_eq!(status.may_have_effect(), effect, "{status:?}");
        assert_eq!(status.outputs(), known.as_ref(), "{status:?}");
        assert_eq!(status.token(), token, "{status:?}");
    }
}

#[test]
fn a_journal_is_replayed_step_by_step_and_turns_where_it_says() {
    let intent = |step| Entry::Intent {
        step,
        token: "t".into(),
    };
    let turn = |direction| Entry::Turn {
        direction,
        why: "x".into(),
    };
    let end = Entry::End {
        outcome: subako_state::Outcome::Remains,
    };
    let run = RunStatus::replay(2, &[intent(1), turn(Direction::Back), end.clone()]).expect("possible");
    assert_eq!(run.direction, Direction::Back);
    assert_eq!(
        run.steps.iter().map(name).collect::<Vec<_>>(),
        ["pending", "intended"]
    );
    let run = RunStatus::replay(0, &[turn(Direction::Back), turn(Direction::Keep), end]).expect("possible");
    assert_eq!(run.direction, Direction::Keep);
    assert!(run.steps.is_empty());
    assert_eq!(RunStatus::replay(1, &[]).expect("possible"), RunStatus::new(1));
}

#[test]
fn an_entry_of_a_step_that_the_plan_does_not_have_is_impossible() {
    let entry = Entry::Intent {
        step: 1,
        token: "t".into(),
    };
    let impossible = RunStatus::replay(1, &[entry]).expect_err("there is one step");
    assert_eq!(impossible.step, 1);
    assert!(
        impossible.to_string().contains("a plan that has no such step"),
        "{impossible}"
    );
}
