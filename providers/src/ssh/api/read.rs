//! Reads fields of the engine's JSON, leniently: what is missing or `null` is empty.

use std::collections::BTreeMap;

use serde_json::Value;
use subako_world::{Code, Failure};

/// The text at `pointer`; empty when there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The text at `pointer`, unless missing or empty.
pub(super) fn some_text(value: &Value, pointer: &str) -> Option<String> {
    Some(text(value, pointer))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The number at `pointer`.
pub(super) fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

/// The flag at `pointer`; false when there is none.
pub(super) fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The list at `pointer`; empty when there is none.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The texts of the list at `pointer`.
pub(super) fn texts(value: &Value, pointer: &str) -> Vec<String> {
    list(value, pointer)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The map of texts at `pointer`.
pub(super) fn map(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    let fields = value.pointer(pointer).and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The elements of an answer that must be a list.
pub(super) fn elements<'a>(doing: &str, value: &'a Value) -> Result<&'a [Value], Failure> {
    match value {
        // Go writes an empty slice as null.
        Value::Null => Ok(&[]),
        Value::Array(elements) => Ok(elements),
        _ => Err(unexpected(doing, "a list")),
    }
}

/// One of the words of an enumeration whose serde names are the engine's.
pub(super) fn word<T: serde::de::DeserializeOwned>(
    doing: &str,
    value: &Value,
    pointer: &str,
) -> Result<T, Failure> {
    let word = text(value, pointer);
    serde_json::from_value(Value::from(word)).map_err(|_| {
        unexpected(
            doing,
            &format!("another {} than \"{word}\"", pointer.trim_start_matches('/')),
        )
    })
}

/// The failure of an answer that cannot be understood. The call was a read.
pub(super) fn unexpected(doing: &str, wanted: &str) -> Failure {
    Failure::not_applied(
        doing,
        format!("the Docker Engine's answer was not understood: expected {wanted}"),
    )
    .with_code(Code::Other)
}
