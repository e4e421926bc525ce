//! `subako`: all-or-nothing plan/apply for Docker Swarm clusters on AWS EC2.
//!
//! * `args`: the command line; `exit`: the exit codes; `error`: what is said when it goes wrong.
//! * `commands`: one file a command; `render`: what people and machines read; `ui` writes it.
//! * `calls`: how many calls to AWS were made; `preflight`: which would be permitted;
//!   `no_hosts`: what goes on without a key to log in with.
//! * `project`: manifest and store of a command; `provider`: the world it acts on.
//! * `run`: the way from a plan to its report, shared by apply, destroy and recover.

mod args;
mod calls;
mod commands;
mod error;
mod exit;
mod lock;
#[cfg(all(feature = "aws", feature = "ssh"))]
mod no_hosts;
#[cfg(all(feature = "aws", feature = "ssh"))]
mod preflight;
mod probe;
mod project;
mod prompt;
mod provider;
mod render;
mod run;
mod runtime;
mod signals;
mod ui;
mod unfinished;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Command;
use crate::exit::Exit;

/// Large plans are millions of small allocations: this one takes a quarter less time for them
/// than the system's (`cargo bench`, no-op plan of 90,004 resources).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A reader who has gone away needs no help text.
            let _ = error.print();
            let exit = if error.use_stderr() {
                Exit::Error
            } else {
                Exit::Done
            };
            return exit.into();
        }
    };
    let ui = ui::Ui::new(cli.global.color, cli.global.verbose);
    let exit = commands::run(&cli, &ui).unwrap_or_else(|error| {
        ui.complain(&error, &project::options(&cli.global));
        error.exit
    });
    let counts = matches!(
        cli.command,
        Command::Plan(_) | Command::Apply(_) | Command::Destroy(_) | Command::Recover(_) | Command::State(_)
    );
    if counts && let Some(line) = calls::last_line(cli.global.verbose) {
        ui.say(&line);
    }
    exit.into()
}
