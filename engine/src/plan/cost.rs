//! What is billed of a cluster, gathered from what is there and what a plan makes of it.

use std::collections::{BTreeMap, BTreeSet};

use subako_state::{Address, Json, Snapshot};

use super::step::Action;
use super::types::Plan;
use crate::fast::{FastMap, FastSet};
use crate::kind::{Registry, Sighting, Usage};
use crate::money::{Bill, Line, Prices, Sort, Unit};
use crate::refresh::Observed;
use crate::world::Reach;
use crate::world::prices::PriceTable;

/// Of one object what is billed, by address and generation.
type Uses<'a> = FastMap<(&'a Address, u32), Vec<Usage>>;

/// What a bill is made from.
pub(crate) struct Ledger<'a> {
    /// The plan, not sealed yet.
    pub plan: &'a Plan,
    /// What is recorded.
    pub snapshot: &'a Snapshot,
    /// What a refresh found of that.
    pub observed: &'a Observed,
    /// The kinds.
    pub registry: &'a Registry,
    /// What is known of subnets, by id.
    pub reach: Option<&'a BTreeMap<String, Reach>>,
    /// The manifest's own prices.
    pub prices: &'a Prices,
}

impl<'a> Ledger<'a> {
    /// The bill; `None` where the region is not known, or nothing is billed before or after.
    pub fn bill(&self) -> Option<Bill> {
        let region = &self.plan.account.as_ref()?.region;
        let before = self.before();
        let after = self.after(&before);
        let mut counts: BTreeMap<(Sort, String), (u64, u64)> = BTreeMap::new();
        let mut stopped = (0, 0);
        self.count(&before, |key, many| match key {
            Some(key) => counts.entry(key).or_default().0 += many,
            None => stopped.0 += many,
        });
        self.count(&after, |key, many| match key {
            Some(key) => counts.entry(key).or_default().1 += many,
            None => stopped.1 += many,
        });
        let lines: Vec<Line> = counts
            .into_iter()
            .map(|((sort, what), (before, after))| self.line(region, sort, what, before, after))
            .collect();
        (!lines.is_empty()).then(|| Bill {
            region: region.clone(),
            as_of: PriceTable::built_in().publication_date.clone(),
            own_prices: !self.prices.is_empty(),
            lines,
            stopped,
            free_tier: None,
        })
    }

    fn line(&self, region: &str, sort: Sort, what: String, before: u64, after: u64) -> Line {
        let price = match sort {
            Sort::Instances => self.prices.instance(region, &what),
            Sort::Volumes => self.prices.gib(region),
            // What is there only perhaps has no price.
            Sort::PublicIpv4 if !what.is_empty() => None,
            Sort::PublicIpv4 | Sort::ElasticIps => self.prices.address(region),
        };
        let unit = match sort {
            Sort::Volumes => Unit::GibMonth,
            Sort::Instances | Sort::PublicIpv4 | Sort::ElasticIps => Unit::Hour,
        };
        Line {
            sort,
            what,
            unit,
            price,
            before,
            after,
        }
    }

    fn usage(&self, address: &Address, spec: Option<&Json>, outputs: Option<&Json>) -> Vec<Usage> {
        match (self.registry.get(address.kind()), spec) {
            (Some(kind), Some(spec)) => kind.usage(spec, outputs),
            _ => Vec::new(),
        }
    }

    /// What is there: what is recorded, as it was found; what was found without a record; strays.
    fn before(&self) -> Uses<'a> {
        let billed: BTreeSet<&str> = self.registry.billed().collect();
        let mut uses = Uses::default();
        let mut recorded: FastSet<(&Address, u32)> = FastSet::default();
        let found = self.snapshot.resources.iter().zip(&self.observed.recorded);
        for (resource, sighting) in found.filter(|(resource, _)| billed.contains(resource.address.kind())) {
            let key = (&resource.address, resource.generation);
            recorded.insert(key);
            let (spec, outputs) = match sighting {
                Sighting::There { spec, outputs, .. } => (spec, outputs),
                Sighting::AsRecorded | Sighting::Unreadable(_) => (&resource.spec, &resource.outputs),
                Sighting::Foreign(_) | Sighting::Absent => continue,
            };
            uses.insert(key, self.usage(key.0, Some(spec), Some(outputs)));
        }
        for step in self
            .plan
            .steps
            .iter()
            .filter(|step| billed.contains(step.address.kind()))
        {
            let key = (&step.address, step.generation);
            let (spec, outputs) = match step.action() {
                Action::Adopt => {
                    let record = step.after.as_ref();
                    let outputs = record.and_then(|record| record.outputs.as_ref());
                    (step.live.as_ref().or(step.spec_after()), outputs)
                }
                _ => (step.spec_before(), step.outputs_before()),
            };
            if spec.is_some() && !recorded.contains(&key) {
                uses.entry(key)
                    .or_insert_with(|| self.usage(key.0, spec, outputs));
            }
        }
        uses
    }

    /// What is there once the plan is made real.
    fn after(&self, before: &Uses<'a>) -> Uses<'a> {
        let mut uses = before.clone();
        let billed: BTreeSet<&str> = self.registry.billed().collect();
        for step in &self.plan.steps {
            if !billed.contains(step.address.kind()) {
                continue;
            }
            let key = (&step.address, step.generation);
            match step.action() {
                Action::Delete | Action::Forget => {
                    uses.remove(&key);
                }
                Action::Create | Action::Update | Action::Adopt => {
                    let after = step.after.as_ref();
                    let outputs = after.and_then(|record| record.outputs.as_ref());
                    uses.insert(key, self.usage(&step.address, step.spec_after(), outputs));
                }
            }
        }
        uses
    }

    /// Tells `add` how many there are of each; `None` counts stopped instances.
    fn count(&self, uses: &Uses<'_>, mut add: impl FnMut(Option<(Sort, String)>, u64)) {
        // An instance that has an elastic address gave back its own.
        let given: FastSet<&Address> = uses
            .values()
            .flatten()
            .filter_map(|usage| match usage {
                Usage::ElasticIp { machine } => machine.as_ref(),
                _ => None,
            })
            .collect();
        for ((address, _), used) in uses {
            let has_elastic = given.contains(*address);
            for usage in used {
                match usage {
                    Usage::Instance { instance_type } => {
                        add(Some((Sort::Instances, instance_type.clone())), 1);
                    }
                    Usage::Stopped => add(None, 1),
                    Usage::Volume { gib } => add(Some((Sort::Volumes, "gp3".to_owned())), u64::from(*gib)),
                    Usage::ElasticIp { .. } => add(Some((Sort::ElasticIps, String::new())), 1),
                    Usage::PublicIpv4 | Usage::PublicIpv4OfSubnet { .. } if has_elastic => {}
                    Usage::PublicIpv4 => add(Some((Sort::PublicIpv4, String::new())), 1),
                    Usage::PublicIpv4OfSubnet { subnet_id } => {
                        let reach = self.reach.and_then(|reach| reach.get(subnet_id));
                        match reach.map(|reach| reach.public_ip) {
                            Some(true) => add(Some((Sort::PublicIpv4, String::new())), 1),
                            Some(false) => {}
                            None => add(Some((Sort::PublicIpv4, format!("public IPv4 in {subnet_id}"))), 1),
                        }
                    }
                }
            }
        }
    }
}
