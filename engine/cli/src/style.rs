//! Meanings and the one table that gives them colours.

use std::fmt;

use anstyle::{AnsiColor, Style};

use crate::plain::plain;

/// What a piece of text means. Rendering code names meanings, never colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Something comes into being.
    Create,
    /// Something changes.
    Update,
    /// Something is recreated.
    Replace,
    /// Something goes.
    Delete,
    /// Something found is taken in.
    Adopt,
    /// It went wrong, or is refused.
    Error,
    /// Somebody should think about it.
    Warning,
    /// Good to know.
    Note,
    /// It went well.
    Good,
    /// A heading, or a name that the eye should find.
    Strong,
    /// Less important than what stands around it.
    Dim,
    /// The line of no return.
    Line,
}

impl Meaning {
    /// The table.
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Create | Self::Good => colour(AnsiColor::Green),
            Self::Update | Self::Warning => colour(AnsiColor::Yellow),
            Self::Replace => colour(AnsiColor::Magenta),
            Self::Delete => colour(AnsiColor::Red),
            Self::Adopt | Self::Note => colour(AnsiColor::Cyan),
            Self::Error | Self::Line => colour(AnsiColor::Red).bold(),
            Self::Strong => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
        }
    }
}

/// Whether one stream gets colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// No colour.
    pub const PLAIN: Self = Self { on: false };

    /// Colour if `on`.
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    /// Whether there is colour.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// The text in the style of its meaning.
    pub fn of<T: fmt::Display>(self, meaning: Meaning, text: T) -> Painted<T> {
        Painted {
            style: self.on.then(|| meaning.style()),
            text,
        }
    }
}

/// A text in a style, shown as [`plain`] shows it.
#[derive(Debug, Clone, Copy)]
pub struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.style {
            Some(style) => write!(f, "{style}{}{style:#}", plain(&self.text)),
            None => plain(&self.text).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_added_only_where_it_is_on() {
        assert_eq!(Paint::PLAIN.of(Meaning::Error, "x").to_string(), "x");
        assert_eq!(
            Paint::new(true).of(Meaning::Create, "x").to_string(),
            "\u{1b}[32mx\u{1b}[0m"
        );
    }
}
