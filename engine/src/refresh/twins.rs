//! Two objects with one address: which of them is the current one.
//!
//! The recorded one, as long as it is there and nothing speaks for another. Where it is gone, or is
//! not what is wanted and another is, that other one is: the record follows it in place, and the
//! recorded one, if it is there, is a stray from then on.

use subako_state::Json;

use super::sight;
use super::strays::identities;
use crate::fast::{FastMap, FastSet};
use crate::kind::{ErasedKind, Item, Sighting};
use crate::survey::Survey;
use crate::world::Result;

/// Puts the sighting of another object of the address in the place of the recorded one's, where that
/// is gone, or is not as wanted and the other is.
pub(super) async fn take_over(
    kind: &dyn ErasedKind,
    survey: &Survey,
    items: &[Item],
    sightings: &mut [Sighting],
) -> Result<()> {
    let places: Vec<usize> = items
        .iter()
        .zip(&*sightings)
        .enumerate()
        .filter(|(_, (item, sighting))| may_be_another(kind, item, sighting))
        .map(|(place, _)| place)
        .collect();
    if places.is_empty() {
        return Ok(());
    }
    let known: FastSet<String> = identities(kind, items, sightings).into_iter().flatten().collect();
    let others: FastMap<String, String> = kind
        .list(survey, &|identity| known.contains(identity))?
        .into_iter()
        .filter_map(|other| {
            let identity = kind.traits().known_by.of(&other.spec, &other.outputs)?;
            Some((identity, other.address.to_string()))
        })
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let asked: Vec<Item> = places.iter().map(|place| as_unrecorded(&items[*place])).collect();
    let found = sight(kind, survey, &asked).await?;
    for ((place, asked), other) in places.into_iter().zip(asked).zip(found) {
        let Sighting::There { spec, outputs, .. } = &other else {
            continue;
        };
        let identity = kind.traits().known_by.of(spec, outputs);
        let is_unknown = identity.is_some_and(|identity| {
            others.get(&identity).map(String::as_str) == Some(asked.address.as_str())
        });
        let is_gone = matches!(sightings[place], Sighting::Absent | Sighting::Foreign(_));
        if is_unknown && (is_gone || kind.spelled_as(spec, &asked.spec, outputs) == asked.spec) {
            sightings[place] = other;
        }
    }
    Ok(())
}

/// Whether another object could be the current one: the recorded one is gone, or is not as wanted.
fn may_be_another(kind: &dyn ErasedKind, item: &Item, sighting: &Sighting) -> bool {
    let (Some(wanted), Some(outputs), false) = (&item.wanted, &item.outputs, item.deposed) else {
        return false;
    };
    let differs =
        |found: &Json, outputs: &Json| found != wanted && kind.spelled_as(found, wanted, outputs) != *wanted;
    match sighting {
        Sighting::Absent | Sighting::Foreign(_) => true,
        Sighting::AsRecorded => differs(&item.spec, outputs),
        Sighting::There { spec, outputs, .. } => differs(spec, outputs),
        Sighting::Unreadable(_) => false,
    }
}

fn as_unrecorded(item: &Item) -> Item {
    Item {
        address: item.address.clone(),
        spec: item.wanted.clone().unwrap_or_else(|| item.spec.clone()),
        wanted: None,
        outputs: None,
        deposed: false,
        generation: 0,
    }
}

/// An object that a record has, because it waits to be deleted, is not there for a wanted resource
/// without a record to be taken in as: it would be adopted and deleted in one plan.
pub(super) fn leave_recorded(kind: &dyn ErasedKind, items: &[Item], sightings: &mut [Sighting]) {
    let known_by = kind.traits().known_by;
    let recorded = items.iter().zip(&*sightings);
    let recorded: FastSet<String> = recorded
        .filter_map(|(item, sighting)| match (sighting, &item.outputs) {
            (_, None) | (Sighting::Absent, _) => None,
            (Sighting::There { spec, outputs, .. }, _) => known_by.of(spec, outputs),
            (_, Some(outputs)) => known_by.of(&item.spec, outputs),
        })
        .collect();
    for (item, sighting) in items.iter().zip(sightings) {
        if let (None, Sighting::There { spec, outputs, .. }) = (&item.outputs, &*sighting)
            && known_by
                .of(spec, outputs)
                .is_some_and(|identity| recorded.contains(&identity))
        {
            *sighting = Sighting::Absent;
        }
    }
}

/// Tells the survey what was found, for those that refer to it.
pub(super) fn take_in(kind: &dyn ErasedKind, survey: &mut Survey, items: &[Item], sightings: &[Sighting]) {
    let known_by = kind.traits().known_by;
    for (item, sighting) in items.iter().zip(sightings) {
        let Sighting::There { spec, outputs, .. } = sighting else {
            continue;
        };
        if item.deposed {
            continue;
        }
        let recorded = item.outputs.as_ref();
        let moved =
            recorded.is_some_and(|recorded| known_by.of(&item.spec, recorded) != known_by.of(spec, outputs));
        survey.take_in(&item.address, outputs.clone(), moved);
    }
}
