//! Who needs whom, and who cannot change without whom.

use std::collections::BTreeMap;

use subako_state::{Address, Resource};

use super::super::decide::{Decisions, Fate, Input};
use crate::fast::{FastMap, FastSet};
use crate::kind::{Claim, LivesOn};
use crate::reference::references;

type Edges<'a> = FastMap<&'a str, Vec<&'a str>>;

/// Links in the direction of the change: a made resource needs what it depends on, a leaving one
/// needs those that depend on it to leave first. What is replaced or leaves takes along who uses
/// it and changes; who takes a claim takes along who releases it.
pub(super) struct Links<'a> {
    needs: Edges<'a>,
    needed_by: Edges<'a>,
    takes_along: Edges<'a>,
    along_with: Edges<'a>,
}

impl<'a> Links<'a> {
    pub fn new(input: &Input<'a>, decisions: &'a Decisions) -> Self {
        let mut links = Links {
            needs: Edges::default(),
            needed_by: Edges::default(),
            takes_along: Edges::default(),
            along_with: Edges::default(),
        };
        links.of_the_wanted(input, decisions);
        links.of_the_leaving(input, decisions);
        links.of_the_changing(input, decisions);
        links.of_claims(input, decisions);
        links
    }

    fn of_the_wanted(&mut self, input: &Input<'a>, decisions: &'a Decisions) {
        let mut kinds: FastMap<&str, Vec<&str>> = FastMap::default();
        for wanted in &input.desired.resources {
            let kind = kinds.entry(wanted.address.kind()).or_default();
            kind.push(wanted.address.as_str());
        }
        for (position, wanted) in input.desired.resources.iter().enumerate() {
            for dependency in &decisions.dependencies[position] {
                if dependency.name() == "*" {
                    for member in kinds.get(dependency.kind()).into_iter().flatten() {
                        self.need(wanted.address.as_str(), member);
                    }
                } else {
                    self.need(wanted.address.as_str(), dependency.as_str());
                }
            }
        }
    }

    fn of_the_leaving(&mut self, input: &Input<'a>, decisions: &'a Decisions) {
        let resource = |record: usize| -> &'a Resource { &input.snapshot.resources[record] };
        let leaving: FastSet<&str> = decisions
            .leaving
            .iter()
            .map(|l| resource(l.record).address.as_str())
            .collect();
        for entry in &decisions.leaving {
            let resource = resource(entry.record);
            let every = match input
                .registry
                .get(resource.address.kind())
                .map(|k| k.traits().lives_on)
            {
                Some(LivesOn::Every(kind)) => Some(kind),
                _ => None,
            };
            for dependency in &resource.depends_on {
                // What lives on all of a kind does not go with one of them.
                let orders_only = every.is_some() && !references(&resource.spec).contains(dependency);
                if leaving.contains(dependency.as_str()) && !orders_only {
                    self.need(dependency.as_str(), resource.address.as_str());
                }
            }
        }
    }

    /// Who uses what is replaced, gone or leaving, and changes itself.
    fn of_the_changing(&mut self, input: &Input<'a>, decisions: &'a Decisions) {
        let mut moving: FastSet<&str> = FastSet::default();
        for (wanted, fate) in input.desired.resources.iter().zip(&decisions.fates) {
            if matches!(fate, Fate::Replace { .. } | Fate::Create { lost: Some(_), .. }) {
                moving.insert(wanted.address.as_str());
            }
        }
        for entry in &decisions.leaving {
            moving.insert(input.snapshot.resources[entry.record].address.as_str());
        }
        // The old half of what is replaced can go once nobody uses it.
        for entry in &decisions.leaving {
            let resource = &input.snapshot.resources[entry.record];
            for dependency in references(&resource.spec) {
                let used = moving.get(dependency.as_str()).copied();
                if let Some(used) = used.filter(|_| !entry.gone) {
                    self.take_along(used, resource.address.as_str());
                }
            }
        }
        for (position, wanted) in input.desired.resources.iter().enumerate() {
            let record = match &decisions.fates[position] {
                Fate::Update { record, .. }
                | Fate::Settle { record, .. }
                | Fate::Adopt { record, .. }
                | Fate::Replace { record, .. } => Some(*record),
                Fate::Create { lost, .. } => *lost,
                Fate::Keep => None,
            };
            let Some(record) = record else { continue };
            let before = &input.snapshot.resources[record].depends_on;
            for dependency in before.iter().chain(&decisions.dependencies[position]) {
                if moving.contains(dependency.as_str()) {
                    self.take_along(dependency.as_str(), wanted.address.as_str());
                }
            }
        }
    }

    /// Who releases what another takes.
    fn of_claims(&mut self, input: &Input<'a>, decisions: &'a Decisions) {
        let claims = |address: &Address, spec| {
            let kind = input.registry.get(address.kind());
            kind.map_or_else(Vec::new, |kind| kind.claims(spec))
        };
        let held = |address: &Address, spec, outputs| {
            let kind = input.registry.get(address.kind());
            kind.map_or_else(Vec::new, |kind| kind.holds(spec, outputs))
        };
        let mut taken: Vec<(&'a str, Claim)> = Vec::new();
        let mut released: BTreeMap<Claim, Vec<(&'a str, Claim)>> = BTreeMap::new();
        let mut release = |address: &'a str, claim: Claim| {
            released.entry(claim.group()).or_default().push((address, claim));
        };
        for entry in &decisions.leaving {
            let resource: &'a Resource = &input.snapshot.resources[entry.record];
            for claim in held(&resource.address, &resource.spec, &resource.outputs) {
                release(resource.address.as_str(), claim);
            }
        }
        for (wanted, fate) in input.desired.resources.iter().zip(&decisions.fates) {
            let address: &'a Address = &wanted.address;
            let before = match fate {
                Fate::Keep | Fate::Settle { .. } => continue,
                Fate::Create { .. } => Vec::new(),
                Fate::Update { live, .. } | Fate::Adopt { found: live, .. } => claims(address, live),
                Fate::Replace { live, outputs, .. } => held(address, live, outputs),
            };
            let after = claims(address, &wanted.spec);
            let new = after.iter().filter(|claim| !before.contains(claim));
            taken.extend(new.map(|claim| (address.as_str(), claim.clone())));
            for claim in before.iter().filter(|claim| !after.contains(claim)) {
                release(address.as_str(), claim.clone());
            }
        }
        for (taker, claim) in taken {
            for (holder, held) in released.get(&claim.group()).into_iter().flatten() {
                if *holder != taker && held.meets(&claim) {
                    self.take_along(taker, holder);
                }
            }
        }
    }

    fn need(&mut self, from: &'a str, to: &'a str) {
        self.needs.entry(from).or_default().push(to);
        self.needed_by.entry(to).or_default().push(from);
    }

    fn take_along(&mut self, from: &'a str, to: &'a str) {
        self.takes_along.entry(from).or_default().push(to);
        self.along_with.entry(to).or_default().push(from);
    }

    pub fn needs(&self, address: &str) -> &[&'a str] {
        self.needs.get(address).map_or(&[], Vec::as_slice)
    }

    pub fn needed_by(&self, address: &str) -> &[&'a str] {
        self.needed_by.get(address).map_or(&[], Vec::as_slice)
    }

    pub fn takes_along(&self, address: &str) -> &[&'a str] {
        self.takes_along.get(address).map_or(&[], Vec::as_slice)
    }

    pub fn along_with(&self, address: &str) -> &[&'a str] {
        self.along_with.get(address).map_or(&[], Vec::as_slice)
    }

    /// What is chosen, what that needs, and what it takes along.
    pub fn with_those_along<'s>(&'s self, chosen: &[&'s str]) -> BTreeMap<&'s str, Option<&'s str>> {
        self.closure(chosen.iter().copied(), |links, address| {
            (links.needs(address), links.takes_along(address))
        })
    }

    /// Everything that can be reached, and by whom it was taken along where nobody chose or needed
    /// it.
    pub fn closure<'s>(
        &'s self,
        start: impl Iterator<Item = &'s str>,
        next: impl Fn(&'s Self, &str) -> (&'s [&'a str], &'s [&'a str]),
    ) -> BTreeMap<&'s str, Option<&'s str>> {
        let mut seen: BTreeMap<&'s str, Option<&'s str>> = BTreeMap::new();
        let mut open: Vec<&'s str> = Vec::new();
        for address in start {
            if seen.insert(address, None).is_none() {
                open.push(address);
            }
        }
        let mut place = 0;
        while place < open.len() {
            let address = open[place];
            place += 1;
            let (needed, along) = next(self, address);
            let needed = needed.iter().map(|other| (*other, None));
            let along = along.iter().map(|other| (*other, Some(address)));
            for (other, with) in needed.chain(along) {
                if !seen.contains_key(other) {
                    seen.insert(other, with);
                    open.push(other);
                }
            }
        }
        seen
    }
}
