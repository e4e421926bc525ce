//! The properties.

use std::fmt::Write as _;

use proptest::prelude::*;
use subako_engine::plan::Plan;
use subako_state::Outcome;

use crate::harness::{Disturbance, Harness, Recovered, Wanted, Way};
use crate::toy::Fault;

/// Up to `most` toys, each needing some of those before it.
fn toys(most: usize) -> impl Strategy<Value = Vec<Wanted>> {
    let one = (0..3usize, 0..3u64, 0..2u64, any::<u32>());
    proptest::collection::vec(one, 1..most).prop_map(|raw| {
        let mut wanted: Vec<Wanted> = Vec::new();
        for (index, (kind, value, force, picks)) in raw.into_iter().enumerate() {
            let kind = ["solid", "soft", "guest"][kind];
            let mut needs: Vec<(&'static str, String)> = wanted
                .iter()
                .enumerate()
                // What needs a guest would have to vanish with it: no kind here does.
                .filter(|(other, w)| w.kind != "guest" && picks >> (other % 31) & 1 == 1)
                .map(|(_, w)| (w.kind, w.name.clone()))
                .collect();
            let kind = if kind == "guest" && !needs.iter().any(|(kind, _)| *kind == "solid") {
                "solid"
            } else {
                kind
            };
            if kind == "guest" {
                // One host only: a guest of two would vanish with either.
                let mut solids = 0;
                needs.retain(|(kind, _)| *kind != "solid" || std::mem::replace(&mut solids, 1) == 0);
            }
            wanted.push(Wanted {
                kind,
                name: format!("t{index}"),
                value,
                force,
                needs,
            });
        }
        wanted
    })
}

/// What is wanted next: some gone, some changed, some new.
fn changed(before: Vec<Wanted>, edits: &[(u8, u64)], more: Vec<Wanted>) -> Vec<Wanted> {
    let mut gone: Vec<(&str, String)> = Vec::new();
    let mut after = Vec::new();
    for (index, mut wanted) in before.into_iter().enumerate() {
        let (edit, value) = edits[index % edits.len()];
        wanted
            .needs
            .retain(|need| !gone.iter().any(|(kind, name)| *kind == need.0 && *name == need.1));
        let hostless = wanted.kind == "guest" && !wanted.needs.iter().any(|(kind, _)| *kind == "solid");
        match edit % 5 {
            0 => {
                gone.push((wanted.kind, wanted.name));
                continue;
            }
            _ if hostless => {
                gone.push((wanted.kind, wanted.name));
                continue;
            }
            1 => wanted.value = value,
            2 => wanted.force += 1,
            _ => {}
        }
        after.push(wanted);
    }
    for mut wanted in more {
        wanted.name = format!("n{}", wanted.name);
        for need in &mut wanted.needs {
            need.1 = format!("n{}", need.1);
        }
        after.push(wanted);
    }
    after
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Certain),
        Just(Fault::TimeoutBefore),
        Just(Fault::TimeoutAfter)
    ]
}

fn virtual_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

/// Everything about a run, for the message of a failed property.
fn story(harness: &Harness, plan: &Plan) -> String {
    let mut story = String::new();
    for (number, step) in plan.steps.iter().enumerate() {
        let line = if step.past_the_line { ", past the line" } else { "" };
        let _ = writeln!(
            story,
            "{number}: {} {} after {:?}{line}",
            step.action(),
            step.address,
            step.after_nodes
        );
    }
    for line in harness.journal().lines().skip(1) {
        let _ = writeln!(story, "{line}");
    }
    let _ = writeln!(story, "{:#?}", harness.toys.picture());
    story
}

async fn settled(before: &[Wanted]) -> Harness {
    let mut harness = Harness::new();
    let plan = harness.plan(before);
    let finished = harness.run(&plan, Disturbance::default()).await;
    assert_eq!(finished.outcome, Outcome::Applied, "{:?}", finished.failures);
    harness
}

/// The world and the records that a plan leads to when nothing goes wrong.
async fn undisturbed(before: &[Wanted], after: &[Wanted]) -> Harness {
    let mut harness = settled(before).await;
    let plan = harness.plan(after);
    let finished = harness.run(&plan, Disturbance::default()).await;
    assert_eq!(finished.outcome, Outcome::Applied, "{:?}", finished.failures);
    assert!(
        harness.plan(after).is_empty(),
        "the next plan has steps: {:#?}",
        harness.plan(after).steps
    );
    harness
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_change_is_made_in_an_order_that_the_world_accepts(
        before in toys(10), edits in proptest::collection::vec((any::<u8>(), 0..9u64), 10), more in toys(4),
    ) {
        let after = changed(before.clone(), &edits, more);
        virtual_time().block_on(async { undisturbed(&before, &after).await; });
    }

    #[test]
    fn a_failure_leads_to_exactly_before_or_says_what_remains(
        before in toys(8), edits in proptest::collection::vec((any::<u8>(), 0..9u64), 8), more in toys(4),
        nth in 1..16u32, fault in fault(), second in proptest::option::of((1..6u32, fault())),
    ) {
        let after = changed(before.clone(), &edits, more);
        virtual_time().block_on(async {
            let wished = undisturbed(&before, &after).await;
            let mut harness = settled(&before).await;
            let (world, records) = (harness.toys.picture(), harness.records());
            let plan = harness.plan(&after);
            {
                let mut state = harness.toys.state();
                let at = state.calls + nth;
                state.faults.insert(at, fault);
                if let Some((later, fault)) = second {
                    state.faults.insert(at + later, fault);
                }
            }
            let finished = harness.run(&plan, Disturbance::default()).await;
            match finished.outcome {
                Outcome::Applied => assert_eq!(harness.toys.picture(), wished.toys.picture()),
                Outcome::RolledBack => {
                    assert_eq!(harness.toys.picture(), world, "the world after a rollback");
                    assert_eq!(harness.records(), records, "the records after a rollback");
                }
                Outcome::Remains => {
                    assert!(!finished.remains.is_empty(), "something remains, and nothing is named");
                    harness.toys.state().faults.clear();
                    match harness.recover(&plan, Way::Forward).await {
                        Recovered::Ran(finished) => {
                            assert_eq!(finished.outcome, Outcome::Applied, "{:?}", finished.failures);
                        }
                        other => panic!("recover --forward: {other:?}"),
                    }
                    assert_eq!(harness.toys.picture(), wished.toys.picture(), "the world after recover --forward");
                    assert_eq!(harness.records(), wished.records(), "the records after recover --forward");
                }
            }
        });
    }

    #[test]
    fn a_run_cut_anywhere_is_recovered_to_exactly_before_or_after(
        before in toys(8), edits in proptest::collection::vec((any::<u8>(), 0..9u64), 8), more in toys(4),
        cut in 1..40u64, nth in proptest::option::of((1..16u32, fault())),
        way in prop_oneof![Just(Way::Back), Just(Way::Forward), Just(Way::Keep)],
    ) {
        let after = changed(before.clone(), &edits, more);
        virtual_time().block_on(async {
            let wished = undisturbed(&before, &after).await;
            let mut harness = settled(&before).await;
            let (world, records) = (harness.toys.picture(), harness.records());
            let plan = harness.plan(&after);
            if let Some((nth, fault)) = nth {
                let mut state = harness.toys.state();
                let at = state.calls + nth;
                state.faults.insert(at, fault);
            }
            let finished = harness.run(&plan, Disturbance { cut_after: Some(cut) }).await;
            harness.toys.state().faults.clear();
            if !finished.cut {
                return;
            }
            match harness.recover(&plan, way).await {
                Recovered::NothingBegun => assert_eq!(harness.toys.picture(), world),
                Recovered::Stuck => panic!("everything can be read, and it is stuck"),
                Recovered::PastTheLine => {
                    let Recovered::Ran(finished) = harness.recover(&plan, Way::Forward).await else {
                        panic!("past the line there is a way forward");
                    };
                    assert_eq!(finished.outcome, Outcome::Applied, "{:?}", finished.failures);
                    assert_eq!(harness.toys.picture(), wished.toys.picture());
                    assert_eq!(harness.records(), wished.records());
                }
                Recovered::Ran(finished) if way == Way::Back => {
                    assert_eq!(finished.outcome, Outcome::RolledBack, "{}", story(&harness, &plan));
                    assert_eq!(harness.toys.picture(), world, "the world after recover --back");
                    assert_eq!(harness.records(), records, "the records after recover --back");
                }
                Recovered::Ran(finished) => {
                    assert_eq!(finished.outcome, Outcome::Applied, "{:?}", finished.failures);
                    assert_eq!(harness.toys.picture(), wished.toys.picture(), "the world after recover --forward");
                    assert_eq!(harness.records(), wished.records(), "the records after recover --forward");
                }
                Recovered::Kept => {
                    // As the next `apply` does: plan again from the actual state, and finish.
                    let plan = harness.plan(&after);
                    let finished = harness.run(&plan, Disturbance::default()).await;
                    assert_eq!(finished.outcome, Outcome::Applied, "{:?}", finished.failures);
                    assert!(harness.plan(&after).is_empty());
                    let without_ids = |picture: Vec<(String, u64, u64, Vec<String>)>| picture.len();
                    assert_eq!(without_ids(harness.toys.picture()), without_ids(wished.toys.picture()));
                    assert_eq!(harness.records().len(), wished.records().len());
                }
            }
        });
    }
}

#[test]
fn what_cannot_be_read_is_said_to_be_stuck_and_settled_later() {
    let solid = |name: &str| Wanted {
        kind: "solid",
        name: name.into(),
        value: 0,
        force: 0,
        needs: vec![],
    };
    virtual_time().block_on(async {
        let mut harness = Harness::new();
        let wanted = [solid("a")];
        let plan = harness.plan(&wanted);
        {
            let mut state = harness.toys.state();
            state.faults.insert(1, Fault::TimeoutAfter);
            state.blind = true;
        }
        let finished = harness.run(&plan, Disturbance::default()).await;
        assert_eq!(finished.outcome, Outcome::Remains);
        assert!(matches!(harness.recover(&plan, Way::Back).await, Recovered::Stuck));
        harness.toys.state().blind = false;
        assert!(matches!(harness.recover(&plan, Way::Back).await, Recovered::Ran(f) if f.outcome == Outcome::RolledBack));
        assert!(harness.toys.picture().is_empty(), "the orphan is gone");
    });
}

/// How many random cases each property is tried on; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(192)
}
