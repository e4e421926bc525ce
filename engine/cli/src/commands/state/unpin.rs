//! `subako state unpin`.

use super::ask;
use crate::error::Result;
use crate::lock;
use crate::project::Project;
use crate::ui::Ui;

/// Forgets the bastion's host key, after asking.
pub fn run(project: &Project, yes: bool, ui: &Ui) -> Result<()> {
    let session = project.offline();
    let _lock = lock::take(project, "state unpin", ui)?;
    let question = "Forget the bastion's host key? The next apply trusts the one that is shown then.";
    ask(question, yes, ui)?;
    if session.unpin_bastion()? {
        ui.line("Forgot the bastion's host key.")?;
    } else {
        ui.line("No host key of a bastion is pinned.")?;
    }
    Ok(())
}
