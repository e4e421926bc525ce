//! What becomes of each resource: kept, created, adopted, changed, replaced, deleted.

mod leaving;
mod recorded;

use std::collections::BTreeMap;

use subako_state::{Address, Json, Snapshot};

use super::change::Change;
use super::circle::Circle;
use super::generations::Generations;
use super::reason::{OldFirst, Reason};
use super::types::{Drift, Selection};
use crate::desired::{Desired, DesiredSet};
use crate::fast::{FastMap, FastSet};
use crate::finding::{Finding, Severity, planner};
use crate::graph::ResourceGraph;
use crate::kind::{Claim, Registry, Sighting, Unconverged};
use crate::refresh::Observed;
use leaving::leave;
use recorded::{Recorded, stale};

/// What becomes of a wanted resource.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    /// It stays as it is.
    Keep,
    /// It is made.
    Create {
        generation: u32,
        /// The record of the one that is gone, by its place in the snapshot.
        lost: Option<usize>,
        reason: Option<Reason>,
    },
    /// It is there without a record: it is taken in, and changed where it differs.
    Adopt {
        /// The record that says what was found.
        record: usize,
        found: Json,
        outputs: Json,
        changes: Vec<Change>,
        /// How far it has come, if it has to be waited for.
        unconverged: Option<Unconverged>,
    },
    /// It is changed in place.
    Update {
        record: usize,
        live: Json,
        outputs: Json,
        changes: Vec<Change>,
    },
    /// It is as wanted, and is waited for.
    Settle {
        record: usize,
        live: Json,
        outputs: Json,
        changes: Vec<Change>,
        unconverged: Unconverged,
    },
    /// It is recreated.
    Replace {
        record: usize,
        live: Json,
        outputs: Json,
        changes: Vec<Change>,
        /// Why the old one has to go first, if it has to.
        old_first: Option<OldFirst>,
        reason: Reason,
    },
}

/// What becomes of a recorded resource that is not wanted, or deposed.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    /// Its place in the snapshot.
    pub record: usize,
    /// Whether it is gone already.
    pub gone: bool,
    /// Why it leaves.
    pub reason: Option<Reason>,
}

/// All decisions.
pub(super) struct Decisions {
    /// One for each wanted resource, by its place in the desired set.
    pub fates: Vec<Fate>,
    /// Recorded resources that leave, by their place in the snapshot.
    pub leaving: Vec<Removal>,
    /// What moved outside.
    pub drift: Vec<Drift>,
    /// Outputs that a refresh found changed though nothing else did, by place in the snapshot.
    pub refreshed: Vec<(usize, Json)>,
    /// What forbids or questions the plan.
    pub findings: Vec<Finding>,
    /// What could not be read, by the reason.
    pub unreadable: BTreeMap<String, Vec<Address>>,
    /// What is taken along under a selection, and with what.
    pub taken_along: BTreeMap<Address, Address>,
    /// What each wanted resource depends on, references and further ones.
    pub dependencies: Vec<Vec<Address>>,
}

impl Decisions {
    /// Of the steps that wait for each other, the resources to turn to old before new. One of
    /// those that exchange what only one can hold is enough; otherwise all of those replaced
    /// anyway, and if that is not enough those changed in place.
    pub fn to_turn(&self, desired: &DesiredSet, circle: &Circle, turned: &Turned) -> Turned {
        let waiting: FastSet<&str> = circle.steps.iter().map(|(_, address)| address.as_str()).collect();
        let of = |wanted: &dyn Fn(&Fate) -> bool| -> Vec<Address> {
            let resources = desired.resources.iter().zip(&self.fates);
            resources
                .filter(|(d, fate)| {
                    wanted(fate) && waiting.contains(d.address.as_str()) && !turned.contains_key(&d.address)
                })
                .map(|(d, _)| d.address.clone())
                .collect()
        };
        let replaced = of(&|fate| matches!(fate, Fate::Replace { old_first: None, .. }));
        let changed = of(&|fate| matches!(fate, Fate::Update { .. }));
        let exchanging = [&replaced, &changed].into_iter().flatten().find_map(|address| {
            let takes = circle.claims.iter().find(|edge| edge.to == *address)?;
            let releases = circle.claims.iter().any(|edge| edge.from == *address);
            releases.then(|| (address.clone(), Some(takes.from.clone())))
        });
        match exchanging {
            Some(one) => Turned::from([one]),
            None => {
                let all = if replaced.is_empty() { changed } else { replaced };
                all.into_iter().map(|address| (address, None)).collect()
            }
        }
    }
}

/// Resources that can only be replaced with the old one going first, and with whom they exchange
/// what only one can hold, if that is why.
pub(super) type Turned = BTreeMap<Address, Option<Address>>;

/// Claims that cannot be released before they are taken: who holds and who takes what.
pub(super) type Unmet = BTreeMap<(Address, Address), Claim>;

pub(super) struct Input<'a> {
    pub registry: &'a Registry,
    pub desired: &'a DesiredSet,
    pub graph: &'a ResourceGraph,
    pub snapshot: &'a Snapshot,
    pub observed: &'a Observed,
    /// Which of the records, by their place, are of objects that nobody has recorded or wants.
    pub strays: &'a FastSet<usize>,
    /// Which of them are of wanted objects that were found without a record.
    pub found: &'a FastSet<usize>,
    pub selection: &'a Selection,
    pub generations: &'a Generations<'a>,
    /// Resources that can only be replaced with the old one going first, because otherwise
    /// steps would wait for each other.
    pub circular: &'a Turned,
    /// Who would have to release what to whom, and cannot: the plan is refused.
    pub unmet: &'a Unmet,
}

pub(super) fn decide(input: &Input<'_>) -> Decisions {
    let Input {
        desired,
        graph,
        snapshot,
        ..
    } = *input;
    let current: FastMap<&str, usize> = snapshot
        .resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| !resource.deposed)
        .map(|(index, resource)| (resource.address.as_str(), index))
        .collect();
    let mut out = Decisions {
        fates: vec![Fate::Keep; desired.resources.len()],
        leaving: Vec::new(),
        drift: Vec::new(),
        refreshed: Vec::new(),
        findings: Vec::new(),
        unreadable: BTreeMap::new(),
        taken_along: BTreeMap::new(),
        dependencies: vec![Vec::new(); desired.resources.len()],
    };
    // Addresses whose outputs this plan recreates, and of those the ones whose old object goes first.
    let mut recreated: FastSet<&str> = FastSet::default();
    let mut replaced: FastSet<&str> = FastSet::default();
    let mut old_first: FastSet<&str> = FastSet::default();
    // Only where something was ever recreated can a record be of an object before the current one.
    let any_newer = snapshot.resources.iter().any(|resource| resource.generation > 0);
    for position in graph.order() {
        let wanted = &desired.resources[position];
        let dependencies = graph.dependencies(position);
        let fate = match current.get(wanted.address.as_str()) {
            None => unrecorded(input, wanted, &mut out.findings),
            Some(record) => {
                let cx = Recorded {
                    input,
                    wanted,
                    record: *record,
                    dependencies: &dependencies.all,
                    referred: &dependencies.all[..dependencies.referred],
                    stale: if any_newer {
                        stale(snapshot, *record)
                    } else {
                        Vec::new()
                    },
                    recreated: &recreated,
                    replaced: &replaced,
                    old_first: &old_first,
                };
                let fate = cx.decide(&mut out);
                if input.found.contains(record) {
                    cx.taken_in(fate, &mut out)
                } else {
                    fate
                }
            }
        };
        match &fate {
            Fate::Create { .. } => {
                recreated.insert(wanted.address.as_str());
            }
            Fate::Replace { old_first: first, .. } => {
                recreated.insert(wanted.address.as_str());
                replaced.insert(wanted.address.as_str());
                if first.is_some() {
                    old_first.insert(wanted.address.as_str());
                }
            }
            _ => {}
        }
        out.fates[position] = fate;
        out.dependencies[position].clone_from(&dependencies.all);
    }
    leave(input, &mut out);
    say_unreadable(&mut out);
    out
}

/// One warning for each reason, however many it concerns.
fn say_unreadable(out: &mut Decisions) {
    for (why, addresses) in &out.unreadable {
        let warning = |message| {
            Finding::new(Severity::Warning, &planner::REFRESH, message)
                .with_remedy("plan again after this apply: what differs of it is seen then")
        };
        out.findings.push(match &addresses[..] {
            [address] => warning(format!(
                "it cannot be read now, so it is planned as recorded: {why}"
            ))
            .about(address.clone()),
            several => warning(format!(
                "{} resources cannot be read now, so they are planned as recorded: {why}",
                several.len()
            )),
        });
    }
}

fn unrecorded(input: &Input<'_>, wanted: &Desired, findings: &mut Vec<Finding>) -> Fate {
    let create = |reason| Fate::Create {
        generation: input.generations.next(&wanted.address),
        lost: None,
        reason,
    };
    match input.observed.unrecorded.get(&wanted.address) {
        None | Some(Sighting::Absent | Sighting::AsRecorded) => create(None),
        Some(Sighting::Unreadable(why)) => {
            findings.push(
                Finding::new(
                    Severity::Warning,
                    &planner::REFRESH,
                    format!("it cannot be seen whether it exists: {why}"),
                )
                .about(wanted.address.clone()),
            );
            create(None)
        }
        Some(Sighting::Foreign(what)) => {
            findings.push(
                Finding::new(
                    Severity::Error,
                    &planner::FOREIGN,
                    format!("its name is taken by {what}"),
                )
                .about(wanted.address.clone())
                .with_remedy("choose another name in the manifest, or remove the other one by hand"),
            );
            create(None)
        }
        // What was found is a record by now, of which there is a fate.
        Some(Sighting::There { .. }) => create(None),
    }
}

/// What is found and does not match is not taken in only to be replaced later.
fn found_and_replaced(address: &Address, reason: &Reason) -> Finding {
    let message =
        format!("it was found without a record and does not match, so this plan replaces it: {reason}");
    Finding::new(Severity::Warning, &planner::ADOPTION, message)
        .about(address.clone())
        .with_remedy("write into the manifest what is there to keep it")
}
