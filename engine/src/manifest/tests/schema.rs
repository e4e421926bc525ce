//! The schema file is the schema, and says what the parser says.

use std::fs;

use serde_json::Value;

use super::{examples, root};
use crate::manifest::schema;

const FILE: &str = "examples/subako.schema.json";

#[test]
fn the_schema_file_is_the_schema() {
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).expect("JSON"));
    if std::env::var_os("SUBAKO_BLESS").is_some_and(|value| value == "1") {
        fs::write(root().join(FILE), &text).expect("written");
    }
    let file = fs::read_to_string(root().join(FILE)).unwrap_or_default();
    assert!(file == text, "SUBAKO_BLESS=1 rewrites {FILE}");
}

/// Whether a value is valid under the part of JSON Schema that the manifest's uses; other patterns
/// than a variable's are the editors' to check.
fn valid(schema: &Value, value: &Value) -> Result<(), String> {
    let object = schema.as_object().ok_or("a schema is an object")?;
    for (keyword, wanted) in object {
        let problem = match keyword.as_str() {
            "type" => {
                let is = |name: &Value| match name.as_str() {
                    Some("integer") => value.is_i64() || value.is_u64(),
                    Some("number") => value.is_number(),
                    Some("string") => value.is_string(),
                    Some("boolean") => value.is_boolean(),
                    Some("array") => value.is_array(),
                    Some("object") => value.is_object(),
                    _ => false,
                };
                !wanted
                    .as_array()
                    .map_or_else(|| is(wanted), |names| names.iter().any(is))
            }
            "const" => wanted != value,
            "enum" => !wanted.as_array().is_some_and(|values| values.contains(value)),
            "anyOf" | "oneOf" => {
                let matching = wanted
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|s| valid(s, value).is_ok())
                    .count();
                if keyword == "oneOf" {
                    matching != 1
                } else {
                    matching == 0
                }
            }
            "minimum" => value.as_f64().zip(wanted.as_f64()).is_some_and(|(v, w)| v < w),
            "maximum" => value.as_f64().zip(wanted.as_f64()).is_some_and(|(v, w)| v > w),
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    valid(wanted, item)?;
                }
                false
            }
            "required" => {
                let missing = |key: &Value| {
                    value
                        .as_object()
                        .is_some_and(|o| !o.contains_key(key.as_str().unwrap_or("")))
                };
                wanted.as_array().is_some_and(|keys| keys.iter().any(missing))
            }
            "properties" | "additionalProperties" => {
                for (key, item) in value.as_object().into_iter().flatten() {
                    let property = object.get("properties").and_then(|p| p.get(key));
                    match (property, object.get("additionalProperties")) {
                        (Some(property), _) => valid(property, item).map_err(|e| format!("{key}: {e}"))?,
                        (None, Some(Value::Bool(false))) => return Err(format!("{key} is not allowed")),
                        (None, Some(Value::Object(any))) => valid(&Value::Object(any.clone()), item)?,
                        _ => {}
                    }
                }
                false
            }
            // The alternative for a variable; other patterns need a matcher that is not here.
            "pattern"
                if wanted
                    .as_str()
                    .is_some_and(|pattern| pattern.starts_with(r"\$\{")) =>
            {
                value.as_str().is_some_and(|text| !text.contains("${"))
            }
            "$schema" | "title" | "description" | "examples" | "pattern" | "minLength" | "maxLength" => false,
            other => return Err(format!("the test does not know `{other}`")),
        };
        if problem {
            return Err(format!("{value} against {keyword}: {wanted}"));
        }
    }
    Ok(())
}

fn as_json(text: &str) -> Value {
    toml::from_str::<Value>(text).expect("TOML")
}

#[test]
fn every_example_is_valid_under_the_schema() {
    for name in examples::names() {
        let text = fs::read_to_string(root().join("examples").join(&name)).expect("an example");
        assert_eq!(valid(&schema(), &as_json(&text)), Ok(()), "{name}");
    }
}

#[test]
fn what_the_parser_refuses_by_its_shape_the_schema_refuses_too() {
    let good = "cluster.name = 'a'\npool = [{ name = 'm', role = 'manager', count = 1, instance_type = 't3.micro' }]\n";
    assert_eq!(valid(&schema(), &as_json(good)), Ok(()));
    for bad in [
        "x = 1",
        "service = [{ image = 'a' }]",
        "ssh.port = 0",
        "ssh.via = 'air'",
        "network = { name = 'a' }",
        "sim.faults = [{ cal = 'x' }]",
    ] {
        assert!(
            valid(&schema(), &as_json(&format!("{good}{bad}"))).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn every_key_is_described() {
    fn walk(schema: &Value, path: &str) {
        for (key, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let described = property
                .get("description")
                .and_then(Value::as_str)
                .is_some_and(|d| d.ends_with(['.', ')']));
            // Compose's own { spread = … } is described where it is used.
            assert!(described || key == "spread", "{path}.{key}");
            walk(property, &format!("{path}.{key}"));
        }
        for nested in ["items", "additionalProperties"] {
            schema
                .get(nested)
                .into_iter()
                .for_each(|schema| walk(schema, path));
        }
        schema
            .get("anyOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .for_each(|schema| walk(schema, path));
    }
    walk(&schema(), "");
}
