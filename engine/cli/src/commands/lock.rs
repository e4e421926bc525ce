//! `subako lock show|release`.

use std::time::Instant;

use subako_engine::session::{LockView, Offline, Session};
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
            shown(&found).iter().try_for_each(|line| ui.line(line))?;
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

/// The lock, for people: who has it, what that is doing, where and since when.
fn shown(found: &LockView) -> Vec<String> {
    let mut lines = vec![match (&found.holder, found.alive) {
        (Some(holder), true) => format!("Locked by {holder}."),
        (None, true) => "Locked by a process that has not said its name.".to_owned(),
        (Some(holder), false) => format!(
            "Left by {holder}, which exited without releasing it. It blocks nothing: the next command takes it over."
        ),
        (None, false) => "Nobody holds the lock.".to_owned(),
    }];
    if let Some(holder) = &found.holder {
        let parts = [
            ("user", holder.user.as_deref()),
            ("command line", holder.line.as_deref()),
            ("CI run", holder.run_url.as_deref()),
        ];
        let said = parts.into_iter().filter_map(|(what, said)| Some((what, said?)));
        lines.extend(said.map(|(what, said)| format!("  {what}: {said}")));
    }
    if let (Some(ago), Some(lease)) = (found.renewed_s_ago, found.lease_s) {
        lines.push(format!("  last renewed: {ago} s ago (the lease is {lease} s)"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_shown_with_all_that_it_says() {
        let holder = Holder {
            pid: 7,
            host: "build-7".into(),
            command: "apply".into(),
            since: "2026-01-01T00:00:00Z".into(),
            user: Some("alice".into()),
            line: Some("subako apply --yes".into()),
            run_url: Some("https://forge.example/runs/17".into()),
        };
        let found = LockView {
            locked: true,
            alive: true,
            holder: Some(holder),
            renewed_s_ago: Some(12),
            lease_s: Some(60),
        };
        assert_eq!(
            shown(&found),
            [
                "Locked by `subako apply` (pid 7 on build-7, since 2026-01-01T00:00:00Z).",
                "  user: alice",
                "  command line: subako apply --yes",
                "  CI run: https://forge.example/runs/17",
                "  last renewed: 12 s ago (the lease is 60 s)",
            ]
        );
        let nobody = LockView {
            locked: false,
            alive: false,
            holder: None,
            renewed_s_ago: None,
            lease_s: None,
        };
        assert_eq!(shown(&nobody), ["Nobody holds the lock."]);
    }
}
