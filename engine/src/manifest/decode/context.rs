//! What decoding and checking carry along: the variables, and the mistakes found so far.

use toml::de::DeValue;

use super::{Decode, Key, Node, variables};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::source::Variables;
use crate::manifest::span::Span;

/// The mistakes found so far. After one, reading goes on with a placeholder, so that all of
/// them are found; no manifest comes out of it.
pub struct Context<'a> {
    text: &'a str,
    variables: &'a Variables,
    /// The sections of the manifest, for keys that stand in the wrong one.
    pub(super) sections: &'static [Key],
    errors: Vec<ManifestError>,
}

impl<'a> Context<'a> {
    /// Starts on a text.
    pub fn new(text: &'a str, variables: &'a Variables, sections: &'static [Key]) -> Self {
        Self {
            text,
            variables,
            sections,
            errors: Vec::new(),
        }
    }

    /// Notes a mistake.
    pub fn report(&mut self, error: ManifestError) {
        self.errors.push(error);
    }

    /// Whether a mistake was noted inside a place.
    pub fn has_mistake_within(&self, place: Span) -> bool {
        let within = |span: std::ops::Range<usize>| place.start <= span.start && span.end <= place.end;
        self.errors
            .iter()
            .any(|error| error.spans().next().is_some_and(within))
    }

    /// How many mistakes were noted.
    pub fn mistakes(&self) -> usize {
        self.errors.len()
    }

    /// All mistakes noted.
    pub fn into_errors(self) -> Vec<ManifestError> {
        self.errors
    }

    /// The text as written at a place.
    pub fn written(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// A text with its variables filled in; `None` after a mistake.
    pub fn interpolate(&mut self, text: &str, span: Span) -> Option<String> {
        variables::interpolate(text, self.variables, |reference, error| {
            // The reference itself where the literal spells it out, else the whole literal.
            let place = match self.written(span).find(reference) {
                Some(at) if !reference.is_empty() => Span {
                    start: span.start + at,
                    end: span.start + at + reference.len(),
                },
                _ => span,
            };
            self.errors
                .push(error.into_error(reference, place, self.variables));
        })
    }

    /// The text of a string; `None` after a mistake (another type, an unknown variable).
    pub fn string<T: Decode>(&mut self, key: &str, node: &Node<'_>) -> Option<String> {
        match node.get_ref() {
            DeValue::String(text) => self.interpolate(text, node.span().into()),
            _ => {
                self.wrong_type::<T>(key, node);
                None
            }
        }
    }

    /// Notes that a value has another type than its key wants.
    pub fn wrong_type<T: Decode>(&mut self, key: &str, node: &Node<'_>) {
        let (expected, found) = (T::EXPECTED, found(node.get_ref()));
        let written = self.written(node.span().into());
        let help = match node.get_ref() {
            DeValue::String(text) if text.parse::<f64>().is_ok() || matches!(&**text, "true" | "false") => {
                (!expected.contains("string") && !expected.contains("list"))
                    .then(|| format!("write it without quotes: {key} = {text}"))
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) if expected.contains("string") => {
                Some(format!("write it in quotes: {key} = \"{written}\""))
            }
            DeValue::String(_) | DeValue::Integer(_) if expected.starts_with("a list") => {
                Some(format!("write {key} = [{written}]"))
            }
            DeValue::Array(items) if items.len() == 1 && expected.contains("string") => items
                .first()
                .map(|item| format!("write {key} = {}", self.written(item.span().into()))),
            _ => None,
        };
        self.report(
            ManifestError::new(Code::WrongType, format!("`{key}` must be {expected}"))
                .at(node.span().into(), format!("this is {found}"))
                .maybe_help(help),
        );
    }
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
