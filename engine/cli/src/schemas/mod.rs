//! The JSON Schemas of what is read and printed: of the manifest, made from the parser's declarations;
//! of documents and events, written down beside this file, and held to real output by tests
//! (integration `schemas`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use subako_engine::manifest;

use crate::args::SchemaOf;
use crate::error::{CliError, Result};

/// What several of them refer to.
const DEFINITIONS: &str = include_str!("definitions.json");
/// Where they refer to it.
const PLACE: &str = "#/definitions/";

/// The schema, complete in itself. Draft 7.
pub fn schema(of: SchemaOf) -> Result<Value> {
    let text = match of {
        SchemaOf::Manifest => return Ok(manifest::schema()),
        SchemaOf::Plan => include_str!("plan.json"),
        SchemaOf::Drift => include_str!("drift.json"),
        SchemaOf::Status => include_str!("status.json"),
        SchemaOf::Show => include_str!("show.json"),
        SchemaOf::Events => include_str!("events.json"),
    };
    let read = |text: &str| -> Result<Map<String, Value>> {
        serde_json::from_str(text)
            .map_err(|error| CliError::new(format!("failed to read the schema: {error}")))
    };
    let (mut schema, all) = (read(text)?, read(DEFINITIONS)?);
    let mut needed = BTreeSet::new();
    for value in schema.values() {
        referred(value, &all, &mut needed);
    }
    let definitions = all.into_iter().filter(|(name, _)| needed.contains(name));
    schema.insert("definitions".to_owned(), Value::Object(definitions.collect()));
    Ok(Value::Object(schema))
}

/// The definitions that a schema refers to, and those that they refer to.
fn referred(schema: &Value, all: &Map<String, Value>, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            if let Some(name) = name.and_then(|name| name.strip_prefix(PLACE))
                && found.insert(name.to_owned())
                && let Some(definition) = all.get(name)
            {
                referred(definition, all, found);
            }
            fields.values().for_each(|value| referred(value, all, found));
        }
        Value::Array(items) => items.iter().for_each(|value| referred(value, all, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn a_schema_is_complete_in_itself_and_describes_every_property() {
        fn look(value: &Value, definitions: &Map<String, Value>, at: &str) {
            let Some(fields) = value.as_object() else {
                return;
            };
            if let Some(name) = fields.get("$ref") {
                let name = name.as_str().and_then(|name| name.strip_prefix(PLACE));
                assert!(
                    name.is_some_and(|name| definitions.contains_key(name)),
                    "{at}: {value}"
                );
            }
            let properties = fields.get("properties").and_then(Value::as_object);
            for (key, property) in properties.into_iter().flatten() {
                let target = property["$ref"]
                    .as_str()
                    .and_then(|name| name.strip_prefix(PLACE));
                let described = target.map_or(property, |name| &definitions[name]);
                assert!(
                    described["description"].is_string(),
                    "{at}.{key} is not described"
                );
                look(property, definitions, &format!("{at}.{key}"));
            }
            for list in ["anyOf", "allOf"] {
                for each in fields.get(list).and_then(Value::as_array).into_iter().flatten() {
                    look(each, definitions, at);
                }
            }
            if let Some(items) = fields.get("items") {
                look(items, definitions, at);
            }
        }
        for of in SchemaOf::value_variants() {
            if *of == SchemaOf::Manifest {
                continue;
            }
            let schema = schema(*of).expect("a schema");
            let definitions = schema["definitions"].as_object().expect("definitions");
            look(&schema, definitions, &format!("{of:?}"));
            for (name, definition) in definitions {
                look(definition, definitions, name);
            }
        }
    }
}
