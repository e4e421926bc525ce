//! Places in the manifest's text.

use std::borrow::Cow;
use std::ops::{Deref, Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

/// A byte range of the manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Texts with `${env:…}` or `${var:…}` in them, which stand for a value of any scalar type.
const VARIABLE_PATTERN: &str = r"\$\{(env|var):[^}]+\}";

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("At<{}>", T::schema_id()).into()
    }

    /// The value's own schema; where that is narrower than any text, a text with a variable
    /// is the alternative.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let schema = generator.subschema_for::<T>();
        let narrow = schema.get("pattern").is_some()
            || schema.get("enum").is_some()
            || schema.get("oneOf").is_some()
            || schema
                .get("type")
                .and_then(Value::as_str)
                .is_some_and(|kind| matches!(kind, "integer" | "number" | "boolean"));
        if !narrow {
            return schema;
        }
        let variable = json_schema!({ "type": "string", "pattern": VARIABLE_PATTERN });
        json_schema!({ "anyOf": [schema, variable] })
    }
}
