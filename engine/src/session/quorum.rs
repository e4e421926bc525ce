//! A swarm that has lost its quorum for good, re-formed from one of its managers.

use super::{Change, Knowledge, Session, SessionError};
use crate::desired::DesiredSet;
use crate::plan::{Plan, Reforming};
use crate::refresh::{Managers, Standing};
use crate::rehearsal::Setting;
use crate::run::ApplyOptions;

impl Session {
    /// Plans to re-form the swarm from one of its managers. Refused while it has a quorum, or may
    /// have one; where an interrupted run has brought that about, nothing is left to do.
    pub async fn draft_quorum(
        &self,
        known: Knowledge,
        options: &ApplyOptions,
    ) -> Result<Change, SessionError> {
        let goes_on = known.unfinished.is_some();
        self.drafted(known, options, async |from| self.reform(from, goes_on).await)
            .await
    }

    async fn reform(&self, known: &Knowledge, goes_on: bool) -> Result<Plan, SessionError> {
        let snapshot = &known.snapshot;
        self.guard_applied(snapshot)?;
        self.guard_parked(snapshot)?;
        let account = self.guard_account(snapshot).await?;
        let (survey, observed) = self.read(snapshot, &DesiredSet::default()).await?;
        let managers = survey.managers.clone();
        let is_done = managers.answered && goes_on;
        if !is_done {
            guard_lost(&managers, snapshot.cluster.as_str())?;
        }
        let reforming = Reforming {
            snapshot,
            base: known.base.clone(),
            account: Some(account.clone()),
            managers: (!is_done).then_some(&managers),
        };
        let setting = Setting::recorded(snapshot, &survey, &observed, &account);
        self.concluded(reforming.plan()?, setting).await
    }
}

/// Refuses to force anything on a swarm that can agree, or of which nobody can tell, or none of whose
/// managers is left to begin from.
fn guard_lost(managers: &Managers, cluster: &str) -> Result<(), SessionError> {
    let cluster = cluster.to_owned();
    let (alive, of) = (managers.alive(), managers.voters.len());
    if managers.answered {
        return Err(SessionError::QuorumHeld { cluster, alive, of });
    }
    let may_live: Vec<String> = managers
        .voters
        .iter()
        .filter_map(|(name, standing)| match standing {
            Standing::Unknown => Some(format!("{name} cannot be reached from here")),
            Standing::Starting => Some(format!("{name} is starting")),
            _ => None,
        })
        .collect();
    if alive + may_live.len() >= managers.quorum() {
        let unknown = may_live;
        return Err(SessionError::QuorumUnknown { cluster, unknown });
    }
    match alive {
        0 => Err(SessionError::NoManagerLeft { cluster }),
        _ => Ok(()),
    }
}
