//! What is wanted of what is there, with the fields that are left as they are.

use std::borrow::Cow;

use subako_state::Snapshot;

use super::change::{Change, Value};
use super::diff::changes;
use crate::desired::DesiredSet;
use crate::fast::FastMap;
use crate::finding::{Finding, Severity, planner};
use crate::kind::{Registry, Sighting};
use crate::refresh::Observed;

/// Longer values are not named.
const LONG: usize = 60;

/// What is wanted, each ignored field as it is there; and a note of each difference that this hides.
/// `snapshot` and `observed` have what was found without a record as well.
pub(super) fn keep<'a>(
    registry: &Registry,
    desired: &'a DesiredSet,
    snapshot: &Snapshot,
    observed: &Observed,
) -> (Cow<'a, DesiredSet>, Vec<Finding>) {
    if desired.ignored.is_empty() {
        return (Cow::Borrowed(desired), Vec::new());
    }
    let records = snapshot.resources.iter().zip(&observed.recorded);
    let current = records.filter(|(resource, _)| !resource.deposed);
    let current: FastMap<_, _> = current
        .map(|(resource, sighting)| (&resource.address, (resource, sighting)))
        .collect();
    let mut kept = desired.clone();
    let mut notes = Vec::new();
    for wanted in &mut kept.resources {
        let fields = desired.ignored.of(&wanted.address);
        let Some((resource, sighting)) = current.get(&wanted.address).filter(|_| !fields.is_empty()) else {
            continue;
        };
        let (live, outputs) = match sighting {
            Sighting::There { spec, outputs, .. } => (spec, outputs),
            Sighting::AsRecorded | Sighting::Unreadable(_) => (&resource.spec, &resource.outputs),
            // What is gone is created as the manifest says.
            Sighting::Absent | Sighting::Foreign(_) => continue,
        };
        let Some(kind) = registry.get(wanted.address.kind()) else {
            continue;
        };
        let live = kind.spelled_as(live, &wanted.spec, outputs);
        let spec = kind.keeping(&wanted.spec, &live, fields);
        if spec == wanted.spec {
            continue;
        }
        let hidden = changes(kind.as_ref(), &spec, &wanted.spec, &|_| false);
        let hidden: Vec<String> = hidden.iter().map(said).collect();
        let message = format!("left as it is, not as the manifest says: {}", hidden.join("; "));
        notes.push(
            Finding::new(Severity::Note, &planner::IGNORED, message)
                .about(wanted.address.clone())
                .with_remedy("take the field out of `ignore_changes` to have it as the manifest says"),
        );
        wanted.spec = spec;
    }
    (Cow::Owned(kept), notes)
}

/// A field, what it is and what the manifest says, as far as that is short.
fn said(change: &Change) -> String {
    let short = |value: &Value| match value {
        Value::Absent => Some("nothing".to_owned()),
        Value::Known(value) => Some(value.to_string()).filter(|text| text.len() <= LONG),
        Value::KnownAfterApply => None,
    };
    match (short(&change.before), short(&change.after)) {
        (Some(live), Some(wanted)) => format!("{} is {live}, not {wanted}", change.path),
        _ => format!("{} differs", change.path),
    }
}

/// The field that a change is in.
pub(crate) fn field(change: &Change) -> &str {
    change.path.split(['.', '[']).next().unwrap_or_default()
}
