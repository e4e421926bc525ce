//! `subako lock show|release`.

use std::time::Instant;

use subako_engine::session::{Offline, Session};
use subako_state::{Holder, LockError};

use crate::args::{Format, Global, LockCommand};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::recorded::Needs;
use crate::render::document;
use crate::ui::Ui;
use crate::unfinished;
use crate::who;

/// Shows the lock, or releases a dead one.
pub fn run(global: &Global, command: &LockCommand, ui: &Ui) -> Result<Exit> {
    let project = Project::open_recorded(global, ui, Needs::State)?;
    let session = project.offline();
    let found = session.lock_view()?;
    match command {
        LockCommand::Show { format: Format::Json } => {
            let unfinished = unfinished::say(&session, ui)?;
            ui.print(&document::json("the lock", &found, unfinished.as_ref())?)?;
        }
        LockCommand::Show { format: Format::Text } => {
            unfinished::say(&session, ui)?;
            ui.line(&match (&found.holder, found.alive) {
            (Some(holder), true) => format!("Locked by {holder}."),
            (None, true) => "Locked by a process that has not said its name.".to_owned(),
            (Some(holder), false) => format!(
                "Left by {holder}, which exited without releasing it. It blocks nothing: the next command takes it over."
            ),
            (None, false) => "Nobody holds the lock.".to_owned(),
        })?;
        }
        LockCommand::Release => match (found.holder, found.alive) {
            (holder, true) => return Err(alive(holder)),
            (Some(holder), false) => {
                release(&project, &session, ui)?;
                ui.line(&format!("Released the lock of {holder}."))?;
            }
            (None, false) => ui.line("Nobody holds the lock.")?,
        },
    }
    Ok(Exit::Done)
}

/// Clears the name of a dead holder. Where a lock ends by not being renewed this process has to see
/// for itself, on its own clock, that nobody does.
fn release(project: &Project, session: &Session<Offline>, ui: &Ui) -> Result<()> {
    let lease = project.store.lease().unwrap_or_default();
    let started = Instant::now();
    loop {
        match session.release_lock(&who::this_process("lock release", &ui.typed)) {
            Err(LockError::Held { .. }) if started.elapsed() < lease + lease / 4 => {
                std::thread::sleep(project.store.look_every());
            }
            Err(LockError::Held { holder }) => return Err(alive(holder)),
            released => return Ok(released?),
        }
    }
}

fn alive(holder: Option<Holder>) -> CliError {
    let who = holder
        .as_ref()
        .map_or_else(|| "a process".to_owned(), ToString::to_string);
    let error = CliError::refused(format!(
        "the lock is held by {who}, which is alive: it is not released"
    ));
    match holder {
        Some(holder) => error.help(format!(
            "stop it with `kill {}` on {}: it undoes what it did and gives the lock back",
            holder.pid, holder.host
        )),
        None => error,
    }
}
