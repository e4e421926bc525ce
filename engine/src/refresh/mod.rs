//! Reads the world: one survey for the whole cluster, then each kind finds its resources in it.

mod ask;
mod barred;
mod found;
mod in_flight;
mod managers;
mod names;
mod protection;
mod strays;
mod survey;
mod twins;
mod unseen;

pub(crate) use in_flight::former;
pub(crate) use strays::prices;

pub use crate::survey::{Managers, Standing, Survey, SwarmSurvey, SwarmView};

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use subako_state::{Address, Json, Resource, Snapshot};

use crate::desired::DesiredSet;
use crate::fast::{FastMap, FastSet};
use crate::kind::{ErasedKind, Item, Registry, Sighting};
use crate::world::{Failure, Result, World};

/// What a refresh found.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// One for each recorded resource, in the order of the snapshot.
    pub recorded: Vec<Sighting>,
    /// Wanted resources without a record, where something was found.
    pub unrecorded: HashMap<Address, Sighting>,
    /// The address that a recorded object carries in the world, where that is another one than it
    /// is recorded under.
    pub misnamed: BTreeMap<Address, String>,
    /// What must not go before those, as far as they were seen to use it: addresses, or `kind.*`.
    pub needs: BTreeMap<Address, Vec<Address>>,
    /// What carries the cluster's tags or labels and is neither recorded nor wanted, sorted by
    /// address: as records that only wait to be deleted. Their generations are their own, or higher
    /// where a record has that one.
    pub strays: Vec<Resource>,
    /// What objects cost, US dollars an hour, by their ids: of strays and of what waits to be deleted,
    /// where the provider knows.
    pub prices: BTreeMap<String, f64>,
    /// The managers, where the swarm was asked for.
    pub managers: Option<Managers>,
}

impl Observed {
    /// What a plan without a refresh starts from: everything is as recorded.
    pub fn as_recorded(snapshot: &Snapshot) -> Self {
        Self {
            recorded: vec![Sighting::AsRecorded; snapshot.resources.len()],
            unrecorded: HashMap::new(),
            misnamed: BTreeMap::new(),
            needs: BTreeMap::new(),
            strays: Vec::new(),
            prices: BTreeMap::new(),
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
    let mut survey = Survey::take(world, snapshot, desired).await?;
    let mut observed = find(registry, &mut survey, snapshot, desired).await?;
    observed.prices = prices(world, snapshot, &observed.strays).await;
    Ok(observed)
}

/// Finds everything recorded and everything wanted in what was read, and what is neither. The survey
/// is told what was found.
pub async fn find(
    registry: &Registry,
    survey: &mut Survey,
    snapshot: &Snapshot,
    desired: &DesiredSet,
) -> Result<Observed> {
    let mut observed = Observed::as_recorded(snapshot);
    observed.managers = Some(survey.managers.clone());
    observed.misnamed = survey.misnamed.clone();
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
    let mut strays = strays::Strays::new(snapshot);
    for kind in in_order(registry) {
        let entries = by_kind.remove(kind.name()).unwrap_or_default();
        let (places, items): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let mut sightings = sight(kind.as_ref(), survey, &items).await?;
        twins::take_over(kind.as_ref(), survey, &items, &mut sightings).await?;
        twins::leave_recorded(kind.as_ref(), &items, &mut sightings);
        twins::take_in(kind.as_ref(), survey, &items, &sightings);
        strays.of(kind.as_ref(), survey, &items, &sightings)?;
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
    (observed.strays, observed.needs) = strays.found();
    Ok(observed)
}

/// The kinds, each after those that its specs refer to.
fn in_order(registry: &Registry) -> Vec<&Arc<dyn ErasedKind>> {
    let mut open: Vec<&Arc<dyn ErasedKind>> = registry.iter().collect();
    let mut order: Vec<&Arc<dyn ErasedKind>> = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let waits = |kind: &Arc<dyn ErasedKind>| {
            let refers_to = kind.traits().refers_to;
            refers_to
                .iter()
                .any(|other| open.iter().any(|kind| registry.is_a(kind.name(), other)))
        };
        // Kinds that refer to each other come in the order of their names.
        let next = open.iter().position(|kind| !waits(kind)).unwrap_or(0);
        order.push(open.remove(next));
    }
    order
}

/// One sighting for each item.
async fn sight(kind: &dyn ErasedKind, survey: &Survey, items: &[Item]) -> Result<Vec<Sighting>> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let sightings = kind.sight(survey, items).await?;
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
    Ok(sightings)
}
