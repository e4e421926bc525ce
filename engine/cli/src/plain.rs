//! Text from outside: tags, labels, names, addresses, output of hosts, manifests, arguments.
//!
//! What stands in it must be seen, and must not act: a terminal obeys control characters, a
//! reader is deceived by characters that turn the direction of writing, and a line end in a
//! name forges a line of ours. Everything that is not ours is written through [`plain`] (what
//! is painted, stands in a table, a note or an error is written through it anyway).

use std::fmt::{self, Write as _};

/// Shows a text from outside on one line, its dangerous characters escaped as `\u{…}`.
pub fn plain<T: fmt::Display>(text: T) -> Plain<T> {
    Plain(text)
}

/// What [`plain`] gives.
#[derive(Debug, Clone, Copy)]
pub struct Plain<T>(T);

impl<T: fmt::Display> fmt::Display for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_dangerous(*c)) {
            self.0.write_str(&rest[..at])?;
            write!(self.0, "{}", c.escape_default())?;
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// Whether a character acts on a terminal, ends a line, is invisible, or turns the direction of
/// writing (Unicode's Bidi_Control, line and paragraph separators, zero-width characters, tags).
pub fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// JSON text with the characters escaped that JSON itself lets through raw; they can only stand
/// inside its strings.
pub fn json(text: String) -> String {
    let raw = |c: char| c != '\n' && is_dangerous(c);
    if !text.contains(raw) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if raw(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A text of as many bytes without dangerous characters, for reports that point into it by
/// byte. Line ends and tabs stay.
pub fn same_length(text: &str) -> String {
    text.chars()
        .map(
            |c| match (is_dangerous(c) && !matches!(c, '\n' | '\t'), c.len_utf8()) {
                (false, _) => c,
                (true, 1) => '?',
                (true, 2) => '¿',
                (true, 3) => '\u{fffd}',
                (true, _) => '\u{1f6ab}',
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_and_the_rest_is_left() {
        let cases = [
            ("巣箱 a-b", "巣箱 a-b"),
            ("a\nb", "a\\nb"),
            ("\u{1b}[31m\u{202e}x", "\\u{1b}[31m\\u{202e}x"),
            ("\u{9b}1m", "\\u{9b}1m"),
        ];
        for (text, shown) in cases {
            assert_eq!(plain(text).to_string(), shown);
            assert_eq!(plain(shown).to_string(), shown, "escaping again changes nothing");
        }
    }

    #[test]
    fn json_means_the_same_after_its_escapes() {
        let text = "a\u{202e}\u{7f}\u{9b}\u{e0041}\n\u{1b}";
        let json_text = json(serde_json::to_string(text).expect("json"));
        assert!(!json_text.contains(is_dangerous), "{json_text}");
        assert_eq!(serde_json::from_str::<String>(&json_text).expect("json"), text);
    }

    #[test]
    fn a_text_that_is_pointed_into_keeps_its_length() {
        let text = "a\u{1b}\u{9b}\u{202e}\u{e0041}\nb";
        let safe = same_length(text);
        assert_eq!(safe.len(), text.len());
        assert!(!safe.contains(|c| c != '\n' && is_dangerous(c)), "{safe:?}");
    }
}
