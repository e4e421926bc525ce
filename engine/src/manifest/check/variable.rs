//! `[variable.NAME]`, and what those who run it give.

use crate::manifest::decode::{Context, Named, nearest};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::known::Origin;
use crate::manifest::raw::{self, VariableType};
use crate::manifest::source::Source;

/// Checks every value that is given against what its variable is declared to be, and that every name
/// that is given is one: declared, or used.
pub fn check(cx: &mut Context<'_>, raw: Named<raw::Variable>, source: &Source) {
    for (name, at) in &raw.0 {
        if name.is_empty() || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-') {
            cx.report(
                ManifestError::new(
                    Code::BadFormat,
                    "a variable's name has letters, digits, `_` and `-`",
                )
                .at(name.span, "this has others"),
            );
        }
        if let Some(default) = &at.value.default
            && cx.written(default.span).contains("${")
        {
            cx.report(
                ManifestError::new(Code::BadVariable, "a default refers to nothing else")
                    .at(default.span, "a reference here")
                    .help("write the value itself; a variable of the environment has its default where it is used: ${env:NAME:-default}"),
            );
        }
        if let (Some(default), Some(true)) =
            (&at.value.default, at.value.sensitive.as_ref().map(|at| at.value))
        {
            cx.report(
                ManifestError::new(Code::Conflict, "a sensitive variable has no default")
                    .at(default.span, "everybody who reads the manifest reads this")
                    .help("leave it out: who runs it gives the value in the environment or in a --var-file"),
            );
        }
        let kind = at.value.kind.as_ref().map(|kind| kind.value).unwrap_or_default();
        let Some(given) = cx.known().values.get(&name.value) else {
            continue;
        };
        let wanted = match kind {
            VariableType::Text => continue,
            VariableType::Number if given.text.parse::<f64>().is_ok_and(f64::is_finite) => continue,
            VariableType::Bool if matches!(given.text.as_str(), "true" | "false") => continue,
            VariableType::Number => "a number",
            VariableType::Bool => "true or false",
        };
        let shown = Context::shown(&given.text);
        let label = format!("it is {shown}, {}", given.origin);
        let message = format!("the variable `{}` must be {wanted}", name.value);
        cx.report(ManifestError::new(Code::WrongType, message).at(name.span, label));
    }
    unknown(cx, &raw, source);
}

/// Names that were given and that the manifest neither declares nor uses.
fn unknown(cx: &mut Context<'_>, raw: &Named<raw::Variable>, source: &Source) {
    let known = cx.known();
    let given = known.values.iter().filter(|(name, value)| {
        // The environment is everybody's: what is in it need not be for this manifest.
        matches!(value.origin, Origin::Option | Origin::File(_))
            && !known.declared.contains(name)
            && !source.text.contains(&format!("${{var:{name}}}"))
    });
    let mut errors = Vec::new();
    for (name, value) in given {
        let near = nearest(name, known.declared.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if !raw.0.is_empty() => format!("it has {}", declared(raw)),
            None => format!("declare it with [variable.{name}], use it as ${{var:{name}}}, or leave it out"),
        };
        let message = format!("the manifest has no variable `{name}` ({})", value.origin);
        errors.push(ManifestError::new(Code::UnknownVariable, message).help(help));
    }
    for error in errors {
        cx.report(error);
    }
}

/// The variables that there are, with what they are for.
fn declared(raw: &Named<raw::Variable>) -> String {
    let words = raw.0.iter().map(|(name, at)| match &at.value.description {
        Some(description) => format!("`{}` ({})", name.value, description.value),
        None => format!("`{}`", name.value),
    });
    words.collect::<Vec<_>>().join(", ")
}
