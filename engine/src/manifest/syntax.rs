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
    if message.starts_with("string values must be quoted") {
        let word = here.trim();
        return match word {
            "" => not_toml.at(span, "a value is missing here"),
            _ => not_toml
                .at(span, "not a value")
                .help(format!("a text stands in quotes: \"{word}\"")),
        };
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

fn twice(name: &str, span: Span, text: &str) -> ManifestError {
    let message = if is_header(text, span.start) {
        format!("the section `{name}` stands here twice")
    } else {
        format!("`{name}` is set twice")
    };
    let error = ManifestError::new(Code::Syntax, message).at(span, "again here");
    let error = match first_of(name, span.start, text) {
        Some(first) => error.at(first, "first here"),
        None => error,
    };
    error.help("take one of the two out, or join them")
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
