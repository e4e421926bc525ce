//! Styles of keys that hold several values: lists, maps, records.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Ids;
use super::key::{Key, Record, Style};
use super::styles::mask;

/// Texts in an order that matters.
pub(super) struct Words;

fn texts(found: Option<&Value>) -> Vec<String> {
    let items = found.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn list(items: impl Iterator<Item = Value>) -> Option<Value> {
    let items: Vec<Value> = items.collect();
    (!items.is_empty()).then_some(Value::Array(items))
}

impl Style for Words {
    type Value = Vec<String>;

    fn absent(&self) -> Vec<String> {
        Vec::new()
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Vec<String>, String> {
        Ok(texts(found))
    }

    fn write(&self, _: Option<&Value>, value: &Vec<String>, _: &Ids) -> Option<Value> {
        list(value.iter().map(|text| json!(text)))
    }
}

/// Placement constraints: all of them hold, so that their order means nothing. Swarm compares
/// what a node has without case (swarmkit, `constraint.Match`).
pub(super) struct Constraints;

impl Constraints {
    fn canonical(text: &str) -> String {
        for operator in ["!=", "=="] {
            if let Some((subject, value)) = text.split_once(operator) {
                let value = value.trim().to_lowercase();
                return format!("{} {operator} {value}", subject.trim());
            }
        }
        text.trim().to_owned()
    }
}

impl Style for Constraints {
    type Value = Vec<String>;

    fn absent(&self) -> Vec<String> {
        Vec::new()
    }

    fn canonical(&self, value: Vec<String>) -> Vec<String> {
        let mut all: Vec<String> = value.iter().map(|text| Self::canonical(text)).collect();
        all.sort();
        all.dedup();
        all
    }

    fn read(&self, found: Option<&Value>, ids: &Ids) -> Result<Vec<String>, String> {
        Words.read(found, ids)
    }

    fn write(&self, found: Option<&Value>, value: &Vec<String>, ids: &Ids) -> Option<Value> {
        Words.write(found, value, ids)
    }
}

/// Labels.
pub(super) struct Labels;

impl Style for Labels {
    type Value = BTreeMap<String, String>;

    fn absent(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<BTreeMap<String, String>, String> {
        let fields = found.and_then(Value::as_object).into_iter().flatten();
        Ok(fields
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect())
    }

    fn write(&self, _: Option<&Value>, value: &BTreeMap<String, String>, _: &Ids) -> Option<Value> {
        (!value.is_empty()).then(|| json!(value))
    }
}

/// Variables, `NAME=value` each.
pub(super) struct Environment;

impl Style for Environment {
    type Value = BTreeMap<String, String>;

    fn absent(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<BTreeMap<String, String>, String> {
        Ok(texts(found)
            .iter()
            .map(|entry| entry.split_once('=').unwrap_or((entry, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    fn write(&self, _: Option<&Value>, value: &BTreeMap<String, String>, _: &Ids) -> Option<Value> {
        list(value.iter().map(|(name, value)| json!(format!("{name}={value}"))))
    }
}

/// A record that may be left out.
pub(super) struct Nested<R> {
    shared: bool,
    record: std::marker::PhantomData<R>,
}

/// A record; left out, its whole object goes.
pub(super) fn nested<R: Record>() -> Nested<R> {
    Nested {
        shared: false,
        record: std::marker::PhantomData,
    }
}

impl<R: Record> Nested<R> {
    /// Its object has keys of others, which stay where the record is left out.
    pub fn shared(self) -> Self {
        Self { shared: true, ..self }
    }
}

impl<R: Record> Style for Nested<R> {
    type Value = Option<R>;

    fn nested(&self) -> Vec<Key> {
        R::keys()
    }

    fn absent(&self) -> Option<R> {
        None
    }

    fn without_default(&self, value: Option<R>) -> Option<R> {
        value
            .map(R::without_defaults)
            .filter(|record| *record != R::absent())
    }

    fn canonical(&self, value: Option<R>) -> Option<R> {
        value.map(R::canonical).filter(|record| *record != R::absent())
    }

    fn align(&self, value: &mut Option<R>, other: &Option<R>) {
        if self.canonical(value.clone()) == self.canonical(other.clone()) {
            value.clone_from(other);
        } else if let (Some(value), Some(other)) = (value, other) {
            value.align(other);
        }
    }

    fn either(&self, first: Option<R>, second: Option<R>) -> Option<R> {
        match (first, second) {
            (Some(first), Some(second)) => Some(first.either(second)),
            (first, second) => first.or(second),
        }
    }

    fn mask(&self, spoken: &Option<R>, live: &mut Option<R>) {
        mask(spoken, live, R::absent);
        if let (Some(spoken), Some(live)) = (spoken, live) {
            live.mask(spoken);
        }
    }

    /// Key by key: a record that one side leaves out changes those keys that the other speaks of.
    fn keep(&self, value: &mut Option<R>, from: &Option<R>, live: &Option<R>) {
        if self.canonical(value.clone()) == self.canonical(from.clone()) {
            value.clone_from(live);
            return;
        }
        let or_absent = |record: &Option<R>| record.clone().unwrap_or_else(R::absent);
        let mut kept = or_absent(value);
        kept.keep(&or_absent(from), &or_absent(live));
        *value = (value.is_some() || kept != R::absent()).then_some(kept);
    }

    fn read(&self, found: Option<&Value>, ids: &Ids) -> Result<Option<R>, String> {
        found
            .and_then(Value::as_object)
            .map(|object| R::read(object, ids))
            .transpose()
    }

    fn write(&self, found: Option<&Value>, value: &Option<R>, ids: &Ids) -> Option<Value> {
        let there = found.and_then(Value::as_object);
        let mut object = there.cloned().unwrap_or_default();
        match value {
            Some(record) => record.write(&mut object, ids, there.is_none()),
            None if self.shared => R::absent().write(&mut object, ids, false),
            None => object.clear(),
        }
        (!object.is_empty()).then_some(Value::Object(object))
    }
}
