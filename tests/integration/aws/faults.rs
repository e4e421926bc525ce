//! Every call of an apply and of a destroy broken in every way, through the whole program: done,
//! or undone, or what remains is finished by the next command. No orphan, no duplicate.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::bench::Bench;
use super::like_ec2::{LAG, small};
use super::proxy::Fault;
use super::strict::Strict;
use crate::support::Ran;

/// How many cases run at a time: those that keep moto busy, and those that wait for deadlines.
const BUSY: usize = 6;
const WAITING: usize = 30;

/// The ways in which a call is broken: a name, how many times in a row, how.
fn ways(action: &str) -> Vec<(&'static str, u32, Fault)> {
    let garbage = || "\u{1}this is no answer<<".to_owned();
    let (throttled, denied) = match action {
        "GetCallerIdentity" => (
            Fault::identity_error(400, "Throttling", "Rate exceeded."),
            Fault::identity_error(403, "AccessDenied", "No."),
        ),
        _ => (
            Fault::throttled(),
            Fault::error(403, "UnauthorizedOperation", "You are not authorized."),
        ),
    };
    vec![
        ("503 once", 1, Fault::unavailable()),
        ("throttled ten times", 10, throttled),
        ("reset before", 1, Fault::ResetBefore),
        ("reset after the effect", 1, Fault::ResetAfter),
        ("refused", 1, denied),
        ("garbage instead", 1, Fault::Answer(200, garbage())),
        ("garbage after the effect", 1, Fault::AnswerAfter(200, garbage())),
        ("no answer", 1, Fault::SilenceBefore),
        ("no answer after the effect", 1, Fault::SilenceAfter),
    ]
}

/// A call, which one of its kind, and the way it is broken, by number.
type Case = (String, u32, usize);

/// Whether a case consists of waiting.
fn silent((action, _, way): &Case) -> bool {
    ways(action)[*way].0.starts_with("no answer")
}

/// Every call that an undisturbed run made, in every way.
fn cases(bench: &Bench) -> Vec<Case> {
    let mut cases = Vec::new();
    for (action, count) in bench.proxy.counts() {
        for nth in 1..=count {
            for way in 0..ways(&action).len() {
                cases.push((action.clone(), nth, way));
            }
        }
    }
    cases
}

/// Works off all cases, several at a time; every complaint counts, and of the faults so many have to be met.
fn all(cases: Vec<Case>, least_met: f64, one: impl Fn(&Case) -> Result<bool, String> + Sync) {
    let total = cases.len();
    let (waiting, busy): (VecDeque<Case>, _) = cases.into_iter().partition(silent);
    let (waiting, busy) = (Mutex::new(waiting), Mutex::new(busy));
    let met = Mutex::new(0);
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..BUSY + WAITING {
            let cases = if worker < BUSY { &busy } else { &waiting };
            let (one, met, complaints) = (&one, &met, &complaints);
            scope.spawn(move || {
                loop {
                    let case = cases.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(case) = case else { break };
                    match one(&case) {
                        Ok(hit) => *met.lock().unwrap_or_else(PoisonError::into_inner) += u32::from(hit),
                        Err(said) => {
                            // A long test says at once what it found.
                            #[expect(clippy::print_stderr, reason = "a test's own words")]
                            {
                                eprintln!("{said}");
                            }
                            complaints
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push(said);
                        }
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(
        complaints.is_empty(),
        "{} of {total}:\n{}",
        complaints.len(),
        complaints.join("\n\n")
    );
    let met = met.into_inner().unwrap_or_else(PoisonError::into_inner);
    // How often a state is looked at depends on the pace, so that a late look may not happen.
    assert!(
        f64::from(met) >= total as f64 * least_met,
        "only {met} of {total} faults were met"
    );
}

/// Breaks a call; what is said of it is the case's name.
fn break_call(bench: &Bench, (action, nth, way): &Case) -> String {
    let (name, times, fault) = ways(action).swap_remove(*way);
    bench.proxy.fault(action, *nth, times, fault);
    format!("{action} number {nth}, {name}")
}

fn met(bench: &Bench, (action, nth, _): &Case) -> bool {
    bench.proxy.counts().get(action).is_some_and(|count| count >= nth)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T, ran: &Ran) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{what}: {found:?} instead of {wanted:?}: {}", ran.said())),
    }
}

/// The EC2 that the cases run against.
#[derive(Debug, Clone, Copy)]
enum Ec2 {
    /// As moto is.
    Moto,
    /// As strict as the real one, in everything at once.
    Strict,
}

impl Ec2 {
    /// A small cluster of it; `None` skips the test.
    fn small(self) -> Option<Bench> {
        match self {
            Self::Moto => Bench::small(),
            Self::Strict => small(Strict::all(LAG)),
        }
    }
}

/// `all` tries every case in the strict EC2, not some of them.
const STRICT_CASES: &str = "SUBAKO_STRICT_CASES";

/// So many of the cases, from one end to the other; all where that is asked for.
fn some(cases: Vec<Case>, number: usize) -> Vec<Case> {
    let every = std::env::var(STRICT_CASES).is_ok_and(|wanted| wanted == "all");
    let step = if every { 1 } else { cases.len() / number };
    cases.into_iter().step_by(step.max(1)).collect()
}

fn broken_apply(ec2: Ec2, case: &Case) -> Result<bool, String> {
    let bench = ec2.small().expect("moto");
    let place = break_call(&bench, case);
    let ran = bench.apply();
    let met = met(&bench, case);
    let judged = judge_apply(&bench, &ran);
    judged.map(|()| met).map_err(|error| format!("{place}: {error}"))
}

fn judge_apply(bench: &Bench, ran: &Ran) -> Result<(), String> {
    let moto = super::bench::moto().expect("moto");
    let calm = bench.behind_another_proxy(&moto);
    match ran.code {
        Some(0) => {}
        // Refused before anything was made, or everything undone: EC2 is as it was.
        Some(1 | 3) => {
            same("left in EC2", calm.census(), [0; 4], ran)?;
            same("left in the state", calm.resources().len(), 0, ran)?;
        }
        Some(4) => {
            let way = calm.run(&["recover", "--forward", "--yes"]);
            same("recover", way.code, Some(0), &way)?;
        }
        code => return Err(format!("exit {code:?}: {}", ran.said())),
    }
    let run_before = calm.ever_run().len();
    if ran.code != Some(0) {
        // In the EC2 that it failed in: one that is not strict has no way to the internet.
        let undisturbed = bench.behind_another_proxy(&moto);
        undisturbed.proxy.share_strictness(&bench.proxy);
        let again = undisturbed.apply();
        same("the next apply", again.code, Some(0), &again)?;
    } else {
        same("instances ever run", run_before, 2, ran)?;
    }
    same("in EC2", calm.census(), [2, 1, 1, 2], ran)?;
    let plan = calm.run(&super::bench::PLAN);
    same("the next plan", plan.code, Some(0), &plan)
}

#[test]
fn every_call_of_an_apply_may_break_in_every_way() {
    let Some(bench) = Bench::small() else { return };
    bench.apply().expect(0);
    let cases = cases(&bench);
    assert!(cases.len() >= 9 * 14, "only {} cases", cases.len());
    all(cases, 0.9, |case| broken_apply(Ec2::Moto, case));
}

#[test]
fn calls_of_an_apply_may_break_in_a_strict_ec2() {
    let Some(bench) = Ec2::Strict.small() else { return };
    bench.apply().expect(0);
    // How many reads there are depends on what is shown when.
    all(some(cases(&bench), 9), 0.5, |case| {
        broken_apply(Ec2::Strict, case)
    });
}

fn broken_destroy(ec2: Ec2, case: &Case) -> Result<bool, String> {
    let moto = super::bench::moto().expect("moto");
    let bench = ec2.small().expect("moto");
    let made = bench.apply();
    same("the apply before", made.code, Some(0), &made)?;
    let broken = bench.behind_another_proxy(&moto);
    broken.proxy.share_strictness(&bench.proxy);
    let place = break_call(&broken, case);
    let ran = broken.run(&["destroy", "--yes"]);
    let met = met(&broken, case);
    let judge = || {
        if ran.code != Some(0) {
            same(
                "an exit code of the table",
                matches!(ran.code, Some(1 | 3 | 4)),
                true,
                &ran,
            )?;
            let again = bench.run(&["destroy", "--yes"]);
            same("the next destroy", again.code, Some(0), &again)?;
        }
        same("left in EC2", bench.census(), [0; 4], &ran)?;
        same("left in the state", bench.resources().len(), 0, &ran)
    };
    judge()
        .map(|()| met)
        .map_err(|error: String| format!("{place}: {error}"))
}

#[test]
fn every_call_of_a_destroy_may_break_in_every_way() {
    let Some(bench) = Bench::small() else { return };
    all(destroy_cases(&bench), 0.9, |case| broken_destroy(Ec2::Moto, case));
}

#[test]
fn calls_of_a_destroy_may_break_in_a_strict_ec2() {
    let Some(bench) = Ec2::Strict.small() else { return };
    let cases = some(destroy_cases(&bench), 6);
    all(cases, 0.5, |case| broken_destroy(Ec2::Strict, case));
}

/// Every call of an undisturbed destroy, in every way.
fn destroy_cases(bench: &Bench) -> Vec<Case> {
    bench.apply().expect(0);
    let moto = super::bench::moto().expect("moto");
    let calm = bench.behind_another_proxy(&moto);
    calm.proxy.share_strictness(&bench.proxy);
    calm.run(&["destroy", "--yes"]).expect(0);
    let mut cases = cases(&calm);
    // What only reads is broken in an apply already: here each kind of it once.
    cases.retain(|(action, nth, _)| *nth == 1 || !action.starts_with("Describe"));
    cases
}
