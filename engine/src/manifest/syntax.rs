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
    let not_toml = ManifestError::new(Code::Syntax, "this is not TOML");
    let message = error.message();
    if message.contains("duplicate key") {
        return twice(here, span, text);
    }
    if message.starts_with("string values must be quoted") && here.trim().is_empty() {
        return not_toml.at(span, "a value is missing here");
    }
    if let Some((place, word)) = unquoted(text, span) {
        return not_toml.at(place, "not a value").help(quoted(word));
    }
    if message.starts_with("invalid basic string") || message.starts_with("invalid literal string") {
        return match here {
            "" => not_toml
                .at(span, "the string is not closed")
                .help("a string ends on its own line, with the quote that it began with"),
            _ => not_toml
                .at(span, "this cannot be part of a string")
                .help("a backslash in a string is written twice; in single quotes it stands for itself"),
        };
    }
    not_toml.at(span, message.to_owned())
}

/// The word that stands where a value should, up to the end of its line or list.
fn unquoted(text: &str, span: Span) -> Option<(Span, &str)> {
    let line = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[line..span.start].trim_end();
    if !before.ends_with(['=', '[', ',']) {
        return None;
    }
    let rest = text[span.start..].lines().next().unwrap_or_default();
    let end = rest.find([',', ']', '}', '#']).unwrap_or(rest.len());
    let word = rest[..end].trim_end();
    let place = Span {
        start: span.start,
        end: span.start + word.len(),
    };
    let bare = word.chars().any(char::is_alphabetic) && !word.starts_with(['"', '\'', '{']);
    bare.then_some((place, word))
}

/// How to write a word that has no quotes, or those of a word processor.
fn quoted(word: &str) -> String {
    let curly = [
        '\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{ab}', '\u{bb}',
    ];
    let inside = word.trim_matches(curly);
    let inside = inside.replace('\\', "\\\\").replace('"', "\\\"");
    match word.starts_with(curly) {
        true => format!("use straight quotes: \"{inside}\""),
        false => format!("strings need quotes: \"{inside}\""),
    }
}

/// The one mistake of a text that is YAML: every line of it would be another.
pub fn yaml(text: &str) -> Option<ManifestError> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let words = line.trim_end();
        if !words.is_empty() && !words.starts_with('#') && words != "---" {
            lines.push((start, words));
        }
        start += line.len();
    }
    let key = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let named = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        (named && (rest.is_empty() || rest.starts_with(' '))).then(|| name.to_owned())
    };
    let (start, first) = *lines.first()?;
    key(first)?;
    let compose = lines
        .iter()
        .any(|(_, line)| key(line).is_some_and(|name| name == "services"));
    let what = if compose { "a Compose file" } else { "YAML" };
    let place = Span {
        start,
        end: start + first.len(),
    };
    Some(
        ManifestError::new(Code::Syntax, format!("this is {what}, not a manifest"))
            .at(place, "YAML begins here")
            .help(
                "a manifest is TOML, and `subako new` writes one to start from; each service becomes a [[service]] with the same keys, those of `deploy` included, and each network a [[network]]",
            ),
    )
}

fn twice(name: &str, span: Span, text: &str) -> ManifestError {
    let message = if is_header(text, span.start) {
        format!("the section `{name}` is defined twice")
    } else {
        format!("`{name}` is set twice")
    };
    let error = ManifestError::new(Code::Syntax, message).at(span, "again here");
    let error = match first_of(name, span.start, text) {
        Some(first) => error.at(first, "first here"),
        None => error,
    };
    error.help("remove one of the two, or merge them")
}

/// Whether a place is in the header of a section.
fn is_header(text: &str, place: usize) -> bool {
    text.get(..place)
        .and_then(|above| above.lines().next_back())
        .is_some_and(|line| line.trim_start().starts_with('['))
}

/// Where a repeated key or header stood first: in the lines above, up to the section's start.
fn first_of(name: &str, before: usize, text: &str) -> Option<Span> {
    let above = text.get(..before)?;
    let line_start = above.rfind('\n').map_or(0, |newline| newline + 1);
    let header = is_header(text, before);
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

#[cfg(test)]
mod tests {
    use crate::manifest::tests::read;

    fn places(text: &str) -> Vec<(String, Vec<String>)> {
        let errors = read(text).expect_err("bad");
        let place = |span: std::ops::Range<usize>| text[span].to_owned();
        errors
            .errors()
            .iter()
            .map(|e| (e.to_string(), e.spans().map(place).collect()))
            .collect()
    }

    #[test]
    fn a_repeated_key_is_shown_with_its_first_place() {
        let text = "[a]\nname = 1\n[b]\nname = 1\nname = 2\n";
        assert_eq!(
            places(text),
            [(
                "`name` is set twice".to_owned(),
                vec!["name".to_owned(), "name".to_owned()]
            )]
        );
        let spans: Vec<_> = read(text).expect_err("bad").errors()[0]
            .spans()
            .map(|s| s.start)
            .collect();
        assert_eq!(spans, [26, 17]);
    }

    #[test]
    fn every_mistake_of_syntax_is_shown_not_the_first_alone() {
        let messages: Vec<_> = places("a = \nb = x\nc = 'y\n")
            .into_iter()
            .map(|(_, place)| place.concat())
            .collect();
        assert_eq!(messages, ["", "x", ""]);
    }
}
