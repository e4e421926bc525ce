//! `[variable.NAME]`.

use crate::manifest::decode::{Scalar, keywords, plain_schema, section};

/// What a variable's value has to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VariableType {
    /// Any text.
    #[default]
    Text,
    /// A number, with or without decimals.
    Number,
    /// `true` or `false`.
    Bool,
}

plain_schema! {
    VariableType => "VariableType" { "type": "string", "enum": ["string", "number", "bool"] },
}

keywords!(VariableType, "\"string\", \"number\" or \"bool\"", {
    "string" => VariableType::Text,
    "number" => VariableType::Number,
    "bool" => VariableType::Bool,
} tried {
    "text" => "did you mean \"string\"?",
    "integer" => "did you mean \"number\"?",
    "boolean" => "did you mean \"bool\"?",
});

section! {
    /// A variable of the manifest: `${var:NAME}` stands for its value.
    pub struct Variable = "a variable" {
        /// What its value has to be: "string" (the default), "number" or "bool".
        optional kind: VariableType,
        /// Its value where nobody gives one with --var, --var-file or SUBAKO_VAR_NAME.
        optional default: Scalar,
        /// What it is for.
        optional description: String,
        /// Whether messages keep its value back. What it is put into is in plan and state all the
        /// same: a password belongs in a [secret.NAME]. Default: false.
        optional sensitive: bool,
    }
    elsewhere {
        "value" => "did you mean `default`?",
        "nullable" => "a variable without a default has to be given where it is used",
        "validation" => "`type` is all that is checked of a value",
    }
}
