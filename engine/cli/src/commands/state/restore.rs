//! `subako state restore`.

use subako_engine::world::NextCommand;

use super::ask;
use crate::error::Result;
use crate::hint::Hint;
use crate::lock;
use crate::project::Project;
use crate::ui::Ui;

/// Puts an earlier state in place of the current one, after asking.
pub fn run(project: &Project, serial: u64, yes: bool, ui: &Ui) -> Result<()> {
    let session = project.offline();
    let _lock = lock::take(project, "state restore", ui)?;
    let item = session.draft_restore(serial)?;
    let question = format!(
        "Put serial {serial} ({} resources) in place of the current state? The world is left as it is.",
        item.resources
    );
    ask(&question, yes, ui)?;
    let digest = session.restore(&item)?;
    ui.print(&format!(
        "The state is serial {serial} again, digest {}.\n",
        digest.short()
    ))?;
    ui.help(&Hint::run(
        NextCommand::Plan,
        " shows how the world differs from it",
    ));
    Ok(())
}
