//! The terminal: results to stdout, everything else to stderr, colour where it belongs.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};

use crate::args::ColorArg;
use crate::error::{CliError, Result};
use crate::hint::{Hint, Invocation};
use crate::plain::plain;
use crate::style::{Meaning, Paint};

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
    /// The command line, for what is said to do next.
    pub typed: Invocation,
    closed: AtomicBool,
}

impl Ui {
    /// Looks at the streams and at `--color`.
    pub fn new(color: ColorArg, verbose: bool, typed: Invocation) -> Self {
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
            typed,
            closed: AtomicBool::new(false),
        }
    }

    /// Writes a line to stdout.
    pub fn line(&self, text: &str) -> Result<()> {
        self.print(&format!("{}\n", plain(text)))
    }

    /// Writes what a renderer made to stdout. A reader who has gone away is not an error: the rest is dropped.
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

    /// Says what a renderer made on stderr.
    pub fn say(&self, text: &str) {
        // Nobody can be told that stderr does not work.
        let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
    }

    fn labelled(&self, meaning: Meaning, label: &str, text: &str) {
        self.say(&format!("{}: {}", self.err.of(meaning, label), plain(text)));
    }

    /// Says something that is good to know.
    pub fn note(&self, text: &str) {
        self.labelled(Meaning::Note, "note", text);
    }

    /// Says something that somebody should think about.
    pub fn warn(&self, text: &str) {
        self.labelled(Meaning::Warning, "warning", text);
    }

    /// Says more about what was said before.
    pub fn detail(&self, text: &str) {
        self.say(&format!("  {}", plain(text)));
    }

    /// Says what to do next.
    pub fn help(&self, hint: &Hint) {
        self.labelled(Meaning::Note, "help", &hint.text(&self.typed));
    }

    /// Says why a command ended early, and what to do next.
    pub fn complain(&self, error: &CliError) {
        if let Some(report) = &error.report {
            self.say(report.trim_end());
        }
        if !error.message.is_empty() {
            self.labelled(Meaning::Error, "error", &error.message);
        }
        for detail in &error.details {
            self.detail(detail);
        }
        for help in &error.help {
            self.help(help);
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
