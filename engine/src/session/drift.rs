//! What differs between the state and the world, whatever the manifest wants.

use std::collections::BTreeMap;

use serde::Serialize;
use subako_state::{Address, Snapshot};

use super::status::stray_statuses;
use super::{Knowledge, Session, SessionError, Settled, StrayStatus};
use crate::desired::DesiredSet;
use crate::kind::{Sighting, Unconverged};
use crate::plan::{Change, Drift, Value, counted, drifted};
use crate::refresh;
use crate::run::ApplyOptions;

/// A resource that is as recorded, and has not converged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The resource.
    pub address: Address,
    /// How far it has come.
    #[serde(flatten)]
    pub unconverged: Unconverged,
}

/// What cannot be read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Why not.
    pub why: String,
    /// The resources.
    pub addresses: Vec<Address>,
}

/// What differs between the state and the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Drifted {
    /// The cluster.
    pub cluster: String,
    /// `aws` or `sim`.
    pub provider: String,
    /// How many resources the state has, without those that only wait to be deleted.
    pub recorded: usize,
    /// What is gone, or not as the last run left it, sorted by address.
    pub drift: Vec<Drift>,
    /// What is not as the last run left it, and is left as it is (`ignore_changes` of the manifest,
    /// where that is at hand), sorted by address. It is no drift.
    pub ignored: Vec<Drift>,
    /// What is as it was left and has not converged, sorted by address.
    pub waiting: Vec<Waiting>,
    /// What carries the cluster's tags and is not in the state.
    pub strays: Vec<StrayStatus>,
    /// What cannot be read now, by the reason. In a cluster that is parked that is the swarm, and is
    /// not listed.
    pub unread: Vec<Unread>,
    /// Whether all of it is stopped on request.
    pub parked: bool,
}

/// What a look for drift says, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// Everything is as the last run left it.
    None,
    /// Something is not.
    Drifted,
    /// Nothing was seen that is not, and something could not be read.
    Unknown,
}

impl Drifted {
    /// What it comes to.
    pub fn verdict(&self) -> DriftVerdict {
        if !self.drift.is_empty() || !self.waiting.is_empty() || !self.strays.is_empty() {
            DriftVerdict::Drifted
        } else if self.unread.is_empty() {
            DriftVerdict::None
        } else {
            DriftVerdict::Unknown
        }
    }
}

impl Session {
    /// Compares the state with the world. What a run that did not end turned out to have done counts
    /// as recorded; of one that is still going on what its journal says. Nothing is written, and no
    /// lock is taken.
    pub async fn drift(
        &self,
        known: &Knowledge,
        options: &ApplyOptions,
    ) -> Result<(Drifted, Option<Settled>), SessionError> {
        self.guard_account(&known.snapshot).await?;
        if self.lock_view()?.alive {
            return Ok((self.compared(&known.so_far()).await?, None));
        }
        let settled = self.look_into(known, options).await?;
        let snapshot = match &settled {
            Some(settled) => self.once_settled(known, settled).snapshot,
            None => known.snapshot.clone(),
        };
        Ok((self.compared(&snapshot).await?, settled))
    }

    async fn compared(&self, snapshot: &Snapshot) -> Result<Drifted, SessionError> {
        let (_, observed) = self.read(snapshot, &DesiredSet::default()).await?;
        let prices = refresh::prices(&self.world, snapshot, &observed.strays).await;
        let mut found = Drifted {
            cluster: snapshot.cluster.clone(),
            provider: snapshot.provider.clone(),
            recorded: snapshot.resources.iter().filter(|r| !r.deposed).count(),
            drift: Vec::new(),
            ignored: Vec::new(),
            waiting: Vec::new(),
            strays: stray_statuses(&self.registry, snapshot, &observed, &prices),
            unread: Vec::new(),
            parked: self.parked(snapshot)?.is_some(),
        };
        // What an earlier run left behind is recorded as that.
        found.strays.retain(|stray| !stray.recorded);
        let mut unread: BTreeMap<&str, Vec<Address>> = BTreeMap::new();
        for (resource, sighting) in snapshot.resources.iter().zip(&observed.recorded) {
            let address = &resource.address;
            let kind = self.registry.get(address.kind());
            let kind = kind.filter(|_| !resource.deposed || *sighting == Sighting::Absent);
            let mut drift = kind.and_then(|kind| drifted(kind.as_ref(), resource, sighting));
            if let Some(all) = drift {
                let (counts, hidden) = counted(all, self.manifest.ignored.of(address));
                found.ignored.extend(hidden);
                drift = counts;
            }
            let name = observed.misnamed.get(address).filter(|_| !resource.deposed);
            if let Some(name) = name {
                let renamed = drift.get_or_insert_with(|| Drift {
                    address: address.clone(),
                    changes: Vec::new(),
                    gone: false,
                });
                renamed.changes.push(Change {
                    path: "(address in the world)".to_owned(),
                    before: Value::Known(address.as_str().into()),
                    after: Value::Known(name.as_str().into()),
                    forces_replacement: None,
                    cost: None,
                });
            }
            match (drift, sighting.unconverged(), sighting) {
                (Some(drift), ..) => found.drift.push(drift),
                (None, Some(unconverged), _) => found.waiting.push(Waiting {
                    address: address.clone(),
                    unconverged,
                }),
                (None, None, Sighting::Unreadable(why)) if !found.parked => {
                    unread.entry(why).or_default().push(address.clone());
                }
                (None, None, _) => {}
            }
        }
        found.unread = unread
            .into_iter()
            .map(|(why, addresses)| Unread {
                why: why.to_owned(),
                addresses,
            })
            .collect();
        Ok(found)
    }
}
