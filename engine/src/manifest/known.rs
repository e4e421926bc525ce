//! The variables that a manifest can use, each with its value and where that comes from.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeTable, DeValue};

use super::source::Variables;

/// The environment gives a variable by this and its name.
pub const FROM_ENVIRONMENT: &str = "SUBAKO_VAR_";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `--var`.
    Option,
    /// A file of `--var-file`.
    File(String),
    /// `SUBAKO_VAR_NAME`.
    Environment(String),
    /// `default` of its section.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option => f.write_str("from --var"),
            Self::File(name) => write!(f, "from {name}"),
            Self::Environment(name) => write!(f, "from {name} in the environment"),
            Self::Default => f.write_str("its default"),
        }
    }
}

/// A variable that has a value.
#[derive(Clone)]
pub struct Value {
    /// The value.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether messages keep it back.
    pub sensitive: bool,
}

/// The variables, and the environment.
pub struct Known<'a> {
    /// The environment.
    pub env: &'a BTreeMap<String, String>,
    /// Those that have a value.
    pub values: BTreeMap<String, Value>,
    /// Those that the manifest declares.
    pub declared: Vec<String>,
}

impl<'a> Known<'a> {
    /// What the manifest's `[variable]` sections and those who run it say, the last of these winning:
    /// default, environment, files in their order, `--var`. Mistakes of the sections are found where
    /// they are decoded.
    pub fn of(root: &DeTable<'_>, given: &'a Variables) -> Self {
        let mut known = Self {
            env: &given.env,
            values: BTreeMap::new(),
            declared: Vec::new(),
        };
        let sections = root
            .get("variable")
            .and_then(|sections| sections.get_ref().as_table());
        let mut sensitive: Vec<&str> = Vec::new();
        for (name, section) in sections.into_iter().flatten() {
            let name: &str = name.get_ref();
            known.declared.push(name.to_owned());
            let key = |key: &str| {
                section
                    .get_ref()
                    .as_table()?
                    .get(key)
                    .map(|value| value.get_ref())
            };
            if key("sensitive").is_some_and(|value| matches!(value, DeValue::Boolean(true))) {
                sensitive.push(name);
            }
            let default = key("default").and_then(scalar);
            known.set(name, default, Origin::Default);
            let variable = format!("{FROM_ENVIRONMENT}{name}");
            let value = given.env.get(&variable).cloned();
            known.set(name, value, Origin::Environment(variable));
        }
        // What is not declared can be given by the environment as well: it is asked by name only.
        for (variable, value) in given.env.range(FROM_ENVIRONMENT.to_owned()..) {
            let Some(name) = variable.strip_prefix(FROM_ENVIRONMENT) else {
                break;
            };
            if !known.values.contains_key(name) {
                known.set(name, Some(value.clone()), Origin::Environment(variable.clone()));
            }
        }
        for file in &given.files {
            for (name, value) in &file.values {
                known.set(name, Some(value.clone()), Origin::File(file.name.clone()));
            }
        }
        for (name, value) in &given.vars {
            known.set(name, Some(value.clone()), Origin::Option);
        }
        for name in sensitive {
            if let Some(value) = known.values.get_mut(name) {
                value.sensitive = true;
            }
        }
        known
    }

    fn set(&mut self, name: &str, value: Option<String>, origin: Origin) {
        if let Some(text) = value {
            let sensitive = false;
            self.values.insert(
                name.to_owned(),
                Value {
                    text,
                    origin,
                    sensitive,
                },
            );
        }
    }

    /// The values that a text refers to, but for defaults, which stand in it.
    pub fn used_in(&self, text: &str) -> Variables {
        let given = self.values.iter().filter(|(name, value)| {
            value.origin != Origin::Default && text.contains(&format!("${{var:{name}}}"))
        });
        let mut used = Variables {
            vars: given
                .map(|(name, value)| (name.clone(), value.text.clone()))
                .collect(),
            ..Variables::default()
        };
        for reference in text.split("${env:").skip(1) {
            let Some((reference, _)) = reference.split_once('}') else {
                continue;
            };
            let (name, has_default) = match reference.split_once(":-") {
                Some((name, _)) => (name, true),
                None => (reference, false),
            };
            match self.env.get(name) {
                Some(value) => drop(used.env.insert(name.to_owned(), value.clone())),
                // An empty one takes the default, wherever it is read again.
                None if has_default => drop(used.env.insert(name.to_owned(), String::new())),
                None => {}
            }
        }
        used
    }

    /// The values that messages keep back, the longest first, so that a part of one uncovers no other.
    pub fn sensitive(&self) -> Vec<String> {
        let values = self
            .values
            .values()
            .filter(|value| value.sensitive && !value.text.is_empty());
        let mut texts: Vec<String> = values.map(|value| value.text.clone()).collect();
        texts.sort_by_key(|text| (std::cmp::Reverse(text.len()), text.clone()));
        texts
    }
}

/// A default, as text.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(int) if int.radix() == 10 => Some(int.as_str().to_owned()),
        DeValue::Integer(int) => i128::from_str_radix(int.as_str(), int.radix())
            .ok()
            .map(|int| int.to_string()),
        DeValue::Float(float) => Some(float.as_str().to_owned()),
        DeValue::Boolean(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::VariableFile;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn the_last_to_speak_wins_and_says_who_it_is() {
        let text = "[variable.a]\ndefault = 1\n[variable.b]\ndefault = 1\n[variable.c]\ndefault = 1\n\
                    [variable.d]\ndefault = 0x10\n[variable.e]\nsensitive = true\n\
                    x = \"${var:a} ${var:b} ${var:d} ${env:X} ${env:Y:-y} ${env:Z:-z}\"";
        let (table, _) = DeTable::parse_recoverable(text);
        let file = |name: &str, values: &[(&str, &str)]| VariableFile {
            name: name.into(),
            values: map(values),
        };
        let given = Variables {
            env: map(&[
                ("SUBAKO_VAR_a", "env"),
                ("SUBAKO_VAR_b", "env"),
                ("X", "x"),
                ("Y", "set"),
                ("T", "t"),
            ]),
            files: vec![
                file("one", &[("b", "one"), ("c", "one")]),
                file("two", &[("b", "two")]),
            ],
            vars: map(&[("c", "typed"), ("e", "hidden")]),
        };
        let known = Known::of(table.get_ref(), &given);
        let said = |name: &str| {
            let value = &known.values[name];
            format!("{} {}", value.text, value.origin)
        };
        assert_eq!(said("a"), "env from SUBAKO_VAR_a in the environment");
        assert_eq!(said("b"), "two from two");
        assert_eq!(said("c"), "typed from --var");
        assert_eq!(said("d"), "16 its default");
        assert_eq!(known.sensitive(), ["hidden"]);
        let used = known.used_in(text);
        assert_eq!(used.vars, map(&[("a", "env"), ("b", "two")]));
        assert_eq!(used.env, map(&[("X", "x"), ("Y", "set"), ("Z", "")]));
    }
}
