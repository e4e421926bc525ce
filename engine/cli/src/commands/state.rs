//! `subako state …`: one file a subcommand.

mod diff;
mod forget;
mod history;
mod init;
mod list;
mod migrate;
mod rebuild;
mod rename;
mod restore;
mod show;
mod unpin;
mod verify;

use crate::args::{Global, StateCommand};
use crate::error::Result;
use crate::exit::Exit;
use crate::project::Project;
use crate::prompt;
use crate::recorded::Needs;
use crate::runtime;
use crate::ui::Ui;

/// Looks at the state, or repairs it.
pub fn run(global: &Global, command: &StateCommand, ui: &Ui) -> Result<Exit> {
    let project = match command {
        // What the manifest wants decides what they may do.
        StateCommand::Init
        | StateCommand::Mv { .. }
        | StateCommand::Rebuild { .. }
        | StateCommand::Migrate { .. } => Project::open(global, ui)?,
        _ => Project::open_recorded(global, ui, Needs::State)?,
    };
    match command {
        StateCommand::List { patterns, format } => list::run(&project, patterns, *format, ui)?,
        StateCommand::Show { address, format } => show::run(&project, address, *format, ui)?,
        StateCommand::Rm { addresses, yes } => forget::run(&project, addresses, *yes, ui)?,
        StateCommand::Mv { from, to } => rename::run(&project, from, to, ui)?,
        StateCommand::History { format } => history::run(&project, *format, ui)?,
        StateCommand::Diff {
            from,
            to,
            full,
            format,
        } => diff::run(&project, *from, *to, *full, *format, ui)?,
        StateCommand::Init => init::run(&project, ui)?,
        StateCommand::Migrate { from, yes } => migrate::run(&project, from, *yes, ui)?,
        StateCommand::Verify { format } => return verify::run(&project, *format, ui),
        StateCommand::Restore { serial, yes } => restore::run(&project, *serial, *yes, ui)?,
        StateCommand::Unpin { yes } => unpin::run(&project, *yes, ui)?,
        StateCommand::Rebuild { target, yes } => rebuild::run(&project, target, *yes, ui)?,
    }
    Ok(Exit::Done)
}

/// Asks, unless `--yes` was given.
fn ask(question: &str, yes: bool, ui: &Ui) -> Result<()> {
    if yes {
        return Ok(());
    }
    runtime::block_on(false, prompt::confirm(ui, question))
}
