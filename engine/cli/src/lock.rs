//! The lock of a command that changes something.

use subako_state::{Holder, Lock, LockError, Store};

use crate::error::{CliError, Result};

/// Takes the lock, or says who has it (exit code 5).
pub fn take(store: &Store, command: &str) -> Result<Lock> {
    store.prepare()?;
    let holder = Holder {
        pid: std::process::id(),
        host: host(),
        command: command.to_owned(),
        since: now(),
    };
    Lock::acquire(&store.lock_path(), &holder).map_err(|error| match error {
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

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Now, RFC 3339, to the second.
fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string()
}
