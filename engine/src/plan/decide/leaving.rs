//! What becomes of records that nobody wants.

use super::super::reason::Reason;
use super::super::types::Drift;
use super::{Decisions, Input, Removal};
use crate::fast::FastSet;
use crate::kind::Sighting;

/// Decides which records leave, and why. A stray that the world protects stays.
pub(super) fn leave(input: &Input<'_>, out: &mut Decisions) {
    let wanted: FastSet<&str> = input
        .desired
        .resources
        .iter()
        .map(|d| d.address.as_str())
        .collect();
    for (record, resource) in input.snapshot.resources.iter().enumerate() {
        let is_wanted = wanted.contains(resource.address.as_str());
        let is_stray = input.strays.contains(&record);
        if !resource.deposed && is_wanted || is_stray && resource.protect {
            continue;
        }
        let gone = matches!(
            input.observed.recorded[record],
            Sighting::Absent | Sighting::Foreign(_)
        );
        let has_twin = is_wanted || input.snapshot.get(&resource.address).is_some();
        let reason = if is_stray && has_twin {
            Some(Reason::Twin)
        } else if is_stray {
            Some(Reason::Stray)
        } else if resource.deposed {
            Some(Reason::Deposed)
        } else if gone {
            Some(Reason::Gone)
        } else if input.selection.destroy {
            None
        } else {
            Some(Reason::Unwanted)
        };
        if gone && !input.selection.destroy {
            out.drift.push(Drift {
                address: resource.address.clone(),
                changes: vec![],
                gone: true,
            });
        }
        out.leaving.push(Removal { record, gone, reason });
    }
}
