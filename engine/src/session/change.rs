//! A change of the cluster: drafted by reading alone, shown and agreed to, then carried out.

use std::time::SystemTime;

use super::{Knowledge, RunReport, Session, SessionError, Settled};
use crate::event::Events;
use crate::plan::{Plan, Purpose, Selection};
use crate::run::{ApplyOptions, Stop};

/// What would be done. Nothing has been written for it.
pub struct Change {
    /// The plan.
    pub plan: Plan,
    /// What an unfinished run turned out to have done, if there was one. The plan starts from it.
    pub settled: Option<Settled>,
    /// What the plan starts from.
    pub from: Knowledge,
    /// What the store says until the unfinished run is settled.
    before: Knowledge,
}

impl Session {
    /// Finds out what an unfinished run did, and plans from there. Writes nothing.
    pub async fn draft(
        &self,
        known: Knowledge,
        selection: &Selection,
        with_refresh: bool,
        options: &ApplyOptions,
    ) -> Result<Change, SessionError> {
        self.drafted(known, options, async |from| {
            self.plan(from, selection, with_refresh).await
        })
        .await
    }

    /// What a verb would do: with a selection, and the world left unread, only where it is a change of
    /// what the manifest wants.
    pub async fn draft_for(
        &self,
        purpose: Purpose,
        known: Knowledge,
        selection: &Selection,
        with_refresh: bool,
        options: &ApplyOptions,
    ) -> Result<Change, SessionError> {
        match purpose {
            Purpose::Change => self.draft(known, selection, with_refresh, options).await,
            Purpose::Park => self.draft_park(known, options).await,
            Purpose::Resume => self.draft_resume(known, options).await,
            Purpose::Rebalance => self.draft_rebalance(known, options).await,
            Purpose::Quorum => self.draft_quorum(known, options).await,
        }
    }

    /// A change whose plan is made from what is known once the unfinished run is settled.
    pub(super) async fn drafted(
        &self,
        known: Knowledge,
        options: &ApplyOptions,
        plan: impl AsyncFnOnce(&Knowledge) -> Result<Plan, SessionError>,
    ) -> Result<Change, SessionError> {
        let settled = self.look_into(&known, options).await?;
        let from = match &settled {
            Some(settled) => self.once_settled(&known, settled),
            None => known.clone(),
        };
        let plan = plan(&from).await?;
        Ok(Change {
            plan,
            settled,
            from,
            before: known,
        })
    }

    /// Makes a change real, or undoes what it did of it: the unfinished run is settled first.
    /// The lock must be held since before the draft.
    pub async fn carry_out(
        &self,
        change: &Change,
        options: &ApplyOptions,
        command: &str,
        events: &Events,
        stop: &Stop,
    ) -> Result<RunReport, SessionError> {
        self.contents_for(&change.plan.steps)?;
        if change.plan.purpose == Purpose::Park && !change.plan.is_empty() {
            self.note_parked(&change.from.snapshot, SystemTime::now())?;
        }
        self.record_connection()?;
        let known = match &change.settled {
            Some(settled) => self.settle(&change.before, settled, options).await?,
            None => change.before.clone(),
        };
        let is_newer = known.snapshot.serial != change.before.snapshot.serial;
        let ran = self
            .apply(&change.plan, &known, options, command, events, stop)
            .await;
        // What the earlier run did is recorded by now.
        ran.map_err(|error| if is_newer { error.late() } else { error })
    }
}
