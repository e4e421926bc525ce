//! The invariants of a plan, one file each, as typed findings.
//!
//! An error refuses the plan; a warning is for somebody to think about; a note is good to know.
//! A new check is a file with a `CHECK` (what it is, and a function `fn(&Checked) -> Vec<Finding>`)
//! and a line in `registry`; callers add theirs with [`Checks::register`].

mod addresses;
mod built_in;
mod contents;
mod credits;
mod disk;
mod encryption;
mod exposure;
mod host_ports;
mod images;
mod login;
mod login_key;
mod logins;
mod managers;
mod metadata;
mod named;
mod networks;
mod nodes;
mod offered;
mod open_ports;
mod outage;
mod place;
mod placement;
mod ports;
mod protect;
mod published;
mod quorum;
mod ranges;
mod reach;
mod registry;
mod renamed;
mod reservations;
mod rules;
mod sealed;
mod start_first;
mod tags;
#[cfg(test)]
mod testing;
mod updates;
mod user;
mod way;
mod zones;

pub use crate::finding::{About, Category, Finding, Place, Severity, planner};
pub(crate) use place::resolve as locate;
pub use registry::{Check, CheckError, Checks};
pub use sealed::plan;

use std::collections::{BTreeMap, BTreeSet};

use subako_state::{Address, Snapshot};

use crate::desired::{Desired, DesiredSet};
use crate::kind::Registry;
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::refresh::Managers;
use crate::world::{Instance, LookupAnswer, TypeFacts};

/// What checks look at.
pub struct Checked<'a> {
    /// The plan, complete but for its digest and all findings but the planner's own.
    pub plan: &'a Plan,
    /// What should be.
    pub desired: &'a DesiredSet,
    /// What the last run left.
    pub snapshot: &'a Snapshot,
    /// The managers as a refresh found them; `None` where none looked.
    pub managers: Option<&'a Managers>,
    /// The cluster's instances as a refresh found them; empty where none looked.
    pub instances: &'a [Instance],
    /// The kinds.
    pub registry: &'a Registry,
    /// The manifest; `None` where resources did not come from one, and for a destroy.
    pub manifest: Option<&'a Manifest>,
    /// What was looked up to lower it.
    pub looked_up: Option<&'a LookupAnswer>,
    /// What instance types have, as far as that is known.
    pub types: &'a BTreeMap<String, TypeFacts>,
    /// Instance types of the manifest that the region does not have.
    pub missing_types: &'a BTreeSet<String>,
}

impl<'a> Checked<'a> {
    /// How much it matters that something of the manifest can never work: an error, unless the
    /// plan does nothing, or leaves out the one resource that it is about.
    fn refusing(&self, address: Option<&Address>) -> Severity {
        let selection = &self.plan.selection;
        let whole = selection.target.is_empty() && selection.exclude.is_empty();
        let touched = |address: &Address| self.plan.steps.iter().any(|step| step.address == *address);
        if self.plan.is_empty() || (!whole && !address.is_none_or(touched)) {
            Severity::Warning
        } else {
            Severity::Error
        }
    }

    /// The wanted resources of a kind.
    fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &'a Desired> {
        let wanted = self.desired.resources.iter();
        wanted.filter(move |wanted| wanted.address.kind() == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Operation, Selection, Step};
    use crate::testing::{Draft, address};

    #[test]
    fn what_can_never_work_refuses_what_is_about_it_and_warns_elsewhere() {
        let (web, other) = (address("service.web"), address("service.other"));
        let draft = Draft::new()
            .wants("service.web", serde_json::json!({}))
            .wants("toy.a", serde_json::json!({}));
        let severity = |steps: &[&Address], selection: &Selection, about: Option<&Address>| {
            let mut plan = Draft::new().plan();
            let step = |address: &Address| Step::new(address.clone(), 0, Operation::Create, None, None);
            plan.steps = steps.iter().map(|address| step(address)).collect();
            plan.selection = selection.clone();
            let checked = Checked {
                plan: &plan,
                desired: &draft.desired,
                snapshot: &draft.snapshot,
                managers: None,
                instances: &[],
                registry: &crate::kinds::registry(),
                manifest: None,
                looked_up: None,
                types: &BTreeMap::new(),
                missing_types: &std::collections::BTreeSet::new(),
            };
            let wanted: Vec<_> = checked.of_kind("service").map(|wanted| &wanted.address).collect();
            assert_eq!(wanted, [&web]);
            checked.refusing(about)
        };
        let whole = Selection::default();
        let target = Selection {
            target: vec!["x".into()],
            ..Selection::default()
        };
        let exclude = Selection {
            exclude: vec!["x".into()],
            ..Selection::default()
        };
        for selection in [&whole, &target, &exclude] {
            for about in [None, Some(&web)] {
                assert_eq!(
                    severity(&[], selection, about),
                    Severity::Warning,
                    "a plan that does nothing"
                );
            }
            assert_eq!(severity(&[&other], selection, None), Severity::Error);
            assert_eq!(severity(&[&other, &web], selection, Some(&web)), Severity::Error);
        }
        assert_eq!(severity(&[&other], &whole, Some(&web)), Severity::Error);
        for part in [&target, &exclude] {
            assert_eq!(
                severity(&[&other], part, Some(&web)),
                Severity::Warning,
                "{part:?}"
            );
        }
    }
}
