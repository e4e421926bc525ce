//! The manifest's text as reports show it: lines found in logarithmic time, private keys masked.

use std::fmt;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// A named text with an index of its lines, so that a report of many mistakes in a large
/// manifest does not walk the text for each.
pub struct SourceText {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceText")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl SourceText {
    /// Indexes the text. Private keys pasted into it are masked, byte for byte.
    pub fn new(name: &str, text: &str) -> Self {
        let text = mask_private_keys(text);
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        Self {
            name: name.to_owned(),
            text,
            line_starts,
        }
    }

    /// The name, as given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn line_of(&self, offset: usize) -> usize {
        self.line_starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }

    /// The end of a line, its newline included.
    fn line_end(&self, line: usize) -> usize {
        self.line_starts.get(line + 1).copied().unwrap_or(self.text.len())
    }
}

impl SourceCode for SourceText {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (from, to) = (span.offset(), span.offset() + span.len());
        if to > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let span_line = self.line_of(from);
        let first = span_line.saturating_sub(lines_before);
        let last =
            (self.line_of(to.saturating_sub(1).max(from)) + lines_after).min(self.line_starts.len() - 1);
        // Asked for no context, the handlers want the text to begin at the span itself: they
        // take the column in a report's heading from it.
        let (start, column) = if lines_before == 0 {
            (
                from,
                self.text
                    .get(self.line_starts[span_line]..from)
                    .map_or(0, |t| t.chars().count()),
            )
        } else {
            (self.line_starts[first], 0)
        };
        let end = if lines_after == 0 {
            to.max(start)
        } else {
            self.line_end(last)
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            &self.text.as_bytes()[start..end],
            SourceSpan::new(start.into(), end - start),
            first,
            column,
            last - first + 1,
        )))
    }
}

/// Replaces what stands between the marks of a PEM private key, so that no report prints it.
fn mask_private_keys(text: &str) -> String {
    const END_OF_MARK: &str = "PRIVATE KEY-----";
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(mark) = rest.find(END_OF_MARK) {
        let body = mark + END_OF_MARK.len();
        masked.push_str(&rest[..body]);
        rest = &rest[body..];
        let end = rest.find("-----END").unwrap_or(rest.len());
        masked.extend(rest[..end].bytes().map(|byte| {
            if byte.is_ascii_whitespace() {
                byte as char
            } else {
                '*'
            }
        }));
        rest = &rest[end..];
        // The mark that closes the key must not open another.
        if let Some(close) = rest.find(END_OF_MARK) {
            masked.push_str(&rest[..close + END_OF_MARK.len()]);
            rest = &rest[close + END_OF_MARK.len()..];
        }
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, from: usize, len: usize) -> (String, usize, usize) {
        let source = SourceText::new("x", text);
        let contents = source
            .read_span(&SourceSpan::new(from.into(), len), 1, 1)
            .expect("in range");
        let data = String::from_utf8(contents.data().to_vec()).expect("text");
        (data, contents.line(), contents.line_count())
    }

    #[test]
    fn one_line_of_context_stands_on_either_side() {
        assert_eq!(lines("a\nb\nc\nd\ne\n", 4, 1), ("b\nc\nd\n".to_owned(), 1, 3));
    }

    #[test]
    fn the_ends_of_the_text_have_less_context() {
        assert_eq!(lines("a\nb", 0, 1), ("a\nb".to_owned(), 0, 2));
        assert_eq!(lines("", 0, 0), (String::new(), 0, 1));
    }

    #[test]
    fn a_pasted_private_key_is_never_shown() {
        let pem = "x = '''-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----'''\ny = 1";
        let masked = mask_private_keys(pem);
        assert_eq!(masked.len(), pem.len());
        assert!(!masked.contains("b3BlbnNz"));
        assert!(masked.ends_with("-----END OPENSSH PRIVATE KEY-----'''\ny = 1"));
    }
}
