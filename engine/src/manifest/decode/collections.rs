//! Lists and tables.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::de::DeValue;

use super::{Context, Decode, FromText, Key, Malformed, Node, Scalar};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::span::At;

/// The items of a list; those with a mistake are left out.
fn items<T: Decode>(cx: &mut Context<'_>, key: &str, items: &[Node<'_>]) -> Vec<At<T>> {
    let decode = |item: &Node<'_>| {
        Some(At {
            value: T::decode(cx, key, item)?,
            span: item.span().into(),
        })
    };
    items.iter().filter_map(decode).collect()
}

impl<T: Decode> Decode for Vec<At<T>> {
    const EXPECTED: &'static str = "a list";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let DeValue::Array(array) = node.get_ref() else {
            cx.wrong_type::<Self>(key, node);
            return None;
        };
        Some(items(cx, key, array))
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<At<T>>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Decode> Decode for OneOrMany<T> {
    const EXPECTED: &'static str = "a string or a list of strings";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::Array(array) => Some(Self(items(cx, key, array))),
            DeValue::String(_) => Some(Self(vec![At {
                value: T::decode(cx, key, node)?,
                span: node.span().into(),
            }])),
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("OneOrMany<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<At<T>>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// Tables of one kind, each under its own `[[header]]`.
#[derive(Debug)]
pub struct Tables<T>(pub Vec<At<T>>);

impl<T> Default for Tables<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Decode> Decode for Tables<T> {
    const EXPECTED: &'static str = "written in double brackets";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::Array(array) => Some(Self(items(cx, key, array))),
            DeValue::Table(_) => {
                cx.report(
                    ManifestError::new(Code::WrongType, format!("`{key}` needs double brackets"))
                        .at(node.span().into(), "written as if there could be only one")
                        .help(format!("write [[{key}]]")),
                );
                None
            }
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }

    fn keys() -> &'static [Key] {
        T::keys()
    }

    fn header(key: &str) -> String {
        format!("[[{key}]]")
    }
}

impl<T: JsonSchema> JsonSchema for Tables<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Tables_{}", T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Tables<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>() })
    }
}

/// A table with keys of the user's own, in the order of the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table<T>(pub Vec<(At<String>, At<T>)>);

impl<T: Decode> Decode for Table<T> {
    const EXPECTED: &'static str = "a table";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let DeValue::Table(table) = node.get_ref() else {
            cx.wrong_type::<Self>(key, node);
            return None;
        };
        let mut entries = Vec::with_capacity(table.len());
        for (name, node) in table {
            let entry = At {
                value: name.get_ref().to_string(),
                span: name.span().into(),
            };
            if let Some(value) = T::decode(cx, &format!("{key}.{}", entry.value), node) {
                entries.push((
                    entry,
                    At {
                        value,
                        span: node.span().into(),
                    },
                ));
            }
        }
        Some(Self(entries))
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Table_{}", T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Table<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<At<T>>() })
    }
}

/// Tables of one kind, each under its own `[header.NAME]`.
#[derive(Debug)]
pub struct Named<T>(pub Vec<(At<String>, At<T>)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Decode> Decode for Named<T> {
    const EXPECTED: &'static str = "written in tables, each with a name of its own";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        if node.get_ref().is_table() {
            return Table::decode(cx, key, node).map(|table| Self(table.0));
        }
        cx.report(
            ManifestError::new(Code::WrongType, format!("each `{key}` needs a name of its own"))
                .at(node.span().into(), "this has no name")
                .help(format!("write [{key}.NAME]")),
        );
        None
    }

    fn keys() -> &'static [Key] {
        T::keys()
    }

    fn header(key: &str) -> String {
        format!("[{key}.NAME]")
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Named<{}>", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// A map as Compose writes it: a table, or a list of `KEY=value`. `BARE`: a key alone has an
/// empty value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyValues<const BARE: bool = false>(pub Vec<(At<String>, At<Scalar>)>);

/// Labels, of which Compose allows a key alone.
pub type Labels = KeyValues<true>;

impl<const BARE: bool> JsonSchema for KeyValues<BARE> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        if BARE { "Labels" } else { "KeyValues" }.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<Assignment<BARE>>();
        json_schema!({ "anyOf": [
            { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } },
            { "type": "array", "items": items },
        ] })
    }
}

impl<const BARE: bool> Decode for KeyValues<BARE> {
    const EXPECTED: &'static str = "a table or a list of \"KEY=value\"";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::Table(_) => Table::decode(cx, key, node).map(|table| Self(table.0)),
            DeValue::Array(array) => Some(Self(
                items::<Assignment<BARE>>(cx, key, array)
                    .into_iter()
                    .map(Assignment::entry)
                    .collect(),
            )),
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}

/// `KEY=value`.
struct Assignment<const BARE: bool>(String, String);

impl<const BARE: bool> Assignment<BARE> {
    fn entry(at: At<Self>) -> (At<String>, At<Scalar>) {
        let At {
            value: Self(key, value),
            span,
        } = at;
        (
            At { value: key, span },
            At {
                value: Scalar(value),
                span,
            },
        )
    }
}

impl<const BARE: bool> JsonSchema for Assignment<BARE> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Assignment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        match BARE {
            true => json_schema!({ "type": "string" }),
            false => json_schema!({ "type": "string", "pattern": "=" }),
        }
    }
}

impl<const BARE: bool> FromText for Assignment<BARE> {
    const FORM: &'static str = "a list of \"KEY=value\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        match text.split_once('=') {
            Some((key, value)) => Ok(Self(key.to_owned(), value.to_owned())),
            None if BARE => Ok(Self(text.to_owned(), String::new())),
            None => Err(Malformed::new("there is no `=` in this").help(format!(
                "to pass on a variable of your environment, write \"{text}=${{env:{text}}}\""
            ))),
        }
    }
}
