//! References from one resource's spec to another's outputs.
//!
//! In a spec a reference is `{"$ref":"instance.manager-0","attr":"instance_id"}`. The graph's
//! edges are found by looking for them; the executor puts the value in their place before the
//! step is made.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use subako_state::{Address, Json};

/// A string that another resource's outputs give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Ref {
    /// The output `attr` of the resource at `address`.
    To {
        /// Whose output.
        #[serde(rename = "$ref")]
        address: Address,
        /// Which output.
        attr: String,
    },
    /// The value itself.
    Value(String),
}

/// By hand, because there is one in every spec, and the derived one copies its input first.
impl<'de> Deserialize<'de> for Ref {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Ref;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or a reference with `$ref` and `attr`")
            }

            fn visit_str<E>(self, text: &str) -> Result<Ref, E> {
                Ok(Ref::Value(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Ref, E> {
                Ok(Ref::Value(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Ref, A::Error> {
                #[derive(Deserialize)]
                struct To {
                    #[serde(rename = "$ref")]
                    address: Address,
                    attr: String,
                }
                let To { address, attr } = To::deserialize(MapAccessDeserializer::new(fields))?;
                Ok(Ref::To { address, attr })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Ref {
    /// A reference to an output.
    pub fn to(address: Address, attr: &str) -> Self {
        Self::To {
            address,
            attr: attr.to_owned(),
        }
    }

    /// The value, if it is one already.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::To { .. } => None,
        }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To { address, attr } => write!(f, "{address}.{attr}"),
            Self::Value(value) => f.write_str(value),
        }
    }
}

/// How a reference opens, around its dollar.
const BEFORE: &str = "{\"";
const AFTER: &str = "ref\":\"";

/// The addresses that a spec refers to, in the order of their appearance, each once.
///
/// Works on the canonical text: a string that merely contains the pattern has its quotes
/// escaped there, so that only real references match.
pub fn references(spec: &Json) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    let mut rest = spec.as_str();
    while let Some(after) = open(rest) {
        rest = &rest[after..];
        if let Some((name, _)) = rest.split_once('"')
            && let Ok(address) = name.parse::<Address>()
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// Where the first reference's address begins. Looks for the dollar, which is rare.
fn open(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('$') {
        let dollar = from + at;
        from = dollar + 1;
        if text[..dollar].ends_with(BEFORE) && text[from..].starts_with(AFTER) {
            return Some(from + AFTER.len());
        }
    }
    None
}

/// A reference that has no value yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address} has no output `{attr}`")]
pub struct Unresolved {
    /// Whose output.
    pub address: Address,
    /// Which output.
    pub attr: String,
}

/// The spec with every reference replaced by the output it names.
pub fn resolve(
    spec: &Json,
    output: impl Fn(&Address, &str) -> Option<serde_json::Value>,
) -> Result<Json, Unresolved> {
    if open(spec.as_str()).is_none() {
        return Ok(spec.clone());
    }
    let mut value = spec.value();
    fill(&mut value, &output)?;
    Ok(Json::canonical(&value).unwrap_or_else(|_| spec.clone()))
}

fn fill(
    value: &mut serde_json::Value,
    output: &impl Fn(&Address, &str) -> Option<serde_json::Value>,
) -> Result<(), Unresolved> {
    if let Some((address, attr)) = as_reference(value) {
        *value = output(&address, &attr).ok_or(Unresolved { address, attr })?;
        return Ok(());
    }
    match value {
        serde_json::Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, output)),
        serde_json::Value::Object(fields) => fields.values_mut().try_for_each(|field| fill(field, output)),
        _ => Ok(()),
    }
}

/// The address and output that a JSON value refers to, if it is a reference.
pub fn as_reference(value: &serde_json::Value) -> Option<(Address, String)> {
    let fields = value.as_object()?;
    let address = fields.get("$ref")?.as_str()?.parse().ok()?;
    Some((address, fields.get("attr")?.as_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_filled_but_look_alikes_are_not() {
        let spec = Json::canonical(&serde_json::json!({
            "a": {"$ref": "toy.x", "attr": "id"},
            "b": [{"$ref": "toy.y", "attr": "id"}, {"$ref": "toy.x", "attr": "id"}],
            "c": "{\"$ref\":\"toy.z\",\"attr\":\"id\"}",
        }))
        .expect("json");
        assert_eq!(
            references(&spec),
            [Address::new("toy", "x"), Address::new("toy", "y")]
        );
        let filled = resolve(&spec, |address, _| Some(address.name().into())).expect("resolved");
        assert_eq!(filled.value()["a"], "x");
        assert_eq!(filled.value()["b"], serde_json::json!(["y", "x"]));
        assert_eq!(filled.value()["c"], spec.value()["c"]);
        assert_eq!(
            resolve(&spec, |_, _| None),
            Err(Unresolved {
                address: Address::new("toy", "x"),
                attr: "id".into()
            })
        );
    }
}
