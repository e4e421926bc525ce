//! `subako`: all-or-nothing plan/apply for Docker Swarm clusters on AWS EC2.
//!
//! * `args`: the command line; `exit`: the exit codes; `error`: what is said when it goes wrong.
//! * `commands`: one file a command; `render`: what people and machines read; `ui` writes it.
//! * `project`: manifest and store of a command; `provider`: the world it acts on.
//! * `run`: the way from a plan to its report, shared by apply, destroy and recover.

mod args;
mod commands;
mod error;
mod exit;
mod lock;
mod probe;
mod project;
mod prompt;
mod provider;
mod render;
mod run;
mod runtime;
mod saved_plan;
mod signals;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;

use crate::exit::Exit;

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
    exit.into()
}
