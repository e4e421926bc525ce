//! What every command that only looks says of a run that did not end.

use subako_engine::session::{Session, Settled, Unfinished};
use subako_engine::world::NextCommand;
use subako_state::Direction;

use crate::error::Result;
use crate::hint::Hint;
use crate::render::document::UnfinishedRun;
use crate::render::report;
use crate::ui::Ui;

/// Says that a run did not end, or is still going on, and the way out; what a document says of it.
pub fn say<W>(session: &Session<W>, ui: &Ui) -> Result<Option<UnfinishedRun>> {
    // A state that cannot be read is the command's own matter.
    let Ok(known) = session.load() else {
        return Ok(None);
    };
    let Some(unfinished) = &known.unfinished else {
        running(session, ui)?;
        return Ok(None);
    };
    let run = UnfinishedRun::new(unfinished, session.lock_view()?);
    if run.running {
        let who = run
            .holder
            .as_ref()
            .map_or_else(|| format!("`subako {}`", unfinished.command), ToString::to_string);
        ui.note(&format!("{who} is running: {}", progress(unfinished)));
        return Ok(Some(run));
    }
    ui.warn(&found(unfinished));
    details(unfinished, ui);
    for way in Hint::ways_on(unfinished.can_go_back()) {
        ui.help(&way);
    }
    Ok(Some(run))
}

/// Says that somebody is at it who has not begun to change anything: planning, or asking.
fn running<W>(session: &Session<W>, ui: &Ui) -> Result<()> {
    let lock = session.lock_view()?;
    if let (true, Some(holder)) = (lock.alive, &lock.holder) {
        ui.note(&format!("{holder} is running, and has not changed anything yet"));
    }
    Ok(())
}

/// As a note, where the command goes on from there.
pub fn note(unfinished: &Unfinished, ui: &Ui) {
    ui.note(&found(unfinished));
    details(unfinished, ui);
}

/// Names what an unfinished run may have done where nobody can say now, and the way out.
pub fn say_unknown(settled: Option<&Settled>, ui: &Ui) {
    let Some(settled) = settled.filter(|settled| !settled.unknown.is_empty()) else {
        return;
    };
    ui.warn(&format!(
        "cannot tell whether it happened, because what would know does not answer: {}",
        report::list(&settled.unknown)
    ));
    ui.help(&Hint::run(
        NextCommand::Apply,
        " goes on with what can be read; it starts a host that is stopped, restarts one that hangs, and replaces one that is terminated",
    ));
    ui.help(&Hint::run(
        NextCommand::Destroy,
        " deletes all of it, without asking such a host",
    ));
}

fn found(unfinished: &Unfinished) -> String {
    let mut text = format!(
        "unfinished `subako {}`: {}",
        unfinished.command,
        progress(unfinished)
    );
    if !unfinished.in_flight.is_empty() {
        text.push_str("; outcome unknown: ");
        text.push_str(&report::list(&unfinished.in_flight));
    }
    text
}

fn details(unfinished: &Unfinished, ui: &Ui) {
    for (address, why) in &unfinished.failed {
        ui.detail(&format!("{address}: {why}"));
    }
}

fn progress(unfinished: &Unfinished) -> String {
    let turned = match unfinished.direction {
        Direction::Back => ", being undone",
        Direction::Forward | Direction::Keep => "",
    };
    format!("{} of {} steps done{turned}", unfinished.done, unfinished.of)
}
