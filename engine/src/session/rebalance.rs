//! The tasks of services spread evenly again.

use std::collections::BTreeMap;

use super::{Change, Knowledge, Session, SessionError};
use crate::desired::DesiredSet;
use crate::plan::{Plan, Spreading};
use crate::refresh::{SwarmSurvey, SwarmView};
use crate::rehearsal::Setting;
use crate::run::ApplyOptions;
use crate::spread::{Skew, skew};
use crate::world::Failure;

/// The services whose tasks are not spread evenly, by name.
pub(super) fn skewed(view: &SwarmView) -> BTreeMap<String, Skew> {
    let found = view.services.iter().filter_map(|service| {
        let skew = skew(service, &view.nodes, &view.tasks)?;
        Some((service.spec.name.clone(), skew))
    });
    found.collect()
}

impl Session {
    /// Plans to restart the tasks of the services that are skewed, and of no others.
    pub async fn draft_rebalance(
        &self,
        known: Knowledge,
        options: &ApplyOptions,
    ) -> Result<Change, SessionError> {
        self.drafted(known, options, async |from| self.spread(from).await)
            .await
    }

    async fn spread(&self, known: &Knowledge) -> Result<Plan, SessionError> {
        let snapshot = &known.snapshot;
        self.guard_applied(snapshot)?;
        self.guard_parked(snapshot)?;
        let account = self.guard_account(snapshot).await?;
        let (survey, observed) = self.read(snapshot, &DesiredSet::default()).await?;
        let skewed = match &survey.swarm {
            SwarmSurvey::Read(view) => skewed(view),
            SwarmSurvey::None => unseen("there is no swarm")?,
            SwarmSurvey::Unreachable(why) => unseen(why)?,
        };
        let spreading = Spreading {
            snapshot,
            base: known.base.clone(),
            account: Some(account.clone()),
            skewed: &skewed,
        };
        let setting = Setting::recorded(snapshot, &survey, &observed, &account);
        self.concluded(spreading.plan()?, setting).await
    }
}

/// Where nobody can say where tasks run, nothing is planned.
fn unseen(why: &str) -> Result<BTreeMap<String, Skew>, Failure> {
    Err(Failure::not_applied("see where tasks run", why))
}
