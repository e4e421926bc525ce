//! Text from outside in Markdown: nothing in it is markup, a link, a mention or a reference.

use std::fmt;

use crate::plain::plain;

/// Parts what a forge would turn into a link or a mention, and is not seen.
const NOTHING: &str = "<!-- -->";

/// A sentence on one line, also within a table's cell.
pub fn prose(text: impl fmt::Display) -> String {
    let text = plain(text).to_string();
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '$' | '&' | '^' => out.extend(['\\', c]),
            // Within a word it emphasises nothing.
            '_' if before.is_alphanumeric() && next.is_alphanumeric() => out.push(c),
            '_' => out.push_str("\\_"),
            // People, issues, addresses of mail and of the web.
            '@' => out.push_str(&["@", NOTHING].concat()),
            '#' => out.push_str(&["\\#", NOTHING].concat()),
            ':' if next == '/' => out.push_str(&[":", NOTHING].concat()),
            '.' if before == 'w' || before == 'W' => out.push_str(&[NOTHING, "."].concat()),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// A code span that nothing in the text can end.
pub fn code(text: impl fmt::Display) -> String {
    let text = plain(text).to_string();
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space at both ends is taken away again.
    let edge = |c: char| c == '`' || c == ' ';
    let gap = if text.starts_with(edge) || text.ends_with(edge) {
        " "
    } else {
        ""
    };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// A code span in a cell, where a bar would end the cell even within it.
pub fn code_cell(text: impl fmt::Display) -> String {
    code(text).replace('|', "\\|")
}

/// A fence that nothing in these lines can end.
pub fn fence<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    let longest = lines.into_iter().map(|line| longest_run(line)).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_holds_no_markup() {
        let cases = [
            ("a_b c_", "a_b c\\_"),
            (
                "*x* [y](http://z) <b>",
                "\\*x\\* \\[y\\](http:<!-- -->//z) \\<b\\>",
            ),
            ("@root fixes #12", "@<!-- -->root fixes \\#<!-- -->12"),
            ("www.example.com", "www<!-- -->.example.com"),
            ("a | b\n# c", "a \\| b\\\\n\\#<!-- --> c"),
        ];
        for (text, shown) in cases {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn a_code_span_holds_any_text() {
        let cases = [
            ("a", "`a`"),
            ("a`b", "``a`b``"),
            ("`a", "`` `a ``"),
            (" a", "`  a `"),
            ("", "(empty)"),
        ];
        for (text, shown) in cases {
            assert_eq!(code(text), shown);
        }
        assert_eq!(code_cell("a|b"), "`a\\|b`");
        assert_eq!(fence(&["a".to_owned(), "x ```` y".to_owned()]), "`````");
    }
}
