//! A file of `--var-file`: `name = value` in TOML, nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The values of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableFile {
    /// The path as the user gave it; mistakes show it.
    pub name: String,
    /// The values, by the names of their variables.
    pub values: BTreeMap<String, String>,
}

/// Why a file gives no variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadVariableFile {
    /// Its text is not TOML. The text itself is not repeated: values may be secret.
    #[error("line {line} of {name} is not TOML: write name = \"value\", one a line")]
    Syntax {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// A value that is no text, number or boolean.
    #[error("`{key}` in {name} is {found}: a variable is a string, a number, or true or false")]
    NotScalar {
        /// The file.
        name: String,
        /// The variable.
        key: String,
        /// What it is.
        found: &'static str,
    },
}

impl VariableFile {
    /// Reads the text of a file.
    pub fn read(name: &str, text: &str) -> Result<Self, BadVariableFile> {
        let table: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            BadVariableFile::Syntax {
                name: name.to_owned(),
                line: 1 + text.as_bytes()[..at]
                    .iter()
                    .filter(|byte| **byte == b'\n')
                    .count(),
            }
        })?;
        let values = table.into_iter().map(|(key, value)| {
            let found = match value {
                toml::Value::String(text) => return Ok((key, text)),
                toml::Value::Integer(int) => return Ok((key, int.to_string())),
                toml::Value::Float(float) => return Ok((key, float.to_string())),
                toml::Value::Boolean(boolean) => return Ok((key, boolean.to_string())),
                toml::Value::Datetime(_) => "a date",
                toml::Value::Array(_) => "a list",
                toml::Value::Table(_) => "a table",
            };
            let name = name.to_owned();
            Err(BadVariableFile::NotScalar { name, key, found })
        });
        Ok(Self {
            name: name.to_owned(),
            values: values.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_texts_numbers_and_booleans() {
        let file = VariableFile::read("prod.toml", "a = \"x\"\nb = 3\nc = 0.5\nd = true\n").expect("a file");
        let values: Vec<(&str, &str)> = file
            .values
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(values, [("a", "x"), ("b", "3"), ("c", "0.5"), ("d", "true")]);
    }

    #[test]
    fn what_is_no_value_is_named_and_not_repeated() {
        let error = VariableFile::read("p.toml", "a = 1\nb = hunter2\n")
            .expect_err("bad")
            .to_string();
        assert_eq!(
            error,
            "line 2 of p.toml is not TOML: write name = \"value\", one a line"
        );
        for (text, found) in [
            ("a = [1]", "a list"),
            ("[a]\nb = 1", "a table"),
            ("a = 2026-11-29", "a date"),
        ] {
            let error = VariableFile::read("p.toml", text).expect_err("bad").to_string();
            assert!(error.starts_with(&format!("`a` in p.toml is {found}")), "{error}");
        }
    }
}
