//! What every command that only looks says of a run that did not end.

use subako_engine::session::{Session, Unfinished};
use subako_state::Direction;

use crate::error::Result;
use crate::project::Project;
use crate::render::{report, value};
use crate::ui::Ui;

/// Says that a run did not end, or is still going on, and the way out.
pub fn say<W>(project: &Project, session: &Session<W>, ui: &Ui) -> Result<()> {
    // A state that cannot be read is the command's own matter.
    let Ok(known) = session.load() else { return Ok(()) };
    let Some(unfinished) = &known.unfinished else {
        return Ok(());
    };
    let lock = session.lock_view()?;
    if lock.alive {
        let who = lock.holder.map_or_else(
            || format!("`subako {}`", unfinished.command),
            |holder| holder.to_string(),
        );
        ui.note(&format!("{who} is running: {}", progress(unfinished)));
        return Ok(());
    }
    ui.warn(&found(unfinished));
    let options = &project.options;
    ui.help(&format!("`subako recover --forward{options}` finishes it"));
    ui.help(&format!(
        "`subako recover --back{options}` undoes it, as far as it can be undone"
    ));
    Ok(())
}

/// What is said of a run that did not end.
pub fn found(unfinished: &Unfinished) -> String {
    let mut text = format!(
        "unfinished `subako {}`: {}",
        unfinished.command,
        progress(unfinished)
    );
    if !unfinished.in_flight.is_empty() {
        text.push_str("; outcome unknown: ");
        text.push_str(&report::list(&unfinished.in_flight));
    }
    for (address, why) in &unfinished.failed {
        text.push_str(&format!("\n  {address}: {}", value::printable(why)));
    }
    text
}

fn progress(unfinished: &Unfinished) -> String {
    let turned = match unfinished.direction {
        Direction::Back => ", being undone",
        Direction::Forward | Direction::Keep => "",
    };
    format!("{} of {} steps done{turned}", unfinished.done, unfinished.of)
}
