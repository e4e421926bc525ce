//! The lock of a command that changes something.

use subako_engine::session::Session;
use subako_state::{Holder, Lock, LockError};

use crate::error::{CliError, Result};
use crate::ui::Ui;

/// Takes the lock, or says who has it (exit code 5). A dead holder's lock is taken over with a
/// word.
pub fn take<W>(session: &Session<W>, command: &str, ui: &Ui) -> Result<Lock> {
    let lock = take_silently(session, command)?;
    if let Some(holder) = lock.left_by() {
        ui.note(&taken_over(holder));
    }
    Ok(lock)
}

/// As [`take`], without the word.
pub fn take_silently<W>(session: &Session<W>, command: &str) -> Result<Lock> {
    session.lock(&this_process(command)).map_err(|error| match error {
        LockError::Held { holder: Some(holder) } => {
            CliError::refused(format!("the state is locked by {holder}")).help(format!(
                "wait until it is done, or stop it with `kill {}` on {}: it undoes what it did and gives the lock back",
                holder.pid, holder.host
            ))
        }
        error => error.into(),
    })
}

/// What is said when a dead holder's lock was taken over.
pub fn taken_over(holder: &Holder) -> String {
    format!("took over the lock of {holder}, which ended without giving it back")
}

/// This process as a holder.
pub fn this_process(command: &str) -> Holder {
    Holder {
        pid: std::process::id(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        command: command.to_owned(),
        since: now(),
    }
}

/// Now, RFC 3339, to the second.
fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string()
}
