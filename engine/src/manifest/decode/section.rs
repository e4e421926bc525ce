//! Sections: tables with a fixed set of keys.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::{Context, Decode, Node};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::span::{At, Span};

/// A key of a section.
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// Its documentation, line by line.
    pub doc: &'static [&'static str],
    /// How it is written where it is introduced.
    pub header: fn(&str) -> String,
    /// The keys of its value, if that is a section.
    pub nested: fn() -> &'static [Key],
    /// The schema of its value.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// A table with a fixed set of keys.
pub trait Section: Decode {
    /// How reports name the section: `[cluster]`, `a pool`.
    const TITLE: &'static str;
    /// Its documentation, line by line.
    const DOC: &'static [&'static str];
    /// Its keys, in the order of their documentation.
    const KEYS: &'static [Key];
    /// Keys that people try here, or `key = value`, and what to write instead.
    const ELSEWHERE: &'static [(&'static str, &'static str)];
    /// Keys of the Compose specification that are not supported yet, and what to do meanwhile.
    const LATER: &'static [(&'static str, &'static str)];
}

impl Context<'_> {
    /// The table of a section, once its unknown and missing keys are reported.
    pub fn section<'n, S: Section>(&mut self, key: &str, node: &'n Node<'n>) -> Option<&'n DeTable<'n>> {
        let DeValue::Table(table) = node.get_ref() else {
            self.wrong_type::<S>(key, node);
            return None;
        };
        let mut meant = Vec::new();
        for (name, value) in table {
            if !S::KEYS.iter().any(|key| key.name == name.get_ref()) {
                meant.extend(self.unknown_key::<S>(name.get_ref(), name.span().into(), value));
            }
        }
        for key in S::KEYS {
            // A misspelt key is one mistake, not two.
            if key.required && !table.contains_key(key.name) && !meant.contains(&key.name) {
                let header = (key.header)(key.name);
                self.report(
                    ManifestError::new(Code::Missing, format!("{} needs `{header}`", S::TITLE))
                        .at(
                            node.span().into(),
                            if S::TITLE == WHOLE {
                                format!("no {header} up to here")
                            } else {
                                format!("`{header}` is missing here")
                            },
                        )
                        .maybe_help(about(key, S::TITLE == WHOLE)),
                );
            }
        }
        Some(table)
    }

    /// The value of a key, if it is there and right.
    pub fn field<T: Decode>(&mut self, table: &DeTable<'_>, key: &str) -> Option<At<T>> {
        let node = table.get(key)?;
        let value = T::decode(self, key, node)?;
        Some(At {
            value,
            span: node.span().into(),
        })
    }

    /// Where a key that is unknown here would belong.
    fn other_section(&self, name: &str) -> Option<String> {
        let keys = self
            .sections
            .iter()
            .flat_map(|section| (section.nested)().iter().map(move |key| (section, key)));
        let near = nearest(name, keys.clone().map(|(_, key)| key.name))?;
        let (section, _) = keys.clone().find(|(_, key)| key.name == near)?;
        let header = (section.header)(section.name);
        Some(match near == name {
            true => format!("`{name}` belongs under {header}"),
            false => format!("did you mean `{near}`, which belongs under {header}?"),
        })
    }

    /// Reports a key that the section does not have; returns the one that was meant.
    fn unknown_key<S: Section>(&mut self, name: &str, span: Span, value: &Node<'_>) -> Option<&'static str> {
        // Advice may be for one value of the key: `restart = always`.
        let with_value = match value.get_ref() {
            DeValue::String(text) => format!("{name} = {text}"),
            _ => String::new(),
        };
        let advice = |table: &'static [(&str, &'static str)]| {
            let of = |wanted: &str| table.iter().find(|(key, _)| *key == wanted);
            of(&with_value).or_else(|| of(name)).map(|(_, advice)| *advice)
        };
        if let Some(advice) = advice(S::LATER) {
            self.report(
                ManifestError::new(Code::NotSupported, format!("`{name}` is not supported yet"))
                    .at(span, "Subako would have to ignore this")
                    .help(advice),
            );
            return None;
        }
        let near = S::KEYS
            .iter()
            .find(|key| Some(key.name) == nearest(name, S::KEYS.iter().map(|k| k.name)));
        let help = match (advice(S::ELSEWHERE), near) {
            (Some(advice), _) => advice.to_owned(),
            (None, Some(key)) => format!("did you mean `{}`?", (key.header)(key.name)),
            (None, None) => self.other_section(name).unwrap_or_else(|| {
                let all: Vec<_> = S::KEYS.iter().map(|key| (key.header)(key.name)).collect();
                format!("known here: {}", all.join(", "))
            }),
        };
        // Outside every section, a table is a section that does not exist.
        let whole = S::TITLE == WHOLE;
        let (code, message, label) = match value.get_ref() {
            DeValue::Table(_) if whole => (
                Code::UnknownSection,
                format!("there is no section `[{name}]`"),
                "unknown section",
            ),
            DeValue::Array(items) if whole && items.iter().any(|item| item.get_ref().is_table()) => (
                Code::UnknownSection,
                format!("there is no section `[[{name}]]`"),
                "unknown section",
            ),
            _ => (
                Code::UnknownKey,
                format!("{} has no key `{name}`", S::TITLE),
                "unknown key",
            ),
        };
        self.report(ManifestError::new(code, message).at(span, label).help(help));
        advice(S::ELSEWHERE)
            .is_none()
            .then_some(near)
            .flatten()
            .map(|key| key.name)
    }
}

/// The title of the section that holds all others.
pub const WHOLE: &str = "the manifest";

/// What a missing key is: the first sentence of its documentation; nothing where that says no
/// more than the key's name.
fn about(key: &Key, whole: bool) -> Option<String> {
    let text = paragraphs(key.doc);
    let end = text.find(". ").or_else(|| text.find(".\n")).unwrap_or(text.len());
    let sentence = text[..end].trim_end_matches('.');
    let mut rest = sentence.chars();
    let first = rest
        .next()
        .map(|c| c.to_lowercase().to_string())
        .unwrap_or_default();
    let named = sentence.trim_start_matches("The ").trim_start_matches("the ");
    if !whole && named.replace([' ', '\''], "_").eq_ignore_ascii_case(key.name) {
        return None;
    }
    // An acronym keeps its capitals.
    let acronym = rest.as_str().starts_with(|c: char| c.is_uppercase());
    let sentence = if acronym {
        sentence.to_owned()
    } else {
        format!("{first}{}", rest.as_str())
    };
    let start = if whole {
        "; `subako new` writes a manifest to start from"
    } else {
        ""
    };
    let header = (key.header)(key.name);
    let name = if header.starts_with('[') {
        header
    } else {
        format!("`{header}`")
    };
    Some(format!("{name} is {sentence}{start}"))
}

/// Documentation as prose: the lines of a paragraph joined.
fn paragraphs(doc: &[&str]) -> String {
    let mut text = String::new();
    for line in doc.iter().map(|line| line.trim()) {
        if line.is_empty() {
            text.push_str("\n\n");
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text
}

/// The JSON Schema of a section: its keys and no others.
pub fn section_schema<S: Section>(generator: &mut SchemaGenerator) -> Schema {
    let mut properties = Map::new();
    for key in S::KEYS {
        let mut schema = (key.schema)(generator);
        schema.insert("description".to_owned(), Value::String(paragraphs(key.doc)));
        properties.insert(key.name.to_owned(), schema.to_value());
    }
    let required: Vec<_> = S::KEYS
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    json_schema!({
        "type": "object",
        "description": paragraphs(S::DOC),
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Declares a section: a struct whose fields are `Option<At<T>>`, its decoding and its schema,
/// all from one place.
///
/// ```text
/// section! {
///     /// What the section is.
///     pub struct Name = "[title]" {
///         /// What the key is.
///         required key: Type,
///         /// What the key is.
///         optional other: Type,
///     }
///     elsewhere { "tried" => "what to write instead" }
///     later { "compose_key" => "what to do meanwhile" }
/// }
/// ```
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident = $title:literal {
            $($(#[doc = $field_doc:literal])* $presence:ident $field:ident: $type:ty,)*
        }
        $(elsewhere { $($tried:literal => $instead:literal,)* })?
        $(later { $($compose:literal => $meanwhile:literal,)* })?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Default)]
        pub struct $name {
            $($(#[doc = $field_doc])* pub $field: Option<$crate::manifest::span::At<$type>>,)*
            /// Whether a key is absent or wrong: then nothing follows from the absence of another.
            #[allow(dead_code)]
            pub mistaken: bool,
        }

        impl $crate::manifest::decode::Section for $name {
            const TITLE: &'static str = $title;
            const DOC: &'static [&'static str] = &[$($doc),*];
            const KEYS: &'static [$crate::manifest::decode::Key] = &[$($crate::manifest::decode::Key {
                name: $crate::manifest::decode::section!(@name $field),
                required: $crate::manifest::decode::section!(@$presence),
                doc: &[$($field_doc),*],
                header: <$type as $crate::manifest::decode::Decode>::header,
                nested: <$type as $crate::manifest::decode::Decode>::keys,
                schema: |generator| generator.subschema_for::<$crate::manifest::span::At<$type>>(),
            }),*];
            const ELSEWHERE: &'static [(&'static str, &'static str)] = &[$($(($tried, $instead)),*)?];
            const LATER: &'static [(&'static str, &'static str)] = &[$($(($compose, $meanwhile)),*)?];
        }

        impl $crate::manifest::decode::Decode for $name {
            const EXPECTED: &'static str = "a table";

            fn decode(
                cx: &mut $crate::manifest::decode::Context<'_>,
                key: &str,
                node: &$crate::manifest::decode::Node<'_>,
            ) -> Option<Self> {
                let before = cx.mistakes();
                let table = cx.section::<Self>(key, node)?;
                $(let $field = cx.field(table, $crate::manifest::decode::section!(@name $field));)*
                Some(Self { $($field,)* mistaken: cx.mistakes() > before })
            }

            fn keys() -> &'static [$crate::manifest::decode::Key] {
                <Self as $crate::manifest::decode::Section>::KEYS
            }

            fn header(key: &str) -> String {
                // Sections of the manifest itself stand in brackets, tables inside them do not.
                if $title.starts_with('[') { format!("[{key}]") } else { key.to_owned() }
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::manifest::decode::section_schema::<Self>(generator)
            }
        }
    };
    (@required) => { true };
    (@optional) => { false };
    // `type` is a word of Rust; its field is called `kind`.
    (@name kind) => { "type" };
    (@name $field:ident) => { stringify!($field) };
}
pub(in crate::manifest) use section;
