//! What goes wrong while the program runs: faults, kills, machines lost in between, and what is
//! done about it.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use subako_providers::sim::{FaultEffect, FaultRule};
use subako_world::calls;

use super::cluster::Cluster;
use super::drift::Drift;
use super::family::Families;
use super::generate::{chance, pick};

/// A call that fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    pub call: String,
    pub nth: u32,
    pub times: u32,
    /// The code that it fails with; `None` for no answer.
    pub code: Option<String>,
    /// Where it is not answered: whether it has its effect.
    pub applied: bool,
}

/// When the program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kill {
    /// Before the effect of its nth call.
    Before(u64),
    /// After the effect of its nth call.
    After(u64),
    /// When its nth journal entry is durable.
    Entry(u64),
    /// Before its nth write to the store.
    BeforeWrite(u64),
    /// After its nth write to the store.
    AfterWrite(u64),
}

/// What somebody runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    Apply,
    Forward,
    Back,
    Destroy,
    Park,
    Resume,
    Rebalance,
}

/// One run of the program, with what befalls it; before it, what happened to machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub lost: Vec<Drift>,
    pub verb: Verb,
    pub faults: Vec<Fault>,
    pub kill: Option<Kill>,
}

impl Fault {
    /// As the simulator takes it.
    pub fn rule(&self) -> FaultRule {
        FaultRule {
            call: self.call.clone(),
            nth: self.nth,
            times: self.times,
            effect: match (&self.code, self.applied) {
                (Some(code), _) => FaultEffect::Error(code.clone()),
                (None, true) => FaultEffect::TimeoutAfterEffect,
                (None, false) => FaultEffect::TimeoutBeforeEffect,
            },
        }
    }
}

/// The run that makes the edits, and what comes after it.
pub fn attempts(rng: &mut Rng, families: &Families, cluster: &Cluster) -> Vec<Attempt> {
    let mut attempts = vec![attempt(rng, Verb::Apply, 60, 70)];
    let verbs = [Verb::Apply, Verb::Apply, Verb::Forward, Verb::Back, Verb::Destroy];
    let verb = *pick(rng, &verbs);
    let mut second = attempt(rng, verb, 15, 30);
    if chance(rng, 30) {
        second.lost.extend(loss(rng, cluster));
    }
    attempts.push(second);
    if chance(rng, 30) {
        let verb = *pick(rng, &verbs);
        attempts.push(attempt(rng, verb, 0, 0));
    }
    // Drawn last, so that a seed's other runs are what they are without them.
    if families.has("parking") && chance(rng, 40) {
        attempts.push(attempt(rng, Verb::Park, 30, 60));
        if chance(rng, 60) {
            let verb = *pick(
                rng,
                &[Verb::Park, Verb::Resume, Verb::Forward, Verb::Back, Verb::Apply],
            );
            attempts.push(attempt(rng, verb, 30, 60));
        }
        if chance(rng, 30) {
            attempts.push(attempt(rng, Verb::Rebalance, 30, 60));
        }
    }
    for attempt in &mut attempts {
        if !families.has("losses") {
            attempt.lost.clear();
        }
        if !families.has("faults") {
            attempt.faults.clear();
        }
        if !families.has("kills") {
            attempt.kill = None;
        }
    }
    attempts
}

fn attempt(rng: &mut Rng, verb: Verb, faulty: u32, killed: u32) -> Attempt {
    Attempt {
        lost: Vec::new(),
        verb,
        faults: if chance(rng, faulty) {
            vec![fault(rng)]
        } else {
            Vec::new()
        },
        kill: chance(rng, killed).then(|| {
            let most = *pick(rng, &[20, 60, 200]);
            let number = rng.u64(1..=most);
            match rng.u32(0..5) {
                0 => Kill::Before(number),
                1 => Kill::After(number),
                2 => Kill::Entry(number.div_ceil(2)),
                3 => Kill::BeforeWrite(number.div_ceil(2)),
                _ => Kill::AfterWrite(number.div_ceil(2)),
            }
        }),
    }
}

fn fault(rng: &mut Rng) -> Fault {
    let call = match chance(rng, 20) {
        true => "*",
        false => *pick(rng, &calls::MUTATING),
    };
    let codes = ["InternalError", "RequestLimitExceeded", "UnauthorizedOperation"];
    Fault {
        call: call.to_owned(),
        nth: rng.u32(1..=if call == "*" { 40 } else { 4 }),
        times: *pick(rng, &[1, 1, 1, 3]),
        code: chance(rng, 50).then(|| (*pick(rng, &codes)).to_owned()),
        applied: chance(rng, 50),
    }
}

/// A machine that can be spared: any worker, or one of three managers.
fn loss(rng: &mut Rng, cluster: &Cluster) -> Option<Drift> {
    let spare = cluster.managers() >= 3;
    let of = |pool: &super::cluster::Pool| -> Vec<String> {
        (0..pool.count)
            .map(|index| format!("{}-{index}", pool.name))
            .collect()
    };
    let machines: Vec<String> = cluster
        .pools
        .iter()
        .filter(|pool| spare || !pool.manager)
        .flat_map(of)
        .collect();
    let instance = rng.choice(&machines)?.clone();
    Some(match rng.u32(0..3) {
        0 => Drift::Stop { instance },
        1 => Drift::Kill { instance },
        _ => Drift::Terminate { instance },
    })
}
