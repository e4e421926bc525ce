//! Which generation the next object of an address gets: one that no object had of which something
//! still speaks. An object leaves the state when it is gone, and what referred to it says until its
//! own change that it was made with that generation: nothing may come in its place under the same one.

use std::cell::OnceCell;

use subako_state::{Address, Snapshot};

use crate::fast::{FastMap, FastSet};
use crate::reference::references;

/// The next generation of every address, made when it is first asked for.
pub(super) struct Generations<'a> {
    snapshot: &'a Snapshot,
    next: OnceCell<FastMap<String, u32>>,
}

impl<'a> Generations<'a> {
    pub fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            next: OnceCell::new(),
        }
    }

    /// One more than the newest object that had the address, as far as the records know.
    pub fn next(&self, address: &Address) -> u32 {
        let next = self.next.get_or_init(|| of_records(self.snapshot));
        next.get(address.as_str()).copied().unwrap_or(0)
    }
}

fn of_records(snapshot: &Snapshot) -> FastMap<String, u32> {
    let records = &snapshot.resources;
    let there: FastSet<(&str, u32)> = records
        .iter()
        .map(|record| (record.address.as_str(), record.generation))
        .collect();
    let mut next: FastMap<String, u32> = FastMap::default();
    let mut had = |address: &Address, generation: u32| {
        let next = next.entry(address.as_str().to_owned()).or_default();
        *next = (*next).max(generation.saturating_add(1));
    };
    for record in records {
        had(&record.address, record.generation);
        let generation = |address: &Address| record.made_with.get(address).copied().unwrap_or(0);
        let is_gone = |address: &Address| !there.contains(&(address.as_str(), generation(address)));
        // What it only comes after is not what it was made with.
        if record.depends_on.iter().any(is_gone) {
            let referred = references(&record.spec).into_iter();
            referred.for_each(|address| had(&address, generation(&address)));
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::testing::{address, resource, spec};

    fn next(records: Vec<subako_state::Resource>) -> u32 {
        let mut snapshot = Snapshot::empty("l".into(), "toys".into(), "sim".into());
        snapshot.resources = records;
        snapshot.sort();
        Generations::of(&snapshot).next(&address("solid.a"))
    }

    #[test]
    fn the_next_object_of_an_address_is_newer_than_every_one_that_a_record_speaks_of() {
        let at = |generation| subako_state::Resource {
            generation,
            ..resource("solid.a", &json!({}))
        };
        let user = |generation| subako_state::Resource {
            made_with: BTreeMap::from([(address("solid.a"), generation)]),
            ..resource("soft.b", &spec(json!({}), &["solid.a"]))
        };
        let of_the_first = resource("soft.b", &spec(json!({}), &["solid.a"]));
        let mut only_after = resource("soft.b", &json!({}));
        only_after.depends_on = vec![address("solid.a")];
        assert_eq!(next(vec![]), 0);
        assert_eq!(next(vec![at(0)]), 1);
        assert_eq!(next(vec![at(0), at(4)]), 5);
        assert_eq!(
            next(vec![of_the_first.clone()]),
            1,
            "it is gone and was referred to"
        );
        assert_eq!(next(vec![user(3)]), 4);
        assert_eq!(next(vec![at(0), user(3)]), 4);
        assert_eq!(next(vec![at(4), user(3)]), 5);
        assert_eq!(next(vec![only_after]), 0);
    }
}
