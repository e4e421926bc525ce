//! What is wrong with a text that is not TOML, in words for its writer.

use super::error::{Code, ManifestError};
use super::span::Span;

/// Makes a mistake of the `toml` crate one of ours.
pub fn syntax_error(error: &toml::de::Error, text: &str) -> ManifestError {
    let mut span = error.span().map_or(
        Span {
            start: text.len(),
            end: text.len(),
        },
        Span::from,
    );
    span.end = span.end.min(text.len());
    span.start = span.start.min(span.end);
    let here = &text[span.start..span.end];
    let not_toml = || ManifestError::new(Code::Syntax, "this is not TOML");
    let message = error.message();
    if message.contains("duplicate key") {
        let repeated = not_toml().at(span, "this stands here for the second time");
        let repeated = match first_of(here, span.start, text) {
            Some(first) => repeated.at(first, "first here"),
            None => repeated,
        };
        return repeated
            .help("take one of the two out; of sections that can repeat, each begins with its own [[…]]");
    }
    if message.starts_with("string values must be quoted") {
        return if here.trim().is_empty() {
            not_toml().at(span, "a value is missing here")
        } else {
            not_toml()
                .at(span, "not a value")
                .help(format!("a text stands in quotes: \"{}\"", here.trim()))
        };
    }
    if message.starts_with("invalid basic string") || message.starts_with("invalid literal string") {
        return not_toml()
            .at(span, "the string is not closed here, or has something in it that cannot be")
            .help("a string ends on its own line with the quote it began with; a backslash in it is written \\\\");
    }
    not_toml().at(span, message.to_owned())
}

/// Where a repeated key or header stood first: in the lines above, up to the section's start.
fn first_of(name: &str, before: usize, text: &str) -> Option<Span> {
    let above = text.get(..before)?;
    let line_start = above.rfind('\n').map_or(0, |newline| newline + 1);
    let header = above[line_start..].trim_start().starts_with('[');
    let mut end = line_start;
    for line in above[..line_start].split_inclusive('\n').rev() {
        let start = end - line.len();
        end = start;
        let trimmed = line.trim_start();
        let found = if header {
            trimmed
                .strip_prefix('[')
                .is_some_and(|rest| rest.trim_start_matches('[').trim_start().starts_with(name))
        } else {
            let rest = trimmed.strip_prefix(name);
            rest.is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        if found {
            let at = start + line.find(name)?;
            return Some(Span {
                start: at,
                end: at + name.len(),
            });
        }
        if !header && trimmed.starts_with('[') {
            return None;
        }
    }
    None
}
