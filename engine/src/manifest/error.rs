//! What can be wrong with a manifest, in a form that points at it.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, ReportHandler, SourceCode};

use super::source_text::SourceText;
use super::span::Span;

/// The class of a mistake: stable, so that it can be looked up and tested for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The text is not TOML.
    Syntax,
    /// A section that does not exist.
    UnknownSection,
    /// A key that its section does not have.
    UnknownKey,
    /// A key of the Compose specification that Subako does not handle yet.
    NotSupported,
    /// A value of another type than its key wants.
    WrongType,
    /// A key or section that has to be there.
    Missing,
    /// The same name, address or value twice where it must be unique.
    Duplicate,
    /// A name that nothing in the manifest carries.
    UnknownReference,
    /// A `${…}` that nobody gave a value.
    UnknownVariable,
    /// A `${…}` that cannot be read.
    BadVariable,
    /// A word that is not among those allowed.
    UnknownWord,
    /// A number outside its range.
    OutOfRange,
    /// A name that its bearer cannot have.
    BadName,
    /// A text that does not have the form its key wants.
    BadFormat,
    /// A tag or label that the other side would refuse.
    BadTag,
    /// A key file that cannot be used.
    BadKey,
    /// A file that cannot be read.
    BadFile,
    /// Two settings that exclude each other.
    Conflict,
    /// A published port that is already taken.
    PortTaken,
    /// Two ranges that share addresses.
    Overlap,
    /// A cluster without a manager.
    NoManager,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Syntax,
        Self::UnknownSection,
        Self::UnknownKey,
        Self::NotSupported,
        Self::WrongType,
        Self::Missing,
        Self::Duplicate,
        Self::UnknownReference,
        Self::UnknownVariable,
        Self::BadVariable,
        Self::UnknownWord,
        Self::OutOfRange,
        Self::BadName,
        Self::BadFormat,
        Self::BadTag,
        Self::BadKey,
        Self::BadFile,
        Self::Conflict,
        Self::PortTaken,
        Self::Overlap,
        Self::NoManager,
    ];

    /// The code as text, `subako::manifest::…`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "subako::manifest::syntax",
            Self::UnknownSection => "subako::manifest::unknown_section",
            Self::UnknownKey => "subako::manifest::unknown_key",
            Self::NotSupported => "subako::manifest::not_supported",
            Self::WrongType => "subako::manifest::wrong_type",
            Self::Missing => "subako::manifest::missing",
            Self::Duplicate => "subako::manifest::duplicate",
            Self::UnknownReference => "subako::manifest::unknown_reference",
            Self::UnknownVariable => "subako::manifest::unknown_variable",
            Self::BadVariable => "subako::manifest::bad_variable",
            Self::UnknownWord => "subako::manifest::unknown_word",
            Self::OutOfRange => "subako::manifest::out_of_range",
            Self::BadName => "subako::manifest::bad_name",
            Self::BadFormat => "subako::manifest::bad_format",
            Self::BadTag => "subako::manifest::bad_tag",
            Self::BadKey => "subako::manifest::bad_key",
            Self::BadFile => "subako::manifest::bad_file",
            Self::Conflict => "subako::manifest::conflict",
            Self::PortTaken => "subako::manifest::port_taken",
            Self::Overlap => "subako::manifest::overlap",
            Self::NoManager => "subako::manifest::no_manager",
        }
    }
}

/// Values of fewer characters are part of many words.
const SHORT: usize = 4;

/// One mistake: what, where, and what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ManifestError {
    code: Code,
    message: String,
    labels: Vec<(Span, String)>,
    help: Option<String>,
    source_text: Option<Arc<SourceText>>,
}

impl ManifestError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            source_text: None,
        }
    }

    /// Adds a place; the first one is where the mistake is.
    pub(super) fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.labels.push((span, label.into()));
        self
    }

    /// Says what to do next.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// As [`Self::help`], where there may be nothing to say.
    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// The class of the mistake.
    pub fn kind(&self) -> Code {
        self.code
    }

    /// The places concerned, as byte ranges of the manifest; the first is where the mistake is.
    pub fn spans(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.labels.iter().map(|(span, _)| span.start..span.end)
    }

    /// Takes values out of everything that it says.
    pub(super) fn keep_back(&mut self, values: &[String]) {
        let labels = self.labels.iter_mut().map(|(_, label)| label);
        for text in labels.chain([&mut self.message]).chain(&mut self.help) {
            for value in values {
                // A short one is part of many words: it is kept back where it stands alone.
                let (found, instead) = match value.chars().count() < SHORT {
                    true => (format!("{value:?}"), "\"(sensitive)\""),
                    false => (value.clone(), "(sensitive)"),
                };
                if text.contains(&found) {
                    *text = text.replace(&found, instead);
                }
            }
        }
    }

    fn position(&self) -> Span {
        self.labels.first().map(|(span, _)| *span).unwrap_or_default()
    }
}

impl Diagnostic for ManifestError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code.as_str()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source_text.as_deref().map(|text| text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().enumerate().map(
            |(index, (span, label))| {
                let range = span.start..span.end;
                if index == 0 {
                    LabeledSpan::new_primary_with_span(Some(label.clone()), range)
                } else {
                    LabeledSpan::new_with_span(Some(label.clone()), range)
                }
            },
        )))
    }
}

/// Every mistake found in a manifest, in the order of the text; never empty.
///
/// `failed to {}` says how many; [`ManifestErrors::report`] shows them.
#[derive(Debug, Clone, thiserror::Error)]
#[error("read the manifest {name}: {}", count(.errors.len()))]
pub struct ManifestErrors {
    name: String,
    errors: Vec<ManifestError>,
}

fn count(errors: usize) -> String {
    if errors == 1 {
        "1 mistake".to_owned()
    } else {
        format!("{errors} mistakes")
    }
}

impl ManifestErrors {
    pub(super) fn new(source: &Arc<SourceText>, mut errors: Vec<ManifestError>) -> Self {
        errors.sort_by_key(ManifestError::position);
        for error in &mut errors {
            error.source_text = Some(Arc::clone(source));
        }
        Self {
            name: source.name().to_owned(),
            errors,
        }
    }

    /// The mistakes, each a [`Diagnostic`] that carries its source.
    pub fn errors(&self) -> &[ManifestError] {
        &self.errors
    }

    /// The manifest's text as reports may show it: private keys are masked, byte for byte.
    pub fn text(&self) -> &str {
        let source = self.errors.first().and_then(|error| error.source_text.as_deref());
        source.map_or("", SourceText::text)
    }

    /// How many mistakes, for example `3 mistakes in cluster.toml`.
    pub fn summary(&self) -> String {
        format!("{} in {}", count(self.errors.len()), self.name)
    }

    /// The manifest's name, as given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole report: each mistake as the handler shows it, an empty line after it, and
    /// at the end `3 mistakes in cluster.toml`.
    pub fn report<'a>(&'a self, handler: &'a dyn ReportHandler) -> impl fmt::Display + 'a {
        Report {
            errors: self,
            handler,
        }
    }
}

/// What [`ManifestErrors::report`] gives.
struct Report<'a> {
    errors: &'a ManifestErrors,
    handler: &'a dyn ReportHandler,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors.errors {
            self.handler.debug(error, f)?;
            writeln!(f)?;
        }
        writeln!(f, "{}", self.errors.summary())
    }
}
