//! The mistakes of a manifest, each with its line underlined.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};
use subako_engine::manifest::{ManifestError, ManifestErrors};

use crate::plain::{plain, same_length};

/// The report, without the last line that counts the mistakes; and that line.
pub fn report(errors: &ManifestErrors, colour: bool, width: usize) -> (String, String) {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false);
    let text = same_length(errors.text());
    let name = plain(errors.name()).to_string();
    let mut out = String::new();
    for error in errors.errors() {
        // A string takes everything that is written to it.
        let _ = handler.render_report(&mut out, &Shown::new(error, &text, &name));
        out.push('\n');
    }
    (out, errors.summary())
}

/// A mistake as it may be shown: nothing that the manifest contains acts on a terminal.
struct Shown<'a> {
    error: &'a ManifestError,
    source: Option<SafeSource<'a>>,
}

impl<'a> Shown<'a> {
    fn new(error: &'a ManifestError, text: &'a str, name: &'a str) -> Self {
        Self {
            error,
            source: error.source_code().map(|lines| SafeSource { text, name, lines }),
        }
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", plain(self.error))
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.error.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.error.help()?;
        Some(Box::new(plain(help)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.error.labels()?;
        Some(Box::new(labels.map(|label| {
            let text = label.label().map(|text| plain(text).to_string());
            if label.primary() {
                LabeledSpan::new_primary_with_span(text, *label.inner())
            } else {
                LabeledSpan::new_with_span(text, *label.inner())
            }
        })))
    }
}

/// The manifest's text, byte for byte as long, and where its lines are.
struct SafeSource<'a> {
    text: &'a str,
    name: &'a str,
    lines: &'a dyn SourceCode,
}

impl SourceCode for SafeSource<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.lines.read_span(span, before, after)?;
        let place = *found.span();
        let bytes = self.text.as_bytes();
        let data = bytes.get(place.offset()..place.offset() + place.len());
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_owned(),
            data.ok_or(MietteError::OutOfBounds)?,
            place,
            found.line(),
            found.column(),
            found.line_count(),
        )))
    }
}
