//! What differs between two states of one cluster.

use std::collections::BTreeMap;

use serde::Serialize;
use subako_state::{Address, Digest, Resource, Snapshot};

use super::{Session, SessionError};
use crate::plan::{Change, Operation, Record, Replacement, Step, Value, differences};

/// Which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The one with that serial; with 0 that before the first, which has nothing.
    Serial(u64),
    /// The one that is recorded now, with what an unfinished run is known to have done.
    Now,
}

/// A state that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its serial; 0 for that before the first.
    pub serial: u64,
    /// Its digest; `None` before the first.
    pub digest: Option<Digest>,
    /// How many resources it has.
    pub resources: usize,
}

/// What leads from one state to another.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The cluster.
    pub cluster: String,
    /// From which.
    pub from: Side,
    /// To which.
    pub to: Side,
    /// What differs, sorted by address: what a plan from the one to the other would do.
    pub steps: Vec<Step>,
}

impl<W> Session<W> {
    /// What differs between two states.
    pub fn compare(&self, from: At, to: At) -> Result<Comparison, SessionError> {
        let (from, before) = self.side(from)?;
        let (to, after) = self.side(to)?;
        Ok(Comparison {
            cluster: self.manifest.cluster.name.clone(),
            steps: steps(&before, &after),
            from,
            to,
        })
    }

    fn side(&self, at: At) -> Result<(Side, Vec<Resource>), SessionError> {
        let (snapshot, digest) = match at {
            At::Serial(0) => {
                return Ok((
                    Side {
                        serial: 0,
                        digest: None,
                        resources: 0,
                    },
                    Vec::new(),
                ));
            }
            At::Serial(serial) => {
                let found = self.store.past(serial)?;
                let (snapshot, digest) = found.ok_or(SessionError::UnknownSerial(serial))?;
                self.guard_cluster(&snapshot.cluster, &snapshot.provider)?;
                (snapshot, Some(digest))
            }
            At::Now => {
                let known = self.load()?;
                (known.so_far(), known.base)
            }
        };
        let Snapshot {
            serial, resources, ..
        } = snapshot;
        let side = Side {
            serial,
            digest,
            resources: resources.len(),
        };
        Ok((side, resources))
    }
}

/// An object: its address and generation.
type Key<'a> = (&'a Address, u32);

/// The steps from the ones to the others. Of an address whose current object is another one the new
/// one replaces the old one.
fn steps(before: &[Resource], after: &[Resource]) -> Vec<Step> {
    let of = |all: &'_ [Resource]| -> BTreeMap<(Address, u32), Resource> {
        let keyed = all.iter().map(|r| ((r.address.clone(), r.generation), r.clone()));
        keyed.collect()
    };
    let (old, new) = (of(before), of(after));
    let current = |all: &[Resource]| -> BTreeMap<Address, Resource> {
        let current = all.iter().filter(|r| !r.deposed);
        current.map(|r| (r.address.clone(), r.clone())).collect()
    };
    let (was, is) = (current(before), current(after));
    let replaced_by = |key: Key<'_>| -> Option<(&Resource, &Resource)> {
        let (was, is) = (was.get(key.0)?, is.get(key.0)?);
        (was.generation != is.generation).then_some((was, is))
    };
    let mut steps = Vec::new();
    let mut keys: Vec<&(Address, u32)> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let pair = (old.get(key), new.get(key));
        let replacement = replaced_by((&key.0, key.1));
        match (pair, replacement) {
            // It went with the replacement, which is told with the one that took its place.
            ((Some(_), None), Some((was, _))) if was.generation == key.1 => {}
            ((None, Some(now)), Some((was, is))) if is.generation == key.1 => {
                let mut step = created(now);
                step.replacement = Some(Replacement::NewFirst);
                step.changes = differences(&was.spec, &is.spec);
                steps.push(step);
            }
            ((None, Some(now)), _) => steps.push(created(now)),
            ((Some(gone), None), _) => {
                let record = Some(Record::of(gone));
                let (address, generation) = (gone.address.clone(), gone.generation);
                steps.push(Step::new(address, generation, Operation::Delete, record, None));
            }
            ((Some(was), Some(is)), _) => steps.extend(changed(was, is)),
            ((None, None), _) => {}
        }
    }
    steps
}

fn created(resource: &Resource) -> Step {
    let record = Some(Record::of(resource));
    let (address, generation) = (resource.address.clone(), resource.generation);
    Step::new(address, generation, Operation::Create, None, record)
}

/// What differs of one object: what is wanted of it, what the world answered, and what is recorded
/// beside. `None` if nothing does.
fn changed(was: &Resource, is: &Resource) -> Option<Step> {
    let mut changes = differences(&was.spec, &is.spec);
    for change in differences(&was.outputs, &is.outputs) {
        let path = format!("outputs.{}", change.path);
        changes.push(Change { path, ..change });
    }
    for (path, before, after) in [
        ("protect", was.protect, is.protect),
        ("deposed", was.deposed, is.deposed),
    ] {
        if before != after {
            changes.push(Change {
                path: path.to_owned(),
                before: Value::Known(before.into()),
                after: Value::Known(after.into()),
                forces_replacement: None,
                cost: None,
            });
        }
    }
    let is_same = changes.is_empty() && was.depends_on == is.depends_on && was.made_with == is.made_with;
    (!is_same).then(|| {
        let records = (Some(Record::of(was)), Some(Record::of(is)));
        let mut step = Step::new(
            is.address.clone(),
            is.generation,
            Operation::Update,
            records.0,
            records.1,
        );
        step.changes = changes;
        step
    })
}

#[cfg(test)]
mod tests {
    use subako_state::Json;

    use super::*;
    use crate::plan::Action;

    fn resource(address: &str, generation: u32, deposed: bool, size: u32) -> Resource {
        let spec = Json::canonical(&serde_json::json!({"size": size})).expect("json");
        let (kind, name) = address.split_once('.').expect("an address");
        Resource {
            address: Address::new(kind, name),
            depends_on: Vec::new(),
            deposed,
            generation,
            made_with: BTreeMap::new(),
            outputs: Json::canonical(&serde_json::json!({"id": generation})).expect("json"),
            protect: false,
            spec_sha256: spec.digest(),
            spec,
        }
    }

    fn told(before: &[Resource], after: &[Resource]) -> Vec<String> {
        let steps = steps(before, after);
        let told = steps.iter().map(|step| {
            let paths: Vec<&str> = step.changes.iter().map(|change| &*change.path).collect();
            let replaces = if step.replaces() {
                "replace"
            } else {
                step.action().verb()
            };
            format!(
                "{replaces} {}#{} {}",
                step.address,
                step.generation,
                paths.join(",")
            )
        });
        told.collect()
    }

    #[test]
    fn every_difference_is_told_once() {
        let before = [
            resource("toy.a", 0, false, 1),
            resource("toy.b", 0, false, 1),
            resource("toy.c", 0, false, 1),
            resource("toy.same", 0, false, 1),
        ];
        let after = [
            resource("toy.b", 0, false, 2),
            resource("toy.c", 1, false, 3),
            resource("toy.d", 0, false, 1),
            resource("toy.same", 0, false, 1),
        ];
        assert_eq!(
            told(&before, &after),
            [
                "delete toy.a#0 ",
                "update toy.b#0 size",
                "replace toy.c#1 size",
                "create toy.d#0 "
            ]
        );
        assert_eq!(told(&after, &after), [""; 0]);
    }

    #[test]
    fn an_old_half_that_waits_to_be_deleted_is_told() {
        let before = [resource("toy.c", 0, false, 1)];
        let after = [resource("toy.c", 0, true, 1), resource("toy.c", 1, false, 1)];
        assert_eq!(
            told(&before, &after),
            ["update toy.c#0 deposed", "replace toy.c#1 "]
        );
        // And that it is gone then.
        assert_eq!(told(&after, &after[1..]), ["delete toy.c#0 "]);
    }

    /// What leads there and back is the same, the other way round.
    #[test]
    fn what_is_created_one_way_is_deleted_the_other() {
        let some = [resource("toy.a", 0, false, 1), resource("toy.b", 3, false, 2)];
        let actions = |before, after| -> Vec<Action> {
            let steps = steps(before, after);
            steps.iter().map(Step::action).collect()
        };
        assert_eq!(actions(&[], &some), [Action::Create; 2]);
        assert_eq!(actions(&some, &[]), [Action::Delete; 2]);
    }
}
