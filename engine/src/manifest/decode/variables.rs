//! `${env:NAME}`, `${var:key}` and `$$` in texts.

use crate::manifest::error::{Code, ManifestError};
use crate::manifest::source::Variables;
use crate::manifest::span::Span;

use super::nearest::nearest;

/// Why a reference cannot be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfilled {
    /// No such environment variable.
    UnknownEnv,
    /// No such `--var`.
    UnknownVar,
    /// Neither `env:` nor `var:`, or nothing after it.
    Malformed,
    /// The closing brace is missing.
    Unclosed,
}

impl Unfilled {
    /// The mistake, with what to do about it.
    pub fn into_error(self, reference: &str, place: Span, variables: &Variables) -> ManifestError {
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
            .help(format!("set it before running subako: export {name}=…")),
            Self::UnknownVar => {
                let near = nearest(name, variables.vars.keys().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean `${{var:{near}}}`?"),
                    None => format!("give it a value on the command line: --var {name}=…"),
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
            Self::Unclosed => ManifestError::new(Code::BadVariable, "a variable is not closed")
                .at(place, "the `}` is missing")
                .help("write ${env:NAME} or ${var:name}, or $${ for the two characters themselves"),
        }
    }
}

/// Fills in the references of a text: `None` if one could not be, each of which `report` was
/// told with the reference as written. A `$` before anything but `{` or `$` is itself.
pub fn interpolate(
    text: &str,
    variables: &Variables,
    mut report: impl FnMut(&str, Unfilled),
) -> Option<String> {
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
            match value(&inner[..close], variables) {
                Ok(value) => filled.push_str(value),
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

fn value<'v>(reference: &str, variables: &'v Variables) -> Result<&'v str, Unfilled> {
    let (values, name, unknown) = match reference.split_once(':') {
        Some(("env", name)) => (&variables.env, name, Unfilled::UnknownEnv),
        Some(("var", name)) => (&variables.vars, name, Unfilled::UnknownVar),
        _ => return Err(Unfilled::Malformed),
    };
    if name.is_empty() {
        return Err(Unfilled::Malformed);
    }
    values.get(name).map(String::as_str).ok_or(unknown)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn fill(text: &str) -> Result<String, Vec<(String, Unfilled)>> {
        let variables = Variables {
            env: BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]),
            vars: BTreeMap::from([("n".to_owned(), "${var:n}".to_owned())]),
        };
        let mut errors = Vec::new();
        let filled = interpolate(text, &variables, |r, e| errors.push((r.to_owned(), e)));
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
    fn every_reference_that_cannot_be_filled_in_is_reported() {
        assert_eq!(
            fill("${env:X} ${var:y} ${z} ${"),
            Err(vec![
                ("${env:X}".to_owned(), Unfilled::UnknownEnv),
                ("${var:y}".to_owned(), Unfilled::UnknownVar),
                ("${z}".to_owned(), Unfilled::Malformed),
                ("${".to_owned(), Unfilled::Unclosed),
            ])
        );
    }
}
