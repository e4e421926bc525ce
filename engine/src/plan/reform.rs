//! A swarm that has lost its quorum, re-formed from one of its managers: `recover --quorum`.

use subako_state::{AccountId, Address, Digest, Snapshot};

use super::direct::{Direct, current, unchanging};
use super::make::PlanError;
use super::purpose::Purpose;
use super::reason::Reason;
use super::step::{Operation, Step};
use super::types::Plan;
use crate::finding::{Finding, Severity, planner};
use crate::kind::Kind as _;
use crate::kinds::Swarm;
use crate::survey::{Managers, Standing};
use crate::world::NextCommand;

/// What such a plan is made of.
pub struct Reforming<'a> {
    /// What the last run left.
    pub snapshot: &'a Snapshot,
    /// The digest of the snapshot's file; `None` if there is none.
    pub base: Option<Digest>,
    /// Where.
    pub account: Option<AccountId>,
    /// The managers as they were found; `None` where there is nothing to do.
    pub managers: Option<&'a Managers>,
}

impl Reforming<'_> {
    /// The plan, up to its seal: one step, on the first manager that is alive. The others are for the
    /// next apply.
    pub fn plan(&self) -> Result<Plan, PlanError> {
        let (mut steps, mut findings) = (Vec::new(), Vec::new());
        let swarm = current(self.snapshot).find(|(_, resource)| resource.address.kind() == Swarm::NAME);
        if let (Some(managers), Some((_, swarm))) = (self.managers, swarm)
            && let Some(on) = self.survivor(managers)
        {
            steps.push(Step {
                reason: Some(Reason::QuorumLost {
                    alive: managers.alive(),
                    of: managers.voters.len(),
                }),
                ..unchanging(
                    swarm,
                    Operation::Reform {
                        on: Address::new("member", on),
                    },
                )
            });
            findings.push(forced(&swarm.address, on));
            findings.extend(may_come_back(managers));
        }
        let (base, account) = (self.base.clone(), self.account.clone());
        Direct::on(self.snapshot, base, account).plan(Purpose::Quorum, steps, findings)
    }

    /// The manager that the swarm is re-formed from: the one it was started on if that is alive, as
    /// whoever looks for a manager asks it first; else the first of them.
    fn survivor<'m>(&self, managers: &'m Managers) -> Option<&'m str> {
        let swarm = current(self.snapshot).find_map(|(_, resource)| {
            let is_swarm = resource.address.kind() == Swarm::NAME;
            is_swarm.then(|| resource.spec.decode::<Swarm>().ok()).flatten()
        });
        let first = swarm.map(|swarm| swarm.advertise);
        let alive = managers.voters.iter();
        let mut alive: Vec<&str> = alive
            .filter(|(_, standing)| **standing == Standing::Alive)
            .map(|(name, _)| name.as_str())
            .collect();
        alive.sort_by_key(|name| first.as_deref() != Some(*name));
        alive.first().copied()
    }
}

/// What is forced.
fn forced(swarm: &Address, on: &str) -> Finding {
    let message = format!(
        "the swarm is re-formed from {on}'s copy, with {on} as its only manager: what the other managers agreed \
         on without it is lost. Services, networks, secrets and workers stay, and running tasks keep running"
    );
    Finding::new(Severity::Warning, &planner::QUORUM_LOST, message)
        .about(swarm.clone())
        .with_remedy("afterwards let the other managers join again, or be replaced")
        .with_next([NextCommand::Apply])
}

/// Managers that could come back by themselves, so that nothing has to be forced.
fn may_come_back(managers: &Managers) -> Option<Finding> {
    (managers.left() >= managers.quorum()).then(|| {
        let resting: Vec<String> = managers
            .resting()
            .map(|(name, standing)| format!("{name} ({})", standing.word()))
            .collect();
        let message = format!(
            "{} may still come back and restore the quorum: then nothing needs to be forced",
            resting.join(", ")
        );
        Finding::new(Severity::Warning, &planner::QUORUM_LOST, message)
            .with_remedy("try that first")
            .with_next([NextCommand::Apply])
    })
}
