//! The terminal: results to stdout, everything else to stderr, colour where it belongs.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};

use crate::args::ColorArg;
use crate::error::{CliError, Result};
use crate::render::{Meaning, Paint};

/// Stands in help texts for the global options of the command that failed.
pub const OPTIONS: &str = "{options}";

/// Where a command writes. Made once, after the arguments are read.
#[derive(Debug)]
pub struct Ui {
    /// Colour on stdout.
    pub out: Paint,
    /// Colour on stderr.
    pub err: Paint,
    /// Whether stderr is a terminal: progress may be redrawn.
    pub live: bool,
    /// Whether somebody can answer a question.
    pub interactive: bool,
    /// `-v`.
    pub verbose: bool,
    closed: AtomicBool,
}

impl Ui {
    /// Looks at the streams and at `--color`.
    pub fn new(color: ColorArg, verbose: bool) -> Self {
        // `auto` never colours a pipe, whatever CLICOLOR_FORCE says; NO_COLOR and TERM=dumb are
        // anstream's to know.
        let choose = |terminal: bool, choice: ColorChoice| match color {
            ColorArg::Always => true,
            ColorArg::Never => false,
            ColorArg::Auto => terminal && choice != ColorChoice::Never,
        };
        let err_is_terminal = io::stderr().is_terminal();
        Self {
            out: Paint::new(choose(
                io::stdout().is_terminal(),
                AutoStream::choice(&io::stdout()),
            )),
            err: Paint::new(choose(err_is_terminal, AutoStream::choice(&io::stderr()))),
            live: err_is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
            interactive: io::stdin().is_terminal(),
            verbose,
            closed: AtomicBool::new(false),
        }
    }

    /// Writes a result to stdout. A reader who has gone away is not an error: the rest is dropped.
    pub fn print(&self, text: &str) -> Result<()> {
        if self.closed() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(CliError::io("write to", "standard output", &error)),
            Ok(()) => Ok(()),
        }
    }

    /// Whether the reader of stdout has gone away.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Says something on stderr.
    pub fn say(&self, text: &str) {
        // Nobody can be told that stderr does not work.
        let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
    }

    /// Says something that is good to know.
    pub fn note(&self, text: &str) {
        self.say(&format!("{}: {text}", self.err.of(Meaning::Note, "note")));
    }

    /// Says something that somebody should think about.
    pub fn warn(&self, text: &str) {
        self.say(&format!("{}: {text}", self.err.of(Meaning::Warning, "warning")));
    }

    /// Says what to do next.
    pub fn help(&self, text: &str) {
        self.say(&format!("{}: {text}", self.err.of(Meaning::Note, "help")));
    }

    /// Says why a command ended early, and what to do next. `options` are those that the next
    /// command needs; they take the place of [`OPTIONS`] in help texts.
    pub fn complain(&self, error: &CliError, options: &str) {
        if let Some(report) = &error.report {
            self.say(report.trim_end());
        }
        if !error.message.is_empty() {
            self.say(&format!(
                "{}: {}",
                self.err.of(Meaning::Error, "error"),
                error.message
            ));
        }
        for help in &error.help {
            let help = help.replace(OPTIONS, options);
            self.help(&help);
        }
    }

    /// The width of the terminal behind stderr, columns; 100 where there is none.
    pub fn width(&self) -> usize {
        rustix::termios::tcgetwinsize(io::stderr())
            .map(|size| usize::from(size.ws_col))
            .ok()
            .filter(|columns| *columns >= 20)
            .unwrap_or(100)
    }
}
