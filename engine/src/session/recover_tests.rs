//! Which steps a recovery is about, either way.

use serde_json::json;
use subako_state::{Journal, Json, Snapshot};

use super::*;
use crate::plan::Plan;
use crate::run::samples::statuses;
use crate::testing::Draft;

/// A settled run of that plan in which every step has that status.
fn settled(plan: &Plan, statuses: Vec<StepStatus>) -> Settled {
    let progress = RunStatus {
        steps: statuses,
        direction: Direction::Forward,
    };
    let entry = Entry::End {
        outcome: Outcome::Remains,
    };
    let journal = Json::sorted(&entry).expect("json");
    let sum = subako_state::Digest::of(journal.as_str()).hex()[..16].to_owned();
    let line = format!("{{\"sum\":\"{sum}\",\"entry\":{}}}\n", journal.as_str());
    let journal = Journal::parse(line.as_bytes(), "a journal")
        .expect("whole")
        .expect("an entry");
    Settled {
        found: vec![],
        unknown: vec![],
        kept: 0,
        of: plan.steps.len() as u32,
        unfinished: Unfinished {
            command: "apply".into(),
            done: 0,
            of: plan.steps.len() as u32,
            direction: Direction::Forward,
            in_flight: vec![],
            failed: vec![],
            run: "run".into(),
            serial: 0,
            lineage: "l".into(),
            plan: plan.clone(),
            progress: progress.clone(),
            journal,
        },
        settlement: Settlement {
            entries: vec![],
            progress,
            unresolved: vec![],
        },
    }
}

fn plan() -> Plan {
    Draft::new()
        .has("solid.old", json!({}))
        .wants("solid.new", json!({}))
        .plan()
}

#[test]
fn back_are_those_that_may_have_had_an_effect_last_first_and_forward_are_those_not_done() {
    let plan = plan();
    let names = |steps: Vec<&Step>| -> Vec<String> {
        steps.iter().map(|step| step.address.name().to_owned()).collect()
    };
    assert_eq!(names(plan.steps.iter().collect()), ["new", "old"]);
    for first in statuses() {
        for second in statuses() {
            let both = vec![first.clone(), second.clone()];
            let settled = settled(&plan, both.clone());
            let with = |wanted: fn(&StepStatus) -> bool| -> Vec<String> {
                let names = ["new", "old"].iter().zip(&both);
                names
                    .filter(|(_, status)| wanted(status))
                    .map(|(name, _)| (*name).to_owned())
                    .collect()
            };
            let mut back = with(StepStatus::may_have_effect);
            back.reverse();
            assert_eq!(names(settled.steps(Direction::Back)), back, "{both:?}");
            let forward = with(|status| !matches!(status, StepStatus::Done { .. }));
            assert_eq!(names(settled.steps(Direction::Forward)), forward, "{both:?}");
            assert_eq!(names(settled.steps(Direction::Keep)), forward, "{both:?}");
        }
    }
}

#[test]
fn what_keeps_a_run_from_going_back_is_named_and_nothing_else() {
    let plan = plan();
    let past: Vec<bool> = plan.steps.iter().map(|step| step.past_the_line).collect();
    assert_eq!(past, [false, true], "a solid cannot be had back");
    for status in statuses() {
        let settled = settled(&plan, vec![status.clone(), status.clone()]);
        let named = crossed(&settled.unfinished, &settled.settlement.progress);
        let wanted: &[&str] = if status.may_have_effect() {
            &["solid.old"]
        } else {
            &[]
        };
        let named: Vec<&str> = named.iter().map(Address::as_str).collect();
        assert_eq!(named, wanted, "{status:?}");
        let unresolved = matches!(
            status,
            StepStatus::Failed {
                effect: Effect::Unresolved,
                ..
            }
        );
        assert_eq!(is_unknown(&status), unresolved, "{status:?}");
    }
}

#[test]
fn a_snapshot_has_the_digest_that_its_file_will_have() {
    let snapshot = Snapshot::empty("l".into(), "c".into(), "sim".into());
    let (_, digest) = subako_state::render(&snapshot).expect("rendered");
    assert_eq!(digest_of(&snapshot), Some(digest));
}
