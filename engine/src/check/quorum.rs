//! Whether the managers keep their quorum at every step.

use std::collections::HashSet;

use subako_state::Address;

use super::registry::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::kinds::is_manager;
use crate::plan::{Action, Step};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "quorum",
        category: Category::Availability,
        documentation: "A swarm without a majority of its managers can neither be changed nor change itself (Docker: \"Administer and maintain a swarm of Docker Engines\").",
    },
    look,
};

/// Voters and the living among them at one moment.
#[derive(Clone, Copy)]
struct Raft {
    voters: i64,
    alive: i64,
}

impl Raft {
    fn quorum(self) -> i64 {
        self.voters / 2 + 1
    }

    /// How many more may fail; negative when the quorum is lost.
    fn tolerated(self) -> i64 {
        self.alive - self.quorum()
    }
}

fn counts(step: &Step, spec: Option<&subako_state::Json>) -> bool {
    spec.is_some_and(|spec| is_manager(&step.address, spec))
}

/// Walks the plan in its order and counts the voters: never fewer alive than a majority.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let plan = checked.plan;
    let recorded = checked
        .snapshot
        .resources
        .iter()
        .filter(|r| is_manager(&r.address, &r.spec));
    let voters: Vec<&Address> = recorded.map(|r| &r.address).collect();
    let swarm_goes = plan
        .steps
        .iter()
        .any(|s| s.address.kind() == "swarm" && s.action() != Action::Update);
    let swarm_is_known = checked
        .snapshot
        .resources
        .iter()
        .any(|r| r.address.kind() == "swarm");
    if voters.is_empty() || swarm_goes || !swarm_is_known {
        return Vec::new();
    }
    let dead: HashSet<&str> = plan.drift.iter().filter_map(down).collect();
    let lost = voters.iter().filter(|v| dead.contains(v.name())).count() as i64;
    let mut raft = Raft {
        voters: voters.len() as i64,
        alive: voters.len() as i64 - lost,
    };
    let mut findings = Vec::new();
    if raft.tolerated() < 0 {
        let names: Vec<&str> = voters
            .iter()
            .map(|v| v.name())
            .filter(|v| dead.contains(v))
            .collect();
        // Managers that only have to be started again come back by themselves, with their vote.
        let comes_back = plan.steps.iter().filter(|step| {
            step.action() == Action::Update
                && matches!(step.address.kind(), "instance" | "docker")
                && names.contains(&step.address.name())
                && step.changes.iter().any(|change| change.path == "running")
        });
        let back = comes_back
            .map(|step| step.address.name())
            .collect::<HashSet<_>>()
            .len() as i64;
        if raft.alive + back < raft.quorum() {
            findings.push(
                Finding::new(
                    Severity::Error,
                    &CHECK.about,
                    format!(
                        "the swarm has lost its quorum: {} of {} managers are gone ({})",
                        lost,
                        raft.voters,
                        names.join(", ")
                    ),
                )
                .with_remedy("no change of the swarm is possible without a majority of its managers; bring one back by hand, or `subako destroy` and apply again"),
            );
            return findings;
        }
        raft.alive += back;
    }
    let before = raft;
    let mut least = raft.tolerated();
    let mut path = vec![raft.voters];
    for step in &plan.steps {
        let (was, is) = (counts(step, step.spec_before()), counts(step, step.spec_after()));
        let dead_one = dead.contains(step.address.name());
        match step.action() {
            Action::Create | Action::Adopt if is => {
                raft.voters += 1;
                raft.alive += 1;
            }
            Action::Update if is && !was => {
                raft.voters += 1;
                raft.alive += 1;
            }
            Action::Update if was && !is => {
                raft.voters -= 1;
                raft.alive -= i64::from(!dead_one);
            }
            Action::Delete | Action::Forget if was => {
                raft.voters -= 1;
                raft.alive -= i64::from(!dead_one);
            }
            _ => continue,
        }
        path.push(raft.voters);
        least = least.min(raft.tolerated());
    }
    if path.len() == 1 {
        return findings;
    }
    path.dedup();
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    let path = path.join(" → ");
    if least < 0 {
        findings.push(
            Finding::new(
                Severity::Error,
                &CHECK.about,
                format!("managers {path}: the swarm would lose its quorum on the way"),
            )
            .with_remedy("change the managers in smaller steps, for example with --target"),
        );
    } else if least < before.tolerated().min(raft.tolerated()) {
        findings.push(Finding::new(
            Severity::Warning,
            &CHECK.about,
            format!(
                "managers {path}: failures tolerated go from {} to {} on the way, and are {} in the end",
                before.tolerated().max(0),
                least,
                raft.tolerated()
            ),
        ));
    } else {
        findings.push(Finding::new(
            Severity::Note,
            &CHECK.about,
            format!(
                "managers {path}: failures tolerated {} before, never below {least} on the way, {} after",
                before.tolerated().max(0),
                raft.tolerated()
            ),
        ));
    }
    findings
}

/// The name of a node that drift shows as gone or down.
fn down(drift: &crate::plan::Drift) -> Option<&str> {
    let stopped = drift.changes.iter().any(|change| change.path == "running");
    (matches!(drift.address.kind(), "instance" | "docker") && (drift.gone || stopped))
        .then(|| drift.address.name())
}
