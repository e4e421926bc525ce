//! What becomes of records that nobody wants.

use subako_state::{Address, Resource};

use super::super::reason::Reason;
use super::super::types::Drift;
use super::{Decisions, Input, Removal};
use crate::fast::FastSet;
use crate::kind::{LivesOn, Sighting};

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
        let seen_gone = matches!(
            input.observed.recorded[record],
            Sighting::Absent | Sighting::Foreign(_)
        );
        let gone = seen_gone || resource.deposed && !is_stray && has_lost_its_host(input, resource);
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
        if seen_gone && !input.selection.destroy {
            out.drift.push(Drift {
                address: resource.address.clone(),
                changes: vec![],
                gone: true,
            });
        }
        out.leaving.push(Removal { record, gone, reason });
    }
}

/// Whether the very object that an old one lived on has left the state: a run that was stopped had
/// deleted it, and had not yet said that this one went with it.
fn has_lost_its_host(input: &Input<'_>, resource: &Resource) -> bool {
    let kind = input.registry.get(resource.address.kind());
    let Some(LivesOn::Dependency(host)) = kind.map(|kind| kind.traits().lives_on) else {
        return false;
    };
    let is_host = |address: &&Address| input.registry.is_a(address.kind(), host);
    let hosts = resource.depends_on.iter().find(is_host);
    hosts.is_some_and(|host| {
        let generation = resource.made_with.get(host).copied().unwrap_or(0);
        let mut at_host = input.snapshot.at(host);
        !at_host.any(|record| input.snapshot.resources[record].generation == generation)
    })
}
