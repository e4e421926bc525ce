//! Whether the managers keep their quorum at every step.

mod remedy;

use std::collections::{BTreeMap, BTreeSet};

use subako_state::Address;

use super::built_in::BuiltIn;
use super::way;
use super::{About, Category, Checked, Finding, Severity};
use crate::kind::Plane;
use crate::kinds::{RESTARTS, is_manager};
use crate::plan::{Action, Operation, Plan, Step, is_repair};
use crate::refresh::{Managers, Standing};
use crate::world::NextCommand;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "quorum",
        category: Category::Availability,
        documentation: "A swarm without a majority of its managers can neither be changed nor change itself (Docker: \"Administer and maintain a swarm of Docker Engines\").",
    },
    look,
};

/// The voters at one moment: members by address and generation, and whether they live.
#[derive(Clone)]
struct Raft(BTreeMap<(String, u32), bool>);

impl Raft {
    fn voters(&self) -> i64 {
        self.0.len() as i64
    }

    fn alive(&self) -> i64 {
        self.0.values().filter(|alive| **alive).count() as i64
    }

    fn quorum(&self) -> i64 {
        self.voters() / 2 + 1
    }

    /// How many more may fail; negative when the quorum is lost.
    fn tolerated(&self) -> i64 {
        self.alive() - self.quorum()
    }

    /// Those of a name, a successor beside its predecessor.
    fn of(&mut self, name: &str) -> impl Iterator<Item = &mut bool> {
        let all = self.0.iter_mut();
        all.filter(move |((voter, _), _)| voter == name)
            .map(|(_, alive)| alive)
    }

    fn lives(&mut self, name: &str) -> bool {
        self.of(name).any(|alive| *alive)
    }

    fn dead(&self) -> Vec<&str> {
        let dead = self.0.iter().filter(|(_, alive)| !**alive);
        dead.map(|((name, _), _)| name.as_str()).collect()
    }
}

/// What a plan does to the quorum, found by walking it in its order.
struct Walked {
    before: i64,
    least: i64,
    after: i64,
    /// How many voters there are, each time that changes.
    path: Vec<i64>,
    /// Whether voters come, go or restart.
    touched: bool,
    /// The first step that takes the majority, and what it does.
    lost_at: Option<(Address, &'static str, Raft)>,
    /// Managers that take the majority with them while they restart, with everybody alive.
    outages: BTreeSet<String>,
}

/// Counts the voters that live: before, at every step of the plan, and after.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let plan = checked.plan;
    let of_swarm = |address: &Address| address.kind() == "swarm";
    let mut swarm_steps = plan.steps.iter().filter(|step| of_swarm(&step.address));
    // One that is found without a record stays as one that is recorded does.
    let is_found = swarm_steps.clone().any(|step| step.action() == Action::Adopt);
    let stays = |step: &Step| matches!(step.action(), Action::Update | Action::Adopt);
    let mut recorded = checked.snapshot.resources.iter();
    let is_there = is_found || recorded.any(|resource| of_swarm(&resource.address));
    if !is_there || !swarm_steps.all(stays) {
        return Vec::new();
    }
    let managers = match checked.managers {
        Some(managers) if !managers.voters.is_empty() => managers.clone(),
        _ => as_recorded(checked),
    };
    if managers.voters.is_empty() {
        return Vec::new();
    }
    let raft = start(checked, &managers);
    let mut findings = Vec::new();
    if managers.quorum_is_lost() {
        let lost = lost(plan, &managers, &raft);
        let refused = lost.severity == Severity::Error;
        findings.push(lost);
        if refused {
            return findings;
        }
    } else if !managers.answered
        && (is_whole(plan) && plan.steps.is_empty() || asks_in_vain(checked, &managers))
    {
        findings.push(unseen(&managers));
        return findings;
    }
    let walked = walk(checked, raft);
    findings.extend(tolerance(checked, &walked));
    findings
}

fn is_whole(plan: &Plan) -> bool {
    plan.selection.target.is_empty() && plan.selection.exclude.is_empty() && !plan.selection.destroy
}

/// Whether a plan asks something of a swarm that nobody answers for (a node that is to restart steps
/// aside first), and does nothing that might open the way to it.
fn asks_in_vain(checked: &Checked<'_>, managers: &Managers) -> bool {
    let called = |step: &&Step| matches!(step.action(), Action::Create | Action::Update | Action::Delete);
    let mut steps = checked.plan.steps.iter().filter(called);
    let of_swarm = |step: &Step| checked.registry.plane(step.address.kind()) == Some(Plane::Swarm);
    let selection = &checked.plan.selection;
    let everything_goes = selection.destroy && selection.target.is_empty();
    !everything_goes
        && steps
            .clone()
            .any(|step| of_swarm(step) || restarts(checked, step) && !is_repair(step))
        && !steps.any(|step| way::may_open(checked, managers, step))
}

/// Where nobody looked: everybody recorded lives, but for what a refresh found of its machine.
fn as_recorded(checked: &Checked<'_>) -> Managers {
    let recorded = checked.snapshot.resources.iter().filter(|r| !r.deposed);
    let voters = recorded.filter(|r| is_manager(&r.address, &r.spec));
    let down = |drift: &&crate::plan::Drift| {
        let stopped = drift.changes.iter().any(|change| change.path == "running");
        matches!(drift.address.kind(), "instance" | "docker") && (drift.gone || stopped)
    };
    let down: BTreeSet<&str> = checked
        .plan
        .drift
        .iter()
        .filter(down)
        .map(|drift| drift.address.name())
        .collect();
    let standing = |name: &str| match down.contains(name) {
        true => Standing::Gone,
        false => Standing::Alive,
    };
    let voters: BTreeMap<String, Standing> = voters
        .map(|r| (r.address.name().to_owned(), standing(r.address.name())))
        .collect();
    let mut managers = Managers {
        voters,
        nodes: BTreeMap::new(),
        answered: true,
    };
    managers.answered = managers.alive() >= managers.quorum();
    managers
}

fn start(checked: &Checked<'_>, managers: &Managers) -> Raft {
    let generation = |name: &str| {
        let member = checked.snapshot.get(&Address::new("member", name));
        member.map_or(0, |member| member.generation)
    };
    // A node may be another object than the one that is recorded under its name.
    let leaving = checked.plan.steps.iter().filter(|step| {
        step.address.kind() == "member" && matches!(step.action(), Action::Delete | Action::Forget)
    });
    let leaving: BTreeMap<String, (String, u32)> = leaving
        .filter_map(|step| {
            let node = step.outputs_before()?.text_field("node_id")?;
            Some((node, (step.address.name().to_owned(), step.generation)))
        })
        .collect();
    let voters = managers.voters.keys();
    Raft(
        voters
            .map(|name| {
                let node = managers.nodes.get(name).and_then(|node| leaving.get(node));
                let voter = node.cloned().unwrap_or_else(|| (name.clone(), generation(name)));
                (voter, !managers.is_dead(name))
            })
            .collect(),
    )
}

/// What is said of a quorum that is lost already: refused, unless starting machines brings it back.
fn lost(plan: &Plan, managers: &Managers, raft: &Raft) -> Finding {
    let mut repaired = raft.clone();
    for step in plan.steps.iter().filter(|step| is_repair(step)) {
        repaired.of(step.address.name()).for_each(|alive| *alive = true);
    }
    let is_so = format!(
        "the swarm has lost its quorum: {} of {} managers are alive and {} are needed: {}",
        managers.alive(),
        managers.voters.len(),
        managers.quorum(),
        managers.dead().join(", ")
    );
    if repaired.tolerated() < 0 {
        return Finding::new(Severity::Error, &CHECK.about, is_so)
            .with_remedy(remedy::of_lost(plan, managers))
            .with_next(remedy::is_for_good(plan, managers).then_some(NextCommand::RecoverQuorum));
    }
    let back: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter(|step| is_repair(step) && managers.is_dead(step.address.name()))
        .map(|step| step.address.name())
        .collect();
    let back: Vec<&str> = back.into_iter().collect();
    Finding::new(Severity::Warning, &CHECK.about, is_so).with_remedy(format!(
        "this plan starts {} again first; services that run go on running meanwhile",
        back.join(", ")
    ))
}

/// What is said where nobody answers, and nothing is planned that would show whether somebody does.
fn unseen(managers: &Managers) -> Finding {
    let names: Vec<String> = managers
        .voters
        .iter()
        .map(|(name, standing)| format!("{name} ({})", standing.word()))
        .collect();
    Finding::new(
        Severity::Error,
        &CHECK.about,
        format!(
            "it cannot be told whether the swarm has a quorum: no manager answers about it: {}",
            names.join(", ")
        ),
    )
    .with_remedy(
        "plan again in a minute if a leader is being elected; else check the way to them (ssh_from, keys). A machine \
         that hangs for good has to be stopped: the next apply starts it",
    )
}

fn walk(checked: &Checked<'_>, mut raft: Raft) -> Walked {
    let mut walked = Walked {
        before: raft.tolerated(),
        least: raft.tolerated(),
        after: 0,
        path: vec![raft.voters()],
        touched: false,
        lost_at: None,
        outages: BTreeSet::new(),
    };
    for step in &checked.plan.steps {
        let held = raft.tolerated() >= 0;
        let name = step.address.name().to_owned();
        if is_repair(step) {
            raft.of(&name).for_each(|alive| *alive = true);
            continue;
        }
        if restarts(checked, step) {
            if !raft.0.keys().any(|(voter, _)| *voter == name) {
                continue;
            }
            walked.touched = true;
            let whole = raft.dead().is_empty();
            let mut meanwhile = raft.clone();
            let lived = meanwhile.lives(&name);
            meanwhile.of(&name).for_each(|alive| *alive = false);
            if lived && held && meanwhile.tolerated() < 0 {
                if whole && raft.tolerated() == 0 && raft.voters() <= 2 {
                    walked.outages.insert(name.clone());
                } else if walked.lost_at.is_none() {
                    walked.lost_at = Some((step.address.clone(), "restarts it", meanwhile.clone()));
                }
            }
            walked.least = walked.least.min(meanwhile.tolerated().max(-1));
            raft.of(&name).for_each(|alive| *alive = true);
            continue;
        }
        let Some(what) = votes(step, &mut raft) else {
            continue;
        };
        walked.touched = true;
        walked.path.push(raft.voters());
        walked.least = walked.least.min(raft.tolerated());
        if held && raft.tolerated() < 0 && walked.lost_at.is_none() {
            walked.lost_at = Some((step.address.clone(), what, raft.clone()));
        }
    }
    walked.after = raft.tolerated();
    walked.path.dedup();
    walked
}

/// Whether a step restarts a machine or an engine.
fn restarts(checked: &Checked<'_>, step: &Step) -> bool {
    let (Operation::Update, Some(before), Some(after)) =
        (&step.operation, step.spec_before(), step.spec_after())
    else {
        return false;
    };
    let kind = checked.registry.get(step.address.kind());
    kind.and_then(|kind| kind.serial_group_of(Some(before), Some(after)))
        .is_some_and(|group| group == RESTARTS)
}

/// Takes in what a step does to the voters; `None` if nothing.
fn votes(step: &Step, raft: &mut Raft) -> Option<&'static str> {
    let votes = |spec: Option<&subako_state::Json>| spec.is_some_and(|spec| is_manager(&step.address, spec));
    let (was, is) = (votes(step.spec_before()), votes(step.spec_after()));
    let voter = (step.address.name().to_owned(), step.generation);
    match step.action() {
        // One that the swarm lists already is only found again.
        Action::Adopt if is && raft.0.keys().any(|(name, _)| *name == voter.0) => None,
        Action::Create | Action::Adopt if is => {
            raft.0.insert(voter, true);
            Some("adds a manager")
        }
        Action::Update if is && !was => {
            raft.0.insert(voter, true);
            Some("makes it a manager")
        }
        Action::Update if was && !is => raft.0.remove(&voter).map(|_| "makes it a worker"),
        Action::Delete | Action::Forget if was => raft.0.remove(&voter).map(|_| "takes it out of the swarm"),
        _ => None,
    }
}

fn tolerance(checked: &Checked<'_>, walked: &Walked) -> Vec<Finding> {
    if !walked.touched {
        return Vec::new();
    }
    let path: Vec<String> = walked.path.iter().map(ToString::to_string).collect();
    let path = path.join(" → ");
    let (before, least, after) = (walked.before.max(0), walked.least.max(0), walked.after.max(0));
    if let Some((address, what, raft)) = &walked.lost_at {
        let dead: Vec<&str> = raft
            .dead()
            .into_iter()
            .filter(|name| *name != address.name())
            .collect();
        let cause = match &dead[..] {
            [] => String::new(),
            dead => format!(", with {} dead", dead.join(", ")),
        };
        if raft.voters() == 0 {
            return vec![
                Finding::new(
                    Severity::Error,
                    &CHECK.about,
                    format!("managers {path}: the swarm would be left without a manager: this step {what}, and it is the last"),
                )
                .about(address.clone())
                .with_remedy(remedy::of_last(checked, walked)),
            ];
        }
        return vec![
            Finding::new(
                Severity::Error,
                &CHECK.about,
                format!(
                    "managers {path}: the swarm would lose its quorum: this step {what}{cause}, which leaves {} of {} \
                     managers alive where {} are needed",
                    raft.alive(),
                    raft.voters(),
                    raft.quorum()
                ),
            )
            .about(address.clone())
            .with_remedy(if dead.is_empty() {
                "change the managers in smaller steps, for example with --target"
            } else {
                "first apply the manifest without this change, which brings the dead managers back; then make it"
            }),
        ];
    }
    let mut findings = Vec::new();
    if !walked.outages.is_empty() {
        let names: Vec<&str> = walked.outages.iter().map(String::as_str).collect();
        findings.push(
            Finding::new(
                Severity::Warning,
                &CHECK.about,
                format!(
                    "the swarm has no quorum while {} restarts: tasks on other nodes go on running, and nothing of the \
                     swarm changes until it is back",
                    names.join(", then ")
                ),
            )
            .with_remedy("three managers survive the restart of one"),
        );
    } else if least < before.min(after) {
        findings.push(Finding::new(
            Severity::Warning,
            &CHECK.about,
            format!("managers {path}: failures tolerated go from {before} to {least} on the way, and are {after} in the end"),
        ));
    } else if after == 0 && before > 0 {
        findings.push(
            Finding::new(
                Severity::Warning,
                &CHECK.about,
                format!(
                    "managers {path}: failures tolerated {before} before, and none after: once one manager fails, \
                     nothing of the swarm can be changed, and no task that ends is replaced"
                ),
            )
            .with_remedy("keep three managers, which survive the loss of one"),
        );
    } else {
        findings.push(Finding::new(
            Severity::Note,
            &CHECK.about,
            format!("managers {path}: failures tolerated {before} before, never below {least} on the way, {after} after"),
        ));
    }
    findings
}

#[cfg(test)]
mod scene_tests;
#[cfg(test)]
mod tests;
