//! `subako`: all-or-nothing plan/apply for Docker Swarm clusters on AWS EC2.
//!
//! * `args`: the command line; `exit`: the exit codes; `error`: what is said when it goes wrong.
//! * `commands`: one file a command; `render`: what people and machines read; `ui` writes it.
//! * `plain`: what comes from outside, escaped; `style`: meanings and their colours.
//! * `calls`: how many calls to AWS were made; `preflight`: which would be permitted.
//! * `habits`: what other tools call it.
//! * `project`: manifest and store of a command; `recorded`: without a manifest; `store`: where that is kept; `provider`: the world it acts on.
//! * `who`: who runs this process.
//! * `run`: the way from a plan to its report, shared by apply, destroy and recover.

mod args;
mod calls;
mod commands;
mod error;
mod exit;
mod habits;
mod hint;
mod lock;
mod plain;
#[cfg(all(feature = "aws", feature = "ssh"))]
mod preflight;
mod probe;
mod project;
mod prompt;
mod provider;
mod recorded;
mod render;
mod run;
mod runtime;

mod schemas;
mod siblings;
mod signals;
mod store;
mod style;
mod ui;
mod unfinished;
mod who;
#[cfg(test)]
mod workflow_tests;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Command;
use crate::exit::Exit;
use crate::plain::{is_dangerous, plain};

/// Large plans are millions of small allocations: this one takes a quarter less time for them
/// than the system's (`cargo bench`, no-op plan of 90,004 resources).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error).into(),
    };
    let typed = std::env::args_os().skip(1);
    let typed = typed.map(|word| word.to_string_lossy().into_owned());
    let typed = hint::Invocation::new(typed, &cli.global);
    let ui = ui::Ui::new(cli.global.color, cli.global.verbose, typed);
    let exit = commands::run(&cli, &ui).unwrap_or_else(|error| {
        ui.complain(&error);
        error.exit
    });
    let counts = matches!(
        cli.command,
        Command::Plan(_)
            | Command::Apply(_)
            | Command::Destroy(_)
            | Command::Park(_)
            | Command::Resume(_)
            | Command::Rebalance(_)
            | Command::Recover(_)
            | Command::State(_)
    );
    if counts && let Some(line) = calls::last_line(cli.global.verbose) {
        ui.say(&line);
    }
    exit.into()
}

/// Help, the version, or what is wrong with the command line. Arguments in which something would
/// act on a terminal are read once more as they are shown.
fn refused(error: &clap::Error) -> Exit {
    let typed = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let typed: Vec<String> = typed.collect();
    let shown = typed.iter().map(|word| plain(word).to_string());
    // A reader who has gone away needs no help text.
    let _ = match typed.iter().any(|word| word.contains(is_dangerous)) {
        false => error.print(),
        true => match args::Cli::try_parse_from(shown) {
            Err(error) => error.print(),
            Ok(_) => writeln!(std::io::stderr(), "error: {}", plain(error.kind())),
        },
    };
    if error.use_stderr() {
        if let Some(advice) = habits::advice(typed.get(1..).unwrap_or_default()) {
            let _ = writeln!(std::io::stderr(), "\nhelp: {}", plain(&advice));
        }
        Exit::Error
    } else {
        Exit::Done
    }
}
