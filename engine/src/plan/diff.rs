//! Which fields differ between two specs, and what that means.

use std::collections::BTreeSet;

use serde_json::Value as J;
use subako_state::{Address, Json};

use super::change::{Change, Value};
use crate::kind::{ErasedKind, Impact};
use crate::reference::as_reference;

/// The fields that differ, sorted by path. A reference to a resource that is recreated is a
/// change to a value known after apply, even where both sides name the same output.
pub fn changes(
    kind: &dyn ErasedKind,
    before: &Json,
    after: &Json,
    recreated: &dyn Fn(&Address) -> bool,
) -> Vec<Change> {
    let mut found = compared(before, after, recreated);
    for change in &mut found {
        let field = change.path.split(['.', '[']).next().unwrap_or_default();
        match kind.impact(field, &change.before, &change.after) {
            Impact::InPlace => {}
            Impact::InPlaceBut(cost) => change.cost = Some(cost.to_owned()),
            Impact::Replaces(why) => change.forces_replacement = Some(why.to_owned()),
        }
    }
    found
}

/// The fields that differ between two texts of JSON, sorted by path, whatever that means.
pub fn differences(before: &Json, after: &Json) -> Vec<Change> {
    compared(before, after, &|_| false)
}

fn compared(before: &Json, after: &Json, recreated: &dyn Fn(&Address) -> bool) -> Vec<Change> {
    let mut found = Vec::new();
    let (before, after) = (before.value(), after.value());
    compare(
        &mut String::new(),
        Some(&before),
        Some(&after),
        recreated,
        &mut found,
    );
    found
}

fn compare(
    path: &mut String,
    before: Option<&J>,
    after: Option<&J>,
    recreated: &dyn Fn(&Address) -> bool,
    found: &mut Vec<Change>,
) {
    if let Some((address, _)) = after.and_then(as_reference)
        && recreated(&address)
    {
        push(path, side(before), Value::KnownAfterApply, found);
        return;
    }
    if before == after && !mentions_recreated(after, recreated) {
        return;
    }
    let is_leaf = |value: &J| as_reference(value).is_some();
    if let (Some(J::Object(old)), Some(J::Object(new))) = (before, after)
        && !before.is_some_and(is_leaf)
        && !after.is_some_and(is_leaf)
    {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let length = path.len();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            compare(path, old.get(key), new.get(key), recreated, found);
            path.truncate(length);
        }
        return;
    }
    let after = if mentions_recreated(after, recreated) {
        Value::KnownAfterApply
    } else {
        side(after)
    };
    push(path, side(before), after, found);
}

fn mentions_recreated(value: Option<&J>, recreated: &dyn Fn(&Address) -> bool) -> bool {
    if let Some((address, _)) = value.and_then(as_reference) {
        return recreated(&address);
    }
    match value {
        Some(J::Array(items)) => items.iter().any(|item| mentions_recreated(Some(item), recreated)),
        Some(J::Object(fields)) => fields
            .values()
            .any(|field| mentions_recreated(Some(field), recreated)),
        _ => false,
    }
}

fn side(value: Option<&J>) -> Value {
    value.map_or(Value::Absent, |value| Value::Known(value.clone()))
}

fn push(path: &str, before: Value, after: Value, found: &mut Vec<Change>) {
    found.push(Change {
        path: path.to_owned(),
        before,
        after,
        forces_replacement: None,
        cost: None,
    });
}
