//! `--target` and `--exclude`: which decisions are carried out.

use std::collections::{HashMap, HashSet};

use subako_state::{Address, Snapshot};

use super::decide::{Decisions, Fate};
use super::types::Selection;
use crate::desired::DesiredSet;

/// A pattern that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoMatch(pub String);

/// Drops the decisions that are not selected: what is not targeted, nor needed by what is;
/// what is excluded, and what needs it.
pub(super) fn select(
    selection: &Selection,
    desired: &DesiredSet,
    snapshot: &Snapshot,
    decisions: &mut Decisions,
) -> Result<(), NoMatch> {
    let all = || {
        let wanted = desired.resources.iter().map(|d| &d.address);
        wanted.chain(snapshot.resources.iter().map(|r| &r.address))
    };
    for pattern in selection
        .target
        .iter()
        .chain(&selection.exclude)
        .chain(&selection.replace)
    {
        if !all().any(|address| address.matches(pattern)) {
            return Err(NoMatch(pattern.clone()));
        }
    }
    if selection.target.is_empty() && selection.exclude.is_empty() {
        return Ok(());
    }
    let links = Links::new(desired, snapshot, decisions);
    let mut keep: HashSet<String> = if selection.target.is_empty() {
        all().map(ToString::to_string).collect()
    } else {
        let chosen = all().filter(|a| selection.target.iter().any(|p| a.matches(p)));
        links.closure(chosen.map(Address::as_str), |links, address| links.needs(address))
    };
    let excluded = all().filter(|a| selection.exclude.iter().any(|p| a.matches(p)));
    for address in links.closure(excluded.map(Address::as_str), |links, address| {
        links.needed_by(address)
    }) {
        keep.remove(&address);
    }
    for (position, wanted) in desired.resources.iter().enumerate() {
        if !keep.contains(wanted.address.as_str()) {
            decisions.fates[position] = Fate::Keep;
        }
    }
    decisions
        .leaving
        .retain(|leaving| keep.contains(snapshot.resources[leaving.record].address.as_str()));
    decisions
        .drift
        .retain(|drift| keep.contains(drift.address.as_str()));
    Ok(())
}

/// Who needs whom, in the direction of the change: a made resource needs what it depends on,
/// a leaving one needs those that depend on it to leave first.
struct Links<'a> {
    needs: HashMap<&'a str, Vec<&'a str>>,
    needed_by: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Links<'a> {
    fn new(desired: &'a DesiredSet, snapshot: &'a Snapshot, decisions: &'a Decisions) -> Self {
        let mut links = Links {
            needs: HashMap::new(),
            needed_by: HashMap::new(),
        };
        let mut kinds: HashMap<&str, Vec<&str>> = HashMap::new();
        for wanted in &desired.resources {
            kinds
                .entry(wanted.address.kind())
                .or_default()
                .push(wanted.address.as_str());
        }
        for (position, wanted) in desired.resources.iter().enumerate() {
            for dependency in &decisions.dependencies[position] {
                if dependency.name() == "*" {
                    for member in kinds.get(dependency.kind()).into_iter().flatten() {
                        links.add(wanted.address.as_str(), member);
                    }
                } else {
                    links.add(wanted.address.as_str(), dependency.as_str());
                }
            }
        }
        let leaving: HashSet<&str> = decisions
            .leaving
            .iter()
            .map(|l| snapshot.resources[l.record].address.as_str())
            .collect();
        for entry in &decisions.leaving {
            let resource = &snapshot.resources[entry.record];
            for dependency in resource
                .depends_on
                .iter()
                .filter(|d| leaving.contains(d.as_str()))
            {
                if let Some(key) = leaving.get(dependency.as_str()) {
                    links.add(key, resource.address.as_str());
                }
            }
        }
        links
    }

    fn add(&mut self, from: &'a str, to: &'a str) {
        self.needs.entry(from).or_default().push(to);
        self.needed_by.entry(to).or_default().push(from);
    }

    fn needs(&self, address: &str) -> &[&'a str] {
        self.needs.get(address).map_or(&[], Vec::as_slice)
    }

    fn needed_by(&self, address: &str) -> &[&'a str] {
        self.needed_by.get(address).map_or(&[], Vec::as_slice)
    }

    fn closure<'s>(
        &'s self,
        start: impl Iterator<Item = &'s str>,
        next: impl Fn(&'s Self, &str) -> &'s [&'a str],
    ) -> HashSet<String> {
        let mut seen = HashSet::new();
        let mut stack: Vec<String> = start.map(str::to_owned).collect();
        while let Some(address) = stack.pop() {
            for other in next(self, &address) {
                if !seen.contains(*other) {
                    stack.push((*other).to_owned());
                }
            }
            seen.insert(address);
        }
        seen
    }
}
