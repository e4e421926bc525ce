//! The tasks of services spread evenly again: `rebalance`.

use std::collections::BTreeMap;

use subako_state::{AccountId, Digest, Resource, Snapshot};

use super::direct::{Direct, current, unchanging};
use super::make::PlanError;
use super::purpose::Purpose;
use super::reason::Reason;
use super::step::{Operation, Step};
use super::types::Plan;
use crate::kind::Kind as _;
use crate::kinds::Service;
use crate::spread::Skew;

/// What a plan to spread tasks is made of.
pub struct Spreading<'a> {
    /// What the last run left.
    pub snapshot: &'a Snapshot,
    /// The digest of the snapshot's file; `None` if there is none.
    pub base: Option<Digest>,
    /// Where.
    pub account: Option<AccountId>,
    /// The services that are skewed, by name.
    pub skewed: &'a BTreeMap<String, Skew>,
}

impl Spreading<'_> {
    /// The plan, up to its seal: the skewed services that are recorded, one after the other, so that
    /// each finds the others where they stay.
    pub fn plan(&self) -> Result<Plan, PlanError> {
        let steps = current(self.snapshot)
            .filter_map(|(_, resource)| Some((resource, self.skew_of(resource)?)))
            .enumerate();
        let steps = steps.map(|(number, (resource, skew))| Step {
            reason: Some(Reason::Skewed(skew)),
            after_nodes: number
                .checked_sub(1)
                .map(|before| before as u32)
                .into_iter()
                .collect(),
            ..unchanging(resource, Operation::Spread)
        });
        let (base, account) = (self.base.clone(), self.account.clone());
        Direct::on(self.snapshot, base, account).plan(Purpose::Rebalance, steps.collect(), Vec::new())
    }

    fn skew_of(&self, resource: &Resource) -> Option<Skew> {
        if resource.address.kind() != Service::NAME {
            return None;
        }
        self.skewed.get(resource.address.name()).copied()
    }
}
