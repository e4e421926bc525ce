//! Plans that are not drafted from what is wanted: their steps are made one by one, on what is recorded.

use subako_state::{AccountId, Digest, Resource, Snapshot};

use super::make::PlanError;
use super::purpose::Purpose;
use super::step::{Operation, Record, Step};
use super::types::{Components, PLAN_FORMAT, Plan, Selection, Summary, WRITTEN_BY};
use crate::finding::Finding;

/// What such a plan starts from.
pub(super) struct Direct<'a> {
    snapshot: &'a Snapshot,
    base: Option<Digest>,
    account: Option<AccountId>,
}

impl<'a> Direct<'a> {
    /// A plan on these records; `base` is the digest of their file.
    pub fn on(snapshot: &'a Snapshot, base: Option<Digest>, account: Option<AccountId>) -> Self {
        Self {
            snapshot,
            base,
            account,
        }
    }

    /// The plan, up to its seal.
    pub fn plan(self, purpose: Purpose, steps: Vec<Step>, findings: Vec<Finding>) -> Result<Plan, PlanError> {
        let changed = steps.iter().map(|step| step.address.as_str());
        let wanted = std::iter::once(purpose.word()).chain(changed);
        let update = steps.len() as u32;
        let mut plan = Plan {
            format_version: PLAN_FORMAT,
            written_by: WRITTEN_BY.to_owned(),
            digest: Digest::of(""),
            components: Components {
                manifest: Digest::of_parts(wanted.flat_map(|part| [part, "\n"])),
                state: self.base,
                world: Digest::of(""),
                format: super::digest::of_format(),
            },
            cluster: self.snapshot.cluster.clone(),
            provider: self.snapshot.provider.clone(),
            account: self.account,
            purpose,
            selection: Selection::default(),
            summary: Summary {
                update,
                unchanged: (current(self.snapshot).count() as u32).saturating_sub(update),
                ..Summary::default()
            },
            steps,
            gates: Vec::new(),
            drift: Vec::new(),
            moved: Vec::new(),
            refreshed: Vec::new(),
            findings,
            cost: None,
            rehearsal: None,
        };
        plan.components.world = plan
            .of_world()
            .map_err(|error| PlanError::Digest(error.to_string()))?;
        Ok(plan)
    }
}

/// The records that are not deposed, with their places.
pub(super) fn current(snapshot: &Snapshot) -> impl Iterator<Item = (usize, &Resource)> {
    let all = snapshot.resources.iter().enumerate();
    all.filter(|(_, resource)| !resource.deposed)
}

/// A step after which what is recorded is what it was.
pub(super) fn unchanging(resource: &Resource, operation: Operation) -> Step {
    let before = Record::of(resource);
    let after = Record {
        outputs: None,
        ..before.clone()
    };
    Step::new(
        resource.address.clone(),
        resource.generation,
        operation,
        Some(before),
        Some(after),
    )
}
