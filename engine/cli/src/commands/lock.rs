//! `subako lock show|release`.

use serde::Serialize;
use subako_state::{Holder, Lock};

use crate::args::{Format, Global, LockCommand};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::lock;
use crate::project::Project;
use crate::ui::Ui;

#[derive(Serialize)]
struct Document {
    format_version: u32,
    locked: bool,
    alive: bool,
    holder: Option<Holder>,
}

/// Shows the lock, or releases a dead one.
pub fn run(global: &Global, command: &LockCommand, ui: &Ui) -> Result<Exit> {
    let project = Project::open(global, ui)?;
    let found = Lock::inspect(&project.store.lock_path())?;
    match command {
        LockCommand::Show { format: Format::Json } => {
            let (holder, alive) = found.clone().unwrap_or((None, false));
            let document = Document {
                format_version: 1,
                locked: found.is_some(),
                alive,
                holder,
            };
            let text = serde_json::to_string(&document)
                .map_err(|error| CliError::new(format!("failed to write the lock: {error}")))?;
            ui.print(&(text + "\n"))?;
        }
        LockCommand::Show { format: Format::Text } => ui.print(&match found {
            None => "Nobody holds the lock.\n".to_owned(),
            Some((Some(holder), true)) => format!("Locked by {holder}.\n"),
            Some((None, true)) => "Locked by a process that has not said its name.\n".to_owned(),
            Some((Some(holder), false)) => format!(
                "Left by {holder}, which ended without giving it back. It blocks nobody: the next command takes it over.\n"
            ),
            Some((None, false)) => "Nobody holds the lock.\n".to_owned(),
        })?,
        LockCommand::Release => match found {
            Some((holder, true)) => {
                let who = holder
                    .as_ref()
                    .map_or_else(|| "a process".to_owned(), ToString::to_string);
                let mut error =
                    CliError::refused(format!("the lock is held by {who}, which is alive: it is not released"));
                if let Some(holder) = holder {
                    error = error.help(format!(
                        "stop it with `kill {}` on {}: it undoes what it did and gives the lock back",
                        holder.pid, holder.host
                    ));
                }
                return Err(error);
            }
            Some((Some(holder), false)) => {
                // Taking it and giving it back clears the dead holder's name.
                drop(lock::take(&project.store, "lock release")?);
                ui.print(&format!("Released the lock of {holder}.\n"))?;
            }
            _ => ui.print("Nobody holds the lock.\n")?,
        },
    }
    Ok(Exit::Done)
}
