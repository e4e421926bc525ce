//! Numbers, booleans, and scalars of any type.

use std::borrow::Cow;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::de::DeValue;

use super::{Context, Decode, Node, plain_schema};
use crate::manifest::error::{Code, ManifestError};
use crate::world::prices::Usd;

impl Decode for bool {
    const EXPECTED: &'static str = "true or false";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            DeValue::String(text) if text.contains("${") => interpolated::<Self, _>(cx, key, node, text),
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}

/// The upper bound of an [`Int`] that needs none: what TOML can write.
pub const UNBOUNDED: u64 = i64::MAX as u64;

/// A whole number that is not negative.
pub type Natural = Int<0, UNBOUNDED>;

/// A number for people: that of a port as it is, a longer one in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 6 {
        return digits;
    }
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|g| std::str::from_utf8(g).ok())
        .collect();
    groups.join(",")
}

/// A whole number in a range; `"${var:…}"` stands for one too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Int<const MIN: u64, const MAX: u64>(pub u64);

/// What a text with variables in it stands for, where that can be read; else it is reported.
fn interpolated<D: Decode, T: FromStr>(
    cx: &mut Context<'_>,
    key: &str,
    node: &Node<'_>,
    text: &str,
) -> Option<T> {
    let value = cx.interpolate(text, node.span().into())?;
    let read = value.parse().ok();
    if read.is_none() {
        cx.wrong_value::<D>(key, node, &value);
    }
    read
}

impl<const MIN: u64, const MAX: u64> Decode for Int<MIN, MAX> {
    const EXPECTED: &'static str = "an integer";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let number = match node.get_ref() {
            // Digits beyond 128 bits are out of every range.
            DeValue::Integer(int) => i128::from_str_radix(int.as_str(), int.radix()).unwrap_or(i128::MAX),
            DeValue::String(text) if text.contains("${") => interpolated::<Self, _>(cx, key, node, text)?,
            _ => {
                cx.wrong_type::<Self>(key, node);
                return None;
            }
        };
        match u64::try_from(number) {
            Ok(number) if (MIN..=MAX).contains(&number) => Some(Self(number)),
            _ => {
                let range = match MAX {
                    UNBOUNDED => format!("{MIN} or more"),
                    _ => format!("from {MIN} to {}", grouped(MAX)),
                };
                let side = if number < i128::from(MIN) {
                    "too small"
                } else {
                    "too large"
                };
                cx.report(
                    ManifestError::new(Code::OutOfRange, format!("`{key}` must be {range}"))
                        .at(node.span().into(), side),
                );
                None
            }
        }
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Int<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Int_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "integer", "minimum": MIN });
        if MAX < UNBOUNDED {
            schema.insert("maximum".to_owned(), MAX.into());
        }
        schema
    }
}

/// A number with or without decimals; `"${var:…}"` stands for one too.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Number(pub f64);

plain_schema!(Number => "Number" { "type": "number" });

impl Decode for Number {
    const EXPECTED: &'static str = "a number";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let number = match node.get_ref() {
            DeValue::Integer(int) => i128::from_str_radix(int.as_str(), int.radix())
                .ok()
                .map(|int| int as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::String(text) if text.contains("${") => {
                Some(interpolated::<Self, _>(cx, key, node, text)?)
            }
            _ => None,
        };
        if number.is_none() {
            cx.wrong_type::<Self>(key, node);
        }
        number.map(Self)
    }
}

/// A price in US dollars, to the billionth; `"${var:…}"` stands for one too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dollars(pub Usd);

plain_schema!(Dollars => "Dollars" { "type": "number", "exclusiveMinimum": 0 });

impl Decode for Dollars {
    const EXPECTED: &'static str = "a number of dollars";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let price: Option<Usd> = match node.get_ref() {
            DeValue::Integer(int) if int.radix() == 10 => int.as_str().parse().ok(),
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::String(text) if text.contains("${") => {
                Some(interpolated::<Self, _>(cx, key, node, text)?)
            }
            _ => None,
        };
        match price {
            Some(price) if price > Usd::ZERO => Some(Self(price)),
            Some(_) => {
                cx.report(
                    ManifestError::new(Code::OutOfRange, format!("`{key}` must be more than nothing"))
                        .at(node.span().into(), "too small")
                        .help("leave it out to use the list price"),
                );
                None
            }
            None => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}

/// A string, number or boolean, as text: what Compose allows for values of maps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scalar(pub String);

plain_schema!(Scalar => "Scalar" { "type": ["string", "number", "boolean"] });

impl Decode for Scalar {
    const EXPECTED: &'static str = "a string, a number or a boolean";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        match node.get_ref() {
            DeValue::String(text) => cx.interpolate(text, node.span().into()).map(Self),
            DeValue::Integer(int) if int.radix() == 10 => Some(Self(int.as_str().to_owned())),
            DeValue::Integer(int) => i128::from_str_radix(int.as_str(), int.radix())
                .ok()
                .map(|int| Self(int.to_string())),
            DeValue::Float(float) => Some(Self(float.as_str().to_owned())),
            DeValue::Boolean(boolean) => Some(Self(boolean.to_string())),
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}
