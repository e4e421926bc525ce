//! Values written as texts, and the schemas of small types.

use schemars::JsonSchema;

use super::{Context, Decode, Node};
use crate::manifest::error::{Code, ManifestError};

/// Why a text does not have the form wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong with it, shown under the text.
    pub reason: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Malformed {
    /// A reason alone.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            help: None,
        }
    }

    /// With what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A value written as a text of a certain form.
pub trait FromText: JsonSchema + Sized {
    /// The form, with its article: `a duration such as "30s"`.
    const FORM: &'static str;
    /// The class of mistake that a wrong form is.
    const CODE: Code = Code::BadFormat;

    /// Reads the text, variables filled in.
    fn from_text(text: &str) -> Result<Self, Malformed>;

    /// A number or boolean as the text that was meant; `None` where that cannot be told.
    fn meant(written: &str) -> Option<String> {
        Some(written.to_owned())
    }
}

impl<T: FromText> Decode for T {
    const EXPECTED: &'static str = "a string";

    fn spelled(written: &str) -> Option<String> {
        let meant = T::meant(written)?;
        // What would be refused again is no help.
        T::from_text(&meant).is_ok().then(|| format!("\"{meant}\""))
    }

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let text = cx.string::<Self>(key, node)?;
        match T::from_text(&text) {
            Ok(value) => Some(value),
            Err(malformed) => {
                let label = match cx.origin(node, &text) {
                    Some(origin) => format!("{origin}: {}", malformed.reason),
                    None => malformed.reason,
                };
                cx.report(
                    ManifestError::new(T::CODE, format!("`{key}` must be {}", T::FORM))
                        .at(node.span().into(), label)
                        .maybe_help(malformed.help),
                );
                None
            }
        }
    }
}

impl FromText for String {
    const FORM: &'static str = "a string";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        Ok(text.to_owned())
    }
}

/// Makes an enum readable from its words, with suggestions.
macro_rules! keywords {
    ($type:ty, $form:literal, { $($word:literal => $value:expr,)* } $(tried { $($tried:literal => $instead:literal,)* })?) => {
        impl $crate::manifest::decode::FromText for $type {
            const FORM: &'static str = $form;
            const CODE: $crate::manifest::error::Code = $crate::manifest::error::Code::UnknownWord;

            fn from_text(text: &str) -> Result<Self, $crate::manifest::decode::Malformed> {
                match text {
                    $($word => Ok($value),)*
                    $($($tried => Err($crate::manifest::decode::Malformed::new("not one of them").help($instead)),)*)?
                    _ => Err($crate::manifest::decode::Malformed {
                        reason: "not one of them".to_owned(),
                        help: $crate::manifest::decode::nearest(text, [$($word),*])
                            .map(|word| format!("did you mean \"{word}\"?")),
                    }),
                }
            }
        }
    };
}
pub(in crate::manifest) use keywords;

/// Gives a type the schema of a JSON value written out.
macro_rules! plain_schema {
    ($($type:ty => $name:literal $schema:tt),* $(,)?) => {$(
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )*};
}
pub(in crate::manifest) use plain_schema;
