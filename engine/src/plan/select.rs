//! `--target` and `--exclude`: which decisions are carried out. A selection is closed: what can
//! only change together is taken along, or left together.

mod links;

use std::collections::{BTreeMap, BTreeSet};

use subako_state::Address;

use super::decide::{Decisions, Fate, Input};
use crate::fast::FastSet;
use crate::finding::{Finding, Severity, planner};
use crate::kind::LivesOn;
use links::Links;

/// Addresses, with what each changes together with where that is why it is among them.
type Reached = BTreeMap<String, Option<String>>;

/// So many addresses are named that may have been meant.
const NEAR: usize = 6;

/// A pattern that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoMatch {
    /// The pattern.
    pub pattern: String,
    /// What has its name.
    pub near: Vec<Address>,
}

/// Addresses that have the name of a pattern without a kind, or with another kind; sorted.
fn near<'a>(pattern: &str, all: impl Iterator<Item = &'a Address>) -> Vec<Address> {
    let name = pattern.rsplit_once('.').map_or(pattern, |(_, name)| name);
    let named = all.filter(|address| address.name().eq_ignore_ascii_case(name));
    let named: BTreeSet<&Address> = named.collect();
    named.into_iter().take(NEAR).cloned().collect()
}

/// Drops the decisions that are not selected: what is not targeted, nor needed by what is or
/// taken along with it; what is excluded, what needs it, and what would take it along.
pub(super) fn select(input: &Input<'_>, decisions: &mut Decisions) -> Result<(), NoMatch> {
    let Input {
        selection,
        desired,
        snapshot,
        ..
    } = *input;
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
            return Err(NoMatch {
                pattern: pattern.clone(),
                near: near(pattern, all()),
            });
        }
    }
    if selection.target.is_empty() && selection.exclude.is_empty() {
        return Ok(());
    }
    let (keep, left_out) = closed(input, decisions);
    let kept = |address: &Address| keep.contains_key(address.as_str());
    let mut waiting = 0;
    for (position, wanted) in desired.resources.iter().enumerate() {
        if kept(&wanted.address) {
            continue;
        }
        let left = left_as_it_is(input, &decisions.fates[position]);
        waiting += usize::from(left.changes);
        decisions.fates[position] = left.fate;
    }
    waiting += decisions.leaving.len();
    decisions
        .leaving
        .retain(|leaving| kept(&snapshot.resources[leaving.record].address));
    waiting -= decisions.leaving.len();
    decisions.drift.retain(|drift| kept(&drift.address));
    decisions.taken_along = all()
        .filter_map(|address| {
            let with = keep.get(address.as_str())?.as_ref()?;
            Some((address.clone(), with.parse().ok()?))
        })
        .collect();
    decisions.findings.push(partial(waiting));
    for (address, with) in &left_out {
        let with = with.as_ref().and_then(|with| with.parse::<Address>().ok());
        let (Ok(address), Some(with)) = (address.parse::<Address>(), with) else {
            continue;
        };
        let message = format!("it is left for a later apply, because {with} is, and the two change together");
        decisions
            .findings
            .push(Finding::new(Severity::Warning, &planner::SELECTION, message).about(address));
    }
    Ok(())
}

/// What becomes of a resource that a selection leaves out, and whether that leaves a change.
struct LeftOut {
    fate: Fate,
    changes: bool,
}

/// A selection leaves out changes, not records: what was found is taken in as it is, so that what is
/// selected can be reached through it.
fn left_as_it_is(input: &Input<'_>, fate: &Fate) -> LeftOut {
    let (record, changes) = match fate {
        Fate::Keep => {
            return LeftOut {
                fate: Fate::Keep,
                changes: false,
            };
        }
        Fate::Adopt {
            record,
            changes,
            unconverged,
            ..
        } => (*record, !changes.is_empty() || unconverged.is_some()),
        Fate::Replace { record, .. } if input.found.contains(record) => (*record, true),
        _ => {
            return LeftOut {
                fate: Fate::Keep,
                changes: true,
            };
        }
    };
    let resource = &input.snapshot.resources[record];
    let fate = Fate::Adopt {
        record,
        found: resource.spec.clone(),
        outputs: resource.outputs.clone(),
        changes: Vec::new(),
        unconverged: None,
    };
    LeftOut { fate, changes }
}

/// What is carried out and what is left out, each with what it changes together with where that
/// is why.
fn closed(input: &Input<'_>, decisions: &Decisions) -> (Reached, Reached) {
    let selection = input.selection;
    let links = Links::new(input, decisions);
    let matching = |patterns: &[String]| -> Vec<&str> {
        let wanted = input.desired.resources.iter().map(|d| &d.address);
        let all = wanted.chain(input.snapshot.resources.iter().map(|r| &r.address));
        let chosen = all.filter(|a| patterns.iter().any(|pattern| a.matches(pattern)));
        chosen.map(Address::as_str).collect()
    };
    let everything = ["*.*".to_owned()];
    let target = if selection.target.is_empty() {
        &everything[..]
    } else {
        &selection.target
    };
    let mut chosen = matching(target);
    let mut keep = links.with_those_along(&chosen);
    let orphans = orphans(input, decisions, &|address| keep.contains_key(address.as_str()));
    if !orphans.is_empty() {
        chosen.extend(orphans);
        keep = links.with_those_along(&chosen);
    }
    let left_out = links.closure(matching(&selection.exclude).into_iter(), |links, address| {
        (links.needed_by(address), links.along_with(address))
    });
    keep.retain(|address, _| !left_out.contains_key(address));
    let owned = |reached: BTreeMap<&str, Option<&str>>| {
        let named = reached.into_iter();
        named
            .map(|(address, with)| (address.to_owned(), with.map(str::to_owned)))
            .collect()
    };
    (owned(keep), owned(left_out))
}

/// What leaves because all that it lives on together is taken away.
fn orphans<'a>(input: &Input<'a>, decisions: &Decisions, kept: &dyn Fn(&Address) -> bool) -> Vec<&'a str> {
    let resources = &input.snapshot.resources;
    let going: FastSet<usize> = decisions
        .leaving
        .iter()
        .map(|l| l.record)
        .filter(|record| kept(&resources[*record].address))
        .collect();
    let left = |kind: &str| {
        let mut of_kind = resources
            .iter()
            .enumerate()
            .filter(|(_, r)| input.registry.is_a(r.address.kind(), kind));
        of_kind.any(|(record, _)| !going.contains(&record))
    };
    let leaving = decisions.leaving.iter().map(|l| &resources[l.record].address);
    leaving
        .filter(|address| {
            let kind = input.registry.get(address.kind());
            match kind.map(|kind| kind.traits().lives_on) {
                Some(LivesOn::Every(kind)) => !left(kind),
                _ => false,
            }
        })
        .map(Address::as_str)
        .collect()
}

/// A plan under a selection says that it is a part.
fn partial(waiting: usize) -> Finding {
    let message = match waiting {
        0 => "this plan is partial, and leaves nothing for a later apply".to_owned(),
        1 => "this plan is partial: 1 change is left for a later apply".to_owned(),
        n => format!("this plan is partial: {n} changes are left for a later apply"),
    };
    Finding::new(Severity::Note, &planner::SELECTION, message)
}
