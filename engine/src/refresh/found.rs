//! What is wanted and was found without a record, as it would be recorded.

use std::collections::BTreeMap;

use subako_state::{Resource, Snapshot};

use super::Observed;
use crate::desired::DesiredSet;
use crate::kind::Sighting;
use crate::reference::references;

impl Observed {
    /// The wanted objects that were found without a record, sorted by address, as records that say
    /// what was found.
    pub(crate) fn found(&self, snapshot: &Snapshot, desired: &DesiredSet) -> Vec<Resource> {
        if self.unrecorded.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<Resource> = desired
            .resources
            .iter()
            .filter_map(|wanted| {
                let Sighting::There {
                    spec,
                    outputs,
                    generation,
                    ..
                } = self.unrecorded.get(&wanted.address)?
                else {
                    return None;
                };
                let referred = references(spec).into_iter().chain(references(&wanted.spec));
                let needed = self.needs.get(&wanted.address).into_iter().flatten();
                let mut depends_on: Vec<_> = referred
                    .chain(wanted.depends_on.iter().chain(needed).cloned())
                    .collect();
                depends_on.sort();
                depends_on.dedup();
                Some(Resource {
                    address: wanted.address.clone(),
                    depends_on,
                    deposed: false,
                    generation: *generation,
                    made_with: BTreeMap::new(),
                    outputs: outputs.clone(),
                    protect: wanted.protect,
                    spec_sha256: spec.digest(),
                    spec: spec.clone(),
                })
            })
            .collect();
        found.sort_by(|a, b| a.address.cmp(&b.address));
        let generations: BTreeMap<_, _> = snapshot
            .resources
            .iter()
            .filter(|recorded| !recorded.deposed)
            .chain(&found)
            .filter(|resource| resource.generation > 0)
            .map(|resource| (resource.address.clone(), resource.generation))
            .collect();
        for resource in &mut found {
            // What it was found to refer to are the objects that are there.
            let referred = references(&resource.spec).into_iter();
            resource.made_with = referred
                .filter_map(|address| Some((address.clone(), *generations.get(&address)?)))
                .collect();
        }
        found
    }

    /// A snapshot with what was found beside it: what a plan can know before anything is recorded.
    /// `None` where everything that was found is recorded.
    pub fn with_found(&self, snapshot: &Snapshot, desired: &DesiredSet) -> Option<Snapshot> {
        let found = self.found(snapshot, desired);
        if found.is_empty() {
            return None;
        }
        let mut all = snapshot.clone();
        all.resources.extend(found);
        all.sort();
        Some(all)
    }
}
