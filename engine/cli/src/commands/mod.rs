//! One file a command.

mod apply;
mod completions;
mod destroy;
mod graph;
mod lock;
mod man;
mod new;
mod output;
mod park;
mod plan;
mod policy;
mod reach;
mod rebalance;
mod recover;
mod resume;
mod schema;
mod show;
mod sim;
mod state;
mod status;
mod validate;

use crate::args::{Cli, Command};
use crate::error::Result;
use crate::exit::Exit;
use crate::ui::Ui;

/// Runs the command.
pub fn run(cli: &Cli, ui: &Ui) -> Result<Exit> {
    let global = &cli.global;
    match &cli.command {
        Command::New(args) => new::run(global, args, ui),
        Command::Validate => validate::run(global, ui),
        Command::Plan(args) => plan::run(global, args, ui),
        Command::Apply(args) => apply::run(global, args, ui),
        Command::Destroy(args) => destroy::run(global, args, ui),
        Command::Park(args) => park::run(global, args, ui),
        Command::Resume(args) => resume::run(global, args, ui),
        Command::Rebalance(args) => rebalance::run(global, args, ui),
        Command::Recover(args) => recover::run(global, args, ui),
        Command::Status(args) => status::run(global, args, ui),
        Command::Show(args) => show::run(global, args, ui),
        Command::Output(args) => output::run(global, args, ui),
        Command::Graph(args) => graph::run(global, args, ui),
        Command::Reach(args) => reach::run(global, args, ui),
        Command::State(command) => state::run(global, command, ui),
        Command::Lock(command) => lock::run(global, command, ui),
        Command::Sim(command) => sim::run(global, command, ui),
        Command::Completions { shell } => completions::run(*shell, ui),
        Command::Man { dir } => man::run(dir.as_deref(), ui),
        Command::Schema { of } => schema::run(*of, ui),
        Command::Policy { kms } => policy::run(global, ui, *kms),
    }
}
