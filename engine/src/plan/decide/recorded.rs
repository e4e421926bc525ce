//! What becomes of a wanted resource that is recorded.

use subako_state::{Address, Json, Resource, Snapshot};

use super::super::change::{Change, Value};
use super::super::diff::changes;
use super::super::drift::{counted, drifted};
use super::super::reason::{OldFirst, Reason};
use super::{Decisions, Fate, Input};
use crate::desired::Desired;
use crate::fast::FastSet;
use crate::finding::{Finding, Severity, planner};
use crate::kind::Sighting;
use crate::reference::references;

/// A wanted resource and its record, with what was decided of what it depends on.
pub(super) struct Recorded<'a, 'b> {
    pub input: &'b Input<'a>,
    pub wanted: &'a Desired,
    pub record: usize,
    pub dependencies: &'b [Address],
    /// The dependencies that its spec refers to.
    pub referred: &'b [Address],
    /// What its record refers to an earlier object of.
    pub stale: Vec<Address>,
    pub recreated: &'b FastSet<&'a str>,
    pub replaced: &'b FastSet<&'a str>,
    pub old_first: &'b FastSet<&'a str>,
}

impl Recorded<'_, '_> {
    fn resource(&self) -> &Resource {
        &self.input.snapshot.resources[self.record]
    }

    /// The fields that are left as they are.
    fn ignored(&self) -> &[&'static str] {
        self.input.desired.ignored.of(&self.wanted.address)
    }

    fn is_recorded_but_for_what_is_ignored(&self, live: &Json) -> bool {
        let ignored = self.ignored();
        let kind = self.input.registry.get(self.wanted.address.kind());
        let kind = kind.filter(|_| !ignored.is_empty());
        kind.is_some_and(|kind| kind.keeping(&self.resource().spec, live, ignored) == *live)
    }

    /// What becomes of it, given what a refresh found.
    pub fn decide(&self, out: &mut Decisions) -> Fate {
        let resource = self.resource();
        let sighting = &self.input.observed.recorded[self.record];
        if let Some(kind) = self.input.registry.get(resource.address.kind()) {
            let drift = drifted(kind.as_ref(), resource, sighting);
            out.drift
                .extend(drift.and_then(|drift| counted(drift, self.ignored()).0));
        }
        let (live, outputs) = match sighting {
            Sighting::AsRecorded => (resource.spec.clone(), resource.outputs.clone()),
            Sighting::There { spec, outputs, .. } => (spec.clone(), outputs.clone()),
            Sighting::Unreadable(why) => {
                let addresses = out.unreadable.entry(why.clone()).or_default();
                addresses.push(resource.address.clone());
                (resource.spec.clone(), resource.outputs.clone())
            }
            Sighting::Absent | Sighting::Foreign(_) => {
                return Fate::Create {
                    generation: self.input.generations.next(&resource.address),
                    lost: Some(self.record),
                    reason: Some(Reason::Gone),
                };
            }
        };
        let fate = self.compare(&live, &outputs, &mut out.findings);
        if matches!(fate, Fate::Keep) && outputs != resource.outputs {
            out.refreshed.push((self.record, outputs));
        }
        fate
    }

    /// What becomes of one that was found without a record, given what would become of it with one.
    pub fn taken_in(&self, fate: Fate, out: &mut Decisions) -> Fate {
        let record = self.record;
        let (live, outputs, changes, unconverged) = match fate {
            Fate::Keep => {
                let resource = self.resource();
                let spelled = self.spelled_as_wanted(&resource.spec, &resource.outputs);
                (spelled, resource.outputs.clone(), Vec::new(), None)
            }
            Fate::Update {
                live,
                outputs,
                changes,
                ..
            } => (live, outputs, changes, None),
            Fate::Settle {
                live,
                outputs,
                unconverged,
                ..
            } => (live, outputs, Vec::new(), Some(unconverged)),
            Fate::Replace { ref reason, .. } => {
                out.findings
                    .push(super::found_and_replaced(&self.wanted.address, reason));
                return fate;
            }
            Fate::Create { .. } | Fate::Adopt { .. } => return fate,
        };
        Fate::Adopt {
            record,
            found: live,
            outputs,
            changes,
            unconverged,
        }
    }

    fn spelled_as_wanted(&self, spec: &Json, outputs: &Json) -> Json {
        match self.input.registry.get(self.wanted.address.kind()) {
            Some(kind) => kind.spelled_as(spec, &self.wanted.spec, outputs),
            None => spec.clone(),
        }
    }

    fn compare(&self, live: &Json, outputs: &Json, findings: &mut Vec<Finding>) -> Fate {
        let resource = self.resource();
        let recorded = *live == resource.spec || self.is_recorded_but_for_what_is_ignored(live);
        let live = &self.spelled_as_wanted(live, outputs);
        let touches_recreated = !self.stale.is_empty()
            || self
                .dependencies
                .iter()
                .any(|d| self.recreated.contains(d.as_str()));
        let asked = self
            .input
            .selection
            .replace
            .iter()
            .any(|pattern| resource.address.matches(pattern));
        let asked = asked && self.can_be_asked(findings);
        let turned = self.input.circular.get(&resource.address);
        let circular = turned.is_some();
        if *live == self.wanted.spec && !touches_recreated && !asked && !circular {
            // Only the record differs, if anything: what was wanted before, or whether it is protected.
            return self.as_wanted(live, outputs, recorded);
        }
        let Some(kind) = self.input.registry.get(resource.address.kind()) else {
            return Fate::Keep;
        };
        let mut found = changes(kind.as_ref(), live, &self.wanted.spec, &|address| {
            self.recreated.contains(address.as_str()) || self.stale.contains(address)
        });
        let together = self
            .dependencies
            .iter()
            .find(|d| self.replaced.contains(d.as_str()) && kind.traits().replaced_with.contains(&d.kind()));
        // What it refers to, or did, cannot go first while it still uses it.
        let in_the_way = if self.old_first.is_empty() {
            None
        } else {
            let before = references(&resource.spec);
            let (uses, outlives) = (kind.traits().uses, kind.traits().outlives);
            let outlived = |d: &Address| {
                outlives
                    .iter()
                    .any(|kind| self.input.registry.is_a(d.kind(), kind))
            };
            let by_name = self.dependencies.iter().chain(&resource.depends_on);
            self.referred
                .iter()
                .chain(&before)
                .chain(by_name.filter(|d| uses.contains(&d.kind())))
                .find(|d| self.old_first.contains(d.as_str()) && !outlived(d))
                .cloned()
        };
        let forced = found.iter().find_map(|c| {
            Some(Reason::Forced {
                field: c.path.clone(),
                why: c.forces_replacement.clone()?,
            })
        });
        let reason = if asked {
            Some(Reason::Requested)
        } else if let Some(reason) = forced {
            Some(reason)
        } else if let Some(exchanges) = turned {
            Some(
                exchanges
                    .clone()
                    .map_or(Reason::CannotExchange, Reason::Exchanges),
            )
        } else {
            together
                .map(|dependency| Reason::ReplacedWith(dependency.clone()))
                .or_else(|| in_the_way.map(Reason::UsesOld))
        };
        match reason {
            Some(reason) => {
                let dependency_first = self
                    .dependencies
                    .iter()
                    .find(|d| self.old_first.contains(d.as_str()));
                let old_first = match (kind.coexists(live, &self.wanted.spec), dependency_first) {
                    (Err(why), _) => Some(OldFirst::CannotCoexist(why)),
                    (Ok(()), Some(dependency)) => Some(OldFirst::Uses(dependency.clone())),
                    (Ok(()), None) => {
                        turned.map(|with| with.clone().map_or(OldFirst::Circular, OldFirst::Exchanges))
                    }
                };
                Fate::Replace {
                    record: self.record,
                    live: live.clone(),
                    outputs: outputs.clone(),
                    changes: found,
                    old_first,
                    reason,
                }
            }
            None => {
                if found.is_empty() {
                    return self.as_wanted(live, outputs, recorded);
                }
                found.extend(self.protection());
                found.extend(self.naming());
                Fate::Update {
                    record: self.record,
                    live: live.clone(),
                    outputs: outputs.clone(),
                    changes: found,
                }
            }
        }
    }

    /// What becomes of one that is as wanted, whatever its record says.
    fn as_wanted(&self, live: &Json, outputs: &Json, recorded: bool) -> Fate {
        let (live, outputs, mut changes) = (live.clone(), outputs.clone(), self.protection());
        let record = self.record;
        match self.input.observed.recorded[record].unconverged() {
            Some(unconverged) => Fate::Settle {
                record,
                live,
                outputs,
                changes,
                unconverged,
            },
            None => {
                changes.extend(self.naming());
                if changes.is_empty() && recorded {
                    return Fate::Keep;
                }
                Fate::Update {
                    record,
                    live,
                    outputs,
                    changes,
                }
            }
        }
    }

    /// Whether it can be replaced because somebody asks for it: not if it is a part of something
    /// that stays.
    fn can_be_asked(&self, findings: &mut Vec<Finding>) -> bool {
        let address = &self.wanted.address;
        let kind = self.input.registry.get(address.kind());
        let Some(whole) = kind.and_then(|kind| kind.traits().part_of) else {
            return true;
        };
        let is_whole = |d: &&Address| self.input.registry.is_a(d.kind(), whole);
        let of = self.dependencies.iter().find(is_whole);
        if of.is_some_and(|of| self.replaced.contains(of.as_str()) || self.recreated.contains(of.as_str())) {
            return true;
        }
        let of = of.map_or_else(|| format!("its {whole}"), ToString::to_string);
        findings.push(
            Finding::new(
                Severity::Error,
                &planner::SELECTION,
                format!("a {} cannot be replaced by itself", address.kind()),
            )
            .about(address.clone())
            .with_remedy(format!("replace {of}, which takes it along: `--replace {of}`")),
        );
        false
    }

    /// The address that it carries in the world, where that is another one.
    fn naming(&self) -> Option<Change> {
        let address = &self.resource().address;
        let found = self.input.observed.misnamed.get(address)?;
        Some(Change {
            path: "(address in the world)".to_owned(),
            before: Value::Known(found.as_str().into()),
            after: Value::Known(address.as_str().into()),
            forces_replacement: None,
            cost: None,
        })
    }

    fn protection(&self) -> Vec<Change> {
        let resource = self.resource();
        if resource.protect == self.wanted.protect {
            return Vec::new();
        }
        vec![Change {
            path: "(deletion protection in the state)".to_owned(),
            before: Value::Known(resource.protect.into()),
            after: Value::Known(self.wanted.protect.into()),
            forces_replacement: None,
            cost: None,
        }]
    }
}

/// What a record refers to an earlier object of than the current one: a run that was cut short
/// made a new one, and did not come to those that need it.
pub(super) fn stale(snapshot: &Snapshot, record: usize) -> Vec<Address> {
    let resource = &snapshot.resources[record];
    let outdated = |address: &Address| {
        let made_with = resource.made_with.get(address).copied().unwrap_or(0);
        snapshot
            .get(address)
            .is_some_and(|current| current.generation != made_with)
    };
    references(&resource.spec).into_iter().filter(outdated).collect()
}
