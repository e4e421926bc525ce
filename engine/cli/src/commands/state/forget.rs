//! `subako state rm`.

use super::ask;
use crate::error::Result;
use crate::lock;
use crate::project::Project;
use crate::render::report;
use crate::ui::Ui;

/// Forgets resources, after asking.
pub fn run(project: &Project, patterns: &[String], yes: bool, ui: &Ui) -> Result<()> {
    let session = project.offline();
    let _lock = lock::take(project, "state rm", ui)?;
    let forgetting = session.draft_forget(patterns)?;
    if !forgetting.needing.is_empty() {
        ui.warn(&format!(
            "these depend on what is forgotten: {}",
            report::list(&forgetting.needing)
        ));
    }
    let leaving = report::list(&forgetting.leaving);
    let question =
        format!("Forget {leaving}? The world is left as it is: what runs goes on to run, and to cost.");
    ask(&question, yes, ui)?;
    session.forget(&forgetting)?;
    ui.line(&format!("Forgot {leaving}."))?;
    ui.note("the world is as it was: by its tags the next apply adopts again what the manifest has, and deletes what it does not have; what is to stay must lose its tags");
    Ok(())
}
