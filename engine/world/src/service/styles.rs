//! Keys that are one value, a list of words or a map.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Ids;
use super::key::{Key, Record, Style, Unit};

/// A number that may be left out.
pub(super) struct Number {
    default: u64,
    zero_is_absent: bool,
    unit: Option<Unit>,
}

/// A number without a unit, and what it is where it is left out.
pub(super) fn number(default: u64) -> Number {
    Number {
        default,
        zero_is_absent: false,
        unit: None,
    }
}

impl Number {
    pub fn of(self, unit: Unit) -> Self {
        Self {
            unit: Some(unit),
            ..self
        }
    }

    /// The engine reads zero as not given.
    pub fn zero_is_absent(self) -> Self {
        Self {
            zero_is_absent: true,
            ..self
        }
    }
}

/// As `wanted` leaves a setting to the engine or spells it out.
fn mask<T>(spoken: &Option<T>, live: &mut Option<T>, default: impl FnOnce() -> T) {
    if spoken.is_none() {
        *live = None;
    } else {
        live.get_or_insert_with(default);
    }
}

impl Style for Number {
    type Value = Option<u64>;

    fn unit(&self) -> Option<Unit> {
        self.unit
    }

    fn absent(&self) -> Option<u64> {
        None
    }

    fn without_default(&self, value: Option<u64>) -> Option<u64> {
        value.filter(|number| *number != self.default && !(self.zero_is_absent && *number == 0))
    }

    fn either(&self, first: Option<u64>, second: Option<u64>) -> Option<u64> {
        first.or(second)
    }

    fn mask(&self, spoken: &Option<u64>, live: &mut Option<u64>) {
        mask(spoken, live, || self.default);
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Option<u64>, String> {
        Ok(found.and_then(Value::as_u64))
    }

    fn write(&self, _: Option<&Value>, value: &Option<u64>, _: &Ids) -> Option<Value> {
        value.map(Value::from)
    }
}

/// How many tasks an update takes at once. Go's zero means all of them: what is missing is read as
/// that, and where nothing is said Swarm's default has to be.
pub(super) struct Parallelism;

impl Style for Parallelism {
    type Value = Option<u64>;

    fn absent(&self) -> Option<u64> {
        None
    }

    fn without_default(&self, value: Option<u64>) -> Option<u64> {
        value.filter(|number| *number != 1)
    }

    fn either(&self, first: Option<u64>, second: Option<u64>) -> Option<u64> {
        first.or(second)
    }

    fn mask(&self, spoken: &Option<u64>, live: &mut Option<u64>) {
        mask(spoken, live, || 1);
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Option<u64>, String> {
        Ok(Some(found.and_then(Value::as_u64).unwrap_or(0)))
    }

    fn write(&self, _: Option<&Value>, value: &Option<u64>, _: &Ids) -> Option<Value> {
        Some(Value::from(value.unwrap_or(1)))
    }
}

/// A share. The engine keeps a 32-bit float: parts per million are what survives it.
pub(super) struct Share;

impl Style for Share {
    type Value = Option<u32>;

    fn unit(&self) -> Option<Unit> {
        Some(Unit::PartsPerMillion)
    }

    fn absent(&self) -> Option<u32> {
        None
    }

    fn without_default(&self, value: Option<u32>) -> Option<u32> {
        value.filter(|ppm| *ppm > 0)
    }

    fn either(&self, first: Option<u32>, second: Option<u32>) -> Option<u32> {
        first.or(second)
    }

    fn mask(&self, spoken: &Option<u32>, live: &mut Option<u32>) {
        mask(spoken, live, || 0);
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Option<u32>, String> {
        let ratio = found.and_then(Value::as_f64);
        Ok(ratio.map(|ratio| (ratio.clamp(0.0, 1.0) * 1e6).round() as u32))
    }

    fn write(&self, _: Option<&Value>, value: &Option<u32>, _: &Ids) -> Option<Value> {
        value.map(|ppm| json!(f64::from(ppm) / 1e6))
    }
}

/// A switch that may be left out, and is off then.
pub(super) struct Flag;

impl Style for Flag {
    type Value = Option<bool>;

    fn absent(&self) -> Option<bool> {
        None
    }

    fn without_default(&self, value: Option<bool>) -> Option<bool> {
        value.filter(|on| *on)
    }

    fn either(&self, first: Option<bool>, second: Option<bool>) -> Option<bool> {
        first.or(second)
    }

    fn mask(&self, spoken: &Option<bool>, live: &mut Option<bool>) {
        mask(spoken, live, || false);
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Option<bool>, String> {
        Ok(found.and_then(Value::as_bool))
    }

    fn write(&self, _: Option<&Value>, value: &Option<bool>, _: &Ids) -> Option<Value> {
        value.map(Value::from)
    }
}

/// A text that may be left out, and what it is then.
pub(super) struct Text(pub &'static str);

impl Style for Text {
    type Value = Option<String>;

    fn absent(&self) -> Option<String> {
        None
    }

    fn without_default(&self, value: Option<String>) -> Option<String> {
        value.filter(|text| text != self.0)
    }

    fn either(&self, first: Option<String>, second: Option<String>) -> Option<String> {
        first.or(second)
    }

    fn mask(&self, spoken: &Option<String>, live: &mut Option<String>) {
        mask(spoken, live, || self.0.to_owned());
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Option<String>, String> {
        let text = found.and_then(Value::as_str).filter(|text| !text.is_empty());
        Ok(text.map(str::to_owned))
    }

    fn write(&self, _: Option<&Value>, value: &Option<String>, _: &Ids) -> Option<Value> {
        value.as_ref().map(|text| json!(text))
    }
}

/// A text that is always there, and what it is where the engine has none.
pub(super) struct Name(pub &'static str);

impl Style for Name {
    type Value = String;

    fn absent(&self) -> String {
        self.0.to_owned()
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<String, String> {
        let text = found.and_then(Value::as_str).filter(|text| !text.is_empty());
        Ok(text.unwrap_or(self.0).to_owned())
    }

    fn write(&self, _: Option<&Value>, value: &String, _: &Ids) -> Option<Value> {
        Some(json!(value))
    }
}

/// One of a few words whose serde names are the engine's.
pub(super) struct Word<T>(pub T, pub &'static str);

impl<T: Copy + PartialEq + Serialize + DeserializeOwned> Word<T> {
    fn word(&self, found: Option<&Value>) -> Result<Option<T>, String> {
        let Some(word) = found.and_then(Value::as_str).filter(|word| !word.is_empty()) else {
            return Ok(None);
        };
        serde_json::from_value(Value::from(word))
            .map(Some)
            .map_err(|_| format!("another {} than \"{word}\"", self.1))
    }
}

impl<T: Copy + PartialEq + Serialize + DeserializeOwned> Style for Word<T> {
    type Value = T;

    fn absent(&self) -> T {
        self.0
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<T, String> {
        Ok(self.word(found)?.unwrap_or(self.0))
    }

    fn write(&self, _: Option<&Value>, value: &T, _: &Ids) -> Option<Value> {
        Some(json!(value))
    }
}

/// The same where it may be left out.
pub(super) struct Maybe<T>(pub Word<T>);

impl<T: Copy + PartialEq + Serialize + DeserializeOwned> Style for Maybe<T> {
    type Value = Option<T>;

    fn absent(&self) -> Option<T> {
        None
    }

    fn without_default(&self, value: Option<T>) -> Option<T> {
        value.filter(|value| *value != self.0.0)
    }

    fn either(&self, first: Option<T>, second: Option<T>) -> Option<T> {
        first.or(second)
    }

    fn mask(&self, spoken: &Option<T>, live: &mut Option<T>) {
        mask(spoken, live, || self.0.0);
    }

    fn read(&self, found: Option<&Value>, _: &Ids) -> Result<Option<T>, String> {
        self.0.word(found)
    }

    fn write(&self, _: Option<&Value>, value: &Option<T>, _: &Ids) -> Option<Value> {
        value.map(|value| json!(value))
    }
}

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
