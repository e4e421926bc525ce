//! Canonical JSON text.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, Value};

use crate::digest::Digest;

/// A JSON value kept as its canonical text: no white space, object keys sorted. Equal values
/// have equal texts, so that comparing and hashing need no parsing. Cheap to clone.
#[derive(Clone)]
pub struct Json(Arc<RawValue>);

impl Json {
    /// The canonical text of a value, by way of a sorted map.
    pub fn canonical<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        // serde_json's map is a BTreeMap (its feature `preserve_order` is off): sorted keys.
        Self::sorted(&serde_json::to_value(value)?)
    }

    /// The text of a value whose fields are declared in alphabetical order, which makes it
    /// canonical without sorting. Kinds' specs are such; their tests hold it.
    pub fn sorted<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::value::to_raw_value(value)?.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value as `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }

    /// The value as a tree. The text is valid JSON by construction.
    pub fn value(&self) -> serde_json::Value {
        self.decode().unwrap_or(serde_json::Value::Null)
    }

    /// The field of an object, if it is a text; nothing else of it is built.
    pub fn text_field(&self, name: &str) -> Option<String> {
        let mut deserializer = serde_json::Deserializer::from_str(self.as_str());
        TextField(name).deserialize(&mut deserializer).ok().flatten()
    }

    /// Whether it is an object that has this field.
    pub fn has_field(&self, name: &str) -> bool {
        let fields = self.decode::<BTreeMap<String, IgnoredAny>>();
        fields.is_ok_and(|fields| fields.contains_key(name))
    }

    /// The SHA-256 of the text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.as_str())
    }
}

/// Finds one field.
struct TextField<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for TextField<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TextField<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = fields.next_key_seed(Named(self.0))? {
            if is_it {
                found = match fields.next_value()? {
                    Value::String(text) => Some(text),
                    _ => None,
                };
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is the one looked for.
struct Named<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer)?.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_if_it_is_a_text() {
        let json: Json = serde_json::from_str(r#"{"a":{"b":"x"},"b":"y\n","c":1}"#).expect("json");
        assert_eq!(json.text_field("b").as_deref(), Some("y\n"));
        assert_eq!(json.text_field("a"), None);
        assert_eq!(json.text_field("c"), None);
        assert_eq!(json.text_field("d"), None);
        let list: Json = serde_json::from_str("[1]").expect("json");
        assert_eq!(list.text_field("a"), None);
    }

    #[test]
    fn canonical_text_has_sorted_keys_and_no_space() {
        let json =
            Json::canonical(&serde_json::json!({"b": [1, 2], "a": {"d": null, "c": "x"}})).expect("json");
        assert_eq!(json.as_str(), r#"{"a":{"c":"x","d":null},"b":[1,2]}"#);
        let back: Json = serde_json::from_str(json.as_str()).expect("parses");
        assert_eq!(back, json);
        assert_eq!(format!("{json:?}"), json.as_str());
        assert_eq!(
            json.value(),
            serde_json::json!({"a": {"c": "x", "d": null}, "b": [1, 2]})
        );
        let other = Json::canonical(&serde_json::json!({"b": [1, 2], "a": {"d": null, "c": "y"}}));
        assert_ne!(other.expect("json"), json);
    }
}
