//! Reads the world: one survey for the whole cluster, then each kind finds its resources in it.

mod ask;
mod in_flight;
mod managers;
mod names;
mod survey;
mod unseen;

pub use crate::survey::{Managers, Standing, Survey, SwarmSurvey, SwarmView};

use std::collections::HashMap;

use subako_state::{Address, Json, Snapshot};

use crate::desired::DesiredSet;
use crate::fast::{FastMap, FastSet};
use crate::kind::{Item, Registry, Sighting};
use crate::world::{Failure, Result, World};

/// What a refresh found.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// One for each recorded resource, in the order of the snapshot.
    pub recorded: Vec<Sighting>,
    /// Wanted resources without a record, where something was found.
    pub unrecorded: HashMap<Address, Sighting>,
    /// The managers, where the swarm was asked for.
    pub managers: Option<Managers>,
}

impl Observed {
    /// What a plan without a refresh starts from: everything is as recorded.
    pub fn as_recorded(snapshot: &Snapshot) -> Self {
        Self {
            recorded: vec![Sighting::AsRecorded; snapshot.resources.len()],
            unrecorded: HashMap::new(),
            managers: None,
        }
    }
}

/// Looks at everything recorded and everything wanted.
pub async fn refresh(
    registry: &Registry,
    world: &World,
    snapshot: &Snapshot,
    desired: &DesiredSet,
) -> Result<Observed> {
    let survey = Survey::take(world, snapshot, desired).await?;
    find(registry, &survey, snapshot, desired).await
}

/// Finds everything recorded and everything wanted in what was read.
pub async fn find(
    registry: &Registry,
    survey: &Survey,
    snapshot: &Snapshot,
    desired: &DesiredSet,
) -> Result<Observed> {
    let mut observed = Observed::as_recorded(snapshot);
    observed.managers = Some(survey.managers.clone());
    let mut by_kind: FastMap<&str, Vec<(Option<usize>, Item)>> = FastMap::default();
    let recorded: FastSet<&Address> = snapshot
        .resources
        .iter()
        .filter(|r| !r.deposed)
        .map(|r| &r.address)
        .collect();
    let wanted: FastMap<&Address, &Json> = desired
        .resources
        .iter()
        .map(|wanted| (&wanted.address, &wanted.spec))
        .collect();
    for (index, resource) in snapshot.resources.iter().enumerate() {
        let wanted = wanted.get(&resource.address).filter(|_| !resource.deposed);
        by_kind.entry(resource.address.kind()).or_default().push((
            Some(index),
            Item {
                address: resource.address.clone(),
                spec: resource.spec.clone(),
                wanted: wanted.map(|wanted| Json::clone(wanted)),
                outputs: Some(resource.outputs.clone()),
                deposed: resource.deposed,
                generation: resource.generation,
            },
        ));
    }
    for wanted in desired
        .resources
        .iter()
        .filter(|wanted| !recorded.contains(&wanted.address))
    {
        by_kind.entry(wanted.address.kind()).or_default().push((
            None,
            Item {
                address: wanted.address.clone(),
                spec: wanted.spec.clone(),
                wanted: None,
                outputs: None,
                deposed: false,
                generation: 0,
            },
        ));
    }
    for kind in registry.iter() {
        let Some(entries) = by_kind.remove(kind.name()) else {
            continue;
        };
        let (places, items): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let sightings = kind.sight(survey, &items).await?;
        if sightings.len() != items.len() {
            return Err(Failure::not_applied(
                format!("refresh the resources of kind {}", kind.name()),
                format!(
                    "{} were asked for and {} were answered",
                    items.len(),
                    sightings.len()
                ),
            ));
        }
        for ((place, item), sighting) in places.into_iter().zip(items).zip(sightings) {
            match place {
                Some(index) => observed.recorded[index] = sighting,
                None if sighting == Sighting::Absent => {}
                None => {
                    observed.unrecorded.insert(item.address, sighting);
                }
            }
        }
    }
    Ok(observed)
}
