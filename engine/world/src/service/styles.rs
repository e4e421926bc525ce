//! Keys that are one value, a list of words or a map.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Ids;
use super::key::{Style, Unit};

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
pub(super) fn mask<T>(spoken: &Option<T>, live: &mut Option<T>, default: impl FnOnce() -> T) {
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
