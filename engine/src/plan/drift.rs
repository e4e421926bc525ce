//! What of a resource is not as the last run left it.

use subako_state::Resource;

use super::diff::changes;
use super::ignore::field;
use super::types::Drift;
use crate::kind::{ErasedKind, Sighting};

/// How what a refresh found of a recorded resource differs from its record; `None` where it does not,
/// or cannot be read. What means the same is no difference.
pub(crate) fn drifted(kind: &dyn ErasedKind, resource: &Resource, sighting: &Sighting) -> Option<Drift> {
    let drift = |changes, gone| Drift {
        address: resource.address.clone(),
        changes,
        gone,
    };
    match sighting {
        Sighting::AsRecorded | Sighting::Unreadable(_) => None,
        Sighting::Absent | Sighting::Foreign(_) => Some(drift(Vec::new(), true)),
        Sighting::There { spec, outputs, .. } => {
            let found = kind.spelled_as(spec, &resource.spec, outputs);
            let changes = changes(kind, &resource.spec, &found, &|_| false);
            (!changes.is_empty()).then(|| drift(changes, false))
        }
    }
}

/// The part of it that counts, and the part in fields that are left as they are.
pub(crate) fn counted(drift: Drift, ignored: &[&str]) -> (Option<Drift>, Option<Drift>) {
    if ignored.is_empty() || drift.gone {
        return (Some(drift), None);
    }
    let Drift {
        address,
        changes,
        gone,
    } = drift;
    let (hidden, counts): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|change| ignored.contains(&field(change)));
    let part = |changes: Vec<_>| {
        (!changes.is_empty()).then(|| Drift {
            address: address.clone(),
            changes,
            gone,
        })
    };
    (part(counts), part(hidden))
}
