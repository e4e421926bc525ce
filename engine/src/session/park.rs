//! Every machine of a cluster stopped, and started again.
//!
//! Parked is what a state says all of whose machines are recorded as stopped, with a note beside it
//! that somebody asked for that: machines that were all found stopped are to be repaired.

use std::time::{Duration, SystemTime};

use subako_state::{Snapshot, StateError};

use super::{Change, Knowledge, ServiceStatus, Session, SessionError, Status};
use crate::desired::DesiredSet;
use crate::plan::{Ledger, Parked, Plan, Powering, Selection};
use crate::rehearsal::Setting;
use crate::run::ApplyOptions;

/// How long a node may be away and is sure to be let in again. Its certificate is good for 90 days and
/// renewed after 50 to 80 % of that, chosen at random: 20 % is what every node has left.
pub const SURE_TO_REJOIN: Duration = Duration::from_secs(18 * 24 * 60 * 60);

/// Between two looks at services that come back.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// That a cluster is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkedSince {
    /// How many machines it has, all of them recorded as stopped.
    pub machines: usize,
    /// When that was asked for; `None` where the date is lost.
    pub since: Option<SystemTime>,
}

impl ParkedSince {
    /// Until when every node is sure to be let into the swarm again.
    pub fn rejoins_until(&self) -> Option<SystemTime> {
        self.since?.checked_add(SURE_TO_REJOIN)
    }
}

impl<W> Session<W> {
    /// Whether the whole cluster is parked, as the store has it.
    pub fn parked(&self, snapshot: &Snapshot) -> Result<Option<ParkedSince>, SessionError> {
        let recorded = Parked::of(&self.registry, snapshot);
        if !recorded.is_whole() {
            return Ok(None);
        }
        let note = self.store.parked()?;
        Ok(note.map(|note| ParkedSince {
            machines: recorded.of,
            since: note.since,
        }))
    }

    /// Refuses to plan anything else while the cluster is parked.
    pub(super) fn guard_parked(&self, snapshot: &Snapshot) -> Result<(), SessionError> {
        match self.parked(snapshot)? {
            Some(parked) => Err(SessionError::Parked {
                cluster: snapshot.cluster.clone(),
                machines: parked.machines,
            }),
            None => Ok(()),
        }
    }

    /// Refuses to work on what was never applied.
    pub(super) fn guard_applied(&self, snapshot: &Snapshot) -> Result<(), SessionError> {
        match snapshot.resources.is_empty() {
            true => Err(SessionError::NeverApplied {
                cluster: self.manifest.cluster.name.clone(),
                provider: self.provider,
            }),
            false => Ok(()),
        }
    }

    /// Notes since when the cluster is parked, before the first machine is stopped. What goes on where
    /// an earlier run has stopped some of them keeps its date.
    pub(super) fn note_parked(&self, from: &Snapshot, now: SystemTime) -> Result<(), StateError> {
        let goes_on = Parked::of(&self.registry, from).is_any() && self.store.parked()?.is_some();
        match goes_on {
            true => Ok(()),
            false => self.store.note_parked(now),
        }
    }

    /// Forgets since when the cluster was parked, once nothing of it is.
    pub(super) fn forget_parked(&self, before: &Knowledge, after: &Snapshot) -> Result<(), StateError> {
        let any = |snapshot: &Snapshot| Parked::of(&self.registry, snapshot).is_any();
        match any(&before.snapshot) && !any(after) {
            true => self.store.forget_parked(),
            false => Ok(()),
        }
    }
}

impl Session {
    /// Plans to stop every machine: workers, then managers, the leader last.
    pub async fn draft_park(&self, known: Knowledge, options: &ApplyOptions) -> Result<Change, SessionError> {
        self.drafted(known, options, async |from| self.power(from, false).await)
            .await
    }

    /// Plans to start every machine again: managers, then workers.
    pub async fn draft_resume(
        &self,
        known: Knowledge,
        options: &ApplyOptions,
    ) -> Result<Change, SessionError> {
        self.drafted(known, options, async |from| self.power(from, true).await)
            .await
    }

    /// Looks at the live cluster until every service has its tasks, or `limit` has passed; what was seen
    /// last.
    pub async fn await_services(&self, known: &Knowledge, limit: Duration) -> Result<Status, SessionError> {
        let clock = &self.world.clock;
        let until = clock.now() + limit;
        loop {
            let seen = self.status(known).await?;
            let all_run = seen.via.is_some() && !seen.services.iter().any(ServiceStatus::is_short);
            if all_run || clock.now() >= until {
                return Ok(seen);
            }
            clock.sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn power(&self, known: &Knowledge, on: bool) -> Result<Plan, SessionError> {
        let snapshot = &known.snapshot;
        self.guard_applied(snapshot)?;
        let account = self.guard_account(snapshot).await?;
        let (survey, observed) = self.read(snapshot, &DesiredSet::default()).await?;
        let leads = survey.view().and_then(|view| {
            let leader = view.nodes.iter().find(|node| node.leader)?;
            let mut managers = survey.managers.nodes.iter();
            managers
                .find(|(_, node)| **node == leader.id)
                .map(|(name, _)| name.as_str())
        });
        let powering = Powering {
            registry: &self.registry,
            snapshot,
            base: known.base.clone(),
            observed: &observed,
            account: Some(account.clone()),
            leader: leads,
        };
        let mut plan = match on {
            true => powering.resume()?,
            false => powering.park()?,
        };
        // Whether a subnet gives its instances an address decides what they cost once they run.
        let looked_up = match on && !plan.is_empty() {
            true => self.look_up(snapshot, &Selection::default()).await?,
            false => None,
        };
        plan.cost = Ledger {
            plan: &plan,
            snapshot,
            observed: &observed,
            registry: &self.registry,
            reach: looked_up.as_ref().map(|answer| &answer.reach),
            prices: &self.manifest.prices,
        }
        .bill();
        let setting = Setting {
            looked_up: looked_up.as_ref(),
            ..Setting::recorded(snapshot, &survey, &observed, &account)
        };
        self.concluded(plan, setting).await
    }
}
