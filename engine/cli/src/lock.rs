//! The lock of a command that changes something.

use std::time::{Duration, Instant};

use subako_engine::world::NextCommand;
use subako_state::{Holder, Lock, LockError, Store};

use crate::error::{CliError, Result};
use crate::hint::Hint;
use crate::project::Project;
use crate::ui::Ui;
use crate::who;

/// Takes the lock, waiting for it as long as `--lock-timeout` says, or says who has it (exit code
/// 5). A dead holder's lock is taken over with a word.
pub fn take(project: &Project, command: &str, ui: &Ui) -> Result<Lock> {
    let lock = take_silently(project, command, ui)?;
    if let Some(holder) = lock.left_by() {
        ui.note(&taken_over(holder));
    }
    Ok(lock)
}

/// As [`take`], without the word about a dead holder.
pub fn take_silently(project: &Project, command: &str, ui: &Ui) -> Result<Lock> {
    take_of(&project.store, project.lock_timeout, command, ui)
}

/// As [`take_silently`], the lock of a store, waiting so long for it.
pub fn take_of(store: &Store, timeout: Duration, command: &str, ui: &Ui) -> Result<Lock> {
    let started = Instant::now();
    let mut said = false;
    let lock = loop {
        match store.lock(&who::this_process(command, &ui.typed)) {
            Err(LockError::Held { holder }) if started.elapsed() < timeout => {
                if !said {
                    let who =
                        holder.map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
                    ui.note(&format!(
                        "waiting up to {} s for the lock, which {who} holds",
                        timeout.as_secs()
                    ));
                }
                said = true;
                std::thread::sleep(store.look_every());
            }
            taken => break taken.map_err(|error| held(error, store.lease()))?,
        }
    };
    for repair in lock.repairs() {
        ui.note(&repair.to_string());
    }
    Ok(lock)
}

fn held(error: LockError, lease: Option<Duration>) -> CliError {
    match error {
        LockError::Held { holder: Some(holder) } => {
            let error = CliError::refused(format!("the state is locked by {holder}"))
                .help(format!(
                    "wait until it is done (`--lock-timeout 10m` does), or stop it with `kill {}` on {}: it undoes what it did and gives the lock back",
                    holder.pid, holder.host
                ))
                .help(Hint::run(NextCommand::Plan, " shows how far it is"));
            match lease {
                Some(lease) => error.help(format!(
                    "if it was killed, or its machine is gone, nobody is heard of for {0} s and the lock is free: a `--lock-timeout` longer than {0} s takes it over then",
                    lease.as_secs()
                )),
                None => error,
            }
        }
        error => error.into(),
    }
}

/// What is said when a dead holder's lock was taken over.
pub fn taken_over(holder: &Holder) -> String {
    format!("took over the lock of {holder}, which exited without releasing it")
}
