//! `subako state rebuild`.

use subako_engine::world::NextCommand;

use super::ask;
use crate::error::Result;
use crate::hint::Hint;
use crate::lock;
use crate::project::Project;
use crate::provider::Cluster;
use crate::render::report;
use crate::runtime;
use crate::ui::Ui;

/// Rebuilds the state from the world's tags, after asking.
pub fn run(project: &Project, target: &[String], yes: bool, ui: &Ui) -> Result<()> {
    let _lock = lock::take(project, "state rebuild", ui)?;
    let (session, rebuilding) = runtime::block_on(project.is_instant(), async {
        let session = Cluster::open(project).await?.session;
        let rebuilding = session.draft_rebuild(target).await?;
        Ok((session, rebuilding))
    })?;
    let resources = &rebuilding.snapshot.resources;
    let addresses: Vec<_> = resources
        .iter()
        .map(|resource| resource.address.clone())
        .collect();
    ui.line(&format!("Found by their tags: {}", report::list(&addresses)))?;
    if !rebuilding.strange.is_empty() {
        ui.warn("these carry the tags too, and are not in the state: the next plan deletes those that the manifest does not have");
        ui.say(report::residue(&rebuilding.strange, ui.err).trim_end());
    }
    let question = "Make this the state? What is there now is kept beside it. The world is left as it is.";
    ask(question, yes, ui)?;
    let rebuilt = session.rebuild(&rebuilding)?;
    for (was, is) in &rebuilt.kept {
        ui.note(&format!("{was} is kept as {is}"));
    }
    ui.print(&format!(
        "The state has {} resources again (serial {}, digest {}).\n",
        resources.len(),
        rebuilding.snapshot.serial,
        rebuilt.digest.short()
    ))?;
    ui.help(&Hint::run(
        NextCommand::Plan,
        " shows what the manifest wants beyond it",
    ));
    Ok(())
}
