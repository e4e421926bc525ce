//! The state rebuilt from the world's tags.
//!
//! A plan that starts from an empty state adopts what carries the cluster's tags; what it would
//! adopt is the state that was lost. Nothing in the world is changed.

use std::collections::BTreeSet;

use subako_state::{Resource, Snapshot, StateError, Superseded};

use super::{Knowledge, Session, SessionError};
use crate::plan::{Operation, Plan, Selection};
use crate::world::Residue;

/// What was found in the world.
#[derive(Debug, Clone)]
pub struct Rebuilding {
    /// The state that it makes; its resources are never none.
    pub snapshot: Snapshot,
    /// What carries the tags too, and is not what the manifest has: the next plan deletes strays.
    pub strange: Vec<Residue>,
}

impl Session {
    /// Looks for what carries the cluster's tags. The lock must be held.
    pub async fn draft_rebuild(&self, target: &[String]) -> Result<Rebuilding, SessionError> {
        let empty = self.empty_successor()?;
        let known = Knowledge {
            snapshot: empty.clone(),
            base: None,
            unfinished: None,
        };
        let selection = Selection {
            target: target.to_vec(),
            ..Selection::default()
        };
        let plan = self.plan(&known, &selection, true).await?;
        let residue = self.residue().await?;
        let found = adopted(&plan);
        if found.is_empty() {
            return Err(SessionError::NothingToRebuild(self.manifest.cluster.name.clone()));
        }
        let known: BTreeSet<&str> = found.iter().map(|resource| resource.address.as_str()).collect();
        let strays = self.strays(&plan);
        let strange = residue
            .into_iter()
            .filter(|residue| {
                let is_new = |address: &str| !known.contains(address);
                strays.contains(&residue.id) || residue.address.as_deref().is_none_or(is_new)
            })
            .collect();
        let mut snapshot = Snapshot {
            serial: empty.serial + 1,
            account: plan.account.clone(),
            resources: found,
            ..empty
        };
        snapshot.sort();
        Ok(Rebuilding { snapshot, strange })
    }

    /// Makes what was found the state. The lock must be held since before the draft.
    pub fn rebuild(&self, rebuilding: &Rebuilding) -> Result<Superseded, SessionError> {
        self.write_state(|| self.store.supersede(&rebuilding.snapshot))
    }

    /// What tells the objects from others that a plan deletes without a record.
    fn strays(&self, plan: &Plan) -> BTreeSet<String> {
        let deleted = plan.steps.iter().filter_map(|step| {
            let record = step.before.as_ref().filter(|record| record.deposed)?;
            let kind = self.registry.get(step.address.kind())?;
            kind.traits().known_by.of(&record.spec, record.outputs.as_ref()?)
        });
        deleted.collect()
    }

    /// A snapshot without resources that goes on with the newest history there is. It has a
    /// lineage of its own: tokens of the lost one must never be used again.
    fn empty_successor(&self) -> Result<Snapshot, StateError> {
        let history = self.store.history()?;
        let mut snapshot = Snapshot::empty(
            self.new_lineage(),
            self.manifest.cluster.name.clone(),
            self.provider.to_owned(),
        );
        snapshot.serial = history.iter().map(|item| item.serial).max().unwrap_or(0);
        Ok(snapshot)
    }
}

/// The resources that the plan would adopt, as they were found.
fn adopted(plan: &Plan) -> Vec<Resource> {
    plan.steps
        .iter()
        .filter(|step| step.operation == Operation::Adopt)
        .filter_map(|step| {
            step.after
                .as_ref()?
                .resource(&step.address, step.generation, None)
        })
        .collect()
}
