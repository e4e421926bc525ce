//! What is said of the quorum, by what happens to which managers.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use subako_state::Snapshot;

use super::*;
use crate::check::testing::Bare;
use crate::plan::{Change, Record, Selection};
use crate::refresh::{Managers, Standing};
use crate::testing::json_of;

/// What a step does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Does {
    /// A manager more.
    Join(u8),
    /// One leaves.
    Leave(u8),
    /// One becomes a worker.
    Demote(u8),
    /// A worker becomes one.
    Promote(u8),
    /// Its machine is restarted in place.
    Restart(u8),
    /// Its machine, which was found stopped, is started.
    Start(u8),
}

fn name(number: u8) -> String {
    format!("m-{number}")
}

pub(super) fn record(spec: &Value) -> Option<Record> {
    Some(Record {
        spec: json_of(spec),
        outputs: None,
        depends_on: vec![],
        made_with: BTreeMap::new(),
        protect: false,
        deposed: false,
    })
}

pub(super) fn member(role: &str) -> Value {
    json!({
        "availability": "active", "instance": "i-1", "labels": {}, "role": role, "swarm": "s-1"
    })
}

pub(super) fn docker(version: &str) -> Value {
    json!({"instance": "i-1", "running": true, "version": version})
}

impl Does {
    pub(super) fn step(self) -> Step {
        let (kind, number, operation, before, after) = match self {
            Self::Join(n) => ("member", n, Operation::Create, None, Some(member("manager"))),
            Self::Leave(n) => ("member", n, Operation::Delete, Some(member("manager")), None),
            Self::Demote(n) => (
                "member",
                n,
                Operation::Update,
                Some(member("manager")),
                Some(member("worker")),
            ),
            Self::Promote(n) => (
                "member",
                n,
                Operation::Update,
                Some(member("worker")),
                Some(member("manager")),
            ),
            Self::Restart(n) => (
                "docker",
                n,
                Operation::Update,
                Some(docker("1")),
                Some(docker("2")),
            ),
            Self::Start(n) => (
                "docker",
                n,
                Operation::Update,
                Some(docker("1")),
                Some(docker("1")),
            ),
        };
        let side = |spec: Option<Value>| spec.as_ref().and_then(record);
        let address = Address::new(kind, &name(number));
        let mut step = Step::new(address, 0, operation, side(before), side(after));
        if matches!(self, Self::Start(_)) {
            step.changes = vec![Change {
                path: "running".into(),
                before: crate::value::Value::Known(json!(false)),
                after: crate::value::Value::Known(json!(true)),
                forces_replacement: None,
                cost: None,
            }];
        }
        step
    }
}

/// What is said of a swarm whose managers are `alive` and `dead`, to which this happens.
fn said(alive: &[u8], dead: &[u8], does: &[Does]) -> Vec<Finding> {
    let of = |numbers: &[u8], standing: Standing| {
        let named = numbers.iter().map(move |number| (name(*number), standing));
        named.collect::<Vec<_>>()
    };
    let mut managers = Managers {
        nodes: BTreeMap::new(),
        voters: of(alive, Standing::Alive)
            .into_iter()
            .chain(of(dead, Standing::Stopped))
            .collect(),
        answered: true,
    };
    managers.answered = managers.alive() >= managers.quorum();
    let mut draft = crate::testing::Draft::new().plan();
    draft.steps = does.iter().map(|does| does.step()).collect();
    draft.selection = Selection::default();
    let mut snapshot = Snapshot::empty("lineage".into(), "sandbox".into(), "sim".into());
    snapshot
        .resources
        .push(crate::testing::resource("swarm.sandbox", &json!({})));
    look(&Bare::new().checked(&draft, &snapshot, Some(&managers)))
}

/// Managers that live, those that are dead, what happens, and what is said: severity and words.
type Row = (
    &'static [u8],
    &'static [u8],
    &'static [Does],
    &'static [(Severity, &'static str)],
);

#[test]
fn what_is_said_of_the_quorum() {
    use Does::{Demote, Join, Leave, Promote, Restart, Start};
    use Severity::{Error, Note, Warning};
    let table: &[Row] = &[
        (&[0, 1, 2], &[], &[], &[]),
        (
            &[0, 1, 2],
            &[],
            &[Join(3), Leave(0)],
            &[(
                Note,
                "managers 3 → 4 → 3: failures tolerated 1 before, never below 1 on the way, 1 after",
            )],
        ),
        (
            &[0, 1, 2],
            &[],
            &[Leave(0), Join(3)],
            &[(
                Warning,
                "managers 3 → 2 → 3: failures tolerated go from 1 to 0 on the way, and are 1 in the end",
            )],
        ),
        (
            &[0, 1, 2],
            &[],
            &[Leave(2), Demote(1)],
            &[(
                Warning,
                "managers 3 → 2 → 1: failures tolerated 1 before, and none after",
            )],
        ),
        (
            &[0],
            &[],
            &[Promote(1), Join(2)],
            &[(
                Note,
                "managers 1 → 2 → 3: failures tolerated 0 before, never below 0 on the way, 1 after",
            )],
        ),
        (
            &[0],
            &[],
            &[Restart(0)],
            &[(Warning, "the swarm has no quorum while m-0 restarts")],
        ),
        (
            &[0, 1],
            &[],
            &[Restart(0), Restart(1)],
            &[(Warning, "the swarm has no quorum while m-0, then m-1 restarts")],
        ),
        (
            &[0, 1, 2],
            &[],
            &[Restart(0), Restart(1), Restart(2)],
            &[(
                Warning,
                "managers 3: failures tolerated go from 1 to 0 on the way, and are 1 in the end",
            )],
        ),
        (
            &[0, 1],
            &[2],
            &[Restart(0)],
            &[(
                Error,
                "this step restarts it, with m-2 dead, which leaves 1 of 3 managers alive where 2 are needed",
            )],
        ),
        (
            &[0, 1],
            &[2],
            &[Start(2), Restart(0)],
            &[(Note, "0 before, never below 0 on the way, 1 after")],
        ),
        (
            &[0, 1],
            &[2],
            &[Leave(0)],
            &[(
                Error,
                "this step takes it out of the swarm, with m-2 dead, which leaves 1 of 2 managers alive",
            )],
        ),
        (
            &[0, 1],
            &[2],
            &[Leave(2)],
            &[(Note, "managers 3 → 2: failures tolerated 0 before")],
        ),
        (
            &[0],
            &[],
            &[Leave(0)],
            &[(
                Error,
                "the swarm would be left without a manager: this step takes it out of the swarm, and it is the last",
            )],
        ),
        (
            &[0],
            &[1, 2],
            &[],
            &[(
                Error,
                "the swarm has lost its quorum: 1 of 3 managers are alive and 2 are needed",
            )],
        ),
        (
            &[0],
            &[1, 2],
            &[Start(1)],
            &[(Warning, "the swarm has lost its quorum")],
        ),
    ];
    for (alive, dead, does, expected) in table {
        let found = said(alive, dead, does);
        let case = format!("{alive:?} {dead:?} {does:?}: {found:#?}");
        assert_eq!(found.len(), expected.len(), "{case}");
        for (finding, (severity, message)) in found.iter().zip(*expected) {
            assert_eq!(finding.severity, *severity, "{case}");
            assert!(finding.message.contains(message), "{case}");
            assert!(
                finding.severity == Note || finding.remedy.is_some() || message.contains("on the way"),
                "{case}"
            );
        }
    }
}

/// The least number of living managers beyond what is needed, over all moments of a run, and
/// whether more than an announced restart of a swarm of one or two takes the majority.
fn by_counting(alive: &[u8], dead: &[u8], does: &[Does]) -> (i64, bool) {
    let spare = |voters: &BTreeMap<u8, bool>| {
        voters.values().filter(|lives| **lives).count() as i64 - (voters.len() as i64 / 2 + 1)
    };
    let mut voters: BTreeMap<u8, bool> = alive.iter().map(|n| (*n, true)).collect();
    voters.extend(dead.iter().map(|n| (*n, false)));
    let (mut least, mut lost) = (spare(&voters), false);
    for does in does {
        let held = spare(&voters) >= 0;
        match does {
            Does::Join(n) | Does::Promote(n) => drop(voters.insert(*n, true)),
            Does::Leave(n) | Does::Demote(n) => drop(voters.remove(n)),
            Does::Start(n) => drop(voters.insert(*n, true)),
            Does::Restart(n) => {
                let mut meanwhile = voters.clone();
                let lived = meanwhile.insert(*n, false) == Some(true);
                let announced = voters.len() <= 2 && voters.values().all(|lives| *lives);
                lost |= held && lived && spare(&meanwhile) < 0 && !announced;
                least = least.min(spare(&meanwhile).max(-1));
                voters.insert(*n, true);
                continue;
            }
        }
        lost |= held && spare(&voters) < 0;
        least = least.min(spare(&voters));
    }
    (least, lost)
}

/// Up to seven managers, some of them dead, and things that can happen to them, one after the other.
fn histories() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, Vec<Does>)> {
    let lives = prop::collection::vec(any::<bool>(), 1..8);
    let draws = prop::collection::vec((0u8..6, any::<prop::sample::Index>()), 1..8);
    (lives, draws).prop_map(|(lives, draws)| {
        let numbers = |wanted: bool| -> Vec<u8> {
            let all = (0u8..).zip(&lives);
            all.filter(|(_, lives)| **lives == wanted)
                .map(|(n, _)| n)
                .collect()
        };
        let (alive, dead) = (numbers(true), numbers(false));
        let mut voters: Vec<u8> = (0..lives.len() as u8).collect();
        let mut down = dead.clone();
        let mut next = lives.len() as u8;
        let mut does = Vec::new();
        for (what, whom) in draws {
            if matches!(what, 0 | 1) {
                does.push(if what == 0 {
                    Does::Join(next)
                } else {
                    Does::Promote(next)
                });
                voters.push(next);
                next += 1;
                continue;
            }
            if voters.is_empty() {
                continue;
            }
            let one = voters[whom.index(voters.len())];
            let is_down = down.contains(&one);
            does.push(match what {
                2 => Does::Leave(one),
                3 => Does::Demote(one),
                _ if is_down => Does::Start(one),
                _ => Does::Restart(one),
            });
            if matches!(what, 2 | 3) {
                voters.retain(|voter| *voter != one);
            } else {
                down.retain(|voter| *voter != one);
            }
        }
        (alive, dead, does)
    })
}

proptest! {
    /// A plan is refused exactly where counting every moment shows that the majority goes, and
    /// what it says of the least is what counting gives.
    #[test]
    fn a_plan_is_refused_exactly_where_it_takes_the_majority((alive, dead, does) in histories()) {
        let (least, lost) = by_counting(&alive, &dead, &does);
        let found = said(&alive, &dead, &does);
        let refused = found.iter().any(|finding| finding.severity == Severity::Error);
        if alive.len() <= (alive.len() + dead.len()) / 2 {
            prop_assert!(found[0].message.contains("lost its quorum"), "{found:#?}");
            return Ok(());
        }
        prop_assert_eq!(refused, lost, "{:#?}", found);
        if let Some((words, _)) = found.iter().find_map(|finding| finding.message.split_once(" on the way")) {
            let number: i64 = words.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("a number");
            prop_assert_eq!(number, least.max(0), "{:#?}", found);
        }
    }
}
