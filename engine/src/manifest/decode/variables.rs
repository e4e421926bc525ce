//! `${env:NAME}`, `${var:NAME}`, `${env:NAME:-default}` and `$$` in texts.

use std::borrow::Cow;

use super::nearest::nearest;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::known::{FROM_ENVIRONMENT, Known};
use crate::manifest::span::Span;

/// Why a reference cannot be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfilled {
    /// No such environment variable.
    UnknownEnv,
    /// No such variable, or one without a value.
    UnknownVar,
    /// Neither `env:` nor `var:`, or nothing after it.
    Malformed,
    /// A default where there can be none.
    DefaultOfVar,
    /// The closing brace is missing.
    Unclosed,
}

impl Unfilled {
    /// The mistake, with what to do about it.
    pub fn into_error(self, reference: &str, place: Span, known: &Known<'_>) -> ManifestError {
        let name = reference
            .trim_start_matches("${")
            .trim_end_matches('}')
            .split_once(':')
            .map_or("", |(_, name)| name);
        match self {
            Self::UnknownEnv => ManifestError::new(
                Code::UnknownVariable,
                format!("the environment variable `{name}` is not set"),
            )
            .at(place, "used here")
            .help(format!(
                "set it before running subako: export {name}=…, or give a default: ${{env:{name}:-…}}"
            )),
            Self::UnknownVar => {
                let names = known.values.keys().chain(&known.declared).map(String::as_str);
                let near = nearest(name, names.filter(|other| *other != name));
                let help = match near {
                    Some(near) => format!("did you mean `${{var:{near}}}`?"),
                    None => format!(
                        "give it a value: --var {name}=…, a line in a --var-file, {FROM_ENVIRONMENT}{name} in the environment, or `default` under [variable.{name}]"
                    ),
                };
                ManifestError::new(
                    Code::UnknownVariable,
                    format!("the variable `{name}` has no value"),
                )
                .at(place, "used here")
                .help(help)
            }
            Self::Malformed => ManifestError::new(
                Code::BadVariable,
                "a variable must say where its value comes from",
            )
            .at(place, "neither `env:` nor `var:` and a name")
            .help(
                "write ${env:NAME} for the environment, ${var:name} for --var name=value, \
                         or $${ for the two characters themselves",
            ),
            Self::DefaultOfVar => {
                let name = name.split(":-").next().unwrap_or_default();
                ManifestError::new(
                    Code::BadVariable,
                    "the default of a variable stands in its section",
                )
                .at(place, "a default here")
                .help(format!(
                    "write `default = …` under [variable.{name}], and ${{var:{name}}} here"
                ))
            }
            Self::Unclosed => ManifestError::new(Code::BadVariable, "a variable is not closed")
                .at(place, "the `}` is missing")
                .help("write ${env:NAME} or ${var:name}, or $${ for the two characters themselves"),
        }
    }
}

/// Fills in the references of a text: `None` if one could not be, each of which `report` was
/// told with the reference as written. A `$` before anything but `{` or `$` is itself.
pub fn interpolate(text: &str, known: &Known<'_>, mut report: impl FnMut(&str, Unfilled)) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut whole = true;
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        filled.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        if let Some(after) = rest.strip_prefix("$$") {
            filled.push('$');
            rest = after;
        } else if let Some(inner) = rest.strip_prefix("${") {
            let Some(close) = inner.find('}') else {
                report(rest, Unfilled::Unclosed);
                return None;
            };
            match value(&inner[..close], known) {
                Ok(value) => filled.push_str(&value),
                Err(error) => {
                    report(&rest[..close + 3], error);
                    whole = false;
                }
            }
            rest = &inner[close + 1..];
        } else {
            filled.push('$');
            rest = &rest[1..];
        }
    }
    filled.push_str(rest);
    whole.then_some(filled)
}

fn value<'v>(reference: &'v str, known: &'v Known<'_>) -> Result<Cow<'v, str>, Unfilled> {
    match reference.split_once(':') {
        None | Some((_, "")) => Err(Unfilled::Malformed),
        Some(("env", reference)) => {
            let (name, default) = match reference.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (reference, None),
            };
            if name.is_empty() {
                return Err(Unfilled::Malformed);
            }
            // As in a shell and in Compose: an empty one takes the default as well.
            let set = known
                .env
                .get(name)
                .filter(|value| default.is_none() || !value.is_empty());
            let value = set.map(String::as_str).or(default);
            value.map(Cow::Borrowed).ok_or(Unfilled::UnknownEnv)
        }
        Some(("var", name)) if name.contains(":-") => Err(Unfilled::DefaultOfVar),
        Some(("var", name)) => {
            let value = known.values.get(name);
            value
                .map(|value| Cow::Borrowed(value.text.as_str()))
                .ok_or(Unfilled::UnknownVar)
        }
        Some(_) => Err(Unfilled::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::manifest::known::{Origin, Value};

    fn fill(text: &str) -> Result<String, Vec<(String, Unfilled)>> {
        let env = BTreeMap::from([
            ("HOME".to_owned(), "/root".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        let value = Value {
            text: "${var:n}".to_owned(),
            origin: Origin::Option,
            sensitive: false,
        };
        let known = Known {
            env: &env,
            values: BTreeMap::from([("n".to_owned(), value)]),
            declared: Vec::new(),
        };
        let mut errors = Vec::new();
        let filled = interpolate(text, &known, |r, e| errors.push((r.to_owned(), e)));
        filled.ok_or(errors)
    }

    #[test]
    fn references_are_filled_in_once_and_not_again() {
        assert_eq!(
            fill("a ${env:HOME}/${var:n} b"),
            Ok("a /root/${var:n} b".to_owned())
        );
    }

    #[test]
    fn a_dollar_is_kept_unless_it_opens_a_reference() {
        assert_eq!(
            fill("$5 $$ $${env:HOME} a$"),
            Ok("$5 $ ${env:HOME} a$".to_owned())
        );
    }

    #[test]
    fn a_default_takes_the_place_of_what_is_not_set_or_empty() {
        for (text, filled) in [
            ("${env:HOME:-/x}", "/root"),
            ("${env:X:-/x}", "/x"),
            ("${env:EMPTY:-/x}", "/x"),
            ("${env:EMPTY}", ""),
            ("${env:X:-}", ""),
            ("${env:X:-a:-b}", "a:-b"),
        ] {
            assert_eq!(fill(text), Ok(filled.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_reference_that_cannot_be_filled_in_is_reported() {
        assert_eq!(
            fill("${env:X} ${var:y} ${z} ${env:} ${env::-a} ${var:n:-a} ${"),
            Err(vec![
                ("${env:X}".to_owned(), Unfilled::UnknownEnv),
                ("${var:y}".to_owned(), Unfilled::UnknownVar),
                ("${z}".to_owned(), Unfilled::Malformed),
                ("${env:}".to_owned(), Unfilled::Malformed),
                ("${env::-a}".to_owned(), Unfilled::Malformed),
                ("${var:n:-a}".to_owned(), Unfilled::DefaultOfVar),
                ("${".to_owned(), Unfilled::Unclosed),
            ])
        );
    }
}
