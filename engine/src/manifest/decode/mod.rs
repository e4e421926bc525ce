//! From TOML's values to the typed sections of [`super::raw`].
//!
//! A section is declared by [`section!`] and decoded key by key. serde is not used for it: it
//! stops at the first mistake of a section, and a manifest's mistakes are to be shown together.

mod collections;
mod context;
mod nearest;
mod numbers;
mod section;
mod text;
mod variables;

pub use collections::{KeyValues, Labels, Named, OneOrMany, Table, Tables};
pub use context::Context;
pub use nearest::{did_you_mean, nearest};
pub use numbers::{Dollars, Int, Natural, Number, Scalar};
pub use section::{Key, Section, section_schema};
pub use text::{FromText, Malformed};

pub(in crate::manifest) use section::section;
pub(in crate::manifest) use text::{keywords, plain_schema};

use schemars::JsonSchema;
use toml::Spanned;
use toml::de::DeValue;

/// A value of the manifest with its place.
pub type Node<'i> = Spanned<DeValue<'i>>;

/// What can be read from a value of the manifest.
pub trait Decode: JsonSchema + Sized {
    /// What is expected, with its article: `a string`.
    const EXPECTED: &'static str;

    /// Reads the value of `key`; `None` after a mistake, which the context then holds.
    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self>;

    /// How a number or boolean that stands in place of the value would be written to be right;
    /// `None` where that cannot be told.
    fn spelled(written: &str) -> Option<String> {
        Self::EXPECTED
            .contains("string")
            .then(|| format!("\"{written}\""))
    }

    /// The keys of a section; none for anything else.
    fn keys() -> &'static [Key] {
        &[]
    }

    /// How the key is written where it is introduced: `name = …`, `[name]` or `[[name]]`.
    fn header(key: &str) -> String {
        key.to_owned()
    }
}
