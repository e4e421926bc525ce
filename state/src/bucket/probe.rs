//! Whether a service means the conditions that it is given. Some that speak S3 ignore them, or let
//! several writers at once through: with those two machines would both have the lock.

use std::sync::{Mutex, PoisonError};

use super::envelope::nonce;
use super::objects::When;
use super::wire::{Put, Wire};
use crate::error::StateError;

/// How many write at the same time.
const WRITERS: usize = 8;

/// Fails unless of several conditional writes at the same time one succeeds, and a condition that
/// does not hold is refused. Leaves nothing behind where the service deletes.
pub(super) fn probe(wire: &Wire) -> Result<(), StateError> {
    let nonce = nonce().map_err(StateError::io("make a nonce for", wire.place("probe")))?;
    let key = format!("probe/{nonce}");
    let probed = conditions(wire, &key);
    if probed.is_err()
        && let Ok(Some(left)) = wire.peek(&key)
    {
        // What was refused is not to leave anything either.
        let _ = wire.delete(&key, &left.tag);
    }
    probed
}

fn conditions(wire: &Wire, key: &str) -> Result<(), StateError> {
    let first = one_of_many(wire, key, &When::Absent)?;
    let second = one_of_many(wire, key, &When::Tag(first.clone()))?;
    if wire.delete(key, &first)? {
        return Err(lies(wire, "it deletes under a condition that does not hold"));
    }
    if !wire.delete(key, &second)? || wire.peek(key)?.is_some() {
        return Err(lies(wire, "what it has deleted is still there"));
    }
    Ok(())
}

/// The entity tag of the one write that succeeded.
fn one_of_many(wire: &Wire, key: &str, when: &When) -> Result<String, StateError> {
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let put = wire.head(key, 0).and_then(|head| wire.put(key, &head, b"", when));
                outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(put);
            });
        }
    });
    let mut tags = Vec::new();
    for outcome in outcomes.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if let Put::Done { tag, .. } = outcome? {
            tags.push(tag);
        }
    }
    match (tags.len(), tags.pop()) {
        (1, Some(tag)) => Ok(tag),
        (count, _) => Err(lies(
            wire,
            &format!("of {WRITERS} writes under the same condition {count} succeeded, not one"),
        )),
    }
}

fn lies(wire: &Wire, why: &str) -> StateError {
    StateError::Remote {
        doing: "share a state in",
        place: wire.place(""),
        why: format!("the service does not keep to conditions: {why}"),
        unsure: false,
        help: Some(
            "nothing was changed: with this service two machines could write at the same time; use another, or a local state"
                .to_owned(),
        ),
    }
}
