//! Which deletions need no call, because what the resource lives on goes as well.

use subako_state::Address;

use crate::fast::{FastMap, FastSet};
use crate::kind::{LivesOn, Registry};

/// A resource for [`vanishing`]: which object it is, and what it depends on.
pub(crate) struct Object<'a> {
    /// Its address.
    pub address: &'a Address,
    /// What it depends on.
    pub depends_on: &'a [Address],
    /// Whether it is deleted.
    pub deleted: bool,
    /// Whether another object has, or will have, its address.
    pub old: bool,
}

/// Which objects vanish, and on account of which address: those deleted whose host is deleted
/// or vanishes too. `objects` are all that exist.
pub(crate) fn vanishing(registry: &Registry, objects: &[Object<'_>]) -> Vec<Option<Address>> {
    let mut survivors: FastSet<&str> = FastSet::default();
    let mut places: FastMap<&str, Vec<usize>> = FastMap::default();
    for (place, object) in objects.iter().enumerate() {
        if !object.deleted {
            survivors.insert(object.address.kind());
        }
        places.entry(object.address.as_str()).or_default().push(place);
    }
    let mut known: Vec<Option<Option<Address>>> = vec![None; objects.len()];
    for place in 0..objects.len() {
        visit(registry, objects, &survivors, &places, &mut known, place);
    }
    known.into_iter().map(Option::unwrap_or_default).collect()
}

fn visit(
    registry: &Registry,
    objects: &[Object<'_>],
    survivors: &FastSet<&str>,
    places: &FastMap<&str, Vec<usize>>,
    known: &mut Vec<Option<Option<Address>>>,
    place: usize,
) -> Option<Address> {
    if let Some(answer) = &known[place] {
        return answer.clone();
    }
    // Hosts form chains (service → swarm → instances), never cycles; this guards against bad data.
    known[place] = Some(None);
    let object = &objects[place];
    let lives_on = registry
        .get(object.address.kind())
        .map(|kind| kind.traits().lives_on);
    let answer = match lives_on {
        _ if !object.deleted => None,
        None | Some(LivesOn::Itself) => None,
        Some(LivesOn::Every(kind)) => {
            let any = objects.iter().any(|o| o.address.kind() == kind);
            (any && !survivors.contains(kind)).then(|| Address::new(kind, "*"))
        }
        Some(LivesOn::Dependency(kind)) => {
            let host = object.depends_on.iter().find(|d| d.kind() == kind);
            host.and_then(|host| {
                let candidates = places.get(host.as_str())?;
                let of_same_age = candidates.iter().find(|p| objects[**p].old == object.old);
                let host_place = *of_same_age.or(candidates.first())?;
                let dies = objects[host_place].deleted
                    && match registry.get(kind).map(|k| k.traits().lives_on) {
                        None | Some(LivesOn::Itself) => true,
                        Some(_) => visit(registry, objects, survivors, places, known, host_place).is_some(),
                    };
                dies.then(|| host.clone())
            })
        }
    };
    known[place] = Some(answer.clone());
    answer
}
