//! What decoding and checking carry along: the variables, and the mistakes found so far.

use toml::de::DeValue;

use super::{Decode, Key, Node, variables};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::known::Known;
use crate::manifest::span::Span;

/// The mistakes found so far. After one, reading goes on with a placeholder, so that all of
/// them are found; no manifest comes out of it.
pub struct Context<'a> {
    text: &'a str,
    known: &'a Known<'a>,
    /// The sections of the manifest, for keys that stand in the wrong one.
    pub(super) sections: &'static [Key],
    errors: Vec<ManifestError>,
}

impl<'a> Context<'a> {
    /// Starts on a text.
    pub fn new(text: &'a str, known: &'a Known<'a>, sections: &'static [Key]) -> Self {
        Self {
            text,
            known,
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
        variables::interpolate(text, self.known, |reference, error| {
            // The reference itself where the literal spells it out, else the whole literal.
            let place = match self.written(span).find(reference) {
                Some(at) if !reference.is_empty() => Span {
                    start: span.start + at,
                    end: span.start + at + reference.len(),
                },
                _ => span,
            };
            self.errors.push(error.into_error(reference, place, self.known));
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

    /// The variables that the manifest can use.
    pub fn known(&self) -> &'a Known<'a> {
        self.known
    }

    /// A value as a mistake repeats it: not where it looks like a key, or is too long.
    pub fn shown(value: &str) -> String {
        match value.contains("PRIVATE KEY") || value.chars().count() > LONGEST_SHOWN {
            true => "not what is wanted".to_owned(),
            false => format!("{value:?}"),
        }
    }

    /// Notes that a value has another type than its key wants.
    pub fn wrong_type<T: Decode>(&mut self, key: &str, node: &Node<'_>) {
        let found = found(node.get_ref());
        let help = self.rewritten::<T>(node).map(|(how, value)| {
            // An element of a list has no key of its own.
            match self.in_list(node.span().into()) {
                true => format!("write {value}"),
                false => format!("write it {how}: {key} = {value}"),
            }
        });
        self.report(
            ManifestError::new(Code::WrongType, format!("`{key}` must be {}", T::EXPECTED))
                .at(node.span().into(), format!("this is {found}"))
                .maybe_help(help),
        );
    }

    /// How a value of another type would be written to be right, and in a word what changes.
    fn rewritten<T: Decode>(&self, node: &Node<'_>) -> Option<(&'static str, String)> {
        let expected = T::EXPECTED;
        let written = self.written(node.span().into());
        match node.get_ref() {
            DeValue::String(text) if text.parse::<f64>().is_ok() || matches!(&**text, "true" | "false") => {
                let bare = !expected.contains("string") && !expected.contains("list");
                bare.then(|| ("without quotes", text.to_string()))
            }
            DeValue::String(text) if expected == "an integer" => {
                // "8GB": the key says what is counted.
                let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
                let (number, unit) = text.split_at(digits);
                let counted = !number.is_empty() && unit.trim().chars().all(char::is_alphabetic);
                counted.then(|| ("as a number", number.to_owned()))
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) if expected.contains("string") => {
                T::spelled(written).map(|value| ("in quotes", value))
            }
            DeValue::String(_) | DeValue::Integer(_) if expected.starts_with("a list") => {
                Some(("as a list", format!("[{written}]")))
            }
            DeValue::Array(items) if items.len() == 1 && expected.contains("string") => {
                let only = items.first()?;
                Some(("without brackets", self.written(only.span().into()).to_owned()))
            }
            _ => None,
        }
    }

    /// Whether a value is an element of a list: that of a key follows an equals sign.
    fn in_list(&self, place: Span) -> bool {
        let before = self.text.get(..place.start).unwrap_or_default();
        !before.trim_end().ends_with('=')
    }

    /// Notes that a value whose variables were filled in is not what its key wants: what it is,
    /// and where that comes from.
    pub fn wrong_value<T: Decode>(&mut self, key: &str, node: &Node<'_>, value: &str) {
        let label = self
            .origin(node, value)
            .unwrap_or_else(|| format!("this is {}", found(node.get_ref())));
        self.report(
            ManifestError::new(Code::WrongType, format!("`{key}` must be {}", T::EXPECTED))
                .at(node.span().into(), label),
        );
    }

    /// Of a text with variables in it: what it is once they are filled in, and where from. `None`
    /// for a text without any. A value that looks like a key is not repeated.
    pub fn origin(&self, node: &Node<'_>, value: &str) -> Option<String> {
        let DeValue::String(text) = node.get_ref() else {
            return None;
        };
        if !text.contains("${") {
            return None;
        }
        let shown = Self::shown(value);
        let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        Some(match whole.and_then(|reference| reference.split_once(':')) {
            Some(("var", name)) if !name.contains('$') => {
                let known = self.known.values.get(name);
                let origin = known.map_or_else(String::new, |known| format!(", {}", known.origin));
                format!("`{name}` is {shown}{origin}")
            }
            Some(("env", name)) if !name.contains('$') => match name.split_once(":-") {
                None => format!("`{name}` is {shown}, from the environment"),
                Some((name, _)) if self.known.env.get(name).is_some_and(|set| !set.is_empty()) => {
                    format!("`{name}` is {shown}, from the environment")
                }
                Some((name, _)) => format!("`{name}` is {shown}, its default here"),
            },
            _ => format!("with its variables filled in, this is {shown}"),
        })
    }
}

/// The longest value of a variable that a mistake repeats, in characters.
const LONGEST_SHOWN: usize = 60;

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
