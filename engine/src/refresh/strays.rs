//! What carries the cluster's tags or labels, and is neither recorded nor wanted.

use std::collections::BTreeMap;

use subako_state::{Address, Resource, Snapshot};

use crate::fast::{FastMap, FastSet};
use crate::kind::{ErasedKind, Item, Sighting};
use crate::survey::Survey;
use crate::world::{Result, World};

/// Gathers them, kind by kind.
pub(super) struct Strays {
    /// Addresses and generations that are taken.
    taken: FastSet<(Address, u32)>,
    found: Vec<Resource>,
    /// What must not go before those that are wanted and were found without a record.
    needs: BTreeMap<Address, Vec<Address>>,
}

impl Strays {
    pub fn new(snapshot: &Snapshot) -> Self {
        let recorded = snapshot.resources.iter();
        Self {
            taken: recorded.map(|r| (r.address.clone(), r.generation)).collect(),
            found: Vec::new(),
            needs: BTreeMap::new(),
        }
    }

    /// Those of a kind. An object whose record follows another one by now has no owner either.
    pub fn of(
        &mut self,
        kind: &dyn ErasedKind,
        survey: &Survey,
        items: &[Item],
        sightings: &[Sighting],
    ) -> Result<()> {
        let known_by = kind.traits().known_by;
        let mut known: FastSet<String> = FastSet::default();
        let mut unrecorded: FastMap<String, &Address> = FastMap::default();
        for (item, sighting) in items.iter().zip(sightings) {
            match (sighting, &item.outputs) {
                (
                    Sighting::There {
                        spec,
                        outputs,
                        generation,
                        ..
                    },
                    None,
                ) => {
                    let identity = known_by.of(spec, outputs);
                    unrecorded.extend(identity.map(|identity| (identity, &item.address)));
                    self.taken.insert((item.address.clone(), *generation));
                }
                (Sighting::There { spec, outputs, .. }, _) => known.extend(known_by.of(spec, outputs)),
                (_, Some(outputs)) => known.extend(known_by.of(&item.spec, outputs)),
                (_, None) => {}
            }
        }
        let mut strays = kind.list(survey, &|identity| known.contains(identity))?;
        strays.sort_by(|a, b| {
            let identity = |stray: &Resource| known_by.of(&stray.spec, &stray.outputs);
            (&a.address, a.generation, identity(a)).cmp(&(&b.address, b.generation, identity(b)))
        });
        for mut stray in strays {
            let identity = known_by.of(&stray.spec, &stray.outputs);
            if let Some(address) = identity.and_then(|identity| unrecorded.get(&identity)) {
                self.needs.insert(Address::clone(address), stray.depends_on);
                continue;
            }
            while !self.taken.insert((stray.address.clone(), stray.generation)) {
                stray.generation += 1;
            }
            self.found.push(stray);
        }
        Ok(())
    }

    /// All of them, sorted by address and generation, and what those need that are wanted and were
    /// found without a record.
    pub fn found(mut self) -> (Vec<Resource>, BTreeMap<Address, Vec<Address>>) {
        self.found
            .sort_by(|a, b| (&a.address, a.generation).cmp(&(&b.address, b.generation)));
        (self.found, self.needs)
    }
}

/// What objects cost by the hour, where something is there beside what the manifest wants. No call is
/// made where there is nothing.
pub(crate) async fn prices(world: &World, snapshot: &Snapshot, strays: &[Resource]) -> BTreeMap<String, f64> {
    if strays.is_empty() && !snapshot.resources.iter().any(|resource| resource.deposed) {
        return BTreeMap::new();
    }
    // Without a price they are shown as well.
    let residue = world.cloud.residue(&snapshot.cluster).await.unwrap_or_default();
    residue
        .into_iter()
        .filter_map(|residue| Some((residue.id, residue.usd_per_hour.filter(|usd| *usd > 0.0)?)))
        .collect()
}

/// What each item is told from others by: as recorded, and as found.
pub(super) fn identities(
    kind: &dyn ErasedKind,
    items: &[Item],
    sightings: &[Sighting],
) -> Vec<Option<String>> {
    let known_by = kind.traits().known_by;
    let mut found = Vec::with_capacity(items.len());
    for (item, sighting) in items.iter().zip(sightings) {
        if let Some(outputs) = &item.outputs {
            found.push(known_by.of(&item.spec, outputs));
        }
        if let Sighting::There { spec, outputs, .. } = sighting {
            found.push(known_by.of(spec, outputs));
        }
    }
    found
}
