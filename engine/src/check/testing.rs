//! A manifest, lowered and planned, for the tests of checks.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use serde_json::Value;
use subako_state::Snapshot;

use super::built_in::BuiltIn;
use super::{Checked, Checks, Finding};
use crate::desired::DesiredSet;
use crate::kind::Registry;
use crate::kinds;
use crate::lower::testing::{answer, applied, empty};
use crate::lower::{lower, needs};
use crate::manifest::{Files, Manifest, Source, Variables, parse_with};
use crate::plan::{Plan, Planning, Selection, Step, draft};
use crate::refresh::{Managers, Observed};
use crate::world::{Instance, LookupAnswer, TypeFacts};

/// One manager and two workers, with `more` after them (from line 19 on).
pub(super) fn manifest(more: &str) -> String {
    format!(
        r#"[cluster]
name = "sandbox"
provider = "sim"

[security_group]
ssh_from = "198.51.100.7/32"

[[pool]]
name = "manager"
role = "manager"
count = 1
instance_type = "t3.micro"

[[pool]]
name = "node"
role = "worker"
count = 2
instance_type = "t3.micro"
{more}"#
    )
}

struct Nothing;

impl Files for Nothing {
    fn read(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn bytes(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// A manifest and what lies around it.
pub(super) struct Case {
    pub manifest: Manifest,
    pub answer: LookupAnswer,
    pub snapshot: Snapshot,
    pub types: BTreeMap<String, TypeFacts>,
    pub missing_types: BTreeSet<String>,
    pub selection: Selection,
    pub instances: Vec<Instance>,
}

impl Case {
    /// Of a manifest's text, with nothing there yet, in the default VPC.
    pub fn of(text: &str) -> Self {
        let source = Source {
            name: "cluster.toml".into(),
            text: text.into(),
            dir: "/srv".into(),
        };
        let parsed = parse_with(&source, &Variables::default(), &Nothing);
        let manifest = parsed.unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        Self {
            answer: answer(&needs(&manifest, &empty(), &[])),
            manifest,
            snapshot: empty(),
            types: BTreeMap::new(),
            missing_types: BTreeSet::new(),
            selection: Selection::default(),
            instances: Vec::new(),
        }
    }

    /// The state once the manifest is applied, with outputs that nobody reads.
    pub fn applied(&self) -> Snapshot {
        let desired = lower(&self.manifest, &self.snapshot, &[], &self.answer).expect("it can be lowered");
        applied(&desired)
    }

    /// What the check with this id says, of those of this crate.
    pub fn findings(&self, id: &str) -> Vec<Finding> {
        self.findings_of(&Checks::default(), id)
    }

    /// What the check with this id says.
    pub fn findings_of(&self, checks: &Checks, id: &str) -> Vec<Finding> {
        assert!(
            checks.list().any(|about| about.id == id),
            "no check is called {id}"
        );
        let desired = lower(&self.manifest, &self.snapshot, &[], &self.answer).expect("it can be lowered");
        let plan = draft(&Planning {
            registry: &kinds::registry(),
            desired: &desired,
            snapshot: &self.snapshot,
            base: None,
            observed: &Observed::as_recorded(&self.snapshot),
            moved: &[],
            account: None,
            selection: &self.selection,
        });
        let mut found = checks.findings(&Checked {
            plan: &plan.expect("it can be planned"),
            desired: &desired,
            snapshot: &self.snapshot,
            managers: None,
            instances: &self.instances,
            registry: &kinds::registry(),
            manifest: Some(&self.manifest),
            looked_up: Some(&self.answer),
            types: &self.types,
            missing_types: &self.missing_types,
        });
        found.retain(|finding| finding.id == id);
        found
    }
}

/// What a check is given where it is not made of a manifest: nothing is wanted, and of AWS nothing is
/// known.
pub(super) struct Bare {
    desired: DesiredSet,
    registry: Registry,
    types: BTreeMap<String, TypeFacts>,
    missing_types: BTreeSet<String>,
}

impl Bare {
    pub fn new() -> Self {
        Self::wanting(DesiredSet::default())
    }

    /// As [`Self::new`], but this is wanted.
    pub fn wanting(desired: DesiredSet) -> Self {
        Self {
            desired,
            registry: kinds::registry(),
            types: BTreeMap::new(),
            missing_types: BTreeSet::new(),
        }
    }

    /// With a plan, what is recorded, and the managers as they were read.
    pub fn checked<'a>(
        &'a self,
        plan: &'a Plan,
        snapshot: &'a Snapshot,
        managers: Option<&'a Managers>,
    ) -> Checked<'a> {
        Checked {
            plan,
            desired: &self.desired,
            snapshot,
            managers,
            instances: &[],
            registry: &self.registry,
            manifest: None,
            looked_up: None,
            types: &self.types,
            missing_types: &self.missing_types,
        }
    }
}

/// What a check says, as `severity address: message`, where these resources are wanted and nothing
/// else is known; none of them needs to be possible in a manifest.
pub(super) fn among(check: &BuiltIn, wanted: &[(&str, Value)], steps: Vec<Step>) -> Vec<String> {
    let draft = wanted
        .iter()
        .fold(crate::testing::Draft::new(), |draft, (name, spec)| {
            draft.wants(name, spec.clone())
        });
    let mut plan = crate::testing::Draft::new().plan();
    plan.steps = steps;
    let bare = Bare::wanting(draft.desired);
    let found = (check.look)(&bare.checked(&plan, &draft.snapshot, None));
    let said = found.into_iter().map(|finding| {
        assert!(finding.remedy.is_some(), "no remedy: {finding:#?}");
        let about = finding
            .address
            .map_or_else(|| "nothing".to_owned(), |address| address.to_string());
        format!("{:?} {about}: {}", finding.severity, finding.message)
    });
    said.collect()
}

/// The one finding, as `severity line path: message`.
pub(super) fn only(found: &[Finding]) -> String {
    let [finding] = found else {
        panic!("not one finding: {found:#?}");
    };
    assert!(finding.remedy.is_some(), "no remedy: {finding:#?}");
    let place = finding.place.as_ref().map_or_else(
        || "nowhere".to_owned(),
        |place| format!("{} {}", place.line, place.path),
    );
    format!("{:?} {place}: {}", finding.severity, finding.message)
}
